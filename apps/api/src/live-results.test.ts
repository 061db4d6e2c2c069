import { createServer, type ServerResponse } from 'node:http'
import { Writable } from 'node:stream'
import { type Poll, type ResultsReaderRights, RetryableDatabaseError, resultsOf } from '@urna/core'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { LiveResults, type NewReader } from './live-results.ts'
import { type CachedResults, ResultsCache } from './results-cache.ts'
import { noRights, type Refusal } from './results-gate.ts'
import { follow } from './testing/follow.ts'
import { noonMs, type TestApi, testApi } from './testing/test-api.ts'

/** The rooms alone, with a clock that the tests move. The whole of it over HTTP is in routes/live-results.test.ts. */

let api: TestApi
let poll: Poll
let live: LiveResults
let refused: Refusal | null

beforeEach(async () => {
  api = await testApi()
  poll = api.addPoll()
  refused = null
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance'] })
})
afterEach(async () => {
  live.stop()
  vi.useRealTimers()
  await api.app.close()
})

function cacheOfFake(): ResultsCache {
  return new ResultsCache({ results: api.ballots, waiting: async () => 0, nowMs: () => noonMs })
}

function liveOn(
  resultsCache: Pick<ResultsCache, 'get'>,
  refusal: (rights: ResultsReaderRights) => Refusal | null = () => refused,
): LiveResults {
  const logger = { warn: () => {}, info: () => {}, error: () => {} } as never
  const definitions = { find: async () => ({ poll, voterKeys: () => Buffer.alloc(16) }) }
  return new LiveResults({ definitions, resultsCache, resultsGate: { refusal: (_poll, rights) => refusal(rights) }, logger })
}

/** A connection that takes what is written at once, or not before it is told to. */
class Connection extends Writable {
  readonly chunks: string[] = []
  takes = true
  #held: (() => void) | null = null

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.chunks.push(String(chunk))
    if (this.takes) done()
    else this.#held = done
  }

  takeAll(): void {
    this.takes = true
    this.#held?.()
    this.#held = null
  }

  /** What was written, without the hint that comes first: totals of coca, or the name of an event with its data. */
  get events(): unknown[] {
    return this.chunks.slice(1).map((chunk) => {
      if (chunk === ':\n\n') return 'keep-alive'
      const [, event, data = 'null'] = /^event: (\w+)\n(?:id: .*\n)?data: (.*)\n\n$/.exec(chunk) ?? []
      return event === 'results' ? JSON.parse(data).questions[0].options[0].total : { [event ?? chunk]: JSON.parse(data) }
    })
  }
}

let ballots = 0
function count(): void {
  const seq = Buffer.alloc(16)
  seq.writeUInt32BE(++ballots, 12)
  api.ballots.count({ pollId: poll.id, voterKey: seq, answers: ['1'] }, seq)
}

async function join(cache: Pick<ResultsCache, 'get'>, changes: Partial<NewReader> = {}): Promise<Connection> {
  const out = new Connection()
  live.join({ poll, results: await cache.get(poll), rights: noRights, out, ...changes })
  await vi.advanceTimersByTimeAsync(0)
  return out
}

