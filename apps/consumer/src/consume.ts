import { setTimeout as delay } from 'node:timers/promises'
import {
  type BallotRepository,
  type BallotSubscriber,
  type CountBatch,
  type CountOutcome,
  type DeadLetterReason,
  type Delivery,
  deadLetterOf,
  formBatch,
  type MasterKey,
  PermanentDatabaseError,
  type QueuedBallot,
} from '@urna/core'
import type { JudgedPolls } from './judged-polls.ts'

export type ConsumerEvent =
  | { readonly kind: 'counted'; readonly outcome: CountOutcome }
  | { readonly kind: 'parked'; readonly reason: DeadLetterReason; readonly detail: string }
  | { readonly kind: 'retry'; readonly error: Error }

export type ConsumerCrashPoint = 'after-read' | 'after-commit'

export interface ConsumerDependencies {
  readonly subscriber: BallotSubscriber
  readonly ballots: Pick<BallotRepository, 'countBatch'>
  readonly judgedPolls: JudgedPolls
  readonly masterKey: Pick<MasterKey, 'seal'>
  /** 0..65535, another one for each consumer that runs at the same time. */
  readonly shard: number
  readonly onEvent: (event: ConsumerEvent) => void
  /** False: nothing is received now. A queue that counts deliveries, or gives them to others after a while, is better left alone then. */
  readonly mayReceive?: () => boolean
  /** Called at every turn of the loop: a consumer that stands still is not healthy. */
  readonly beat?: () => void
  readonly crashPoint?: (point: ConsumerCrashPoint) => void
  readonly batchBallotsMax?: number
  readonly retryDelayMsMax?: number
}

const heldBytesMax = 4 * 1024 * 1024
const lingerMs = 20
/** How long one question to an empty queue waits: also the longest that an idle consumer takes to stop. */
const waitMs = 250

/**
 * The consumer: receive, judge, count in one transaction, and only then ack. It may be killed anywhere: what was not acked comes again,
 * and counting the same ballots again changes nothing.
 *
 * Failures of the database are tried again for ever, with jitter: how often a ballot was delivered never decides anything. A ballot that
 * the database will never take is found by halving the batch, and parked as a dead letter.
 */
export class Consumer {
  readonly #dependencies: ConsumerDependencies
  readonly #batchBallotsMax: number
  readonly #stopping = new AbortController()
  #running: Promise<void> | null = null
  #holdsBallots = false

  constructor(dependencies: ConsumerDependencies) {
    this.#dependencies = dependencies
    this.#batchBallotsMax = dependencies.batchBallotsMax ?? 2_000
  }

  /** Consumes until `stop`. Rejects only on a programmer's error. */
  run(): Promise<void> {
    this.#running ??= this.#loop()
    return this.#running
  }

  /** Ballots were received and are not acked yet. */
  get holdsBallots(): boolean {
    return this.#holdsBallots
  }

  /** Ends after the batch that is under way, unless counting it fails. What is held unacked is delivered again to the next consumer. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#running
  }

  /** Counts everything that can be received now; returns how many ballots that were. */
  async processAll(): Promise<number> {
    let processed = 0
    for (;;) {
      const ballots = await this.#processOnce(0)
      if (ballots === 0) return processed
      processed += ballots
    }
  }

