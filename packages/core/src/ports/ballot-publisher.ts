import type { CanonicalAnswers } from '../ballot/answers.ts'
import type { Sequence } from '../ballot/sequence.ts'
import type { PollId } from '../poll/poll.ts'

/** A ballot that passed validation, on its way into the queue. */
export interface PublishableBallot {
  readonly pollId: PollId
  readonly pollVersion: number
  readonly voterKey: Uint8Array
  readonly answers: CanonicalAnswers
}

export interface Published {
  readonly seq: Sequence
  /** Queue time, epoch milliseconds: decides whether the ballot was in time. */
  readonly atMs: number
}

/**
 * Guarantee: `publish` resolves only when the queue has the ballot durably (it survives a crash of every process of ours and of the
 * queue itself). The ballots of one voter get growing sequences, in the order in which they were published. `atMs` is the time by which
 * the count will judge the ballot too.
 *
 * Throws {@link QueueOverloadedError} when too much is waiting (the ballot was not sent), {@link QueueUnavailableError} when the
 * outcome is unknown: it may or may not be in the queue, and sending the same ballot of the same voter again is always right.
 */
export interface BallotPublisher {
  publish(ballot: PublishableBallot): Promise<Published>
  /** True when the queue takes ballots now. Never throws. */
  check(): Promise<boolean>
  /** Sends what is waiting, then closes. */
  close(): Promise<void>
}

export class QueueUnavailableError extends Error {
  override name = 'QueueUnavailableError'
}

export class QueueOverloadedError extends Error {
  override name = 'QueueOverloadedError'
}
