import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { chosenApiUrl } from './settings.ts'

const complaints = vi.spyOn(console, 'error').mockReturnValue()

beforeEach(() => {
  complaints.mockClear()
})
afterEach(() => {
  vi.unstubAllGlobals()
  vi.resetModules()
})

test.each([
  ['nothing said: where the pages came from', undefined, '', ''],
  ['empty at run time', '', '', ''],
  ['spaces only at run time', '  ', ' https://api.example ', 'https://api.example'],
  ['spaces only', ' ', ' ', ''],
  ['built with an address', '', 'https://api.example', 'https://api.example'],
  ['run time wins', 'https://other.example', 'https://api.example', 'https://other.example'],
  ['a slash at the end', 'https://api.example/', '', 'https://api.example'],
  ['a path', ' https://example/urna// ', '', 'https://example/urna'],
  ['a port', 'http://10.0.0.7:8080', '', 'http://10.0.0.7:8080'],
  ['a query does not belong there', 'https://api.example/?a=1#b', '', 'https://api.example'],
  ['something that is no text', 42, 'https://api.example', 'https://api.example'],
])('%s', (_, atRunTime, atBuild, expected) => {
  expect(chosenApiUrl(atRunTime, atBuild)).toBe(expected)
  expect(complaints).not.toHaveBeenCalled()
})

test.each(['api.example', 'ftp://api.example', 'javascript:alert(1)', '/v1'])(
  '%s is no address: said on the console, and that of the build is used; one of the build fails it',
  (wrong) => {
    expect(chosenApiUrl(wrong, 'https://api.example')).toBe('https://api.example')
    expect(complaints).toHaveBeenCalledWith(expect.stringContaining(wrong))
    expect(() => chosenApiUrl('', wrong)).toThrow('API_URL: expected an address')
  },
)

test.each([
  ['at its own address', undefined, '/v1/polls', 'same-origin'],
  ['elsewhere, with the cookie that knows the voter', 'https://api.example/', 'https://api.example/v1/polls', 'include'],
])('the api is asked %s', async (_, apiUrl, address, credentials) => {
  vi.stubGlobal('urnaSettings', { apiUrl })
  const asked = vi.fn<typeof fetch>(async () => Response.json({ polls: [], next: null }))
  vi.stubGlobal('fetch', asked)
  const { getPolls, resultsCsvUrl } = await import('./api.ts')
  await getPolls(null, new AbortController().signal)
  expect(asked).toHaveBeenCalledWith(address, expect.objectContaining({ credentials }))
  // A plain link needs the whole address too.
  expect(resultsCsvUrl('1h7qk3v9m2x4c6d0')).toBe(`${address}/1h7qk3v9m2x4c6d0/results.csv`)
})
