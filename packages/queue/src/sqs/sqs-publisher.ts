import { randomUUID } from 'node:crypto'
import { encodeBallot } from '@urna/contracts'
import {
  type BallotPublisher,
  fifoSequence,
  hybridClockSequence,
  type PublishableBallot,
  type Published,
  QueueOverloadedError,
  QueueUnavailableError,
} from '@urna/core'
import { groupBitsOf, groupOf, messageOverheadBytes, type Stamp, stampDifferenceMsMax, toEntry } from './ballot-message.ts'
import { messageBytesMax } from './queue-attributes.ts'
import type { SqsConnection, SqsPlace } from './sqs-connection.ts'

const batchMessagesMax = 10
/** SQS takes 1 MiB by now; a queue that was made earlier, or a stand-in for SQS, may not. */
const batchBytesMax = 256 * 1024
const batchesInFlightMax = 64
/** A batch that is not full is sent only while fewer than this are under way: at a burst batches fill, a single voter waits for nobody. */
const partialBatchesInFlightMax = 4

export interface SqsPublisherOptions {
  /** Ballots that may wait in memory; one more is refused. */
  readonly waitingMax?: number
  /** A ballot that waited this long is refused instead of sent. With the time of a call, the voter has an answer within 3 s. */
  readonly waitMsMax?: number
}

interface Waiting {
  readonly group: string
  readonly encoded: string
  /** Of its message, at most. */
  readonly bytes: number
  readonly sinceMs: number
  readonly resolve: (published: Published) => void
  readonly reject: (error: Error) => void
}

/**
 * The intake: up to 64 batches of up to 10 messages under way, and never two messages of one voter, or the later one could be placed
 * before the earlier one.
 */
export class SqsPublisher implements BallotPublisher {
  readonly #connection: SqsConnection
  readonly #waitingMax: number
  readonly #waitMsMax: number
  /** Each of another voter, none of whom has a message under way. */
  #ready: Waiting[] = []
  /** Voters who have a ballot ready or under way, with those that wait behind it. */
  readonly #behind = new Map<string, Waiting[]>()
  #waiting = 0
  #inFlight = 0
  #scheduled = false
  #closed = false
  #onIdle: (() => void)[] = []

  constructor(connection: SqsConnection, options: SqsPublisherOptions = {}) {
    this.#connection = connection
    this.#waitingMax = options.waitingMax ?? 20_000
    this.#waitMsMax = options.waitMsMax ?? 1_000
  }

  publish(ballot: PublishableBallot): Promise<Published> {
    if (this.#closed) return Promise.reject(new QueueOverloadedError('the intake is closed'))
    if (this.#waiting >= this.#waitingMax) return Promise.reject(new QueueOverloadedError('too many ballots wait to be sent'))
    const encoded = encodeBallot(ballot)
    const bytes = Buffer.byteLength(encoded) + messageOverheadBytes
    if (bytes > messageBytesMax) return Promise.reject(new RangeError(`a ballot of ${bytes} bytes does not fit a message`))
    return new Promise((resolve, reject) => {
      const waiting = { group: groupOf(ballot), encoded, bytes, sinceMs: performance.now(), resolve, reject }
      this.#waiting++
      const behind = this.#behind.get(waiting.group)
      if (behind === undefined) {
        this.#behind.set(waiting.group, [])
        this.#ready.push(waiting)
        this.#schedule()
      } else {
        behind.push(waiting)
      }
    })
  }

  async check(): Promise<boolean> {
    try {
      await this.#connection.withPlace(({ url }) => this.#connection.calls.attributes(url))
      return true
    } catch {
      return false
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    if (this.#waiting === 0) return
    await new Promise<void>((resolve) => this.#onIdle.push(resolve))
  }

  /** After this turn of the event loop: what it brings along goes into the same batch. */
  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      this.#sendWhatMay()
    })
  }

  #sendWhatMay(): void {
    while (this.#ready.length > 0 && this.#inFlight < this.#inFlightMax()) {
      const batch = this.#cut()
      if (batch.length > 0) this.#sendBatch(batch)
    }
  }

  #inFlightMax(): number {
    return this.#ready.length >= batchMessagesMax ? batchesInFlightMax : partialBatchesInFlightMax
  }

