import { setTimeout as delay } from 'node:timers/promises'
import { voterPlacesContract } from '@urna/core/testing/voter-places-contract'
import { RedisVoterPlaces, type RedisVoterPlacesOptions } from '@urna/queue'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { RedisServer, redisKinds, removeRedisServers } from './support/redis-servers.ts'

const kind = redisKinds.find(({ missing }) => missing === null)

describe.skipIf(kind === undefined)(`voter places on ${kind?.name ?? 'Redis (skipped: apt-get install redis-server)'}`, () => {
  let redis: RedisServer
  const opened: RedisVoterPlaces[] = []
  beforeAll(async () => {
    redis = await RedisServer.start(kind as NonNullable<typeof kind>)
  })
  afterEach(() => {
    for (const places of opened.splice(0)) places.close()
    redis.resume()
  })
  afterAll(removeRedisServers)

  /** Of another process. */
  async function open(options: Partial<RedisVoterPlacesOptions> = {}): Promise<RedisVoterPlaces> {
    const places = new RedisVoterPlaces({ connection: { host: '127.0.0.1', port: redis.port }, ...options })
    opened.push(places)
    while (places.counts.shared === 0) {
      await places.placeOf({ address: 'somebody', hour: 1, mark: 'x' }, 100)
      await delay(2)
    }
    places.counts.alone = 0
    return places
  }

  voterPlacesContract(kind?.name ?? 'Redis', open)

  it('are counted by all processes together', async () => {
    const processes = await Promise.all(Array.from({ length: 5 }, () => open()))
    const given = await Promise.all(
      Array.from({ length: 200 }, (_, voter) =>
        (processes[voter % 5] as RedisVoterPlaces).placeOf({ address: 'shared', hour: 7, mark: `m${voter}` }, 1_000),
      ),
    )
    expect(given.sort((left, right) => left - right)).toEqual(Array.from({ length: 200 }, (_, place) => place))
    expect(processes.map(({ counts }) => counts.alone)).toEqual([0, 0, 0, 0, 0])
  })

  it('are given by this process alone while Redis stands still: soon, and not all free', async () => {
    const places = await open()
    redis.pause()
    const beganMs = performance.now()
    const given: number[] = []
    for (let voter = 0; voter < 5; voter++) given.push(await places.placeOf({ address: 'still', hour: 7, mark: `m${voter}` }, 1_000))
    expect(given).toEqual([0, 1, 2, 3, 4])
    // One wait of 250 ms, and none after it.
    expect(performance.now() - beganMs).toBeLessThan(1_500)
    expect(places.counts.alone).toBe(5)
    redis.resume()
    for (let tries = 0; places.counts.shared < 2; tries++) {
      expect(tries).toBeLessThan(500)
      await places.placeOf({ address: 'again', hour: 7, mark: 'm' }, 1_000)
      await delay(20)
    }
  })

  it('fill no Redis: over the most of an hour, each process goes on alone', async () => {
    const places = await open({ prefix: 'little', votersMax: 10 })
    for (let voter = 0; voter < 50; voter++) await places.placeOf({ address: `a${voter}`, hour: 7, mark: 'm' }, 1_000)
    expect(places.counts.alone).toBe(40)
    expect(Number(await redis.ask(['GET', '{little:places}:7']))).toBe(10)
    expect((await redis.ask(['KEYS', '{little:places}:7:*'])) as unknown as string[]).toHaveLength(10)
    expect(Number(await redis.ask(['PTTL', '{little:places}:7:a0']))).toBeGreaterThan(3_600_000)
    expect(Number(await redis.ask(['PTTL', '{little:places}:7']))).toBeGreaterThan(3_600_000)
  })
})
