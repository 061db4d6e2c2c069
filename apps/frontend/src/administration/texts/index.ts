/** Every word of the administration pages, by language: loaded with them, never by voters. */

import type { Language } from '../../texts/index.ts'
import { type AdministrationTexts, en } from './en.ts'
import { ptBr } from './pt-br.ts'

export type { AdministrationTexts } from './en.ts'

export const administrationCatalogues: Record<Language, AdministrationTexts> = { en, 'pt-BR': ptBr }
