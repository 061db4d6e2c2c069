import type { Sequence } from '../ballot/sequence.ts'

/** The sequence below which everything of one stream is committed on the primary. */
export interface LowWater {
  readonly epoch: number
  readonly stream: number
  readonly below: Sequence
  /** Queue time until which everything is counted, epoch milliseconds. */
  readonly atMs: number
  /** Grows by one at every write; the compare-and-set compares it. */
  readonly beat: number
  /** In the queue's copy, and in what is written: the database server it was written on, see `BallotRepository.writingServer`. */
  readonly server?: string
}

export interface StreamPosition {
  readonly stream: number
  readonly epoch: number
  /** Every ballot of this stream below is acked, therefore committed. Where a queue has no order of all its ballots: nothing is below. */
  readonly below: Sequence
  readonly atMs: number
  /** How far the clock is behind the queue's time: 0 unless the clock went back. */
  readonly clockBehindMs: number
}

export interface QueueDepth {
  /** Ballots not yet acked. Exact at 0, unless the queue itself only estimates. */
  readonly ballots: number
  /** Queue time of the oldest of them; null when there are none, or the queue does not tell. */
  readonly oldestAtMs: number | null
}

/**
 * What one janitor needs of the queue. Guarantees: `positions` takes the queue's TIME before it looks at what is pending, so that
 * everything accepted until `atMs` lies below; `trim` removes nothing that is unacked, nor at or above the low water, nor younger than the
 * replay window; after `rewind` everything at or above the row that is still kept is delivered again.
 *
 * A queue that forgets what was acked, and does not tell what lies where (SQS), promises less, and nothing wrong: `positions` is empty until
 * it is sure, and says only by its time what is counted; it keeps no copy of the low water, trims nothing, and a rewind finds a gap.
 */
export interface BallotQueueMaintenance {
  positions(): Promise<StreamPosition[]>
  depth(): Promise<QueueDepth>
  /** The queue's own copy of the low-water row that was written last. */
  storedLowWater(stream: number): Promise<LowWater | null>
  storeLowWater(row: LowWater): Promise<void>
  /**
   * Delivers everything at or above the database's row again (`row` null: everything that is kept), and takes that row as the queue's copy.
   * `entries`: how many; `gap`: entries in between were trimmed already and cannot come again.
   */
  rewind(stream: number, row: LowWater | null): Promise<{ entries: number; gap: boolean }>
  /** Returns the number of entries removed. */
  trim(row: LowWater): Promise<number>
}
