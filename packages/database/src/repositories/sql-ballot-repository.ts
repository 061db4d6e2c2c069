import {
  asBuffer,
  type BallotRepository,
  type CountBatch,
  type CountOutcome,
  type DeadLetterReason,
  type LowWater,
  type PollId,
  type Sequence,
  type StoredBallot,
} from '@urna/core'
import { type CountStep, countBatch, toAnswers } from '../count-batch.ts'
import { classified, isUniqueViolation } from '../database-errors.ts'
import type { Primary } from '../primary.ts'

export interface SqlBallotRepositoryOptions {
  /** Called inside the counting transaction: where tests end the process. */
  readonly onStep?: (step: CountStep) => void
  /** Ballots that one transaction of `erase` removes, at most. */
  readonly eraseRowsMax?: number
}

export class SqlBallotRepository implements BallotRepository {
  readonly #primary: Primary
  readonly #onStep: (step: CountStep) => void
  readonly #eraseRowsMax: number

  constructor(primary: Primary, options: SqlBallotRepositoryOptions = {}) {
    this.#primary = primary
    this.#onStep = options.onStep ?? (() => {})
    this.#eraseRowsMax = options.eraseRowsMax ?? 2_000
  }

  countBatch(batch: CountBatch): Promise<CountOutcome> {
    return classified(() => countBatch(this.#primary, batch, this.#onStep))
  }

  async find(pollId: PollId, voterKey: Uint8Array): Promise<StoredBallot | null> {
    const row = await classified(() =>
      this.#primary.db
        .selectFrom('ballots')
        .select(['seq', 'rank', 'answers'])
        .where('poll_id', '=', pollId)
        .where('voter_key', '=', voterKey)
        .executeTakeFirst(),
    )
    return row === undefined ? null : { seq: asBuffer(row.seq), rank: asBuffer(row.rank), answers: toAnswers(row.answers) }
  }

  async findDeadLetter(seq: Sequence): Promise<DeadLetterReason | null> {
    const row = await classified(() =>
      this.#primary.db.selectFrom('dead_letters').select('reason').where('seq', '=', seq).executeTakeFirst(),
    )
    return row === undefined ? null : (row.reason as DeadLetterReason)
  }

  async readLowWater(epoch: number, stream: number): Promise<LowWater | null> {
    const row = await classified(() =>
      this.#primary.db
        .selectFrom('low_water')
        .select(['below', 'at_ms', 'beat'])
        .where('epoch', '=', epoch)
        .where('stream', '=', stream)
        .executeTakeFirst(),
    )
    return row === undefined ? null : { epoch, stream, below: asBuffer(row.below), atMs: row.at_ms, beat: row.beat }
  }

  writeLowWater(row: LowWater, expectedBeat: number | null): Promise<boolean> {
    return classified(() => (expectedBeat === null ? this.#insertLowWater(row) : this.#updateLowWater(row, expectedBeat)))
  }

  async #insertLowWater(row: LowWater): Promise<boolean> {
    try {
      await this.#primary.db
        .insertInto('low_water')
        .values({ epoch: row.epoch, stream: row.stream, below: row.below, at_ms: row.atMs, beat: row.beat })
        .execute()
      return true
    } catch (error) {
      if (isUniqueViolation(error)) return false
      throw error
    }
  }

  async #updateLowWater(row: LowWater, expectedBeat: number): Promise<boolean> {
    const { numUpdatedRows } = await this.#primary.db
      .updateTable('low_water')
      .set({ below: row.below, at_ms: row.atMs, beat: row.beat })
      .where('epoch', '=', row.epoch)
      .where('stream', '=', row.stream)
      .where('beat', '=', expectedBeat)
      .where('below', '<=', row.below)
      .where('at_ms', '<=', row.atMs)
      .executeTakeFirst()
    return numUpdatedRows === 1n
  }

  /**
   * The numbers first, so that nobody sees half of them; then the ballots, some in each transaction, so that counting gets its turn in
   * between. Interrupted, it may be called again.
   */
  async erase(pollId: PollId): Promise<void> {
    const { db } = this.#primary
    await classified(() =>
      db.transaction().execute(async (transaction) => {
        await transaction.deleteFrom('tallies').where('poll_id', '=', pollId).execute()
        await transaction.deleteFrom('turnout').where('poll_id', '=', pollId).execute()
      }),
    )
    for (;;) {
      // DELETE ... LIMIT is not in every SQLite: the key of the last row of this chunk instead. A read decides nothing but its size.
      const last = await classified(() =>
        db
          .selectFrom('ballots')
          .select('voter_key')
          .where('poll_id', '=', pollId)
          .orderBy('voter_key')
          .offset(this.#eraseRowsMax - 1)
          .limit(1)
          .executeTakeFirst(),
      )
      await classified(() =>
        db
          .deleteFrom('ballots')
          .where('poll_id', '=', pollId)
          .$if(last !== undefined, (query) => query.where('voter_key', '<=', last?.voter_key as Uint8Array))
          .execute(),
      )
      if (last === undefined) return
    }
  }
}
