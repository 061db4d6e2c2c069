import {
  type BallotQueueMaintenance,
  fifoSequence,
  hybridClockSequence,
  type QueueDepth,
  type Sequence,
  type StreamPosition,
} from '@urna/core'
import { depthOfQueue } from './queue-attributes.ts'
import type { SqsConnection } from './sqs-connection.ts'

const stream = 0
/** Between two looks that are further apart a message may have come, stayed and gone to a consumer that still has it. */
const lookAgainMsMax = 10_000

export interface SqsMaintenanceOptions {
  /** SQS's counts are estimates that become right after a minute or so: nothing waits when they were 0 for this long. */
  readonly quietMs: number
}

/**
 * SQS tells nobody what lies where, and keeps nothing that was acked. What can be said is said from its counts alone: when they have been
 * 0 for a while, everything accepted before that while is counted. Until then there is no position.
 */
export class SqsMaintenance implements BallotQueueMaintenance {
  readonly #connection: SqsConnection
  readonly #quietMs: number
  /** Since when every look at this queue found nothing, and the last of them; queue time. */
  #quiet: { readonly identity: Buffer; readonly sinceMs: number; readonly lastMs: number } | null = null

  constructor(connection: SqsConnection, options: SqsMaintenanceOptions) {
    this.#connection = connection
    this.#quietMs = options.quietMs
  }

  async positions(): Promise<StreamPosition[]> {
    const { clock } = this.#connection
    return this.#connection.withPlace(async ({ url, identity, epoch }) => {
      const nowMs = clock.nowMs()
      const { ballots } = depthOfQueue(await this.#connection.calls.attributes(url))
      const before = this.#quiet?.identity.equals(identity) ? this.#quiet : null
      const sinceMs = before !== null && nowMs - before.lastMs <= lookAgainMsMax ? before.sinceMs : nowMs
      this.#quiet = ballots > 0 ? null : { identity, sinceMs, lastMs: nowMs }
      const atMs = nowMs - this.#quietMs
      if (this.#quiet === null || atMs < this.#quiet.sinceMs) return []
      return [{ stream, epoch, below: this.#below(epoch, atMs), atMs, clockBehindMs: Math.max(0, clock.wallBehindMs()) }]
    })
  }

  depth(): Promise<QueueDepth> {
    return this.#connection.withPlace(async ({ url }) => depthOfQueue(await this.#connection.calls.attributes(url)))
  }

  async storedLowWater(): Promise<null> {
    return null
  }

  async storeLowWater(): Promise<void> {}

  async rewind(): Promise<{ entries: number; gap: boolean }> {
    return { entries: 0, gap: true }
  }

  async trim(): Promise<number> {
    return 0
  }

  /** Sequences of a standard queue begin with their time. Those of a FIFO queue are ordered for each voter only: nothing is below. */
  #below(epoch: number, atMs: number): Sequence {
    if (this.#connection.kind === 'fifo') return fifoSequence({ epoch, sequenceNumber: '0', groupBits: 0 })
    return hybridClockSequence({ epoch, ms: atMs, counter: 0, node: 0 })
  }
}
