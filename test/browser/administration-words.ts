import { type AdministrationTexts, administrationCatalogues } from '../../apps/frontend/src/administration/texts/index.ts'
import type { Language } from '../support/browser.ts'

/** What the administration pages say to a visitor of this language. */
export function administrationWordsOf(language: Language): AdministrationTexts {
  return language === 'pt-BR' ? administrationCatalogues['pt-BR'] : administrationCatalogues.en
}
