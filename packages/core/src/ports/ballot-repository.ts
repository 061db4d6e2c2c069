import type { CanonicalAnswers } from '../ballot/answers.ts'
import type { Sequence } from '../ballot/sequence.ts'
import type { PollDefinition, PollId } from '../poll/poll.ts'
import type { LowWater } from './ballot-queue-maintenance.ts'

/** A ballot that was judged good. */
export interface CountableBallot {
  readonly pollId: PollId
  readonly pollVersion: number
  readonly voterKey: Buffer
  readonly seq: Sequence
  readonly rank: Buffer
  readonly answers: CanonicalAnswers
  /** Queue time. */
  readonly atMs: number
}

export type DeadLetterReason = 'late' | 'rejected'

export interface DeadLetter {
  readonly seq: Sequence
  readonly reason: DeadLetterReason
  /** What exactly was wrong, for the operator; never the ballot itself. */
  readonly detail: string
  readonly atMs: number
  /** The ballot, sealed with the master key. */
  readonly payloadSealed: Buffer
}

export interface CountBatch {
  /** Which of the tally rows of an option this consumer adds to: 0..65535, one consumer one shard, so that they do not wait for each other. */
  readonly shard: number
  /** At most one a voter and poll, sorted by (pollId, voterKey); any other batch is refused with an ordinary Error. */
  readonly ballots: readonly CountableBallot[]
  readonly deadLetters: readonly DeadLetter[]
  readonly definitions: ReadonlyMap<PollId, PollDefinition>
}

export interface CountOutcome {
  readonly firstBallots: number
  readonly changedBallots: number
  /** Delivered before, or beaten by another ballot of the same voter. */
  readonly ignoredBallots: number
}

export interface StoredBallot {
  readonly seq: Sequence
  readonly rank: Buffer
  readonly answers: CanonicalAnswers
}

/**
 * The idempotent receiver. Guarantee of `countBatch`: one transaction; the row (poll, voter) with the greatest rank wins; tallies and
 * turnout change by exactly what the rows changed by; a poll's activity is the latest queue time of a ballot that changed a row; the same batch again, in any order, beside any other consumer, changes nothing.
 *
 * Throws {@link RetryableDatabaseError} (nothing was committed, or it was: try the whole batch again) or
 * {@link PermanentDatabaseError} (this batch will never be taken as it is: some ballot in it cannot be stored).
 */
export interface BallotRepository {
  countBatch(batch: CountBatch): Promise<CountOutcome>
  find(pollId: PollId, voterKey: Uint8Array): Promise<StoredBallot | null>
  findDeadLetter(seq: Sequence): Promise<DeadLetterReason | null>
  readLowWater(epoch: number, stream: number): Promise<LowWater | null>
  /** Names the database server that takes writes now: another one, another name. Empty where there can be no other. */
  writingServer(): Promise<string>
  /**
   * Writes the row if the stored one still has `expectedBeat` (null: if there is none), it does not go back, and the server that takes the
   * writes still is `row.server` (absent: whichever it is). False: somebody else was faster, or the server is another one.
   */
  writeLowWater(row: LowWater, expectedBeat: number | null): Promise<boolean>
  /**
   * Removes what was counted in a poll. Only for a final poll: nothing of it can be on its way. The numbers go first and at once, the
   * ballots after them in bounded steps; interrupted, it may be called again.
   */
  erase(pollId: PollId): Promise<void>
}

export class RetryableDatabaseError extends Error {
  override name = 'RetryableDatabaseError'
}

/** The server that takes writes is away, or takes none. What can do without it goes on. */
export class PrimaryUnavailableError extends RetryableDatabaseError {
  override name = 'PrimaryUnavailableError'
}

export class PermanentDatabaseError extends Error {
  override name = 'PermanentDatabaseError'
}