  async #loop(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      this.#dependencies.beat?.()
      if (this.#dependencies.mayReceive?.() === false) {
        await this.#pause(waitMs)
        continue
      }
      try {
        await this.#processOnce(waitMs)
      } catch (error) {
        if (this.#stopping.signal.aborted) return
        await this.#retryLater(error as Error, 1)
      }
    }
  }

  async #processOnce(wait: number): Promise<number> {
    const { subscriber } = this.#dependencies
    const deliveries = await subscriber.receive({ ballotsMax: this.#batchBallotsMax, bytesMax: heldBytesMax, waitMs: wait })
    if (deliveries.length === 0) return 0
    this.#holdsBallots = true
    try {
      return await this.#process(deliveries, wait)
    } finally {
      this.#holdsBallots = false
    }
  }

  async #process(deliveries: Delivery[], wait: number): Promise<number> {
    const { crashPoint } = this.#dependencies
    if (wait > 0) deliveries.push(...(await this.#lingering(deliveries)))
    crashPoint?.('after-read')
    return this.#countAndAck(deliveries)
  }

  /**
   * What comes within a moment, when little was there: one commit for many ballots leaves the disk to the intake. Nothing, if the queue
   * goes away meanwhile: what is held already must be counted, for it is given to nobody else before it was held too long.
   */
  async #lingering(deliveries: readonly Delivery[]): Promise<Delivery[]> {
    const held = deliveries.reduce((sum, delivery) => sum + delivery.ballots.length, 0)
    const ballotsMax = this.#batchBallotsMax - held
    if (ballotsMax <= 0) return []
    await this.#pause(lingerMs)
    return this.#dependencies.subscriber.receive({ ballotsMax, bytesMax: heldBytesMax, waitMs: 0 }).catch((error: Error) => {
      this.#dependencies.onEvent({ kind: 'retry', error })
      return []
    })
  }

  /**
   * A transaction may end inside an entry; an entry is acked when each of its ballots is committed or parked. An ack that the queue does
   * not take is told at the end: the rest is counted all the same.
   */
  async #countAndAck(deliveries: readonly Delivery[]): Promise<number> {
    const ballots = deliveries.flatMap((delivery) => delivery.ballots)
    let acked = 0
    let ackError: unknown = null
    let lastBallotOfNext = deliveries[0]?.ballots.length ?? 0
    for (let start = 0; start < ballots.length || start === 0; start += this.#batchBallotsMax) {
      const end = Math.min(start + this.#batchBallotsMax, ballots.length)
      await this.#count(ballots.slice(start, end))
      this.#dependencies.crashPoint?.('after-commit')
      const firstUnacked = acked
      while (acked < deliveries.length && lastBallotOfNext <= end) {
        acked++
        lastBallotOfNext += deliveries[acked]?.ballots.length ?? 0
      }
      if (acked === firstUnacked) continue
      await this.#dependencies.subscriber.ack(deliveries.slice(firstUnacked, acked)).catch((error: unknown) => {
        ackError ??= error
      })
    }
    if (ackError !== null) throw ackError
    return ballots.length
  }

  async #count(queued: readonly QueuedBallot[]): Promise<void> {
    if (queued.length === 0) return
    const { judgedPolls, masterKey, shard } = this.#dependencies
    await this.#untilDone(() => judgedPolls.load(queued))
    const batch = formBatch({ queued, find: judgedPolls.find, shard, masterKey })
    try {
      await this.#commit(batch)
    } catch (error) {
      if (!(error instanceof PermanentDatabaseError)) throw error
      await this.#withoutTheBadOne(queued, error)
    }
  }

  async #withoutTheBadOne(queued: readonly QueuedBallot[], error: PermanentDatabaseError): Promise<void> {
    const [only] = queued
    if (queued.length > 1 || only === undefined) {
      const middle = Math.ceil(queued.length / 2)
      await this.#count(queued.slice(0, middle))
      await this.#count(queued.slice(middle))
      return
    }
    const { masterKey, shard } = this.#dependencies
    const deadLetter = deadLetterOf(masterKey, only, 'rejected', `the database does not take it: ${error.name}`)
    await this.#commit({ shard, ballots: [], deadLetters: [deadLetter], definitions: new Map() })
  }

  async #commit(batch: CountBatch): Promise<void> {
    const { ballots, onEvent } = this.#dependencies
    const outcome = await this.#untilDone(() => ballots.countBatch(batch))
    onEvent({ kind: 'counted', outcome })
    for (const { reason, detail } of batch.deadLetters) onEvent({ kind: 'parked', reason, detail })
  }

  async #untilDone<Value>(attempt: () => Promise<Value>): Promise<Value> {
    for (let failures = 1; ; failures++) {
      try {
        return await attempt()
      } catch (error) {
        if (error instanceof PermanentDatabaseError || this.#stopping.signal.aborted) throw error
        await this.#retryLater(error as Error, failures)
      }
    }
  }

  async #retryLater(error: Error, failures: number): Promise<void> {
    this.#dependencies.onEvent({ kind: 'retry', error })
    this.#dependencies.beat?.()
    const delayMsMax = Math.min(10 * 2 ** failures, this.#dependencies.retryDelayMsMax ?? 2_000)
    await this.#pause(Math.random() * delayMsMax)
  }

  /** Ends at once when the consumer is stopped. */
  async #pause(ms: number): Promise<void> {
    await delay(ms, undefined, { signal: this.#stopping.signal }).catch(() => {})
  }
}
