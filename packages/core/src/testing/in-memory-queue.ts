import { rowOfSequence, rowSequence } from '../ballot/sequence.ts'
import { compareBytes } from '../bytes.ts'
import type { BallotPublisher, PublishableBallot } from '../ports/ballot-publisher.ts'
import type { BallotQueueMaintenance, LowWater } from '../ports/ballot-queue-maintenance.ts'
import type { BallotSubscriber, Delivery, QueuedBallot } from '../ports/ballot-subscriber.ts'

interface Entry {
  readonly row: number
  readonly atMs: number
  readonly ballot: PublishableBallot
  acked: boolean
  /** Null: not delivered. */
  holder: { name: string; sinceMs: number } | null
}

export interface InMemoryQueueOptions {
  readonly epoch?: number
  readonly abandonedAfterMs?: number
  readonly replayWindowMs?: number
}

/** The ballot queue without a disk: one ballot an entry. For tests; passes the same contract suite as the real ones. */
export class InMemoryQueue {
  readonly #epoch: number
  readonly #options: Required<InMemoryQueueOptions>
  #entries: Entry[] = []
  #lastRow = 0
  #lastAtMs = 0
  #generation = 1
  #lowWater: LowWater | null = null
  #wake: (() => void)[] = []
  /** Set it to make the queue refuse: what `publish` then throws. */
  failure: Error | null = null
  /** Everything that was published, in order. */
  readonly published: PublishableBallot[] = []

  constructor(options: InMemoryQueueOptions = {}) {
    this.#options = { epoch: 1, abandonedAfterMs: 30_000, replayWindowMs: 900_000, ...options }
    this.#epoch = this.#options.epoch
  }

  publisher(): BallotPublisher {
    let closed = false
    return {
      publish: async (ballot) => {
        if (this.failure !== null) throw this.failure
        if (closed) throw new Error('the intake is closed')
        const atMs = Math.max(Date.now(), this.#lastAtMs)
        this.#lastAtMs = atMs
        const entry: Entry = { row: ++this.#lastRow, atMs, ballot, acked: false, holder: null }
        this.#entries.push(entry)
        this.published.push(ballot)
        for (const wake of this.#wake.splice(0)) wake()
        return { seq: this.#sequence(entry.row), atMs }
      },
      check: async () => this.failure === null,
      close: async () => {
        closed = true
      },
    }
  }

  async subscribe(name: string): Promise<BallotSubscriber> {
    for (const entry of this.#entries) {
      if (entry.holder?.name === name) entry.holder.sinceMs = Number.NEGATIVE_INFINITY
    }
    return {
      receive: async ({ ballotsMax, waitMs }) => {
        if (this.#deliverable(name).length === 0 && waitMs > 0) {
          await new Promise<void>((resolve) => {
            const timer = setTimeout(resolve, waitMs)
            this.#wake.push(() => {
              clearTimeout(timer)
              resolve()
            })
          })
        }
        return this.#deliverable(name)
          .slice(0, ballotsMax)
          .map((entry) => {
            entry.holder = { name, sinceMs: Date.now() }
            return this.#delivery(entry)
          })
      },
      ack: async (deliveries) => {
        for (const { id } of deliveries) {
          const [generation, row] = id.split('-').map(Number)
          const entry = this.#entries.find((candidate) => candidate.row === row)
          if (generation === this.#generation && entry !== undefined) entry.acked = true
        }
      },
      close: async () => {},
    }
  }

  /** What happens when the process dies: who held what is forgotten, what was acked stays acked. */
  forgetHolders(): void {
    for (const entry of this.#entries) entry.holder = null
  }

  readonly maintenance: BallotQueueMaintenance = {
    positions: async () => {
      const atMs = Math.max(Date.now(), this.#lastAtMs)
      this.#lastAtMs = atMs
      const oldest = this.#entries.find((entry) => !entry.acked)
      const below = this.#sequence(oldest?.row ?? this.#lastRow + 1)
      return [{ stream: 0, epoch: this.#epoch, below, atMs: (oldest?.atMs ?? atMs) - 1, clockBehindMs: 0 }]
    },
    depth: async () => {
      const waiting = this.#entries.filter((entry) => !entry.acked)
      return { ballots: waiting.length, oldestAtMs: waiting[0]?.atMs ?? null }
    },
    storedLowWater: async () => this.#lowWater,
    storeLowWater: async (row) => {
      this.#lowWater = row
    },
    rewind: async (_stream, row) => {
      const firstRow = row === null ? 1 : rowOfSequence(row.below)
      this.#generation++
      this.#lowWater = row
      const again = this.#entries.filter((entry) => entry.row >= firstRow)
      for (const entry of again) {
        entry.acked = false
        entry.holder = null
      }
      const firstKept = this.#entries[0]?.row ?? Number.POSITIVE_INFINITY
      return { entries: again.length, gap: firstRow <= this.#lastRow && firstKept > firstRow }
    },
    trim: async (row) => {
      const copy = this.#lowWater
      if (copy === null || compareBytes(row.below, copy.below) > 0) return 0
      const oldest = this.#entries.find((entry) => !entry.acked)?.row ?? this.#lastRow + 1
      const firstKept = Math.min(oldest, rowOfSequence(row.below))
      const before = this.#entries.length
      this.#entries = this.#entries.filter((entry) => entry.row >= firstKept || entry.atMs >= Date.now() - this.#options.replayWindowMs)
      return before - this.#entries.length
    },
  }

  #sequence(row: number) {
    return rowSequence({ epoch: this.#epoch, row, index: 0 })
  }

  #deliverable(name: string): Entry[] {
    const abandonedBefore = Date.now() - this.#options.abandonedAfterMs
    return this.#entries
      .filter((entry) => !entry.acked)
      .filter(
        ({ holder }) =>
          holder === null || (holder.name === name && holder.sinceMs === Number.NEGATIVE_INFINITY) || holder.sinceMs <= abandonedBefore,
      )
      .sort((left, right) => Number(left.holder === null) - Number(right.holder === null) || left.row - right.row)
  }

  #delivery(entry: Entry): Delivery {
    const { pollId, pollVersion, voterKey, answers } = entry.ballot
    const queued: QueuedBallot = {
      seq: this.#sequence(entry.row),
      atMs: entry.atMs,
      ballot: { pollId, pollVersion, voterKey: Buffer.from(voterKey), answers },
      raw: () => Buffer.from(JSON.stringify(answers)),
    }
    return { id: `${this.#generation}-${entry.row}`, ballots: [queued] }
  }
}
