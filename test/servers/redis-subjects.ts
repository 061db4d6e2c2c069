import { randomBytes } from 'node:crypto'
import type { BallotSubscriber, Delivery, LowWater, PollId, PublishableBallot } from '@urna/core'
import { type RedisStreamsEvent, type RedisStreamsOptions, type RedisStreamsQueue, redisStreamsQueue } from '@urna/queue'
import { afterAll, beforeAll, describe } from 'vitest'
import { type RedisKind, RedisServer, type RedisServerOptions, redisKinds, removeRedisServers } from './support/redis-servers.ts'

/** What the primary does: the same identity is the same epoch, a new one a greater one. */
export class EpochsInMemory {
  readonly identities: string[] = []
  /** Set it to make the primary refuse. */
  failure: Error | null = null
  calls = 0
  readonly register = async (identity: Uint8Array): Promise<number> => {
    this.calls++
    if (this.failure !== null) throw this.failure
    const text = Buffer.from(identity).toString('hex')
    if (!this.identities.includes(text)) this.identities.push(text)
    return this.identities.indexOf(text) + 1
  }
}

/** The low-water rows of a primary. */
export class RowsInMemory {
  rows = new Map<string, LowWater>()
  readonly readLowWater = async (epoch: number, stream: number) => this.rows.get(`${epoch}/${stream}`) ?? null
  readonly writingServer = async () => ''
  readonly writeLowWater = async (row: LowWater, expectedBeat: number | null) => {
    const key = `${row.epoch}/${row.stream}`
    if ((this.rows.get(key)?.beat ?? null) !== expectedBeat) return false
    this.rows.set(key, row)
    return true
  }
}

export interface OpenQueue extends RedisStreamsQueue {
  readonly events: RedisStreamsEvent[]
  readonly epochs: EpochsInMemory
  readonly prefix: string
  /** The key of the stream. */
  readonly stream: string
}

export type QueueOptions = Partial<Omit<RedisStreamsOptions, 'connection' | 'registerEpoch' | 'onEvent'>> & { epochs?: EpochsInMemory }

export interface RedisTests {
  readonly kind: RedisKind
  readonly server: () => RedisServer
  /** Closed after the test. */
  readonly open: (options?: QueueOptions, on?: RedisServer) => OpenQueue
  readonly closeAll: () => Promise<void>
}

/** A suite of tests for every Redis, one server for all of them; where one is missing, the suite's name says what to install. */
export function describeRedis(name: string, define: (tests: RedisTests) => void, settings: RedisServerOptions = {}): void {
  for (const kind of redisKinds) {
    const what = `${name}: ${kind.name}`
    describe.skipIf(kind.missing !== null)(kind.missing === null ? what : `${what} (skipped: ${kind.missing})`, () => {
      let server: RedisServer
      const opened: OpenQueue[] = []
      const closeAll = async () => {
        for (const queue of opened.splice(0)) await queue.close()
      }
      beforeAll(async () => {
        server = await RedisServer.start(kind, settings)
      })
      afterAll(async () => {
        await closeAll()
        await removeRedisServers()
      })
      const open = (options: QueueOptions = {}, on = server): OpenQueue => {
        const queue = openQueue(on, options)
        opened.push(queue)
        return queue
      }
      define({ kind, server: () => server, open, closeAll })
    })
  }
}

export function openQueue(server: { readonly port: number; readonly password?: string }, options: QueueOptions = {}): OpenQueue {
  const { epochs = new EpochsInMemory(), prefix = `t-${randomBytes(6).toString('hex')}`, replayWindowMs = 900_000, ...rest } = options
  const events: RedisStreamsEvent[] = []
  const queue = redisStreamsQueue({
    ...rest,
    prefix,
    replayWindowMs,
    connection: { host: '127.0.0.1', port: server.port, ...(server.password === undefined ? {} : { password: server.password }) },
    registerEpoch: epochs.register,
    onEvent: (event) => events.push(event),
  })
  return {
    publisher: (publisherOptions) => queue.publisher(publisherOptions),
    subscribe: (consumer) => queue.subscribe(consumer),
    depth: () => queue.depth(),
    activeConsumers: () => queue.activeConsumers(),
    streamOf: (sequence) => queue.streamOf(sequence),
    close: () => queue.close(),
    get maintenance() {
      return queue.maintenance
    },
    events,
    epochs,
    prefix,
    stream: `{${prefix}:0}:ballots`,
  }
}

export const everything = { ballotsMax: 100_000, bytesMax: 1_000_000_000, waitMs: 0 }

export function sampleBallot(voterKey: Uint8Array = randomBytes(16), answers: readonly string[] = ['1']): PublishableBallot {
  return { pollId: '0123456789abcdef' as PollId, pollVersion: 1, voterKey, answers }
}

export function sequencesOf(deliveries: readonly Delivery[]): string[] {
  return deliveries.flatMap(({ ballots }) => ballots.map(({ seq }) => seq.toString('hex')))
}

/** Receives and acks until nothing is left. -> the sequences, as often as they came. */
export async function drain(subscriber: BallotSubscriber, waitMs = 0): Promise<string[]> {
  const sequences: string[] = []
  for (;;) {
    const deliveries = await subscriber.receive({ ...everything, ballotsMax: 2_000, waitMs })
    if (deliveries.length === 0) return sequences
    sequences.push(...sequencesOf(deliveries))
    await subscriber.ack(deliveries)
  }
}

/** Until it holds, or for too long. */
export async function until(condition: () => boolean | Promise<boolean>, what: string, forMs = 15_000): Promise<void> {
  const end = Date.now() + forMs
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`waited in vain until ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
