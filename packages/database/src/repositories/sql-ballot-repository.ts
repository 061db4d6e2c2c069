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
import { type Kysely, sql } from 'kysely'
import { type CountStep, countBatch, toAnswers } from '../count-batch.ts'
import { classified, isUniqueViolation } from '../database-errors.ts'
import type { Primary } from '../primary.ts'
import type { Database } from '../schema.ts'

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

  /**
   * After a write that changes nothing: a server that was demoted lives on, answers what it is asked on connections that are still open, and would
   * give its own name. A write it refuses, and that ends the connection. A proxy that shares out reads sends this to the server that writes, too.
   */
  writingServer(): Promise<string> {
    if (this.#primary.dialect.name === 'sqlite') return Promise.resolve('')
    return classified(() =>
      this.#primary.db
        .transaction()
        // No lock on the gap where that row would be.
        .setIsolationLevel('read committed')
        .execute(async (transaction) => {
          await transaction.updateTable('low_water').set({ beat: 0 }).where('epoch', '=', noEpoch).execute()
          return serverOf(this.#primary, transaction)
        }),
    )
  }

  writeLowWater(row: LowWater, expectedBeat: number | null): Promise<boolean> {
    const write = (db: Kysely<Database>) => (expectedBeat === null ? insertLowWater(db, row) : updateLowWater(db, row, expectedBeat))
    return classified(() => {
      if (row.server === undefined || row.server === '') return write(this.#primary.db)
      // In one transaction, hence on one connection: asked on another one, the answer could be of a server that is gone by now.
      return this.#primary.db
        .transaction()
        .execute(async (transaction) => (await serverOf(this.#primary, transaction)) === row.server && write(transaction))
    })
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
        await transaction.deleteFrom('poll_activity').where('poll_id', '=', pollId).execute()
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

/** Epochs begin with 1. */
const noEpoch = 0

/** Servers that replicate have different numbers: they must. A SQLite file is its own only server. */
async function serverOf({ dialect }: Primary, db: Kysely<Database>): Promise<string> {
  if (dialect.name === 'sqlite') return ''
  const { rows } = await sql<{ server: number | string }>`select @@global.server_id as server`.execute(db)
  return String(rows[0]?.server)
}

async function insertLowWater(db: Kysely<Database>, row: LowWater): Promise<boolean> {
  try {
    await db
      .insertInto('low_water')
      .values({ epoch: row.epoch, stream: row.stream, below: row.below, at_ms: row.atMs, beat: row.beat })
      .execute()
    return true
  } catch (error) {
    if (isUniqueViolation(error)) return false
    throw error
  }
}

async function updateLowWater(db: Kysely<Database>, row: LowWater, expectedBeat: number): Promise<boolean> {
  const { numUpdatedRows } = await db
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
