import { randomBytes } from 'node:crypto'
import { inspect } from 'node:util'
import { type BallotPublisher, type Published, QueueOverloadedError, QueueUnavailableError } from '@urna/core'
import { describe, expect, it } from 'vitest'
import { describeRedis, drain, EpochsInMemory, everything, openQueue, sampleBallot, sequencesOf, until } from './redis-subjects.ts'
import { RedisServer, redisKinds } from './support/redis-servers.ts'

/** Voters who send again until they are told that their ballot is safe. */
class Voters {
  readonly confirmed: string[] = []
  /** Of each voter, in the order in which they were told. */
  readonly ofVoter = new Map<string, string[]>()
  refused = 0
  #stopped = false
  readonly #running: Promise<void>[]

  constructor(publisher: BallotPublisher, count: number) {
    this.#running = Array.from({ length: count }, () => this.#vote(publisher))
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await Promise.all(this.#running)
  }

  async #vote(publisher: BallotPublisher): Promise<void> {
    const voterKey = randomBytes(16)
    const own: string[] = []
    this.ofVoter.set(voterKey.toString('hex'), own)
    while (!this.#stopped) {
      try {
        const { seq } = await publisher.publish(sampleBallot(voterKey))
        own.push(seq.toString('hex'))
        this.confirmed.push(seq.toString('hex'))
      } catch (error) {
        expect(error).toBeInstanceOf(QueueUnavailableError)
        this.refused++
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
    }
  }
}

describeRedis('a queue that fails', ({ kind, open }) => {
  it('has every ballot that it confirmed after kill -9 under load, and keeps each voter in order', async () => {
    const server = await RedisServer.start(kind)
    const queue = openQueue(server, { streams: 2 })
    const voters = new Voters(await queue.publisher(), 40)
    const received: string[] = []
    const subscriber = await queue.subscribe('a')
    let counting = true
    const consuming = (async () => {
      while (counting) {
        const deliveries = await subscriber.receive({ ...everything, ballotsMax: 200, waitMs: 20 }).catch(() => [])
        received.push(...sequencesOf(deliveries))
        await subscriber.ack(deliveries).catch(() => {})
      }
    })()
    for (let kill = 1; kill <= 3; kill++) {
      const enough = voters.confirmed.length + 300
      await until(() => voters.confirmed.length >= enough, '300 more are confirmed')
      await server.kill()
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 100))
      await server.startAgain()
    }
    const enough = voters.confirmed.length + 300
    await until(() => voters.confirmed.length >= enough, 'voting goes on')
    await voters.stop()
    counting = false
    await consuming
    received.push(...(await drain(await queue.subscribe('a'))))
    await until(async () => (await queue.depth()).ballots === 0, 'nothing waits')

    expect(voters.refused).toBeGreaterThan(0)
    expect(new Set(voters.confirmed).size).toBe(voters.confirmed.length)
    const all = new Set(received)
    expect(voters.confirmed.filter((sequence) => !all.has(sequence))).toEqual([])
    for (const own of voters.ofVoter.values()) expect(own).toEqual([...own].sort())
    // Each start of Redis is an epoch of its own.
    expect(queue.epochs.identities).toHaveLength(4)
    await queue.close()
    await server.remove()
  })

