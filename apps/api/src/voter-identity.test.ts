import { identityOf, voterCookies } from '@urna/core'
import type { FastifyRequest } from 'fastify'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Cookies } from './cookies.ts'
import type { ApiDependencies } from './dependencies.ts'
import { type TestApi, testApi } from './testing/test-api.ts'

const key = 'a-key-that-a-page-made-1'
const payload = { answers: [{ question: 1, options: [1] }] }

let api: TestApi
let url: string
beforeEach(async () => {
  api = await testApi()
  url = `/v1/polls/${api.addPoll({ surveyId: 1 }).id}/ballots`
})
afterEach(() => api.app.close())

async function vote(headers: Record<string, string> = {}): Promise<{ cookie: string; setCookie: string; voterKey: string }> {
  const response = await api.app.inject({ method: 'POST', url, payload, headers })
  expect(response.statusCode).toBe(202)
  const setCookie = String(response.headers['set-cookie'])
  return { setCookie, cookie: setCookie.split(';')[0] ?? '', voterKey: lastVoterKey() }
}

function lastVoterKey(): string {
  return Buffer.from(api.published.at(-1)?.voterKey ?? []).toString('hex')
}

describe('who votes', () => {
  it('is somebody new without cookie and key', async () => {
    expect((await vote()).voterKey).not.toBe((await vote()).voterKey)
  })

  it('is the same with the same Idempotency-Key, with and without the cookie of a lost answer', async () => {
    const first = await vote({ 'idempotency-key': key })
    expect((await vote({ 'idempotency-key': key })).voterKey).toBe(first.voterKey)
    expect((await vote({ 'idempotency-key': key, cookie: first.cookie })).voterKey).toBe(first.voterKey)
    expect((await vote({ cookie: first.cookie })).voterKey).toBe(first.voterKey)
  })

  it('is the one of the cookie, whatever the key says', async () => {
    const first = await vote()
    expect((await vote({ 'idempotency-key': key, cookie: first.cookie })).voterKey).toBe(first.voterKey)
  })

  it('is another in another poll: the two cannot be linked', async () => {
    const first = await vote()
    url = `/v1/polls/${api.addPoll().id}/ballots`
    expect((await vote({ cookie: first.cookie })).voterKey).not.toBe(first.voterKey)
  })

  it('is the same on /vote', async () => {
    const first = await vote({ 'idempotency-key': key })
    for (const headers of [{ 'idempotency-key': key }, { cookie: first.cookie }]) {
      const response = await api.app.inject({ method: 'POST', url: '/vote', payload: { survey_id: 1, vote: 'coca' }, headers })
      expect(response.statusCode).toBe(200)
      expect(lastVoterKey()).toBe(first.voterKey)
      expect(String(response.headers['set-cookie']).split(';')[0]).toBe(first.cookie)
    }
  })
})

