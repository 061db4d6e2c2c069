import { afterEach, describe, expect, it } from 'vitest'
import type { ApiDependencies } from './dependencies.ts'
import { type TestApi, testApi } from './testing/test-api.ts'

const payload = { answers: [{ question: 1, options: [1] }] }
let api: TestApi
afterEach(() => api.app.close())

async function votesWith(changes: Partial<ApiDependencies>): Promise<(headers: Record<string, string>) => Promise<number>> {
  api = await testApi(changes)
  const url = `/v1/polls/${api.addPoll().id}/ballots`
  return async (headers) => (await api.app.inject({ method: 'POST', url, payload, headers })).statusCode
}

const lastVoter = () => Buffer.from(api.published.at(-1)?.voterKey ?? []).toString('hex')

describe('the own origin', () => {
  it('without PUBLIC_URL is the host that was asked, with either scheme: something in front may speak TLS', async () => {
    const vote = await votesWith({})
    for (const origin of ['http://10.0.0.5:8080', 'https://10.0.0.5:8080']) expect(await vote({ host: '10.0.0.5:8080', origin })).toBe(202)
    expect(await vote({ host: '[::1]:8080', origin: 'http://[::1]:8080' })).toBe(202)
    expect(await vote({ host: '10.0.0.5:8080', origin: 'http://10.0.0.5' })).toBe(403)
    // A browser that says so compares schemes for us.
    expect(await vote({ host: '10.0.0.5', origin: 'http://10.0.0.5', 'sec-fetch-site': 'cross-site' })).toBe(403)
  })

  it('with PUBLIC_URL is that, and what operators call the server', async () => {
    const vote = await votesWith({ publicUrl: 'https://vote.example/urna' })
    expect(await vote({ host: 'api.internal:8080', origin: 'https://vote.example' })).toBe(202)
    expect(await vote({ host: 'localhost:8080', origin: 'http://localhost:8080' })).toBe(202)
    expect(await vote({ host: 'vote.example', origin: 'http://vote.example' })).toBe(403)
  })

  it('is the host that a trusted proxy names, and only that', async () => {
    const headers = { host: 'api:8080', origin: 'https://vote.example', 'x-forwarded-host': 'vote.example' }
    expect(await (await votesWith({ trustProxy: ['127.0.0.1'] }))(headers)).toBe(202)
    await api.app.close()
    expect(await (await votesWith({ trustProxy: ['10.0.0.0/8'] }))(headers)).toBe(403)
  })
})

describe('listed origins', () => {
  it('may write, with the cookie', async () => {
    const vote = await votesWith({ allowedOrigins: ['https://pages.example'] })
    const headers = { host: 'api.example', origin: 'https://pages.example', 'sec-fetch-site': 'same-site' }
    expect(await vote(headers)).toBe(202)
    const voter = lastVoter()
    const cookie = api.app.inject({ method: 'POST', url: `/v1/polls/${api.published[0]?.pollId}/ballots`, payload, headers })
    const own = String((await cookie).headers['set-cookie']).split(';')[0] ?? ''
    const second = lastVoter()
    expect(second).not.toBe(voter)
    expect(await vote({ ...headers, cookie: own })).toBe(202)
    expect(lastVoter()).toBe(second)
    expect(await vote({ ...headers, origin: 'https://pages.example.evil.example' })).toBe(403)
    // The same site alone is not enough: it must be named.
    expect(await vote({ host: 'api.example', 'sec-fetch-site': 'same-site' })).toBe(403)
  })
})

describe('with ALLOWED_ORIGINS=*', () => {
  it('any page may write, as nobody: its visitor’s cookie is neither read nor set', async () => {
    const vote = await votesWith({ allowedOrigins: '*' })
    const url = `/v1/polls/${api.addPoll().id}/ballots`
    const send = (headers: Record<string, string>) =>
      api.app.inject({ method: 'POST', url, payload, headers: { host: 'a.example', ...headers } })
    const cookie = String((await send({ origin: 'http://a.example' })).headers['set-cookie']).split(';')[0] ?? ''
    const voter = lastVoter()
    const foreign = await send({ origin: 'https://other.example', cookie })
    expect([foreign.statusCode, foreign.headers['set-cookie']]).toEqual([202, undefined])
    expect(lastVoter()).not.toBe(voter)
    expect((await send({ origin: 'http://a.example', cookie })).statusCode).toBe(202)
    expect(lastVoter()).toBe(voter)
    const mine = (headers: Record<string, string>) =>
      api.app.inject({ url: `${url}/mine`, headers: { host: 'a.example', cookie, ...headers } })
    api.ballots.count(api.published.at(-1) as never, Buffer.alloc(16))
    expect((await mine({})).statusCode).toBe(200)
    expect((await mine({ origin: 'https://other.example' })).statusCode).toBe(404)
    expect(await vote({ host: 'a.example', origin: 'null' })).toBe(403)
    expect(await vote({ host: 'a.example', 'sec-fetch-site': 'cross-site' })).toBe(403)
  })
})
