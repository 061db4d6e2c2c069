import { type ResultsVisibility, RetryableDatabaseError, receiptText } from '@urna/core'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ResultsCache } from './results-cache.ts'
import { asAdministrator, noonMs, type TestApi, testApi } from './testing/test-api.ts'

let api: TestApi
beforeEach(async () => {
  api = await testApi()
})
afterEach(() => api.app.close())

/** Votes, and has it counted. */
async function vote(pollId: string, option = 1, headers: Record<string, string> = {}): Promise<{ receipt: string; cookie: string }> {
  const payload = { answers: [{ question: 1, options: [option] }] }
  const response = await api.app.inject({ method: 'POST', url: `/v1/polls/${pollId}/ballots`, payload, headers })
  const ballot = api.published.at(-1)
  if (ballot !== undefined) api.ballots.count(ballot, Buffer.alloc(16, api.published.length))
  return { receipt: response.json().receipt, cookie: String(response.headers['set-cookie']).split(';')[0] ?? '' }
}

describe('results', () => {
  it('are the numbers, with the time until which everything is in them', async () => {
    const { id } = api.addPoll()
    for (const option of [1, 1, 2]) await vote(id, option)
    api.ballots.asOfMs = noonMs
    api.waiting = 3
    const response = await api.app.inject(`/v1/polls/${id}/results`)
    expect(response.json()).toEqual({
      pollId: id,
      title: 'Coca or Pepsi?',
      state: 'open',
      turnout: 3,
      asOf: '2026-11-21T12:00:00.000Z',
      waiting: 3,
      status: 'provisional',
      questions: [
        {
          number: 1,
          text: 'Which?',
          answered: 3,
          options: [
            // 2 of 3, 1 of 3
            { number: 1, text: 'coca', total: 2, percent: 66.7, leads: true },
            { number: 2, text: 'pepsi', total: 1, percent: 33.3, leads: false },
          ],
        },
      ],
    })
  })

  it('are final 30 s after closing', async () => {
    const { id } = api.addPoll({ closesAtMs: noonMs - 40_000 })
    api.ballots.asOfMs = noonMs - 9_999
    expect((await api.app.inject(`/v1/polls/${id}/results`)).json()).toMatchObject({ state: 'closed', status: 'final' })
  })

  it('are asked about again, not sent again, while they are the same', async () => {
    const { id } = api.addPoll()
    const first = await api.app.inject(`/v1/polls/${id}/results`)
    const etag = String(first.headers.etag)
    expect(first.headers['cache-control']).toBe('public, no-cache')
    for (const known of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      const again = await api.app.inject({ url: `/v1/polls/${id}/results`, headers: { 'if-none-match': known } })
      expect([again.statusCode, again.body, again.headers.etag]).toEqual([304, '', etag])
    }
    const other = await api.app.inject({ url: `/v1/polls/${id}/results`, headers: { 'if-none-match': '"other"' } })
    expect(other.statusCode).toBe(200)
  })

  it('answer 503 while the database does not', async () => {
    const { id } = api.addPoll()
    api.ballots.failure = new RetryableDatabaseError('the replica is gone')
    const response = await api.app.inject(`/v1/polls/${id}/results`)
    expect(response.json()).toMatchObject({ status: 503, type: 'urn:urna:problem:database-unavailable' })
    expect(response.headers['retry-after']).toMatch(/^[1-5]$/)
    expect(response.body).not.toContain('replica')
  })
})

