import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { type PollId, pollIdFromBytes, type TallySnapshot } from '@urna/core'
import { RedisResultsCache, type SharedCounts } from '@urna/queue'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { RedisServer, redisKinds, removeRedisServers } from './support/redis-servers.ts'

const kind = redisKinds.find(({ missing }) => missing === null)

describe.skipIf(kind === undefined)(`results shared by apis: ${kind?.name ?? 'Redis (skipped: apt-get install redis-server)'}`, () => {
  let redis: RedisServer
  const caches: RedisResultsCache[] = []
  beforeAll(async () => {
    redis = await RedisServer.start(kind as NonNullable<typeof kind>)
  })
  afterEach(async () => {
    for (const cache of caches.splice(0)) cache.close()
    redis.resume()
    if (!redis.running) await redis.startAgain()
    await redis.ask(['FLUSHALL'])
  })
  afterAll(removeRedisServers)

  /** Of another process. */
  async function open(options: Partial<ConstructorParameters<typeof RedisResultsCache>[0]> = {}): Promise<RedisResultsCache> {
    const cache = new RedisResultsCache({ connection: { host: '127.0.0.1', port: redis.port }, keepMs: 1_000, ...options })
    caches.push(cache)
    for (let failures = -1; failures !== cache.counts.failures; await delay(2)) {
      failures = cache.counts.failures
      await cache.get(newPoll(), async () => countsOf(0))
    }
    cache.counts.hits = 0
    cache.counts.misses = 0
    cache.counts.failures = 0
    return cache
  }

  function countsOf(turnout: number, more: Partial<TallySnapshot> = {}): SharedCounts {
    const tallies = [
      { question: 1, key: '1', count: turnout },
      { question: 1, key: 'answered', count: turnout },
    ]
    return { waiting: 3, snapshot: { turnout, tallies, asOfMs: 1_700_000_000_123, ...more } }
  }

  const newPoll = (): PollId => pollIdFromBytes(randomBytes(10))
  const keyOf = (poll: PollId) => `{urna:results}:${poll}`

  it('ten processes that want the same at once read it once, and all get it exactly', async () => {
    const processes = await Promise.all(Array.from({ length: 10 }, () => open()))
    const poll = newPoll()
    const exact = countsOf(Number.MAX_SAFE_INTEGER, { asOfMs: null })
    let reads = 0
    const answers = await Promise.all(
      processes.map((cache) =>
        cache.get(poll, async () => {
          reads++
          await delay(50)
          return exact
        }),
      ),
    )
    expect(reads).toBe(1)
    for (const answer of answers) expect(answer).toEqual(exact)
    expect(processes.reduce((sum, { counts }) => sum + counts.misses, 0)).toBe(1)
    expect(processes.reduce((sum, { counts }) => sum + counts.hits, 0)).toBe(9)
  })

  it('keeps what was read for as long as it says, counted from the beginning of the reading', async () => {
    const [cache, other] = [await open({ keepMs: 400 }), await open({ keepMs: 400 })]
    const poll = newPoll()
    let turnout = 0
    const read = async () => {
      await delay(200)
      return countsOf(++turnout)
    }
    expect((await cache.get(poll, read)).snapshot.turnout).toBe(1)
    expect(Number(await redis.ask(['PTTL', keyOf(poll)]))).toBeLessThanOrEqual(200)
    expect((await other.get(poll, read)).snapshot.turnout).toBe(1)
    await delay(210)
    expect((await other.get(poll, read)).snapshot.turnout).toBe(2)
    // What took longer than it may be kept is not shared at all.
    const slow = newPoll()
    await cache.get(slow, async () => {
      await delay(420)
      return countsOf(1)
    })
    expect(await redis.ask(['EXISTS', keyOf(slow)])).toBe(0)
  })

  it('never gives out older counts than any process was given', async () => {
    // Kept for a moment only, so that each asks for itself.
    const [one, other] = [await open({ keepMs: 30 }), await open({ keepMs: 30 })]
    const poll = newPoll()
    const told = async (cache: RedisResultsCache, turnout: number, asOfMs: number | null) => {
      await delay(40)
      const { waiting, snapshot } = await cache.get(poll, async () => ({ ...countsOf(turnout, { asOfMs }), waiting: turnout }))
      return [waiting, snapshot.turnout, snapshot.asOfMs, snapshot.tallies[0]?.count]
    }
    expect(await told(one, 5, null)).toEqual([5, 5, null, 5])
    expect(await told(one, 8, 2_000)).toEqual([8, 8, 2_000, 8])
    // From a replica that is behind; how much waits was asked just now.
    expect(await told(other, 7, 1_000)).toEqual([7, 8, 2_000, 8])
    expect(await told(other, 7, 2_000)).toEqual([7, 8, 2_000, 8])
    expect(await told(one, 4, null)).toEqual([4, 8, 2_000, 8])
    expect(await told(other, 9, 2_000)).toEqual([9, 9, 2_000, 9])
    expect(await told(one, 9, 3_000)).toEqual([9, 9, 3_000, 9])
    // It is no archive, and another poll is another poll.
    expect(Number(await redis.ask(['PTTL', `${keyOf(poll)}:newest`]))).toBeGreaterThan(0)
    expect((await other.get(newPoll(), async () => countsOf(1, { asOfMs: 1 }))).snapshot.asOfMs).toBe(1)
    // What somebody else wrote there is not believed.
    await redis.ask(['HSET', `${keyOf(poll)}:newest`, 'asOf', 9_000, 'turnout', 99, 'counts', '{}'])
    expect(await told(one, 9, 4_000)).toEqual([9, 9, 4_000, 9])
  })

  it('a read that fails is everybody’s own: nobody waits for it, and its error comes through', async () => {
    const [cache, other] = [await open(), await open()]
    const poll = newPoll()
    await expect(cache.get(poll, () => Promise.reject(new Error('no database')))).rejects.toThrow('no database')
    const startedMs = performance.now()
    expect((await other.get(poll, async () => countsOf(5))).snapshot.turnout).toBe(5)
    expect(performance.now() - startedMs).toBeLessThan(300)
  })

  it('whoever died while reading is waited for only a moment', async () => {
    const cache = await open()
    const poll = newPoll()
    await redis.ask(['SET', `${keyOf(poll)}:reading`, 'somebody', 'PX', 60_000])
    const startedMs = performance.now()
    expect((await cache.get(poll, async () => countsOf(5))).snapshot.turnout).toBe(5)
    expect(performance.now() - startedMs).toBeLessThan(1_500)
    // The lock of somebody else stays.
    expect(await redis.ask(['GET', `${keyOf(poll)}:reading`])).toBe('somebody')
  })

  it('what is not ours, or older than may be, is a miss', async () => {
    const cache = await open()
    const old = JSON.stringify({ at: Date.now() - 60_000, waiting: 0, turnout: 1, tallies: [], asOf: null })
    const future = JSON.stringify({ at: Date.now() + 60_000, waiting: 0, turnout: 1, tallies: [], asOf: null })
    const rounded = JSON.stringify({ at: Date.now(), waiting: 0, turnout: 1.5, tallies: [], asOf: null })
    for (const text of ['', 'x', '{}', '[]', 'null', '{"at":"now"}', old, future, rounded]) {
      const poll = newPoll()
      await redis.ask(['SET', keyOf(poll), text, 'PX', 60_000])
      expect((await cache.get(poll, async () => countsOf(7))).snapshot.turnout).toBe(7)
    }
  })

  it('a Redis that is away or stands still is only a miss, and is left alone for a second', async () => {
    const cache = await open()
    redis.pause()
    const firstMs = performance.now()
    expect((await cache.get(newPoll(), async () => countsOf(7))).snapshot.turnout).toBe(7)
    expect(performance.now() - firstMs).toBeLessThan(1_000)
    const secondMs = performance.now()
    for (let round = 0; round < 50; round++) await cache.get(newPoll(), async () => countsOf(7))
    expect(performance.now() - secondMs).toBeLessThan(200)
    redis.resume()
    await redis.stop()
    await delay(1_100)
    expect((await cache.get(newPoll(), async () => countsOf(8))).snapshot.turnout).toBe(8)
    await redis.startAgain()
    const poll = newPoll()
    for (let round = 0; round < 100 && cache.counts.hits === 0; round++) {
      await cache.get(poll, async () => countsOf(9))
      await delay(100)
    }
    expect(cache.counts.hits).toBeGreaterThan(0)
  })
})
