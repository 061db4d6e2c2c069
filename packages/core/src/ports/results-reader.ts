import type { PollId } from '../poll/poll.ts'

export interface Tally {
  readonly question: number
  readonly key: string
  /** Sum over all shards. */
  readonly count: number
}

export interface TallySnapshot {
  readonly turnout: number
  /** By question, then by key as ASCII sorts it; without zeros. */
  readonly tallies: readonly Tally[]
  /** All ballots accepted until this instant (epoch milliseconds) are in; null before the first beat. */
  readonly asOfMs: number | null
}

export interface PollActivity {
  readonly turnout: number
  /** Queue time of the last ballot that was counted, epoch milliseconds; null: none was. */
  readonly lastBallotAtMs: number | null
}

/**
 * The read model, on the replica. Guarantee: turnout, tallies and as-of come from ONE snapshot, in which the recount of ballots
 * equals the sum of tallies.
 */
export interface ResultsReader {
  snapshot(pollId: PollId): Promise<TallySnapshot>
  /** Of each of these polls, in one snapshot; also of those that nobody knows. */
  activityOf(pollIds: readonly PollId[]): Promise<Map<PollId, PollActivity>>
  /** The same numbers counted again from the ballots themselves, in one snapshot with the stored ones. Takes time and memory as ballots do. */
  recount(
    pollId: PollId,
    tallyKeysOf: (answers: readonly string[]) => { question: number; key: string }[],
  ): Promise<{ stored: TallySnapshot; counted: TallySnapshot }>
}
