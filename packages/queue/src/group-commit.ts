import { encodeBallot } from '@urna/contracts'
import { type PublishableBallot, type Published, QueueOverloadedError, QueueUnavailableError, type Sequence } from '@urna/core'

export interface Flushed {
  readonly atMs: number
  readonly sequenceOf: (index: number) => Sequence
}

export interface GroupCommitOptions {
  /** Sends encoded ballots as ONE entry; resolves when the queue has it durably. Any error means: outcome unknown. */
  readonly flush: (encodedBallots: readonly string[]) => Promise<Flushed>
  readonly flushBallotsMax?: number
  readonly flushBytesMax?: number
  /** Ballots that may wait in memory; one more is refused. */
  readonly waitingMax?: number
}

interface Waiting {
  readonly encoded: string
  readonly resolve: (published: Published) => void
  readonly reject: (error: Error) => void
}

/**
 * The intake: one flush in flight, no timer. Whatever arrives meanwhile is the next flush, so that one confirmed write of the queue
 * serves as many voters as there are, and a single voter waits for nobody.
 */
export class GroupCommit {
  readonly #flush: GroupCommitOptions['flush']
  readonly #flushBallotsMax: number
  readonly #flushBytesMax: number
  readonly #waitingMax: number
  #waiting: Waiting[] = []
  #flushing: Promise<void> | null = null
  #closed = false

  constructor(options: GroupCommitOptions) {
    this.#flush = options.flush
    this.#flushBallotsMax = options.flushBallotsMax ?? 512
    this.#flushBytesMax = options.flushBytesMax ?? 256 * 1024
    this.#waitingMax = options.waitingMax ?? 20_000
  }

  publish(ballot: PublishableBallot): Promise<Published> {
    if (this.#closed) return Promise.reject(new QueueOverloadedError('the intake is closed'))
    if (this.#waiting.length >= this.#waitingMax) return Promise.reject(new QueueOverloadedError('too many ballots wait to be sent'))
    const encoded = encodeBallot(ballot)
    return new Promise((resolve, reject) => {
      this.#waiting.push({ encoded, resolve, reject })
      this.#flushing ??= this.#flushAll()
    })
  }

  /** Sends what is waiting, then refuses everything. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#flushing
  }

  async #flushAll(): Promise<void> {
    // The first ballot of a quiet moment waits for those that this turn of the event loop brings along.
    await Promise.resolve()
    while (this.#waiting.length > 0) await this.#flushOnce()
    this.#flushing = null
  }

  async #flushOnce(): Promise<void> {
    const batch = this.#cut()
    try {
      const { atMs, sequenceOf } = await this.#flush(batch.map((waiting) => waiting.encoded))
      batch.forEach((waiting, index) => {
        waiting.resolve({ seq: sequenceOf(index), atMs })
      })
    } catch (cause) {
      const error = new QueueUnavailableError('the ballot queue did not confirm', { cause })
      for (const waiting of batch) waiting.reject(error)
    }
  }

  #cut(): Waiting[] {
    let bytes = 0
    let count = 0
    for (const { encoded } of this.#waiting) {
      bytes += encoded.length
      if (count > 0 && bytes > this.#flushBytesMax) break
      count++
      if (count >= this.#flushBallotsMax) break
    }
    if (count === this.#waiting.length) {
      const batch = this.#waiting
      this.#waiting = []
      return batch
    }
    return this.#waiting.splice(0, count)
  }
}
