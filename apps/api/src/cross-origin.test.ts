import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type TestApi, testApi } from './testing/test-api.ts'

const listed = 'https://pages.example'
let api: TestApi
let ballots: string
beforeAll(async () => {
  api = await testApi({ allowedOrigins: [listed, 'http://localhost:8000'] })
  ballots = `/v1/polls/${api.addPoll().id}/ballots`
})
afterAll(() => api.app.close())

const corsOf = (headers: Record<string, unknown>) =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => name.startsWith('access-')))

function preflight(url: string, origin: string, asked = 'content-type') {
  const headers = { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': asked }
  return api.app.inject({ method: 'OPTIONS', url, headers })
}

describe('pages of listed origins', () => {
  it.each(['/v1/polls', '/v1/config', '/v1/receipts/x'])('read %s with credentials', async (url) => {
    const { headers } = await api.app.inject({ url, headers: { origin: listed } })
    expect(headers).toMatchObject({ 'access-control-allow-origin': listed, 'access-control-allow-credentials': 'true', vary: 'Origin' })
  })

  it('are told which headers they may send: those that a route reads', async () => {
    const { statusCode, headers } = await preflight(ballots, listed, 'idempotency-key,x-other')
    expect([statusCode, headers['access-control-allow-origin'], headers['access-control-allow-credentials']]).toEqual([204, listed, 'true'])
    const allowed = String(headers['access-control-allow-headers']).toLowerCase().split(', ')
    const inUse = ['idempotency-key', 'urna-receipt', 'urna-proof', 'urna-voting-code', 'content-type', 'authorization']
    expect(allowed).toEqual(expect.arrayContaining(inUse))
    expect(allowed).not.toContain('x-other')
    expect(headers.vary).toContain('Origin')
  })
})

describe('pages of all other origins', () => {
  const others = [
    'https://pages.example.evil.example',
    'https://evil.pages.example',
    'https://evilpages.example',
    'http://pages.example',
    'https://pages.example:8443',
    'https://pages.example/',
    'https://PAGES.example',
    'https://pagesxexample',
    'null',
    '',
    '*',
    'http://localhost:80001',
  ]

  it.each(others)('read nothing as "%s"', async (origin) => {
    for (const url of ['/v1/polls', `${ballots}/mine`]) {
      const { headers } = await api.app.inject({ url, headers: { origin } })
      expect(corsOf(headers), url).toEqual({})
      // A cache must not give them the answer that a listed one got.
      expect(headers.vary, url).toContain('Origin')
    }
    const asked = await preflight(ballots, origin)
    expect([asked.statusCode, corsOf(asked.headers)]).toEqual([405, {}])
    const posted = await api.app.inject({ method: 'POST', url: ballots, payload: {}, headers: { origin } })
    expect([posted.statusCode, corsOf(posted.headers), posted.headers.vary]).toEqual([403, {}, 'Origin'])
  })
})