  #cut(): Waiting[] {
    const batch: Waiting[] = []
    let bytes = 0
    let taken = 0
    for (const waiting of this.#ready) {
      if (performance.now() - waiting.sinceMs > this.#waitMsMax) {
        taken++
        waiting.reject(new QueueOverloadedError('the ballot waited too long to be sent'))
        this.#settle(waiting)
        continue
      }
      bytes += waiting.bytes
      if (batch.length === batchMessagesMax || (batch.length > 0 && bytes > batchBytesMax)) break
      taken++
      batch.push(waiting)
    }
    this.#ready.splice(0, taken)
    return batch
  }

  #sendBatch(batch: readonly Waiting[]): void {
    this.#inFlight++
    this.#send(batch)
      .catch((cause: unknown) => {
        this.#connection.tellFailed('send', batch.length, cause)
        rejectAll(batch, cause)
      })
      .finally(() => {
        this.#inFlight--
        for (const waiting of batch) this.#settle(waiting)
        this.#schedule()
      })
  }

  /** Gives each voter of the batch what SQS says of his message. Throws if it says nothing of any. */
  async #send(batch: readonly Waiting[]): Promise<void> {
    const { calls, kind, stamps } = this.#connection
    await this.#connection.withPlace(async (place) => {
      // Stamped at the last moment: order and time are those of sending.
      const stamped = batch.map((waiting) => ({ waiting, stamp: { ...stamps.next(), node: stamps.node } }))
      const entries = stamped.map(({ waiting: { encoded, group }, stamp }, index) =>
        toEntry(kind, { id: String(index), epoch: place.epoch, encoded, group, stamp, deduplicationId: randomUUID() }),
      )
      const { Successful = [], Failed = [] } = await calls.send(place.url, entries)
      if (!this.#connection.isCurrent(place)) throw new Error('the queue was replaced meanwhile')
      for (const { Id, SequenceNumber } of Successful) {
        const sent = stamped[Number(Id)]
        if (sent !== undefined) this.#confirm(sent.waiting, place, sent.stamp, SequenceNumber)
      }
      for (const { Code } of Failed) this.#connection.tellFailed('send', 1, Code ?? 'unknown')
      // To a ballot that was confirmed this does nothing.
      rejectAll(batch, new Error('SQS did not take this message'))
    })
  }

  #confirm(waiting: Waiting, { epoch }: SqsPlace, stamp: Stamp, sequenceNumber: string | undefined): void {
    try {
      const differenceMs = Math.abs(this.#connection.clock.nowMs() - stamp.ms)
      if (differenceMs > stampDifferenceMsMax / 2) throw new Error('the clock jumped while the ballot was sent')
      const seq =
        this.#connection.kind === 'fifo'
          ? fifoSequence({ epoch, sequenceNumber: sequenceNumber ?? '', groupBits: groupBitsOf(waiting.group) })
          : hybridClockSequence({ epoch, ...stamp })
      waiting.resolve({ seq, atMs: stamp.ms })
    } catch (error) {
      this.#connection.tellFailed('send', 1, error)
      rejectAll([waiting], error)
    }
  }

  /** This voter's next ballot may be sent now. */
  #settle({ group }: Waiting): void {
    this.#waiting--
    const next = this.#behind.get(group)?.shift()
    if (next === undefined) this.#behind.delete(group)
    else this.#ready.push(next)
    if (this.#waiting === 0) for (const idle of this.#onIdle.splice(0)) idle()
  }
}

function rejectAll(batch: readonly Waiting[], cause: unknown): void {
  const error = new QueueUnavailableError('the ballot queue did not confirm', { cause })
  for (const waiting of batch) waiting.reject(error)
}
