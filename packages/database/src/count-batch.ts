import { randomBytes } from 'node:crypto'
import {
  bytesKey,
  type CanonicalAnswers,
  type ChangedBallot,
  type CountableBallot,
  type CountBatch,
  type CountOutcome,
  compareBytes,
  type PollId,
  tallyDeltas,
} from '@urna/core'
import { CompiledQuery, type Transaction } from 'kysely'
import type { Primary } from './primary.ts'
import type { Database } from './schema.ts'

/** Places in the transaction where a test may end the process. */
export type CountStep = 'after-upsert' | 'before-tally' | 'before-commit'

/**
 * The statements of one database, for a number of rows. Parameters come in the order named here; everything else about counting is the
 * same everywhere, and written down once, below.
 */
export interface CountStatements {
  /** Rows of one statement, at most; a power of two. */
  readonly rowsMax: number
  /** Bytes of one statement's values, at most, if it has more than one row. */
  readonly bytesMax: number
  /**
   * A row: poll_id, voter_key, poll_version, seq, rank, answers, batch_id. Inserts with prev_answers NULL. Where the row exists it acts
   * only if the new rank is GREATER: prev_answers takes the old answers, then the new values come in, rank last. A row twice in
   * one statement acts once.
   */
  upsertBallots(rows: number): string
  /** A row: poll_id, voter_key; after all rows: batch_id. Selects poll_id, seq, answers, prev_answers of those rows that carry it. */
  readBack(rows: number): string
  /** A row: poll_id, question, tally_key, shard, n. Adds n, which may be negative, to the row or makes it. */
  addTallies(rows: number): string
  /** A row: poll_id, shard, n. */
  addTurnout(rows: number): string
  /** A row: poll_id, shard, last_at_ms. Makes the row, or moves its time on, never back. */
  moveActivity(rows: number): string
  /** A row: seq, reason, detail, at_ms, payload_sealed. Leaves alone what is there. */
  insertDeadLetters(rows: number): string
}

interface ReadBackRow {
  readonly poll_id: string
  readonly seq: Uint8Array
  readonly answers: string
  readonly prev_answers: string | null
}

/**
 * Counts one batch in one transaction: upsert, read back what THIS attempt changed, add the difference. May be called
 * again with the same batch however often, also when it is unknown whether an earlier call was committed.
 */
export async function countBatch(primary: Primary, batch: CountBatch, onStep: (step: CountStep) => void): Promise<CountOutcome> {
  assertSorted(batch.ballots)
  const statements = primary.dialect.countStatements
  // New at every attempt: a row that an earlier attempt wrote, or that another ballot of the voter beat, does not carry it.
  const batchId = randomBytes(8)
  return await primary.db
    .transaction()
    .setIsolationLevel('read committed')
    .execute(async (transaction) => {
      const { ballots, deadLetters, shard } = batch
      await runChunks(transaction, statements, ballots, (rows) => statements.upsertBallots(rows), {
        push: (parameters, ballot) =>
          parameters.push(
            ballot.pollId,
            ballot.voterKey,
            ballot.pollVersion,
            ballot.seq,
            ballot.rank,
            JSON.stringify(ballot.answers),
            batchId,
          ),
      })
      onStep('after-upsert')
      const readBack = await runChunks<CountableBallot, ReadBackRow>(
        transaction,
        statements,
        ballots,
        (rows) => statements.readBack(rows),
        {
          push: (parameters, ballot) => parameters.push(ballot.pollId, ballot.voterKey),
          last: batchId,
        },
      )
      const changed = toChangedBallots(readBack)
      const deltas = tallyDeltas(changed, batch.definitions)
      onStep('before-tally')
      await runChunks(transaction, statements, deltas.tallies, (rows) => statements.addTallies(rows), {
        push: (parameters, tally, isPadding) =>
          parameters.push(tally.pollId, tally.question, tally.key, shard, isPadding ? 0 : tally.delta),
      })
      await runChunks(transaction, statements, [...deltas.turnout], (rows) => statements.addTurnout(rows), {
        push: (parameters, [pollId, voters], isPadding) => parameters.push(pollId, shard, isPadding ? 0 : voters),
      })
      await runChunks(transaction, statements, activityOf(ballots, readBack), (rows) => statements.moveActivity(rows), {
        push: (parameters, [pollId, lastAtMs]) => parameters.push(pollId, shard, lastAtMs),
      })
      await runChunks(transaction, statements, deadLetters, (rows) => statements.insertDeadLetters(rows), {
        push: (parameters, letter) => parameters.push(letter.seq, letter.reason, letter.detail, letter.atMs, letter.payloadSealed),
      })
      onStep('before-commit')
      const firstBallots = changed.filter((ballot) => ballot.previousAnswers === null).length
      return { firstBallots, changedBallots: changed.length - firstBallots, ignoredBallots: ballots.length - changed.length }
    })
}

