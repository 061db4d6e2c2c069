import { useLanguage } from '../language.tsx'
import { type Language, languageNames } from '../texts/index.ts'

const languages = Object.keys(languageNames) as Language[]

/** The other languages, each by its own name and in its own voice. */
export function LanguageSwitch() {
  const { language, texts, choose } = useLanguage()
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset is for forms
    <div className="language-switch" role="group" aria-label={texts.site.languages}>
      {languages
        .filter((other) => other !== language)
        .map((other) => (
          <button key={other} type="button" className="link-button" lang={other} onClick={() => choose(other)}>
            {languageNames[other]}
          </button>
        ))}
    </div>
  )
}
