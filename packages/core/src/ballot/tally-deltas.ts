import type { PollDefinition, PollId } from '../poll/poll.ts'
import type { CanonicalAnswers } from './answers.ts'
import { tallyKeys } from './tally-keys.ts'

/** A row of ballots that one attempt changed: what it says now, and what it said before (null: it is the voter's first). */
export interface ChangedBallot {
  readonly pollId: PollId
  readonly answers: CanonicalAnswers
  readonly previousAnswers: CanonicalAnswers | null
}

export interface TallyDelta {
  readonly pollId: PollId
  readonly question: number
  readonly key: string
  readonly delta: number
}

export interface Deltas {
  /** Without zeros, sorted by primary key. */
  readonly tallies: readonly TallyDelta[]
  /** Poll -> first ballots; sorted by poll. */
  readonly turnout: ReadonlyMap<PollId, number>
}

/** +tallyKeys(answers) - tallyKeys(previous answers), and +1 turnout for a first ballot, summed over the changed rows. */
export function tallyDeltas(changed: readonly ChangedBallot[], definitions: ReadonlyMap<PollId, PollDefinition>): Deltas {
  const sums = new Map<PollId, Map<string, TallyDelta>>()
  const turnout = new Map<PollId, number>()
  for (const ballot of changed) {
    const definition = definitions.get(ballot.pollId)
    if (definition === undefined) throw new Error('a changed ballot without the definition of its poll')
    let ofPoll = sums.get(ballot.pollId)
    if (ofPoll === undefined) {
      ofPoll = new Map()
      sums.set(ballot.pollId, ofPoll)
    }
    add(ofPoll, ballot.pollId, definition, ballot.answers, 1)
    if (ballot.previousAnswers === null) turnout.set(ballot.pollId, (turnout.get(ballot.pollId) ?? 0) + 1)
    else add(ofPoll, ballot.pollId, definition, ballot.previousAnswers, -1)
  }
  const tallies = [...sums.values()].flatMap((ofPoll) => [...ofPoll.values()].filter((tally) => tally.delta !== 0))
  return {
    tallies: tallies.sort(
      (left, right) => compare(left.pollId, right.pollId) || left.question - right.question || compare(left.key, right.key),
    ),
    turnout: new Map([...turnout].sort(([left], [right]) => compare(left, right))),
  }
}

function add(sums: Map<string, TallyDelta>, pollId: PollId, definition: PollDefinition, answers: CanonicalAnswers, sign: 1 | -1): void {
  for (const { question, key } of tallyKeys(definition, answers)) {
    const name = `${question}:${key}`
    sums.set(name, { pollId, question, key, delta: (sums.get(name)?.delta ?? 0) + sign })
  }
}

function compare(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0
}
