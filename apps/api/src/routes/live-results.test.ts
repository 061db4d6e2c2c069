import { Agent } from 'node:http'
import { problems, results as resultsSchema } from '@urna/contracts'
import { type ResultsVisibility, RetryableDatabaseError } from '@urna/core'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { ApiDependencies } from '../dependencies.ts'
import { type Followed, follow } from '../testing/follow.ts'
import { asAdministrator, noonMs, type TestApi, testApi } from '../testing/test-api.ts'

let api: TestApi
let port: number

async function start(changes: Partial<ApiDependencies> = {}): Promise<void> {
  api = await testApi(changes)
  await api.app.listen({ port: 0, host: '127.0.0.1' })
  port = (api.app.server.address() as { port: number }).port
}
async function restart(changes: Partial<ApiDependencies>): Promise<void> {
  await api.app.close()
  await start(changes)
}
beforeEach(() => start())
afterEach(() => api.app.close())

const live = (id: string) => `/v1/polls/${id}/results/live`

/** Votes, and has it counted. */
async function vote(pollId: string, option = 1): Promise<{ receipt: string; cookie: string }> {
  const payload = { answers: [{ question: 1, options: [option] }] }
  const response = await api.app.inject({ method: 'POST', url: `/v1/polls/${pollId}/ballots`, payload })
  const ballot = api.published.at(-1)
  if (ballot !== undefined) api.ballots.count(ballot, Buffer.alloc(16, api.published.length))
  return { receipt: response.json().receipt, cookie: String(response.headers['set-cookie']).split(';')[0] ?? '' }
}

/** Two more readings of the results: a push that was due has been made. */
async function twoTurns(): Promise<void> {
  const { snapshots } = api.ballots
  await vi.waitFor(() => expect(api.ballots.snapshots).toBeGreaterThanOrEqual(snapshots + 2), { timeout: 5_000, interval: 10 })
}

/** What a refused reader is told. */
async function problemOf(reader: Followed) {
  expect(reader.headers['content-type']).toMatch(/^application\/problem\+json/)
  return JSON.parse(await reader.ended)
}

async function figure(name: string): Promise<number> {
  const { body } = await api.app.inject('/metrics')
  return Number(new RegExp(`^${name} (.*)$`, 'm').exec(body)?.[1])
}

