import { setTimeout as delay } from 'node:timers/promises'
import { RedisRequestCounts } from '@urna/queue'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { RedisServer, redisKinds, removeRedisServers } from './support/redis-servers.ts'

const kind = redisKinds.find(({ missing }) => missing === null)

describe.skipIf(kind === undefined)(
  `requests counted by several apis: ${kind?.name ?? 'Redis (skipped: apt-get install redis-server)'}`,
  () => {
    let redis: RedisServer
    const opened: RedisRequestCounts[] = []
    beforeAll(async () => {
      redis = await RedisServer.start(kind as NonNullable<typeof kind>)
    })
    afterEach(async () => {
      for (const counts of opened.splice(0)) counts.close()
      redis.resume()
      if (!redis.running) await redis.startAgain()
      await redis.ask(['FLUSHALL'])
    })
    afterAll(removeRedisServers)

    const clock = { ms: 1_700_000_000_000, nowMs: () => clock.ms, monotonicMs: () => performance.now() }

    /** Of another process. */
    async function open(): Promise<RedisRequestCounts> {
      const counts = new RedisRequestCounts({ connection: { host: '127.0.0.1', port: redis.port }, clock })
      opened.push(counts)
      while ((await counts.count('somebody')) === null) await delay(2)
      return counts
    }

    it('are one count for all of them, in each second and for each caller, and gone soon after', async () => {
      const [first, second] = [await open(), await open()]
      const answers = await Promise.all(Array.from({ length: 40 }, (_, turn) => (turn % 2 === 0 ? first : second).count('caller')))
      // Each number from 1 to 40 once: no request is counted twice or not at all.
      expect(answers.sort((a, b) => Number(a) - Number(b))).toEqual(Array.from({ length: 40 }, (_, index) => index + 1))
      expect(await first.count('another')).toBe(1)
      clock.ms += 1_000
      expect(await second.count('caller')).toBe(1)
      const keys = (await redis.ask(['KEYS', '*'])) as string[]
      expect(keys.length).toBeGreaterThan(0)
      for (const key of keys) {
        expect(key).toMatch(/^\{urna:requests\}:\d+:(caller|another|somebody)$/)
        const left = Number(await redis.ask(['PTTL', key]))
        expect(left).toBeGreaterThan(0)
        expect(left).toBeLessThanOrEqual(2_000)
      }
    })

    it('are not known while Redis is away or stands still: nobody waits long for that, and nothing fails', async () => {
      const counts = await open()
      redis.pause()
      const startedMs = performance.now()
      expect(await counts.count('caller')).toBeNull()
      expect(performance.now() - startedMs).toBeLessThan(600)
      const againMs = performance.now()
      for (let time = 0; time < 100; time++) expect(await counts.count('caller')).toBeNull()
      expect(performance.now() - againMs).toBeLessThan(100)
      expect(counts.failures).toBe(1)
      redis.resume()
      while ((await counts.count('caller')) === null) await delay(20)

      await redis.kill()
      await delay(50)
      expect(await counts.count('caller')).toBeNull()
      await redis.startAgain()
      while ((await counts.count('caller')) === null) await delay(20)
    })
  },
)