describe('who sees results', () => {
  const hiddenPoll = (resultsVisibility: ResultsVisibility, closesAtMs: number | null = null) =>
    api.addPoll({ definition: { resultsVisibility }, closesAtMs }).id
  const read = (pollId: string, headers: Record<string, string> = {}, file = 'results') =>
    api.app.inject({ url: `/v1/polls/${pollId}/${file}`, headers })

  /** The part of the problem that says when they show, for people and for pages. */
  async function hidden(pollId: string, headers: Record<string, string> = {}): Promise<{ detail?: string; shown?: string; at?: string }> {
    for (const file of ['results.csv', 'results']) {
      const response = await read(pollId, headers, file)
      expect(response.json()).toMatchObject({ status: 403, type: 'urn:urna:problem:results-hidden' })
      const { detail, shown, at } = response.json()
      if (file === 'results') return { detail, shown, ...(at !== undefined && { at }) }
    }
    return {}
  }
  async function shown(pollId: string, headers: Record<string, string>, cacheControl: string): Promise<void> {
    for (const file of ['results.csv', 'results']) {
      const response = await read(pollId, headers, file)
      expect([response.statusCode, response.headers['cache-control']]).toEqual([200, cacheControl])
    }
  }

  it('always: everybody', async () => {
    await shown(hiddenPoll('always'), {}, 'public, no-cache')
  })

  it('after voting: who has a counted ballot, or a receipt of this poll', async () => {
    const id = hiddenPoll('after_voting')
    const { receipt, cookie } = await vote(id)
    const elsewhere = await vote(hiddenPoll('always'))
    expect(await hidden(id)).toEqual({ shown: 'after_voting', detail: 'Results of this poll show once you have voted in it.' })
    await hidden(id, { cookie: elsewhere.cookie })
    await hidden(id, { 'urna-receipt': elsewhere.receipt })
    await hidden(id, { 'urna-receipt': `${receipt.slice(0, -1)}${receipt.endsWith('A') ? 'E' : 'A'}` })
    await shown(id, { cookie }, 'private, no-cache')
    await shown(id, { 'urna-receipt': receipt }, 'private, no-cache')
    await shown(id, asAdministrator, 'private, no-cache')
    // A receipt is shown to this server only, in a header: an address is in every log on the way.
    expect((await read(id, {}, `results?receipt=${receipt}`)).statusCode).toBe(403)
  })

  it('after closing: everybody then, nobody but the owner before', async () => {
    const open = hiddenPoll('after_closing', noonMs + 60_000)
    const { cookie, receipt } = await vote(open)
    expect(await hidden(open, { cookie, 'urna-receipt': receipt })).toEqual({
      shown: 'after_closing',
      at: '2026-11-21T12:01:00.000Z',
      detail: 'Results of this poll show when it closes, at 2026-11-21T12:01:00.000Z.',
    })
    await shown(open, asAdministrator, 'private, no-cache')
    expect(await hidden(hiddenPoll('after_closing'))).toEqual({
      shown: 'after_closing',
      detail: 'Results of this poll show when it is closed.',
    })
    api.clock.ms = noonMs + 60_000
    await shown(open, {}, 'public, no-cache')
  })

  it('owner: nobody else, ever', async () => {
    const id = hiddenPoll('owner', noonMs - 1)
    expect(await hidden(id)).toEqual({ shown: 'owner', detail: 'Results of this poll show only to its owner.' })
    await shown(id, asAdministrator, 'private, no-cache')
  })

  it('of a draft, of a deleted poll, of none', async () => {
    const draft = api.addPoll({ opensAtMs: null }).id
    expect((await read(draft)).statusCode).toBe(404)
    // Shown because of who asked, so nobody's cache may keep it for others.
    await shown(draft, asAdministrator, 'private, no-cache')
    expect((await read(api.addPoll({ deletedAtMs: noonMs }).id)).statusCode).toBe(410)
    expect((await read('zzzzzzzzzzzzzzzz')).statusCode).toBe(404)
    expect((await read(hiddenPoll('owner'), { authorization: 'Bearer guess' })).statusCode).toBe(401)
  })
})

describe('results.csv', () => {
  it('is a file, with a byte order mark if asked', async () => {
    const { id } = api.addPoll()
    const response = await api.app.inject(`/v1/polls/${id}/results.csv?bom=1`)
    expect(response.headers).toMatchObject({
      'content-type': 'text/csv; charset=utf-8',
      'content-disposition': `attachment; filename="results-${id}-20261121T120000Z.csv"`,
    })
    expect(response.body).toBe(`\uFEFFpoll\r\n${id}\r\n`)
    expect((await api.app.inject(`/v1/polls/${id}/results.csv`)).body).toBe(`poll\r\n${id}\r\n`)
  })
})