  it('says unavailable in time while Redis hangs, comes back by itself, and writes nothing that it said no to', async () => {
    const server = await RedisServer.start(kind)
    const queue = openQueue(server)
    const publisher = await queue.publisher()
    const confirmed = [(await publisher.publish(sampleBallot())).seq.toString('hex')]
    server.pause()
    const pausedAtMs = performance.now()
    let longestMs = 0
    let refused = 0
    while (performance.now() - pausedAtMs < 10_000) {
      const sentAtMs = performance.now()
      await expect(publisher.publish(sampleBallot())).rejects.toBeInstanceOf(QueueUnavailableError)
      longestMs = Math.max(longestMs, performance.now() - sentAtMs)
      refused++
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    expect(await publisher.check()).toBe(false)
    server.resume()
    await until(async () => {
      const published = await publisher.publish(sampleBallot()).catch(() => null)
      if (published !== null) confirmed.push(published.seq.toString('hex'))
      return published !== null
    }, 'it takes ballots again')
    expect(refused).toBeGreaterThan(10)
    expect(longestMs).toBeLessThan(3_000) // 1.5 s, and what a busy machine adds
    expect(await publisher.check()).toBe(true)
    // The ballot that was under way reached Redis: only after it had hung, and after its voter was told to send again.
    expect((await drain(await queue.subscribe('a'))).sort()).toEqual(confirmed)
    await queue.close()
    await server.remove()
  }, 40_000)

  it('keeps its deadlines by the clock of Redis, however slow its own one runs', async () => {
    const queue = open({ publishTimeoutMs: 300 })
    const publisher = await queue.publisher()
    const real = performance.now.bind(performance)
    const begunAtMs = real()
    performance.now = () => begunAtMs + (real() - begunAtMs) / 2
    try {
      // After 0.6 s it is 0.3 s behind: every flush would come too late, were it not set anew.
      while (real() - begunAtMs < 1_200) {
        await publisher.publish(sampleBallot())
        await new Promise((resolve) => setTimeout(resolve, 30))
      }
    } finally {
      performance.now = real
    }
  })

  it('gives what a killed consumer held to another one, after it was held too long and not before', async () => {
    const queue = open({ abandonedAfterMs: 400 })
    const publisher = await queue.publisher()
    const sequences: string[] = []
    for (let index = 0; index < 30; index++) sequences.push((await publisher.publish(sampleBallot())).seq.toString('hex'))
    // Killed: it never says goodbye, its connections are left open.
    const heldAtMs = performance.now()
    expect(sequencesOf(await (await queue.subscribe('dies')).receive(everything))).toEqual(sequences)
    const lives = await queue.subscribe('lives')
    expect(await lives.receive(everything)).toEqual([])
    const taken: string[] = []
    while (taken.length < 30) taken.push(...sequencesOf(await lives.receive({ ...everything, ballotsMax: 7, waitMs: 2_000 })))
    expect(performance.now() - heldAtMs).toBeGreaterThanOrEqual(390)
    expect(taken).toEqual(sequences)
  })

  it('gives what a consumer held that closed to another one at once, and forgets its name when it held nothing', async () => {
    const queue = open()
    const publisher = await queue.publisher()
    const sequences = (await Promise.all(Array.from({ length: 10 }, () => publisher.publish(sampleBallot())))).map(({ seq }) =>
      seq.toString('hex'),
    )
    const leaves = await queue.subscribe('leaves')
    expect(sequencesOf(await leaves.receive(everything))).toHaveLength(10)
    await leaves.close()
    const next = await queue.subscribe('next')
    const deliveries = await next.receive(everything)
    expect(sequencesOf(deliveries).sort()).toEqual(sequences.sort())
    await next.ack(deliveries)
    await next.close()
    const third = await queue.subscribe('third')
    await third.receive(everything)
    expect(await queue.maintenance.depth()).toEqual({ ballots: 0, oldestAtMs: null })
  })

  it('acks again what it could not ack while Redis was away', async () => {
    const server = await RedisServer.start(kind)
    const queue = openQueue(server)
    const publisher = await queue.publisher()
    await publisher.publish(sampleBallot())
    const subscriber = await queue.subscribe('a')
    const deliveries = await subscriber.receive(everything)
    await server.kill()
    await expect(subscriber.ack(deliveries)).rejects.toThrow()
    await server.startAgain()
    expect(await subscriber.receive(everything)).toEqual([])
    expect(await queue.depth()).toEqual({ ballots: 0, oldestAtMs: null })
    await queue.close()
    await server.remove()
  })

  it('is overloaded, not broken, when the memory of Redis is full, and goes on when there is room', async () => {
    const server = await RedisServer.start(kind, { settings: { 'maxmemory-policy': 'noeviction', maxmemory: '20mb' } })
    const queue = openQueue(server)
    const publisher = await queue.publisher()
    const fill = 'x'.repeat(60_000)
    let failure: unknown = null
    for (let index = 0; index < 1_000 && failure === null; index++) {
      await publisher.publish(sampleBallot(randomBytes(16), [fill])).catch((error: unknown) => {
        failure = error
      })
    }
    expect(failure).toBeInstanceOf(QueueOverloadedError)
    // Acks and trims need no room.
    const subscriber = await queue.subscribe('a')
    await drain(subscriber)
    expect(await queue.depth()).toEqual({ ballots: 0, oldestAtMs: null })
    await server.ask(['CONFIG', 'SET', 'maxmemory', '100mb'])
    await publisher.publish(sampleBallot())
    await queue.close()
    await server.remove()
  })

  it('says nothing of a ballot, nor of a password, in its errors', async () => {
    const server = await RedisServer.start(kind)
    const queue = openQueue(server)
    const publisher = await queue.publisher()
    const secret = sampleBallot(Buffer.from('the voter key 16'), ['the answer'])
    const errors: unknown[] = []
    const publish = () => publisher.publish(secret).catch((error: unknown) => errors.push(error))
    const subscriber = await queue.subscribe('a')
    await publish()
    const deliveries = await subscriber.receive(everything)
    await server.ask(['SET', queue.stream, 'not a stream'])
    await publish()
    await subscriber.ack(deliveries).catch((error: unknown) => errors.push(error))
    await subscriber.receive({ ...everything, waitMs: 50 }).catch((error: unknown) => errors.push(error))
    const under = publish()
    await server.kill()
    await under
    expect(errors.length).toBeGreaterThanOrEqual(3)
    for (const said of [...errors, ...queue.events]) {
      expect(inspect(said, { depth: 10 })).not.toMatch(/the answer|dGhlIHZvdGVy|the voter key/)
    }
    await queue.close()
    const locked = openQueue({ port: server.port, password: 'a wrong one' })
    await server.startAgain()
    await (await locked.publisher()).check()
    await until(() => locked.events.length > 0, 'it was refused')
    expect(inspect(locked.events, { depth: 10 })).not.toContain('a wrong one')
    await locked.close()
    await server.remove()
  }, 40_000)

  it('loses nothing that it confirmed when the disk is full: Redis ends, ballots are refused, and it goes on where there is room', async () => {
    const server = await RedisServer.start(kind, { fileKilobytesMax: 300 })
    const queue = openQueue(server)
    const publisher = await queue.publisher()
    const confirmed: string[] = []
    const text = 'x'.repeat(5_000)
    while (server.running) {
      const published = await publisher.publish(sampleBallot(randomBytes(16), [text])).catch((error: unknown) => error)
      if (published instanceof Error) expect(published).toBeInstanceOf(QueueUnavailableError)
      else confirmed.push((published as Published).seq.toString('hex'))
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(confirmed.length).toBeGreaterThan(20)
    await expect(publisher.publish(sampleBallot())).rejects.toBeInstanceOf(QueueUnavailableError)
    server.fileKilobytesMax = null
    await server.startAgain()
    await until(() => publisher.check(), 'it is back')
    confirmed.push((await publisher.publish(sampleBallot())).seq.toString('hex'))
    const received = await drain(await queue.subscribe('a'))
    expect(confirmed.filter((sequence) => !received.includes(sequence))).toEqual([])
    await queue.close()
    await server.remove()
  })

  it('begins another epoch after a failover to a replica that lost confirmed ballots', async () => {
    const primary = await RedisServer.start(kind)
    const replica = await RedisServer.start(kind)
    await replica.ask(['REPLICAOF', '127.0.0.1', primary.port])
    const epochs = new EpochsInMemory()
    const before = openQueue(primary, { epochs, prefix: 'failover' })
    const publisher = await before.publisher()
    const kept = (await publisher.publish(sampleBallot())).seq.toString('hex')
    await until(async () => (await replica.ask(['XLEN', before.stream])) === 1, 'the replica has it')
    // Promoted while the old primary still answers: what that one confirms from now on is lost.
    await replica.ask(['REPLICAOF', 'NO', 'ONE'])
    const lost = (await publisher.publish(sampleBallot())).seq.toString('hex')
    await primary.kill()
    const after = openQueue(replica, { epochs, prefix: 'failover' })
    const next = (await (await after.publisher()).publish(sampleBallot())).seq.toString('hex')
    // Ids of entries that only the old primary had may be given again: the epoch keeps them apart, and the new ballot newer.
    expect(next.slice(0, 8)).toBe('00000002')
    expect(next > lost).toBe(true)
    expect((await drain(await after.subscribe('a'))).sort()).toEqual([kept, next])
    await before.close()
    await after.close()
    await primary.remove()
    await replica.remove()
  })
})

describe('without a Redis', () => {
  it('starts all the same, says unavailable, and takes ballots as soon as there is one', async ({ skip }) => {
    const kind = redisKinds.find(({ missing }) => missing === null)
    if (kind === undefined) return skip()
    const server = await RedisServer.start(kind)
    await server.stop()
    const queue = openQueue(server)
    const publisher = await queue.publisher()
    await expect(publisher.publish(sampleBallot())).rejects.toBeInstanceOf(QueueUnavailableError)
    expect(await publisher.check()).toBe(false)
    expect(queue.events.filter(({ kind: event }) => event === 'disconnected')).toHaveLength(1)
    await server.startAgain()
    await until(() => publisher.check(), 'it takes ballots')
    await publisher.publish(sampleBallot())
    await queue.close()
    await server.remove()
  })
})
