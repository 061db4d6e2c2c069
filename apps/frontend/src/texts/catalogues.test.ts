import { describe, expect, test } from 'vitest'
import { administrationCatalogues } from '../administration/texts/index.ts'
import { catalogues } from './index.ts'

type Text = string | ((...sample: never[]) => string)

/** Every text of a catalogue by the path to it. */
function textsOf(catalogue: object, path = ''): [string, Text][] {
  return Object.entries(catalogue).flatMap(([key, value]): [string, Text][] =>
    typeof value === 'object' && value !== null ? textsOf(value, `${path}${key}.`) : [[`${path}${key}`, value as Text]],
  )
}

/** The voters' catalogues and those of the administration, with the words that are the same in both languages, or names. */
const sets = [
  { name: 'voters', catalogues, sameInAll: ['site.name', 'results.final'] },
  { name: 'administration', catalogues: administrationCatalogues, sameInAll: ['polls.csv'] },
]

/** What a text says for each of these counts; where it takes several values, they differ. A number does for a time or a name too. */
const counts = [0, 1, 2, 1_234]
function samples(text: Text): string[] {
  if (typeof text === 'string') return [text]
  return counts.map((_, first) => said(text, (place) => counts[(first + place) % counts.length] ?? 0))
}

function said(text: Exclude<Text, string>, value: (place: number) => number): string {
  return (text as (...values: number[]) => string)(...Array.from({ length: text.length }, (_, place) => value(place)))
}

/** Which of its values a text puts in: `turnout` takes a number only to choose between voter and voters. */
function valuesIn(text: Exclude<Text, string>): string[] {
  const found = said(text, (place) => 7_001 + place).match(/7[.,]?00\d/g) ?? []
  return [...new Set(found.map((value) => value.replace(/[.,]/, '')))].sort()
}

describe.each(sets)('$name', ({ catalogues, sameInAll }) => {
  const { en: english, ...others } = catalogues
  const englishTexts = new Map(textsOf(english))

  test('there are texts of both kinds', () => {
    const kinds = [...englishTexts.values()].map((text) => typeof text)
    expect(kinds.filter((kind) => kind === 'string').length).toBeGreaterThan(100)
    expect(kinds.filter((kind) => kind === 'function').length).toBeGreaterThan(10)
  })

  test.each(Object.entries(others))('%s has the keys of English, and no others', (_, catalogue) => {
    const keys = textsOf(catalogue).map(([key]) => key)
    expect(keys.sort()).toEqual([...englishTexts.keys()].sort())
  })

  test.each(Object.entries(catalogues))('%s: every text is one, with nothing missing in it', (_, catalogue) => {
    for (const [key, text] of textsOf(catalogue)) {
      expect(['string', 'function'], key).toContain(typeof text)
      for (const sample of samples(text)) {
        expect(sample.trim(), key).toBe(sample)
        expect(sample, key).not.toBe('')
        expect(sample, key).not.toMatch(/undefined|NaN|null|\[object|\s\s|TODO|\$\{/)
      }
    }
  })

  for (const [language, catalogue] of Object.entries(others)) {
    const texts = textsOf(catalogue)

    test(`${language}: every text takes what English takes, and says all of it`, () => {
      for (const [key, text] of texts) {
        const inEnglish = englishTexts.get(key)
        expect(typeof text, key).toBe(typeof inEnglish)
        if (typeof text === 'string' || typeof inEnglish !== 'function') continue
        expect(text.length, key).toBe(inEnglish.length)
        expect(valuesIn(text), key).toEqual(valuesIn(inEnglish))
      }
    })

    test(`${language}: nothing is left in English`, () => {
      const same = texts.filter(([key, text]) => {
        const inEnglish = englishTexts.get(key)
        return inEnglish !== undefined && samples(text).some((sample, index) => sample === samples(inEnglish)[index])
      })
      expect(same.map(([key]) => key).sort()).toEqual([...sameInAll].sort())
    })
  }
})

test.each([
  ['en', 1_234, '1,234 votes', '1 vote', '0 votes'],
  ['pt-BR', 1_234, '1.234 votos', '1 voto', '0 votos'],
] as const)('%s counts %d as it is written there', (language, many, manyVotes, oneVote, noVotes) => {
  const { votes } = catalogues[language].results
  expect([votes(many), votes(1), votes(0)]).toEqual([manyVotes, oneVote, noVotes])
})

const choices: [number, number, number, string, string][] = [
  [2, 2, 5, 'Choose exactly 2.', 'Escolha exatamente 2 opções.'],
  [1, 5, 5, 'Choose one or more.', 'Escolha uma ou mais opções.'],
  [2, 5, 5, 'Choose at least 2.', 'Escolha pelo menos 2 opções.'],
  [1, 3, 5, 'Choose up to 3.', 'Escolha até 3 opções.'],
  [2, 3, 5, 'Choose 2 to 3.', 'Escolha de 2 a 3 opções.'],
]
test.each(choices)('%d to %d of %d: %s, %s', (min, max, options, inEnglish, inPortuguese) => {
  expect(catalogues.en.vote.chooseSome(min, max, options)).toBe(inEnglish)
  expect(catalogues['pt-BR'].vote.chooseSome(min, max, options)).toBe(inPortuguese)
})
