import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads'
import { encodeEntry } from '@urna/contracts'
import {
  type BallotPublisher,
  type BallotQueueMaintenance,
  type BallotSubscriber,
  type Delivery,
  type LowWater,
  type QueueDepth,
  rowSequence,
} from '@urna/core'
import { GroupCommit } from '../group-commit.ts'
import { queuedBallots } from '../queued-ballots.ts'
import { Calls } from './calls.ts'
import type { DeliveredEntry } from './queue-file.ts'
import type { QueueWorkerData } from './worker.ts'

/** A flush that is not confirmed by then has an unknown outcome: the voter is asked to send again. */
const appendTimeoutMs = 2_000
const callTimeoutMs = 10_000
/** The embedded queue is one stream. */
const stream = 0

export interface EmbeddedQueueOptions {
  /** The queue's SQLite file. */
  readonly path: string
  readonly replayWindowMs: number
  readonly abandonedAfterMs?: number
  /** The worker ended by itself: nothing can be taken or counted any more. */
  readonly onFailure: (error: Error) => void
}

export interface EmbeddedQueue {
  /** What the queue calls itself: 16 random bytes made with the file. Register it to learn the epoch. */
  readonly identity: Uint8Array
  /** An older copy of the queue's file was put back: gives it a new identity, to be registered. Null: all is well. */
  renameIfBehind(row: LowWater): Promise<Uint8Array | null>
  publisher(epoch: number, options?: { waitingMax?: number }): BallotPublisher
  /** A port for one consumer or janitor, to be handed to any thread; see {@link connectToEmbeddedQueue}. */
  connect(): Promise<MessagePort>
  depth(): Promise<QueueDepth>
  close(): Promise<void>
}

/** Starts the queue in a worker thread of its own. Everything it confirms survives a crash. */
export async function startEmbeddedQueue(options: EmbeddedQueueOptions): Promise<EmbeddedQueue> {
  const { path, replayWindowMs, abandonedAfterMs = 30_000 } = options
  const worker = new Worker(new URL(import.meta.resolve('@urna/queue/embedded/worker')), {
    workerData: { path, replayWindowMs, abandonedAfterMs } satisfies QueueWorkerData,
  })
  let closing = false
  worker.on('error', (error: Error) => {
    if (!closing) options.onFailure(error)
  })
  const calls = new Calls(worker)
  const identity = await calls.call<Uint8Array>('identity', null, { timeoutMs: callTimeoutMs })

  return {
    identity,
    renameIfBehind: (row) => calls.call('renameIfBehind', row, { timeoutMs: callTimeoutMs }),
    publisher: (epoch, { waitingMax } = {}) => embeddedPublisher(calls, epoch, waitingMax),
    async connect() {
      const { port1, port2 } = new MessageChannel()
      await calls.call('connect', port1, { timeoutMs: callTimeoutMs, transfer: [port1] })
      return port2
    },
    depth: () => calls.call('depth', null, { timeoutMs: callTimeoutMs }),
    async close() {
      closing = true
      await calls.call('close', null, { timeoutMs: callTimeoutMs })
      await worker.terminate()
    },
  }
}

function embeddedPublisher(calls: Calls, epoch: number, waitingMax: number | undefined): BallotPublisher {
  const intake = new GroupCommit({
    ...(waitingMax === undefined ? {} : { waitingMax }),
    async flush(encodedBallots) {
      const argument = { ballots: encodedBallots.length, body: encodeEntry(epoch, encodedBallots) }
      const { row, atMs } = await calls.call<{ row: number; atMs: number }>('append', argument, { timeoutMs: appendTimeoutMs })
      return { atMs, sequenceOf: (index) => rowSequence({ epoch, row, index }) }
    },
  })
  return {
    publish: (ballot) => intake.publish(ballot),
    check: () =>
      calls.call('depth', null, { timeoutMs: appendTimeoutMs }).then(
        () => true,
        () => false,
      ),
    close: () => intake.close(),
  }
}

export interface EmbeddedQueueConnection {
  readonly maintenance: BallotQueueMaintenance
  /** `consumer` is a name that stays the same over restarts: what it held comes to it first. */
  subscribe(consumer: string): Promise<BallotSubscriber>
  close(): void
}

/** The consumer's end, in the consumer's thread. */
export function connectToEmbeddedQueue(port: MessagePort, epoch: number): EmbeddedQueueConnection {
  const calls = new Calls(port)
  const call = <Value>(method: string, argument: unknown, timeoutMs = callTimeoutMs) => calls.call<Value>(method, argument, { timeoutMs })
  return {
    maintenance: {
      async positions() {
        const position = await call<{ below: Uint8Array; atMs: number; clockBehindMs: number }>('position', epoch)
        return [{ ...position, stream, epoch, below: Buffer.from(position.below) }]
      },
      depth: () => call('depth', null),
      async storedLowWater() {
        const row = await call<LowWater | null>('storedLowWater', null)
        return row === null ? null : { ...row, below: Buffer.from(row.below) }
      },
      storeLowWater: (row) => call('storeLowWater', row),
      rewind: (_stream, row) => call('rewind', row),
      trim: (row) => call('trim', row),
    },
    async subscribe(consumer) {
      await call('hello', consumer)
      return {
        async receive(limits) {
          const entries = await call<DeliveredEntry[]>('receive', { consumer, limits }, limits.waitMs + callTimeoutMs)
          return entries.map((entry) => toDelivery(entry, epoch))
        },
        ack: (deliveries) =>
          call(
            'ack',
            deliveries.map((delivery) => delivery.id),
          ),
        close: async () => {},
      }
    },
    close: () => port.close(),
  }
}

function toDelivery(entry: DeliveredEntry, unreadableEpoch: number): Delivery {
  const { id, row, atMs, body } = entry
  return { id, ballots: queuedBallots(body, atMs, unreadableEpoch, (epoch, index) => rowSequence({ epoch, row, index })) }
}
