import { createContext, type ReactNode, useContext, useEffect, useMemo, useState } from 'react'
import { createFormat, type Format } from './format.ts'
import { catalogues, type Language, languageOf, locales, type Texts } from './texts/index.ts'

interface LanguageInUse {
  language: Language
  texts: Texts
  format: Format
  choose(language: Language): void
}

const Context = createContext<LanguageInUse | null>(null)
const storageName = 'urna:language'

/** What the visitor chose here before; else the first of the browser's languages that there is a catalogue for. */
export function firstLanguage(): Language {
  const chosen = readChosen()
  return chosen !== null && Object.hasOwn(catalogues, chosen) ? (chosen as Language) : languageOf(navigator.languages)
}

export function LanguageProvider({ first, children }: { first: Language; children: ReactNode }) {
  const [language, setLanguage] = useState(first)
  const inUse = useMemo<LanguageInUse>(
    () => ({
      language,
      texts: catalogues[language],
      format: createFormat(locales[language]),
      choose(chosen) {
        keepChosen(chosen)
        setLanguage(chosen)
      },
    }),
    [language],
  )
  useEffect(() => {
    // Screen readers pronounce by it, and browsers offer to translate by it.
    document.documentElement.lang = language
  }, [language])
  return <Context value={inUse}>{children}</Context>
}

export function useLanguage(): LanguageInUse {
  const inUse = useContext(Context)
  if (inUse === null) throw new Error('there is no LanguageProvider around this component')
  return inUse
}

export function useTexts(): Texts {
  return useLanguage().texts
}

function readChosen(): string | null {
  try {
    return localStorage.getItem(storageName)
  } catch {
    return null
  }
}

function keepChosen(language: Language): void {
  try {
    localStorage.setItem(storageName, language)
  } catch {
    // A browser that keeps nothing asks for the language again at the next visit.
  }
}