describe('a stream', () => {
  it('begins with the current results: the document of GET results, named by its ETag', async () => {
    const { id } = api.addPoll()
    await vote(id, 2)
    const { headers, body } = await api.app.inject(`/v1/polls/${id}/results`)
    const reader = await follow(port, live(id))
    expect(reader.status).toBe(200)
    expect(reader.headers).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'private, no-store',
      'x-accel-buffering': 'no',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
    })
    expect(reader.headers['set-cookie']).toBeUndefined()
    const first = await reader.next()
    expect(resultsSchema.parse(first.data)).toEqual(JSON.parse(body))
    expect([first.event, `"${first.id}"`]).toEqual(['results', headers.etag])
    expect(reader.text()).toMatch(/^retry: [1-4]\d{3}\n\nevent: results\nid: [\w-]{22}\ndata: \{.*\}\n\n$/)
  })

  it('shows a counted ballot to all readers, with one reading', async () => {
    const { id } = api.addPoll()
    const readers = await Promise.all(Array.from({ length: 200 }, () => follow(port, live(id))))
    for (const reader of readers) expect((await reader.next()).data.turnout).toBe(0)
    const begunMs = performance.now()
    const before = api.ballots.snapshots
    await vote(id)
    for (const reader of readers) {
      const { data } = await reader.next()
      expect([data.turnout, data.questions[0].options[0].total]).toEqual([1, 1])
    }
    expect(api.ballots.snapshots - before).toBeLessThanOrEqual(1 + (performance.now() - begunMs) / 500)
    expect(await figure('urna_api_live_readers')).toBe(200)
    expect(await figure('urna_api_live_pushes_total')).toBe(1)
  })

  it('is silent while nothing changes', async () => {
    const { id } = api.addPoll()
    const reader = await follow(port, live(id))
    await reader.next()
    await twoTurns()
    expect(reader.unread).toEqual([])
    await vote(id)
    expect((await reader.next()).data.turnout).toBe(1)
  })

  it('never shows an older as-of than it showed', async () => {
    const { id } = api.addPoll()
    const asOf = async (reader: Followed) => (await reader.next()).data.asOf
    api.ballots.asOfMs = noonMs
    const reader = await follow(port, live(id))
    expect(await asOf(reader)).toBe('2026-11-21T12:00:00.000Z')
    api.ballots.asOfMs = noonMs - 1_000
    await twoTurns()
    expect(reader.unread).toEqual([])
    expect(await asOf(await follow(port, live(id)))).toBe('2026-11-21T12:00:00.000Z')
    api.ballots.asOfMs = noonMs + 1_000
    expect(await asOf(reader)).toBe('2026-11-21T12:00:01.000Z')
  })

  it('says that results are delayed, and goes on', async () => {
    const { id } = api.addPoll()
    const reader = await follow(port, live(id))
    await reader.next()
    api.ballots.failure = new RetryableDatabaseError('the replica is gone')
    expect(await reader.next()).toEqual({ event: 'delayed', id: null, data: { problem: 'database-unavailable' } })
    await twoTurns()
    // Who comes now is told in the way of every route.
    const late = await follow(port, live(id))
    expect([late.status, late.headers['retry-after']]).toEqual([503, expect.stringMatching(/^[1-5]$/)])
    expect(await problemOf(late)).toMatchObject({ type: 'urn:urna:problem:database-unavailable' })
    api.ballots.failure = null
    await vote(id)
    expect(await reader.next()).toMatchObject({ event: 'results', data: { turnout: 1 } })
    const lines = api.log.filter(({ message }) => message.startsWith('live'))
    expect(lines.map(({ level, message }) => [level, message])).toEqual([
      ['warn', 'live results are delayed'],
      ['info', 'live results go on'],
    ])
    expect(JSON.stringify(lines)).not.toContain('replica')
  })

  it('stops reading when its last reader is gone', async () => {
    const { id } = api.addPoll()
    const [one, other] = [await follow(port, live(id)), await follow(port, live(id))]
    one.leave()
    other.leave()
    await vi.waitFor(async () => expect(await figure('urna_api_live_readers')).toBe(0))
    // Another poll's turns tell the time.
    const clockwork = await follow(port, live(api.addPoll().id))
    await clockwork.next()
    const read: string[] = []
    const { snapshot } = api.ballots
    api.ballots.snapshot = (pollId) => {
      read.push(pollId)
      return snapshot.call(api.ballots, pollId)
    }
    await twoTurns()
    expect(read).not.toContain(id)
  })

  it('of somebody who left before it began is none', async () => {
    const { id } = api.addPoll({ definition: { resultsVisibility: 'after_voting' } })
    const { cookie } = await vote(id)
    const { find } = api.ballots
    const controller = new AbortController()
    let left: Promise<unknown> | undefined
    const answer = await new Promise<() => void>((reached) => {
      api.ballots.find = async (...asked) => {
        await new Promise<void>((resolve) => reached(resolve))
        return find.apply(api.ballots, asked)
      }
      left = fetch(`http://127.0.0.1:${port}${live(id)}`, { headers: { cookie }, signal: controller.signal }).catch((error) => error.name)
    })
    const connections = () => new Promise<number>((resolve) => api.app.server.getConnections((_error, open) => resolve(open)))
    expect(await connections()).toBe(1)
    controller.abort()
    expect(await left).toBe('AbortError')
    await vi.waitFor(async () => expect(await connections()).toBe(0))
    answer()
    await new Promise(setImmediate)
    expect(await figure('urna_api_live_readers')).toBe(0)
    const begunMs = performance.now()
    await api.app.drain()
    expect(performance.now() - begunMs).toBeLessThan(1_000)
  })
})

