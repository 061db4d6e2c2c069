// @vitest-environment jsdom
import { screen } from '@testing-library/react'
import { expect, test, vi } from 'vitest'
import { firstLanguage } from './language.tsx'
import { json } from './testing/fake-api.ts'
import { inFakeBrowser, visit } from './testing/pages.tsx'
import { routes } from './testing/samples.ts'
import { catalogues, languageNames, languageOf } from './texts/index.ts'

const browser = inFakeBrowser()

test.each([
  [['pt-BR', 'en'], 'pt-BR'],
  [['pt-PT'], 'pt-BR'],
  [['pt'], 'pt-BR'],
  [['PT-br'], 'pt-BR'],
  [['en-US', 'pt-BR'], 'en'],
  [['de-AT', 'fr', 'pt-BR', 'en'], 'pt-BR'],
  [['de', 'en-GB', 'pt'], 'en'],
  [['de', 'ja'], 'en'],
  [['ptx', 'english'], 'en'],
  [[], 'en'],
] as const)("a browser's list %j begins in %s", (preferred, language) => {
  expect(languageOf(preferred)).toBe(language)
  vi.spyOn(navigator, 'languages', 'get').mockReturnValue(preferred)
  expect(firstLanguage()).toBe(language)
})

test('what was chosen here before goes before the list; what is no language of ours does not', () => {
  vi.spyOn(navigator, 'languages', 'get').mockReturnValue(['en'])
  localStorage.setItem('urna:language', 'pt-BR')
  expect(firstLanguage()).toBe('pt-BR')
  for (const wrong of ['tlh', '']) {
    localStorage.setItem('urna:language', wrong)
    expect(firstLanguage()).toBe('en')
  }
})

test('the switch changes every word, says its own name in its own language, and is remembered', async () => {
  browser.api.on(routes.polls, json({ polls: [], next: null }))
  const user = await visit('/')
  expect(document.documentElement.lang).toBe('en')
  const toPortuguese = screen.getByRole('button', { name: languageNames['pt-BR'] })
  expect(toPortuguese.lang).toBe('pt-BR')
  expect(screen.queryByRole('button', { name: languageNames.en })).toBeNull()
  await user.click(toPortuguese)
  expect(screen.getByRole('heading', { level: 1, name: catalogues['pt-BR'].home.title })).toBeTruthy()
  expect(document.documentElement.lang).toBe('pt-BR')
  expect(firstLanguage()).toBe('pt-BR')
  await user.click(screen.getByRole('button', { name: languageNames.en }))
  expect(firstLanguage()).toBe('en')
})

test('a browser that keeps nothing still switches', async () => {
  browser.api.on(routes.polls, json({ polls: [], next: null }))
  const refuse = () => {
    throw new DOMException('The operation is insecure.', 'SecurityError')
  }
  vi.spyOn(Storage.prototype, 'getItem').mockImplementation(refuse)
  vi.spyOn(Storage.prototype, 'setItem').mockImplementation(refuse)
  expect(firstLanguage()).toBe('en')
  const user = await visit('/', firstLanguage())
  await user.click(screen.getByRole('button', { name: languageNames['pt-BR'] }))
  expect(screen.getByRole('heading', { level: 1, name: catalogues['pt-BR'].home.title })).toBeTruthy()
})