describe('a room', () => {
  it('reads once for all its readers, at most twice a second, and pushes what changed', async () => {
    const cache = cacheOfFake()
    live = liveOn(cache)
    const readers = await Promise.all(Array.from({ length: 20 }, () => join(cache)))
    expect(api.ballots.snapshots).toBe(1)
    // A ballot every 10 ms for 10 s.
    for (let ms = 0; ms < 10_000; ms += 10) {
      count()
      await vi.advanceTimersByTimeAsync(10)
    }
    // 10,000 / 510 = 19.6
    expect(live.pushes).toBe(19)
    // One with the joining, one for each push.
    expect(api.ballots.snapshots).toBe(1 + 19)
    const [first] = readers
    expect(first?.events).toHaveLength(1 + 19)
    for (const { events } of readers) expect(events).toEqual(first?.events)
  })

  it('pushes nothing while nothing changes, and goes on reading', async () => {
    const cache = cacheOfFake()
    live = liveOn(cache)
    const reader = await join(cache)
    await vi.advanceTimersByTimeAsync(10_000)
    expect([reader.events, live.pushes, api.ballots.snapshots]).toEqual([[0], 0, 1 + 19])
  })

  it('pushes an as-of that moves alone every five seconds, and with the next ballot at once', async () => {
    const cache = cacheOfFake()
    live = liveOn(cache)
    await join(cache)
    for (let ms = 0; ms < 10_000; ms += 100) {
      api.ballots.asOfMs = noonMs + ms
      await vi.advanceTimersByTimeAsync(100)
    }
    // The tenth turn, at 5,100 ms; the twentieth would be at 10,200.
    expect(live.pushes).toBe(1)
    count()
    await vi.advanceTimersByTimeAsync(510)
    expect(live.pushes).toBe(2)
  })

  it('ends with its last reader, timers and all', async () => {
    const cache = cacheOfFake()
    live = liveOn(cache)
    const timersBefore = vi.getTimerCount()
    const [one, other] = [await join(cache), await join(cache)]
    one.destroy()
    await vi.advanceTimersByTimeAsync(1_020)
    expect([live.readers, api.ballots.snapshots]).toEqual([1, 1 + 2])
    other.destroy()
    await vi.advanceTimersByTimeAsync(10_000)
    expect([live.readers, api.ballots.snapshots, vi.getTimerCount()]).toEqual([0, 1 + 2, timersBefore])
  })

  it('that was left leaves no timer to the next room of its poll', async () => {
    const cache = cacheOfFake()
    live = liveOn(cache)
    const timersBefore = vi.getTimerCount()
    for (let visit = 0; visit < 3; visit++) {
      const reader = await join(cache)
      expect(vi.getTimerCount() - timersBefore).toBe(2)
      reader.destroy()
      await vi.advanceTimersByTimeAsync(0)
      expect(vi.getTimerCount()).toBe(timersBefore)
    }
    // Left in the middle of a turn, and come back before its end.
    const first = await cache.get(poll)
    const { promise: read, resolve: answer } = Promise.withResolvers<CachedResults>()
    live = liveOn({ get: () => read })
    const early = await join(cache, { results: first })
    await vi.advanceTimersByTimeAsync(510)
    early.destroy()
    await vi.advanceTimersByTimeAsync(0)
    await join(cache, { results: first })
    answer(first)
    await vi.advanceTimersByTimeAsync(0)
    expect(vi.getTimerCount() - timersBefore).toBe(2)
  })

  it('of a final poll is over when it begins', async () => {
    const cache = cacheOfFake()
    live = liveOn(cache)
    const timersBefore = vi.getTimerCount()
    poll = { ...poll, version: { ...poll.version, closesAtMs: noonMs - 60_000 } }
    api.ballots.asOfMs = noonMs
    const reader = await join(cache)
    expect(reader.events).toEqual([0, { end: { final: true } }])
    expect([reader.writableFinished, live.readers, vi.getTimerCount()]).toEqual([true, 0, timersBefore])
  })

  it('shows who joins what is newest, never older numbers than others have', async () => {
    const cache = cacheOfFake()
    live = liveOn(cache)
    const old = await cache.get(poll)
    const early = await join(cache)
    count()
    await vi.advanceTimersByTimeAsync(600)
    expect(early.events).toEqual([0, 1])
    // Read before the push, and let in after it.
    expect((await join(cache, { results: old })).events).toEqual([1])
    // The other way round: read after the last push. Others get it with the next one.
    count()
    await vi.advanceTimersByTimeAsync(505 - 90)
    const ahead = { get: () => cache.get({ ...poll, revision: poll.revision + 1 }) }
    const late = await join(ahead)
    expect([early.events, late.events]).toEqual([[0, 1], [2]])
    await vi.advanceTimersByTimeAsync(600)
    expect([early.events, late.events]).toEqual([[0, 1, 2], [2]])
  })

  it('says once that results are delayed, goes on trying, and shows them when it can', async () => {
    const cache = cacheOfFake()
    live = liveOn(cache)
    const reader = await join(cache)
    api.ballots.failure = new RetryableDatabaseError('down')
    await vi.advanceTimersByTimeAsync(5_000)
    const delayed = { delayed: { problem: 'database-unavailable' } }
    expect(reader.events).toEqual([0, delayed])
    expect(api.ballots.snapshots).toBe(1 + 9)
    api.ballots.failure = null
    await vi.advanceTimersByTimeAsync(600)
    // Nothing changed, and yet: whoever was told of the delay is told of its end.
    expect(reader.events).toEqual([0, delayed, 0])
    api.ballots.failure = new Error('something else')
    await vi.advanceTimersByTimeAsync(2_000)
    expect(reader.events).toEqual([0, delayed, 0, { delayed: { problem: 'internal-error' } }])
  })

  it('logs the begin and the end of a delay once, while other rooms go on', async () => {
    const cache = cacheOfFake()
    const other = api.addPoll()
    const lines: unknown[] = []
    const log = (fields: unknown, message?: string) => lines.push(message ?? fields)
    let broken = true
    live = new LiveResults({
      definitions: { find: async (id) => ({ poll: id === poll.id ? poll : other, voterKeys: () => Buffer.alloc(16) }) },
      resultsCache: {
        get: (asked) => (asked.id === poll.id && broken ? Promise.reject(new RetryableDatabaseError('down')) : cache.get(asked)),
      },
      resultsGate: { refusal: () => null },
      logger: { warn: log, info: log } as never,
    })
    await join(cache)
    await join(cache, { poll: other })
    await vi.advanceTimersByTimeAsync(5_000)
    expect(lines).toEqual(['live results are delayed'])
    broken = false
    await vi.advanceTimersByTimeAsync(5_000)
    expect(lines).toEqual(['live results are delayed', 'live results go on'])
  })

  it('sends back after five minutes who sees hidden results because of who they are: they may be somebody else by then', async () => {
    const cache = cacheOfFake()
    live = liveOn(cache, ({ isOwner, hasVoted }) => (isOwner || hasVoted ? null : { problem: 'results-hidden', details: {} }))
    const owner = await join(cache, { rights: { ...noRights, isOwner: true } })
    const voter = await join(cache, { rights: { ...noRights, hasVoted: true } })
    await vi.advanceTimersByTimeAsync(299_000)
    expect(owner.writableEnded).toBe(false)
    await vi.advanceTimersByTimeAsync(2_000)
    expect([owner.writableEnded, voter.writableEnded]).toEqual([true, false])
    expect(JSON.stringify(owner.events)).not.toContain('end')
  })

  it('ends the streams of those who may not see the results any more, and of nobody else', async () => {
    const cache = cacheOfFake()
    live = liveOn(cache)
    const seen: unknown[] = []
    const resultsGate = {
      refusal: (_poll: Poll, rights: typeof noRights): Refusal | null => {
        seen.push(rights)
        return refused === null || rights.isOwner ? null : refused
      },
    }
    const definitions = { find: async () => ({ poll, voterKeys: () => Buffer.alloc(16) }) }
    live = new LiveResults({ definitions, resultsCache: cache, resultsGate, logger: { info: () => {} } as never })
    const stranger = await join(cache)
    const owner = await join(cache, { rights: { hasVoted: false, isOwner: true } })
    await vi.advanceTimersByTimeAsync(510)
    // What all may see is judged once for all.
    expect(seen).toEqual([noRights])
    refused = { problem: 'results-hidden', details: {} }
    count()
    await vi.advanceTimersByTimeAsync(510)
    expect(stranger.events).toEqual([0, { end: { problem: 'results-hidden' } }])
    expect(stranger.writableEnded).toBe(true)
    expect(owner.events).toEqual([0, 1])
    expect(live.readers).toBe(1)
  })
})