describe('who may follow', () => {
  const hiddenPoll = (resultsVisibility: ResultsVisibility, closesAtMs: number | null = null) =>
    api.addPoll({ definition: { resultsVisibility }, closesAtMs }).id

  it('is judged as at GET results, before anything is streamed', async () => {
    const ids = [
      hiddenPoll('after_voting'),
      hiddenPoll('after_closing', noonMs + 60_000),
      hiddenPoll('owner'),
      api.addPoll({ opensAtMs: null }).id,
      api.addPoll({ deletedAtMs: noonMs }).id,
      'zzzzzzzzzzzzzzzz',
      'not-an-id',
    ]
    const statuses: number[] = []
    for (const id of ids) {
      const reader = await follow(port, live(id))
      const { statusCode, body } = await api.app.inject(`/v1/polls/${id}/results`)
      expect([reader.status, await problemOf(reader)]).toEqual([statusCode, JSON.parse(body)])
      statuses.push(reader.status)
    }
    expect(statuses).toEqual([403, 403, 403, 404, 410, 404, 400])
    const guess = { authorization: 'Bearer guess' }
    expect((await follow(port, live(ids[2] ?? ''), { headers: guess })).status).toBe(401)
  })

  it('after voting: who shows the cookie of a counted ballot or a receipt, and is looked up once', async () => {
    const id = hiddenPoll('after_voting')
    const { cookie, receipt } = await vote(id)
    const readers: Followed[] = []
    for (const headers of [{ cookie }, { 'urna-receipt': receipt }, asAdministrator]) {
      const reader = await follow(port, live(id), { headers })
      expect([reader.status, (await reader.next()).data.turnout]).toEqual([200, 1])
      readers.push(reader)
    }
    expect(api.ballots.finds).toBe(1)
    await vote(id)
    for (const reader of readers) expect((await reader.next()).data.turnout).toBe(2)
    expect(api.ballots.finds).toBe(1)
    expect((await follow(port, `${live(id)}?receipt=${receipt}`)).status).toBe(403)
  })

  it('ends where the closing is moved and results are hidden again, but not for the owner', async () => {
    const id = hiddenPoll('after_closing', noonMs - 1)
    const stranger = await follow(port, live(id))
    const owner = await follow(port, live(id), { headers: asAdministrator })
    for (const reader of [stranger, owner]) expect((await reader.next()).data.state).toBe('closed')
    const moved = await api.app.inject({
      method: 'POST',
      url: `/v1/polls/${id}/open`,
      headers: asAdministrator,
      payload: { closesAt: new Date(noonMs + 3_600_000).toISOString() },
    })
    expect(moved.statusCode).toBe(200)
    expect(await stranger.next()).toEqual({ event: 'end', id: null, data: { problem: 'results-hidden' } })
    await stranger.ended
    expect((await owner.next()).data.state).toBe('open')
    expect(await problemOf(await follow(port, live(id)))).toMatchObject({ shown: 'after_closing', at: '2026-11-21T13:00:00.000Z' })
  })

  it('ends where the poll is deleted, by another process too', async () => {
    const poll = api.addPoll()
    const reader = await follow(port, live(poll.id))
    await reader.next()
    api.polls.polls.set(poll.id, { ...poll, deletedAtMs: noonMs, revision: poll.revision + 1 })
    expect(await reader.next()).toEqual({ event: 'end', id: null, data: { problem: 'poll-deleted' } })
    await reader.ended
    expect((await follow(port, live(poll.id))).status).toBe(410)
  })

  it('ends with the final results', async () => {
    const { id } = api.addPoll({ closesAtMs: noonMs - 40_000 })
    const reader = await follow(port, live(id))
    expect((await reader.next()).data.status).toBe('provisional')
    await vote(id)
    api.ballots.asOfMs = noonMs - 9_999
    const final = { event: 'end', id: null, data: { final: true } }
    expect((await reader.next()).data).toMatchObject({ status: 'final' })
    expect(await reader.next()).toEqual(final)
    await reader.ended
    // Who comes later gets both at once.
    const late = await follow(port, live(id))
    expect(await late.ended).toMatch(/"status":"final".*\n\nevent: end\ndata: \{"final":true\}\n\n$/)
    expect(await figure('urna_api_live_readers')).toBe(0)
  })
})

