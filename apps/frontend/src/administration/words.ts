import { useLanguage } from '../language.tsx'
import { type AdministrationTexts, administrationCatalogues } from './texts/index.ts'

/** The words of the administration in the reader's language; those it shares with the voters' pages are `texts`. */
export function useWords(): ReturnType<typeof useLanguage> & { words: AdministrationTexts } {
  const inUse = useLanguage()
  return { ...inUse, words: administrationCatalogues[inUse.language] }
}