/** A statement that comes again and again: a driver that can keeps it prepared. */
export interface RepeatedQuery extends CompiledQuery {
  readonly isRepeated: true
}

/**
 * Runs a multi-row statement over `rows`. The last chunk is padded to a power of two by repeating its last row, which changes nothing,
 * so that the database meets few different texts and keeps them prepared.
 */
async function runChunks<Row, Result = never>(
  transaction: Transaction<Database>,
  { rowsMax, bytesMax }: CountStatements,
  rows: readonly Row[],
  statement: (rows: number) => string,
  parametersOf: { push(parameters: unknown[], row: Row, isPadding: boolean): void; last?: unknown },
): Promise<Result[]> {
  const results: Result[] = []
  for (let start = 0; start < rows.length; ) {
    const parameters: unknown[] = []
    let count = 0
    let bytes = 0
    let lastBytes = 0
    while (count < rowsMax && start + count < rows.length) {
      const before = parameters.length
      parametersOf.push(parameters, rows[start + count] as Row, false)
      const rowBytes = bytesMax === Number.POSITIVE_INFINITY ? 0 : bytesFrom(parameters, before)
      if (count > 0 && bytes + rowBytes > bytesMax) {
        parameters.length = before
        break
      }
      bytes += rowBytes
      lastBytes = rowBytes
      count++
    }
    const padded = paddedTo(count)
    const isPadded = bytes + (padded - count) * lastBytes <= bytesMax
    if (isPadded) for (let index = count; index < padded; index++) parametersOf.push(parameters, rows[start + count - 1] as Row, true)
    if (parametersOf.last !== undefined) parameters.push(parametersOf.last)
    const query: RepeatedQuery = { ...CompiledQuery.raw(statement(isPadded ? padded : count), parameters), isRepeated: true }
    const result = await transaction.executeQuery<Result>(query)
    for (const row of result.rows) results.push(row)
    start += count
  }
  return results
}

function bytesFrom(parameters: readonly unknown[], start: number): number {
  let bytes = 0
  for (let index = start; index < parameters.length; index++) {
    const value = parameters[index]
    bytes += typeof value === 'string' ? Buffer.byteLength(value) : value instanceof Uint8Array ? value.byteLength : 8
  }
  return bytes
}

/** The next power of two, 1 for 1. */
export function paddedTo(rows: number): number {
  return 2 ** Math.ceil(Math.log2(rows))
}

function toChangedBallots(rows: readonly ReadBackRow[]): ChangedBallot[] {
  // A burst of ballots has few different answers.
  const parsed = new Map<string, CanonicalAnswers>()
  const answersOf = (text: string): CanonicalAnswers => {
    let answers = parsed.get(text)
    if (answers === undefined) {
      answers = toAnswers(text)
      parsed.set(text, answers)
    }
    return answers
  }
  return rows.map((row) => ({
    pollId: row.poll_id as PollId,
    answers: answersOf(row.answers),
    previousAnswers: row.prev_answers === null ? null : answersOf(row.prev_answers),
  }))
}

/** Poll -> the latest queue time of its ballots that changed a row; sorted by poll, as the batch is. */
function activityOf(ballots: readonly CountableBallot[], readBack: readonly ReadBackRow[]): [PollId, number][] {
  // A sequence names one ballot. Where every row was changed, as it nearly always is, nothing has to be looked up.
  const changed = readBack.length === ballots.length ? null : new Set(readBack.map((row) => bytesKey(row.seq)))
  const activity = new Map<PollId, number>()
  for (const { pollId, seq, atMs } of ballots) {
    if (changed !== null && !changed.has(bytesKey(seq))) continue
    activity.set(pollId, Math.max(activity.get(pollId) ?? atMs, atMs))
  }
  return [...activity]
}

export function toAnswers(text: string): CanonicalAnswers {
  return JSON.parse(text) as string[]
}

/** A voter twice in one batch would be miscounted, and unsorted batches deadlock: that is a fault of the caller, not of a ballot. */
function assertSorted(ballots: readonly CountableBallot[]): void {
  for (let index = 1; index < ballots.length; index++) {
    const left = ballots[index - 1] as CountableBallot
    const right = ballots[index] as CountableBallot
    const ascending = left.pollId === right.pollId ? compareBytes(left.voterKey, right.voterKey) < 0 : left.pollId < right.pollId
    if (!ascending) throw new Error('a batch must hold each voter of a poll once, sorted by poll and voter key')
  }
}