describe('a slow reader', () => {
  it('is left out, and gets the newest when it has taken the earlier', async () => {
    const cache = cacheOfFake()
    live = liveOn(cache)
    const [slow, quick] = [await join(cache), await join(cache)]
    slow.takes = false
    for (let push = 0; push < 5; push++) {
      count()
      await vi.advanceTimersByTimeAsync(510)
    }
    expect(quick.events).toEqual([0, 1, 2, 3, 4, 5])
    // 1 is what it does not take; nothing is queued behind it.
    expect([slow.events, slow.writableLength]).toEqual([[0, 1], String(slow.chunks.at(-1)).length])
    slow.takeAll()
    await vi.advanceTimersByTimeAsync(0)
    expect(slow.events).toEqual([0, 1, 5])
    count()
    await vi.advanceTimersByTimeAsync(510)
    expect(slow.events).toEqual([0, 1, 5, 6])
  })

  it('is cut after 30 s', async () => {
    const cache = cacheOfFake()
    live = liveOn(cache)
    const [slow, quick] = [await join(cache), await join(cache)]
    slow.takes = false
    count()
    await vi.advanceTimersByTimeAsync(30_000)
    expect([slow.destroyed, live.readers]).toEqual([false, 2])
    await vi.advanceTimersByTimeAsync(2_000)
    expect([slow.destroyed, quick.destroyed, live.readers]).toEqual([true, false, 1])
  })

  it('gets the final results and the end, and no more', async () => {
    const cache = cacheOfFake()
    live = liveOn(cache)
    const slow = await join(cache)
    slow.takes = false
    count()
    await vi.advanceTimersByTimeAsync(510)
    poll = { ...poll, version: { ...poll.version, closesAtMs: noonMs - 60_000 }, revision: poll.revision + 1 }
    api.ballots.asOfMs = noonMs
    count()
    await vi.advanceTimersByTimeAsync(510)
    slow.takeAll()
    await vi.advanceTimersByTimeAsync(0)
    expect(slow.events).toEqual([0, 1, 2, { end: { final: true } }])
    expect([slow.writableFinished, live.readers]).toEqual([true, 0])
  })

  it('is cut when the server ends: others end in order', async () => {
    const cache = cacheOfFake()
    live = liveOn(cache)
    const [slow, quick] = [await join(cache), await join(cache)]
    slow.takes = false
    count()
    await vi.advanceTimersByTimeAsync(510)
    live.stop()
    await vi.advanceTimersByTimeAsync(0)
    expect([slow.destroyed, slow.writableFinished, quick.writableFinished]).toEqual([true, false, true])
    expect(live.readers).toBe(0)
    expect(() => live.assertTakesReaders()).toThrow('shutting-down')
  })

  it('that never takes its end is cut too', async () => {
    const cache = cacheOfFake()
    live = liveOn(cache)
    const slow = await join(cache)
    slow.takes = false
    refused = { problem: 'poll-deleted', details: {} }
    await vi.advanceTimersByTimeAsync(510)
    expect(live.readers).toBe(1)
    await vi.advanceTimersByTimeAsync(32_000)
    expect([slow.destroyed, live.readers]).toEqual([true, 0])
  })

  it('fills no memory through a real connection, and is shown the newest when it reads again', async () => {
    vi.useRealTimers()
    let order = 0
    const text = 'x'.repeat(400_000)
    const get = async (): Promise<CachedResults> => {
      const results = resultsOf(poll, { turnout: 0, tallies: [], asOfMs: null }, noonMs)
      return { results, body: JSON.stringify({ order: ++order, text }), etag: `"${order}"`, order }
    }
    // Its turns are taken by hand.
    live = new LiveResults({
      definitions: { find: async () => ({ poll, voterKeys: () => Buffer.alloc(16) }) },
      resultsCache: { get },
      resultsGate: { refusal: () => null },
      logger: { info: () => {} } as never,
      turnEveryMs: 3_600_000,
    })
    let out: ServerResponse | undefined
    const server = createServer(async (_request, response) => {
      out = response.writeHead(200)
      live.join({ poll, results: await get(), rights: noRights, out })
    }).listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    const reader = await follow((server.address() as { port: number }).port, '/')
    await reader.next()
    reader.response.pause()
    const waits = () => (out?.writableLength ?? 0) > 0
    // Until the buffers of the operating system are full; then what waits is one event, however many more there are.
    while (!waits()) await live.turn(poll.id).then(() => new Promise(setImmediate))
    for (let turn = 0; turn < 50; turn++) await live.turn(poll.id)
    expect(out?.writableLength).toBeLessThan(2 * text.length)
    const newest = order
    reader.response.resume()
    let seen = 0
    let before = 0
    let events = 1
    while (seen < newest) {
      before = seen
      seen = (await reader.next()).data.order
      expect(seen).toBeGreaterThan(before)
      events++
    }
    // The last one before the gap was taken 50 turns ago.
    expect(newest - before).toBeGreaterThanOrEqual(50)
    expect(events).toBeLessThan(newest - 40)
    reader.leave()
    server.close()
  })
})