describe('a request for a stream', () => {
  it('that takes no event streams is told so', async () => {
    const { id } = api.addPoll()
    for (const accept of ['application/json', 'text/html', '*/*, text/event-stream;q=0']) {
      const reader = await follow(port, live(id), { headers: { accept } })
      expect(await problemOf(reader)).toEqual({
        type: 'urn:urna:problem:not-acceptable',
        title: problems['not-acceptable'].title,
        status: 406,
        detail: 'expected an accept header that takes text/event-stream',
      })
    }
    expect((await follow(port, live(id), { headers: { accept: 'text/event-stream' } })).status).toBe(200)
  })

  it('of method HEAD ends', async () => {
    const { id } = api.addPoll()
    const head = await follow(port, live(id), { method: 'HEAD' })
    expect([head.status, head.headers['content-type'], await head.ended]).toEqual([200, 'text/event-stream; charset=utf-8', ''])
    expect((await follow(port, live(hiddenId()), { method: 'HEAD' })).status).toBe(403)
    expect(await figure('urna_api_live_readers')).toBe(0)
  })
  const hiddenId = () => api.addPoll({ definition: { resultsVisibility: 'owner' } }).id

  it('may come from a page of another origin, as at GET results', async () => {
    await restart({ allowedOrigins: ['http://localhost:8000'] })
    const { id } = api.addPoll()
    const crossOrigin = async (path: string, origin: string) => {
      const { headers } = await follow(port, path, { headers: { origin } })
      return Object.fromEntries(Object.entries(headers).filter(([name]) => name.startsWith('access-control') || name === 'vary'))
    }
    const allowed = await crossOrigin(live(id), 'http://localhost:8000')
    expect(allowed).toMatchObject({ 'access-control-allow-origin': 'http://localhost:8000', 'access-control-allow-credentials': 'true' })
    for (const origin of ['http://localhost:8000', 'https://other.example']) {
      expect(await crossOrigin(live(id), origin)).toEqual(await crossOrigin(`/v1/polls/${id}/results`, origin))
    }
    await restart({ allowedOrigins: '*' })
    const { headers } = await follow(port, live(api.addPoll().id), { headers: { origin: 'https://other.example' } })
    expect(headers['access-control-allow-origin']).toBe('*')
  })

  it('over the limit is asked to come back, until somebody leaves', async () => {
    await restart({ liveReadersMax: 2 })
    const [id, other] = [api.addPoll().id, api.addPoll().id]
    const readers = [await follow(port, live(id)), await follow(port, live(other))]
    const third = await follow(port, live(id))
    expect([third.status, third.headers['retry-after']]).toEqual([503, expect.stringMatching(/^[1-5]$/)])
    expect(await problemOf(third)).toMatchObject({ type: 'urn:urna:problem:too-many-readers' })
    readers[0]?.leave()
    await vi.waitFor(async () => expect((await follow(port, live(other))).status).toBe(200))
  })

  it('over the limit is refused where many come at once, too', async () => {
    await restart({ liveReadersMax: 5 })
    const { id } = api.addPoll()
    const readers = await Promise.all(Array.from({ length: 30 }, () => follow(port, live(id))))
    expect(readers.filter(({ status }) => status === 200)).toHaveLength(5)
  })

  it('is measured until the stream begins, and counts as no request under way', async () => {
    const poll = api.addPoll()
    const reader = await follow(port, live(poll.id))
    await reader.next()
    await twoTurns()
    // Ended by us: of those that hang up Fastify does not tell.
    api.polls.polls.set(poll.id, { ...poll, deletedAtMs: noonMs, revision: poll.revision + 1 })
    await reader.ended
    const labels = '{method="GET",route="/v1/polls/:id/results/live",status="200"}'
    expect(await figure(`urna_api_request_duration_seconds_count${labels}`)).toBe(1)
    expect(await figure(`urna_api_request_duration_seconds_sum${labels}`)).toBeLessThan(0.5)
    await follow(port, live(hiddenId()))
    expect(await figure(`urna_api_request_duration_seconds_count${labels.replace('200', '403')}`)).toBe(1)
  })
})

describe('the end of the server', () => {
  it('ends streams at once, while ballots under way are waited for, and refuses new ones', async () => {
    const { id } = api.addPoll()
    const agent = new Agent({ keepAlive: true })
    const readers = await Promise.all([1, 2, 3].map(() => follow(port, live(id))))
    for (const reader of readers) await reader.next()
    let ballot: Promise<unknown> | undefined
    const confirm = await new Promise<() => void>((reached) => {
      api.publish = () => new Promise((resolve) => reached(() => resolve({ seq: Buffer.alloc(16), atMs: noonMs })))
      ballot = fetch(`http://127.0.0.1:${port}/v1/polls/${id}/ballots`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ answers: [{ question: 1, options: [1] }] }),
      })
    })
    const begunMs = performance.now()
    const drained = api.app.drain()
    for (const reader of readers) expect(await reader.ended).not.toContain('event: end')
    expect(performance.now() - begunMs).toBeLessThan(100)
    const refused = await follow(port, live(id), { agent })
    expect([refused.status, refused.headers.connection]).toEqual([503, 'close'])
    expect(await problemOf(refused)).toMatchObject({ type: 'urn:urna:problem:shutting-down' })
    confirm()
    expect(await ballot).toMatchObject({ status: 202 })
    await drained
    expect(performance.now() - begunMs).toBeLessThan(2_000)
    expect(api.log).toEqual([])
    agent.destroy()
  })

  it('lets no stream begin that was being let in', async () => {
    const { id } = api.addPoll()
    const { snapshot } = api.ballots
    let reader: Promise<Followed> | undefined
    const answer = await new Promise<() => void>((reached) => {
      api.ballots.snapshot = async (pollId) => {
        await new Promise<void>((resolve) => reached(resolve))
        return snapshot.call(api.ballots, pollId)
      }
      reader = follow(port, live(id))
    })
    const drained = api.app.drain()
    answer()
    expect((await reader)?.status).toBe(503)
    await drained
  })

  it('by close ends streams too', async () => {
    const reader = await follow(port, live(api.addPoll().id))
    await reader.next()
    const begunMs = performance.now()
    await api.app.close()
    await reader.ended
    expect(performance.now() - begunMs).toBeLessThan(1_000)
  })
})
