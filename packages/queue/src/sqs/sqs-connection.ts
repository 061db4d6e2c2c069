import { randomBytes } from 'node:crypto'
import { clockDifferenceMsMax } from '@urna/core'
import { attributeFaults, attributesOfNewQueue, identityOfQueue, kindOfQueue, type SqsQueueKind } from './queue-attributes.ts'
import { HybridClock, QueueClock } from './queue-clock.ts'
import { codeOf, isQueueMissing, type SqsCalls } from './sqs-calls.ts'
import type { SqsCallName, SqsEvent } from './sqs-events.ts'

/** The queue as it was last seen. */
export interface SqsPlace {
  readonly url: string
  readonly identity: Buffer
  readonly epoch: number
}

export interface SqsConnectionOptions {
  readonly queueName: string
  /** identity (32 bytes) -> epoch, on the primary. While it fails nothing is sent or received. */
  readonly registerEpoch: (identity: Uint8Array) => Promise<number>
  readonly onEvent: (event: SqsEvent) => void
  readonly calls: (clock: QueueClock) => SqsCalls
  readonly clock?: QueueClock
}

/** How often it is asked which queue this is, and for how long the answer is good: a queue can be replaced behind our back. */
const lookAgainMs = 5_000
const believedMs = 10_000

/** Knows which queue this is: makes it if there is none, learns its epoch, notices when it was replaced. */
export class SqsConnection {
  readonly kind: SqsQueueKind
  readonly calls: SqsCalls
  readonly clock: QueueClock
  /** The instants of the ballots that are published over this connection. */
  readonly stamps: HybridClock
  readonly #options: SqsConnectionOptions
  #place: SqsPlace | null = null
  #lookedAtMs = 0
  #opening: Promise<SqsPlace> | null = null
  /** What this process knew last, also while the queue is away. */
  #lastIdentity: Buffer | null = null
  #clockAlarmed = false

  constructor(options: SqsConnectionOptions) {
    this.#options = options
    this.kind = kindOfQueue(options.queueName)
    this.clock = options.clock ?? new QueueClock()
    this.stamps = new HybridClock(() => this.clock.nowMs(), randomBytes(4).readUInt32BE())
    this.calls = options.calls(this.clock)
  }

  /** The queue, as it was no longer ago than 10 s. */
  async place(): Promise<SqsPlace> {
    const age = this.clock.monotonicMs() - this.#lookedAtMs
    if (this.#place === null || age > believedMs) return this.#open()
    // Nobody waits for this look; if it fails, the next one is waited for when it is time.
    if (age > lookAgainMs) this.#open().catch(() => {})
    return this.#place
  }

  /** Does something with the queue. If it is gone, that is remembered, and the next call makes it again. */
  async withPlace<Value>(work: (place: SqsPlace) => Promise<Value>): Promise<Value> {
    const place = await this.place()
    try {
      return await work(place)
    } catch (error) {
      if (isQueueMissing(error) && this.isCurrent(place)) this.#place = null
      throw error
    } finally {
      this.#watchClock()
    }
  }

  isCurrent(place: SqsPlace): boolean {
    return this.#place?.identity.equals(place.identity) === true
  }

  tell(event: SqsEvent): void {
    this.#options.onEvent(event)
  }

  tellFailed(call: SqsCallName, messages: number, error: unknown): void {
    this.tell({ kind: 'failed', call, messages, code: typeof error === 'string' ? error : codeOf(error) })
  }

  close(): void {
    this.calls.close()
  }

  #open(): Promise<SqsPlace> {
    this.#opening ??= this.#look().finally(() => {
      this.#opening = null
    })
    return this.#opening
  }

  async #look(): Promise<SqsPlace> {
    const lookedAtMs = this.clock.monotonicMs()
    try {
      const { url, made } = await this.#findOrMake()
      const attributes = await this.calls.attributes(url)
      const identity = identityOfQueue(attributes)
      let place = this.#place
      if (place === null || !place.identity.equals(identity) || place.url !== url) {
        const epoch = await this.#options.registerEpoch(identity)
        place = { url, identity, epoch }
        const replaced = this.#lastIdentity !== null && !this.#lastIdentity.equals(identity)
        this.tell({ kind: 'queue', name: this.#options.queueName, epoch, made, replaced })
        for (const fault of attributeFaults(this.kind, attributes)) this.tell({ kind: 'attribute', ...fault })
      }
      this.#place = place
      this.#lastIdentity = identity
      this.#lookedAtMs = lookedAtMs
      return place
    } catch (error) {
      if (isQueueMissing(error)) this.#place = null
      this.tellFailed('open', 0, error)
      throw error
    }
  }

  async #findOrMake(): Promise<{ url: string; made: boolean }> {
    const { queueName } = this.#options
    if (this.#place !== null) return { url: this.#place.url, made: false }
    try {
      return { url: await this.calls.queueUrl(queueName), made: false }
    } catch (error) {
      if (!isQueueMissing(error)) throw error
    }
    try {
      return { url: await this.calls.createQueue(queueName, attributesOfNewQueue(this.kind)), made: true }
    } catch (error) {
      // Somebody else made it a moment ago, in another way.
      if (codeOf(error) !== 'QueueNameExists') throw error
      return { url: await this.calls.queueUrl(queueName), made: false }
    }
  }

  #watchClock(): void {
    const behindMs = this.clock.wallBehindMs()
    const alarming = Math.abs(behindMs) > clockDifferenceMsMax
    if (alarming && !this.#clockAlarmed) this.tell({ kind: 'clock', behindMs })
    this.#clockAlarmed = alarming
  }
}