describe('GET ballots/mine', () => {
  it('shows the counted ballot of the voter of the cookie, and its receipt', async () => {
    const poll = api.addPoll()
    const { receipt, cookie } = await vote(poll.id, 2)
    const mine = `/v1/polls/${poll.id}/ballots/mine`
    const voterKey = api.published[0]?.voterKey ?? Buffer.alloc(0)
    const counted = receiptText(api.masterKey, { pollId: poll.id, voterKey, seq: Buffer.alloc(16, 1) })
    const response = await api.app.inject({ url: mine, headers: { cookie } })
    expect(response.json()).toEqual({ answers: [{ question: 1, options: [2] }], receipt: counted })
    expect(response.headers['cache-control']).toBe('private, no-store')
    expect(receipt).not.toBe('')
    for (const headers of [{}, { cookie: 'urna_voter=bad' }, { 'urna-receipt': receipt }]) {
      expect((await api.app.inject({ url: mine, headers })).json()).toMatchObject({
        type: 'urn:urna:problem:ballot-not-found',
        status: 404,
      })
    }
    const elsewhere = `/v1/polls/${api.addPoll().id}/ballots/mine`
    expect((await api.app.inject({ url: elsewhere, headers: { cookie } })).statusCode).toBe(404)
  })

  it('knows the voter by the Idempotency-Key too, where the answer with the cookie was lost', async () => {
    const { id } = api.addPoll()
    const mine = async (headers: Record<string, string>) => {
      const response = await api.app.inject({ url: `/v1/polls/${id}/ballots/mine`, headers })
      return [response.statusCode, response.json().answers?.[0].options ?? response.json()]
    }
    const key = 'a-key-that-a-page-made-1'
    const { cookie } = await vote(id, 1)
    await vote(id, 2, { 'idempotency-key': key })
    expect(await mine({ 'idempotency-key': key })).toEqual([200, [2]])
    // In the order of voting: the cookie decides, and a bad one is none.
    expect(await mine({ 'idempotency-key': key, cookie })).toEqual([200, [1]])
    expect(await mine({ 'idempotency-key': key, cookie: 'urna_voter=bad' })).toEqual([200, [2]])
    expect(await mine({ 'idempotency-key': `${key}2` })).toMatchObject([404, { type: 'urn:urna:problem:ballot-not-found' }])
    const malformed = { 'idempotency-key': 'too-short', cookie }
    const payload = { answers: [{ question: 1, options: [1] }] }
    const voting = await api.app.inject({ method: 'POST', url: `/v1/polls/${id}/ballots`, payload, headers: malformed })
    expect(voting.statusCode).toBe(400)
    expect(await mine(malformed)).toEqual([400, voting.json()])
  })
})

describe('the cache of results', () => {
  function cacheOf(nowMs: () => number): ResultsCache {
    return new ResultsCache({ results: api.ballots, waiting: async () => 0, nowMs: () => noonMs, monotonicMs: nowMs })
  }

  it('reads twice a second, however many ask', async () => {
    let ms = 0
    const cache = cacheOf(() => ms)
    const poll = api.addPoll()
    await Promise.all(Array.from({ length: 100 }, () => cache.get(poll)))
    ms = 499
    await cache.get(poll)
    expect(api.ballots.snapshots).toBe(1)
    ms = 500
    await cache.get(poll)
    expect(api.ballots.snapshots).toBe(2)
    // 99 of the hundred had what the first one read, and one at 499 ms its copy.
    expect(cache.counts).toEqual({ hits: 100, misses: 2 })
  })

  it('keeps and shares nothing where that is 0', async () => {
    const cache = new ResultsCache({ results: api.ballots, waiting: async () => 0, nowMs: () => noonMs, keepMs: 0 })
    const poll = api.addPoll()
    await Promise.all([cache.get(poll), cache.get(poll)])
    await cache.get(poll)
    expect(api.ballots.snapshots).toBe(3)
    expect(cache.counts).toEqual({ hits: 0, misses: 3 })
  })

  it('never serves an older as-of than one it served', async () => {
    let ms = 0
    const cache = cacheOf(() => ms)
    const poll = api.addPoll()
    const asOf = async (stored: number | null) => {
      api.ballots.asOfMs = stored
      ms += 500
      return (await cache.get(poll)).results.asOfMs
    }
    expect([await asOf(null), await asOf(5), await asOf(3), await asOf(null), await asOf(6)]).toEqual([null, 5, 5, 5, 6])
  })

  it('does not keep what an earlier state of the poll showed, nor a failure', async () => {
    const cache = cacheOf(() => 0)
    const poll = api.addPoll()
    api.ballots.failure = new Error('down')
    await expect(cache.get(poll)).rejects.toThrow('down')
    api.ballots.failure = null
    await cache.get(poll)
    const renamed = { ...poll, definition: { ...poll.definition, title: 'Renamed' }, revision: poll.revision + 1 }
    expect((await cache.get(renamed)).body).toContain('Renamed')
  })

  it('asks the queue before it reads the numbers', async () => {
    const order: string[] = []
    const cache = new ResultsCache({
      results: {
        snapshot(id) {
          order.push('numbers')
          return api.ballots.snapshot(id)
        },
      },
      async waiting() {
        order.push('queue')
        return 0
      },
      nowMs: () => noonMs,
    })
    await cache.get(api.addPoll())
    expect(order).toEqual(['queue', 'numbers'])
  })
})
