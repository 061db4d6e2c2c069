import { addressHashes, openMasterKey } from '@urna/core'
import { describe, expect, it } from 'vitest'
import { RequestLimit, type RequestLimitOptions } from './request-limit.ts'
import { type TestApi, testApi } from './testing/test-api.ts'

function limitOf(changes: Partial<RequestLimitOptions> = {}) {
  const clock = { ms: 0 }
  const hashOf = (address: string) => `hash of ${address}`
  return { clock, limit: new RequestLimit({ perSecondMax: 3, hashOf, monotonicMs: () => clock.ms, ...changes }) }
}

const admitted = async (limit: RequestLimit, address: string, times: number) => {
  let count = 0
  for (let time = 0; time < times; time++) if (await limit.admit(address)) count++
  return count
}

describe('requests a second', () => {
  it('are counted for each address, in seconds', async () => {
    const { clock, limit } = limitOf()
    expect(await admitted(limit, '192.0.2.1', 5)).toBe(3)
    expect(await admitted(limit, '192.0.2.2', 5)).toBe(3)
    clock.ms = 999
    expect(await admitted(limit, '192.0.2.1', 1)).toBe(0)
    clock.ms = 1_000
    expect(await admitted(limit, '192.0.2.1', 5)).toBe(3)
  })

  it('are counted for the whole network of an IPv6 address', async () => {
    const { limit } = limitOf({ hashOf: addressHashes(openMasterKey(Buffer.alloc(32, 7)), { nowMs: () => 0 }) })
    for (const address of ['2001:db8:1:2::1', '2001:DB8:1:2:ffff:ffff:ffff:ffff', '2001:db8:1:2:0:0:0:9']) await limit.admit(address)
    expect(await limit.admit('2001:db8:1:2::77')).toBe(false)
    expect(await limit.admit('2001:db8:1:3::1')).toBe(true)
    expect(limit.size).toBe(2)
  })

  it('remember no more addresses than they may, the oldest go first; and forget what is over', async () => {
    const { clock, limit } = limitOf({ keysMax: 1_000 })
    for (let host = 0; host < 5_000; host++) await limit.admit(`10.0.${host >> 8}.${host & 255}`)
    expect(limit.size).toBe(1_000)
    expect(await admitted(limit, '10.0.19.135', 5)).toBe(2) // the last one, 4,999: one of its three is used
    clock.ms = 1_000
    for (let host = 0; host < 600; host++) await limit.admit(`10.1.${host >> 8}.${host & 255}`)
    expect(limit.size).toBe(600)
  })

  it('are counted with all other processes, until those cannot be asked', async () => {
    let answer: number | null = 1
    let asked = 0
    const { limit, clock } = limitOf({
      shared: {
        async count(key) {
          expect(key).toBe('hash of 192.0.2.1')
          asked++
          return answer
        },
      },
    })
    expect(await admitted(limit, '192.0.2.1', 1)).toBe(1)
    answer = 4
    expect(await admitted(limit, '192.0.2.1', 1)).toBe(0)
    answer = null
    // The third here: within the limit of this process.
    expect(await admitted(limit, '192.0.2.1', 1)).toBe(1)
    expect(asked).toBe(3)
    // Too many here alone: nobody is asked.
    expect(await admitted(limit, '192.0.2.1', 4)).toBe(0)
    expect(asked).toBe(3)
    clock.ms = 1_000
    expect(await admitted(limit, '192.0.2.1', 5)).toBe(3)
  })
})

describe('an api with a limit', () => {
  async function statuses(
    api: TestApi,
    url: string,
    headersOf: (turn: number) => Record<string, string> = () => ({}),
    method: 'GET' | 'POST' = 'GET',
  ) {
    const answers = []
    for (let turn = 0; turn < 5; turn++)
      answers.push(await api.app.inject({ method, url, headers: headersOf(turn), ...(method === 'POST' && { payload: {} }) }))
    return answers.map(({ statusCode }) => statusCode)
  }

  it('answers 429 with a Retry-After of 1 to 5 s, and asks again before it looks at who it is', async () => {
    const api = await testApi({ requestsPerSecondMax: 2 })
    expect(await statuses(api, '/v1/polls')).toEqual([200, 200, 429, 429, 429])
    const refused = await api.app.inject({ method: 'POST', url: '/v1/polls', headers: { authorization: 'Bearer guessed' }, payload: {} })
    expect(refused.statusCode).toBe(429)
    expect(refused.headers['retry-after']).toMatch(/^[1-5]$/)
    expect(refused.json()).toMatchObject({
      type: 'urn:urna:problem:too-many-requests',
      status: 429,
      retryAfter: Number(refused.headers['retry-after']),
    })
    expect(JSON.stringify(api.log)).not.toContain('127.0.0.1')
    await api.app.close()
  })

  it('counts no votes, health checks, figures or documentation', async () => {
    const api = await testApi({ requestsPerSecondMax: 1 })
    const { id } = api.addPoll({ surveyId: 1 })
    for (const url of ['/healthz', '/readyz', '/metrics', '/api/healthcheck', '/api/healthchecksqs', '/api/healthcheckmysql', '/docs/']) {
      expect(await statuses(api, url), url).toEqual([200, 200, 200, 200, 200])
    }
    for (const url of [`/v1/polls/${id}/ballots`, '/vote', '/api/postVotes']) {
      expect(await statuses(api, url, undefined, 'POST'), url).toEqual([400, 400, 400, 400, 400])
    }
    expect(await statuses(api, '/v1/config')).toEqual([200, 429, 429, 429, 429])
    await api.app.close()
  })

  it('believes X-Forwarded-For of trusted proxies only, and of them only what they added', async () => {
    const changing = (turn: number) => ({ 'x-forwarded-for': `198.51.100.${turn}` })
    const direct = await testApi({ requestsPerSecondMax: 2 })
    expect(await statuses(direct, '/v1/polls', changing)).toEqual([200, 200, 429, 429, 429])
    await direct.app.close()
    const stranger = await testApi({ requestsPerSecondMax: 2, trustProxy: ['10.0.0.0/8'] })
    expect(await statuses(stranger, '/v1/polls', changing)).toEqual([200, 200, 429, 429, 429])
    await stranger.app.close()
    const behind = await testApi({ requestsPerSecondMax: 2, trustProxy: ['127.0.0.1'] })
    expect(await statuses(behind, '/v1/polls', changing)).toEqual([200, 200, 200, 200, 200])
    // What the client wrote itself stands before what the proxy saw.
    const spoofed = (turn: number) => ({ 'x-forwarded-for': `203.0.113.${turn}, 192.0.2.9` })
    expect(await statuses(behind, '/v1/polls', spoofed)).toEqual([200, 200, 429, 429, 429])
    await behind.app.close()
  })

  it('has none unless it is told', async () => {
    const api = await testApi()
    expect(await statuses(api, '/v1/config')).toEqual([200, 200, 200, 200, 200])
    await api.app.close()
  })
})
