import { useLanguage } from '../language.tsx'
import { type Language, languageNames } from '../texts/index.ts'

const languages = Object.keys(languageNames) as Language[]

/** Leads to the next language, by its own name and in its own voice. One button that stays, so that the focus stays on it. */
export function LanguageSwitch() {
  const { language, choose } = useLanguage()
  const next = languages[(languages.indexOf(language) + 1) % languages.length] ?? language
  return (
    <button type="button" className="link-button" lang={next} onClick={() => choose(next)}>
      {languageNames[next]}
    </button>
  )
}
