import { type BallotPublisher, type BallotQueueMaintenance, type BallotSubscriber, entryOfSequence, type QueueDepth } from '@urna/core'
import type { Redis } from 'ioredis'
import { QueueBeginning } from './begin-queue.ts'
import { Link, openClient } from './link.ts'
import { RedisMaintenance } from './maintenance.ts'
import type { RedisStreamsOptions } from './options.ts'
import { redisPublisher } from './publisher.ts'
import { RedisSubscriber } from './subscriber.ts'

const commandTimeoutMs = 10_000
const startWaitMs = 3_000

export interface RedisStreamsQueue {
  /** A publisher with a connection of its own. Comes when Redis has answered, or after a moment all the same: then it says unavailable. */
  publisher(options?: { waitingMax?: number }): Promise<BallotPublisher>
  /** `consumer` is a name that stays the same over restarts, and is another one for each that runs at the same time. */
  subscribe(consumer: string): Promise<BallotSubscriber>
  readonly maintenance: BallotQueueMaintenance
  depth(): Promise<QueueDepth>
  /** How many consumers asked for ballots of any stream within the last minute. */
  activeConsumers(): Promise<number>
  /** Which stream's low water a ballot is measured by. */
  streamOf(sequence: Uint8Array): number
  /** Closes every connection. Publishers are closed first, by whoever asked for them: they send what waits. */
  close(): Promise<void>
}

/** The ballot queue on Redis Streams. Nothing connects before it is asked for; whatever is lost comes back by itself. */
export function redisStreamsQueue(options: RedisStreamsOptions): RedisStreamsQueue {
  const { abandonedAfterMs = 30_000, publishTimeoutMs = 1_500, replayWindowMs, onEvent, connection } = options
  const beginning = new QueueBeginning(options)
  const streams = beginning.keys
  const intakes: Link[] = []
  const blockings: Redis[] = []
  const subscribers: RedisSubscriber[] = []
  let counting: Link | null = null
  const countingLink = () => {
    counting ??= new Link('counting', options, beginning, commandTimeoutMs)
    return counting
  }
  const maintenance = lazily(() => new RedisMaintenance({ link: countingLink(), streams, replayWindowMs, abandonedAfterMs, onEvent }))

  return {
    async publisher({ waitingMax } = {}) {
      const link = new Link('intake', options, beginning, publishTimeoutMs)
      intakes.push(link)
      await link.whenBegun(startWaitMs).catch(() => {})
      return redisPublisher(link, streams, { timeoutMs: publishTimeoutMs, waitingMax })
    },
    async subscribe(consumer) {
      const blocking = openClient(connection, 'waiting', null)
      blockings.push(blocking)
      const subscriber = new RedisSubscriber({ consumer, link: countingLink(), blocking, streams, abandonedAfterMs, onEvent })
      subscribers.push(subscriber)
      return subscriber
    },
    get maintenance() {
      return maintenance()
    },
    depth: () => maintenance().depth(),
    activeConsumers: () => maintenance().activeConsumers(),
    streamOf: (sequence) => entryOfSequence(sequence).stream,
    async close() {
      await Promise.all(subscribers.map((subscriber) => subscriber.close()))
      for (const blocking of blockings) blocking.disconnect()
      for (const link of intakes) link.close()
      counting?.close()
    },
  }
}

function lazily<Value>(make: () => Value): () => Value {
  let made: Value | null = null
  return () => {
    made ??= make()
    return made
  }
}
