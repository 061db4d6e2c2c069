/** Every word the pages say themselves, by language. What a poll says is its author's. */

import { en, type Texts } from './en.ts'
import { ptBr } from './pt-br.ts'

export type { Texts } from './en.ts'

export type Language = 'en' | 'pt-BR'

export const catalogues: Record<Language, Texts> = { en, 'pt-BR': ptBr }

/** How each language calls itself: whoever looks for it may not read the other one. */
export const languageNames: Record<Language, string> = { en: 'English', 'pt-BR': 'Português' }

/** For numbers and dates; the language of the texts alone would give American dates. */
export const locales: Record<Language, string> = { en: 'en-GB', 'pt-BR': 'pt-BR' }

/** The first of the browser's languages that there is a catalogue for; English if there is none. */
export function languageOf(preferred: readonly string[]): Language {
  for (const tag of preferred) {
    if (/^pt\b/i.test(tag)) return 'pt-BR'
    if (/^en\b/i.test(tag)) return 'en'
  }
  return 'en'
}