describe('the voter cookie', () => {
  it('carries the identity that was used', async () => {
    const { cookie } = await vote({ 'idempotency-key': key })
    expect(cookie).toBe(`urna_voter=${voterCookies(api.masterKey).write(identityOf('key', key))}`)
    const again = await vote({ cookie })
    expect(again.cookie).toBe(cookie)
  })

  it('is readable by no script, sent by no foreign form, and lasts 400 days', async () => {
    const { setCookie } = await vote()
    expect(setCookie.split('; ').slice(1)).toEqual(['Path=/', 'HttpOnly', 'SameSite=Lax', 'Max-Age=34560000'])
  })

  describe('over https', () => {
    const hostCookie = /^__Host-urna_voter=[\w-]{66}; Path=\/; HttpOnly; SameSite=Lax; Max-Age=34560000; Secure$/
    const behindProxy = { 'x-forwarded-proto': 'https' }
    const rows: [string, Partial<ApiDependencies>, Record<string, string>, boolean][] = [
      ['PUBLIC_URL says so', { publicUrl: 'https://vote.example' }, {}, true],
      ['a trusted proxy says so', { trustProxy: ['127.0.0.1'] }, behindProxy, true],
      ['a proxy that is not trusted says so', { trustProxy: ['10.0.0.0/8'] }, behindProxy, false],
      ['no proxy is trusted, and one says so', {}, behindProxy, false],
      ['a trusted proxy says http', { trustProxy: ['127.0.0.1'] }, { 'x-forwarded-proto': 'http' }, false],
      ['PUBLIC_URL says http', { publicUrl: 'http://vote.example' }, {}, false],
    ]
    it.each(rows)('is one of this host only, and the only name that is read: %s', async (_name, changes, headers, isHttps) => {
      const behind = await testApi(changes)
      const path = `/v1/polls/${behind.addPoll().id}/ballots`
      const send = async (cookie?: string) => {
        const answer = await behind.app.inject({ method: 'POST', url: path, payload, headers: { ...headers, ...(cookie && { cookie }) } })
        const [pair = ''] = String(answer.headers['set-cookie']).split(';')
        return { setCookie: String(answer.headers['set-cookie']), pair, voter: Buffer.from(behind.published.at(-1)?.voterKey ?? []) }
      }
      const first = await send()
      if (isHttps) expect(first.setCookie).toMatch(hostCookie)
      else expect(first.setCookie).toMatch(/^urna_voter=[\w-]{66}; Path=\/; HttpOnly; SameSite=Lax; Max-Age=34560000$/)
      expect((await send(first.pair)).voter).toEqual(first.voter)
      // The other name: one that a neighbour, or plain http, could have planted.
      const value = first.pair.slice(first.pair.indexOf('=') + 1)
      const planted = isHttps ? `urna_voter=${value}` : `__Host-urna_voter=${value}`
      expect((await send(planted)).voter).not.toEqual(first.voter)
      await behind.app.close()
    })
  })

  it('of an older key is replaced at the next vote only, and is the same voter until the key is retired', async () => {
    const old = await vote()
    const value = (pair: string) => Buffer.from(pair.split('=')[1] ?? '', 'base64url')
    const restart = async (cookieKeys: { key: number; oldestKey: number }) => {
      const next = await testApi({ cookieKeys })
      for (const [id, poll] of api.polls.polls) next.polls.polls.set(id, poll)
      await api.app.close()
      api = next
    }
    await restart({ key: 2, oldestKey: 1 })
    const mine = await api.app.inject({ url: `${url}/mine`, headers: { cookie: old.cookie } })
    expect(mine.headers['set-cookie']).toBeUndefined()
    const renewed = await vote({ cookie: old.cookie })
    expect(renewed.voterKey).toBe(old.voterKey)
    expect([value(old.cookie)[0], value(renewed.cookie)[0]]).toEqual([1, 2])
    await restart({ key: 2, oldestKey: 2 })
    expect((await vote({ cookie: renewed.cookie })).voterKey).toBe(old.voterKey)
    expect((await vote({ cookie: old.cookie })).voterKey).not.toBe(old.voterKey)
  })

  it('is found among others, and the first that is ours wins', async () => {
    const { cookie, voterKey } = await vote()
    const forged = `urna_voter=${'A'.repeat(cookie.length - 'urna_voter='.length)}`
    for (const header of [`a=b; ${cookie}`, `${cookie};c=d`, `a=b;  ${cookie} ; c`, `x_urna_voter=1; ${cookie}`, `${forged}; ${cookie}`]) {
      expect((await vote({ cookie: header })).voterKey, header).toBe(voterKey)
    }
  })

  it('is ignored when it is not ours, never taken for somebody else', async () => {
    const { cookie, voterKey } = await vote()
    const value = cookie.slice('urna_voter='.length)
    const flipped = `${value[0] === 'A' ? 'B' : 'A'}${value.slice(1)}`
    const seen = new Set([voterKey])
    for (const bad of ['', 'x', value.slice(1), `${value}A`, flipped, `${value.slice(0, -2)}AA`, '__proto__', '%00']) {
      const voted = await vote({ cookie: `urna_voter=${bad}` })
      expect(seen, bad).not.toContain(voted.voterKey)
      seen.add(voted.voterKey)
    }
    // Beside a bad cookie the key still makes a retry the same voter.
    const withKey = { 'idempotency-key': key, cookie: 'urna_voter=bad' }
    expect((await vote(withKey)).voterKey).toBe((await vote({ 'idempotency-key': key })).voterKey)
  })

  it('is set by no GET, so that no cache can give one to a crowd', async () => {
    const { cookie } = await vote()
    const { id } = api.addPoll()
    const urls = [
      '/v1/config',
      '/v1/polls',
      `/v1/polls/${id}`,
      `/v1/polls/${id}/results`,
      `/v1/polls/${id}/results.csv`,
      url.replace('ballots', 'ballots/mine'),
    ]
    for (const path of [...urls, '/surveys', '/surveys/1', '/surveys/1/votes', '/api/votes', '/healthz', '/readyz', '/docs/']) {
      for (const headers of [{}, { cookie }, { cookie: 'urna_voter=bad' }]) {
        expect((await api.app.inject({ url: path, headers })).headers['set-cookie'], path).toBeUndefined()
      }
    }
  })

  it('is not set by a refused ballot', async () => {
    const response = await api.app.inject({ method: 'POST', url, payload: { answers: [{ question: 1, options: [9] }] } })
    expect(response.statusCode).toBe(422)
    expect(response.headers['set-cookie']).toBeUndefined()
  })
})

describe('any other cookie of ours', () => {
  const session = { name: 'urna_session', sameSite: 'Strict', maxAgeSeconds: null } as const
  const request = (cookie: string) => ({ headers: { cookie }, protocol: 'http' }) as FastifyRequest

  it('has the same doors, and its own terms', () => {
    const [tls, plain] = [true, false].map((isHttps) => new Cookies({ isHttps, trustProxy: false })) as [Cookies, Cookies]
    expect(tls.set(request(''), session, 'v')).toBe('__Host-urna_session=v; Path=/; HttpOnly; SameSite=Strict; Secure')
    expect(plain.set(request(''), session, 'v')).toBe('urna_session=v; Path=/; HttpOnly; SameSite=Strict')
    expect(tls.clear(request(''), session)).toBe('__Host-urna_session=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0; Secure')
    const both = request('urna_session=a; __Host-urna_session=b; urna_session=c')
    expect(tls.find(both, session, (value) => value)).toBe('b')
    expect(plain.find(both, session, (value) => (value === 'a' ? null : value))).toBe('c')
  })
})
