import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { BallotPublisher, Poll } from '@urna/core'
import mysql from 'mysql2/promise'
import { nowMs } from './figures.ts'
import { countBefore } from './staleness.ts'

const everyMs = 20

export interface CountedBallotsOptions {
  readonly poll: Poll
  readonly publisher: BallotPublisher
  readonly ballotsASecond: number
  readonly database: mysql.ConnectionOptions
}

/** Ballots of ever new voters, and since when each of them is counted in the database, as often as it is looked at. */
export class CountedBallots {
  /** Queue time of each ballot that was accepted, ascending: epoch milliseconds. */
  readonly #acceptedAtMs: number[] = []
  /** Index: a turnout. Since when the database is known to have it or a greater one. */
  readonly #countedAtMs: number[] = []
  readonly #options: CountedBallotsOptions
  readonly #running: Promise<unknown>
  #stopped = false

  constructor(options: CountedBallotsOptions) {
    this.#options = options
    this.#running = Promise.all([this.#send(), this.#look()])
  }

  get turnout(): number {
    return this.#countedAtMs.length - 1
  }

  /** Rejects if a ballot was not accepted or the database did not answer. */
  async stop(): Promise<void> {
    this.#stopped = true
    await this.#running
  }

  /** How long the database had had more voters than this at that time; 0: it had not. */
  staleMs(turnout: number, atMs: number): number {
    return Math.max(0, atMs - (this.#countedAtMs[turnout + 1] ?? atMs))
  }

  /** Ballots that were accepted before this time of the queue. */
  acceptedBefore(asOfMs: number): number {
    return countBefore(this.#acceptedAtMs, asOfMs)
  }

  async #send(): Promise<void> {
    const { poll, publisher, ballotsASecond } = this.#options
    const answers = poll.definition.questions.map(() => '1')
    const underWay: Promise<unknown>[] = []
    const startedMs = nowMs()
    for (let sent = 0; !this.#stopped; await delay(everyMs)) {
      for (const due = ((nowMs() - startedMs) * ballotsASecond) / 1_000; sent < due; sent++) {
        const publishing = publisher.publish({ pollId: poll.id, pollVersion: poll.version.version, voterKey: randomBytes(16), answers })
        underWay.push(publishing.then(({ atMs }) => this.#acceptedAtMs.push(atMs)))
      }
    }
    await Promise.all(underWay)
  }

  async #look(): Promise<void> {
    const connection = await mysql.createConnection(this.#options.database)
    try {
      for (; !this.#stopped; await delay(everyMs)) {
        const [rows] = await connection.query('select coalesce(sum(n), 0) as n from turnout where poll_id = ?', [this.#options.poll.id])
        // It was counted at some time before: what is found this way is never older than it really is.
        const atMs = nowMs()
        const turnout = Number((rows as { n: string }[])[0]?.n)
        while (this.#countedAtMs.length <= turnout) this.#countedAtMs.push(atMs)
      }
    } finally {
      connection.destroy()
    }
  }
}