describe('a silent stream', () => {
  it('gets a comment every 15 s, by one timer for all', async () => {
    const cache = cacheOfFake()
    live = liveOn(cache)
    const timersBefore = vi.getTimerCount()
    const readers = [await join(cache), await join(cache), await join(cache)]
    // One for the room, one for all readers of all rooms.
    expect(vi.getTimerCount() - timersBefore).toBe(2)
    await vi.advanceTimersByTimeAsync(14_900)
    expect(readers[0]?.events).toEqual([0])
    await vi.advanceTimersByTimeAsync(1_200)
    for (const { events } of readers) expect(events).toEqual([0, 'keep-alive'])
    // Silence counts from the last event.
    count()
    await vi.advanceTimersByTimeAsync(14_000)
    expect(readers[0]?.events).toEqual([0, 'keep-alive', 1])
    await vi.advanceTimersByTimeAsync(3_000)
    expect(readers[0]?.events).toEqual([0, 'keep-alive', 1, 'keep-alive'])
  })

  it('begins with how long to wait before connecting again, different for each', async () => {
    const cache = cacheOfFake()
    live = liveOn(cache)
    const readers = await Promise.all(Array.from({ length: 50 }, () => join(cache)))
    const hints = readers.map(({ chunks }) => Number(/^retry: (\d+)\n\n$/.exec(chunks[0] ?? '')?.[1]))
    for (const ms of hints) expect(ms >= 1_000 && ms < 5_000).toBe(true)
    expect(new Set(hints).size).toBeGreaterThan(10)
  })
})

it('has more readers than one slice, and all get the push', async () => {
  vi.useRealTimers()
  const cache = cacheOfFake()
  live = liveOn(cache)
  const readers = Array.from({ length: 1_001 }, () => new Connection())
  const results = await cache.get(poll)
  for (const out of readers) live.join({ poll, results, rights: noRights, out })
  count()
  await vi.waitFor(() => expect(live.pushes).toBe(1))
  await vi.waitFor(() => {
    for (const { events } of readers) expect(events).toEqual([0, 1])
  })
})
