import type { CanonicalAnswers } from '../ballot/answers.ts'
import type { Sequence } from '../ballot/sequence.ts'

/** A ballot out of the queue. What it says is not trusted: it is judged again. */
export interface QueuedBallot {
  readonly seq: Sequence
  readonly atMs: number
  /** Null: this ballot could not be read; `raw` gives what is there. */
  readonly ballot: { pollId: string; pollVersion: number; voterKey: Buffer; answers: CanonicalAnswers } | null
  /** Bytes that a dead letter keeps (sealed). */
  readonly raw: () => Buffer
}

/** One entry of the queue: one flush of an api, one or many ballots. */
export interface Delivery {
  readonly id: string
  readonly ballots: readonly QueuedBallot[]
}

export interface ReceiveLimits {
  readonly ballotsMax: number
  readonly bytesMax: number
  /** How long to wait for a first entry. */
  readonly waitMs: number
}

/**
 * Guarantee: every entry is delivered at least once, in any order, also after a crash of the consumer that held it. A subscriber gets
 * its own unacked entries of an earlier life first (where the queue knows its consumers), then entries that others have held for too
 * long, then new ones. What is held too long is told by the time since the delivery, or since its holder was last heard of.
 *
 * Every delivery ends acked, retried or parked. Ack ONLY after the commit: an entry that is acked is not delivered again, but by a rewind,
 * or now and then by a queue that promises no more than "at least once". `receive` returns at least one entry if there is one (without
 * waiting, a queue may overlook it), and stops after the entry that reaches a limit.
 */
export interface BallotSubscriber {
  receive(limits: ReceiveLimits): Promise<Delivery[]>
  ack(deliveries: readonly Delivery[]): Promise<void>
  close(): Promise<void>
}
