import { catalogues, type Texts } from '../../apps/frontend/src/texts/index.ts'
import type { Language } from '../support/browser.ts'

/** What the pages say to a visitor of this language: tests ask for a control by its name, whatever the wording of the day is. */
export function wordsOf(language: Language): Texts {
  return language === 'pt-BR' ? catalogues['pt-BR'] : catalogues.en
}
