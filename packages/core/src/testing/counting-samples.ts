import { randomBytes } from 'node:crypto'
import type { CanonicalAnswers } from '../ballot/answers.ts'
import { rankOf, rowSequence, type Sequence } from '../ballot/sequence.ts'
import { tallyKeys } from '../ballot/tally-keys.ts'
import { bytesKey, compareBytes } from '../bytes.ts'
import type { Poll, PollDefinition, PollId, Question } from '../poll/poll.ts'
import { newPollId } from '../poll/poll-id.ts'
import type { CountableBallot, CountBatch, DeadLetter } from '../ports/ballot-repository.ts'
import { RetryableDatabaseError } from '../ports/ballot-repository.ts'
import { systemIds } from '../ports/id-generator.ts'
import type { Tally } from '../ports/results-reader.ts'

/** A poll to count in: an id and what its ballots are counted by. */
export interface SamplePoll {
  readonly id: PollId
  readonly definition: PollDefinition
}

export function sampleQuestion(number: number, optionTexts: readonly string[], more: Partial<Question> = {}): Question {
  return {
    number,
    text: `Question ${number}`,
    method: 'single',
    required: false,
    min: 1,
    max: 1,
    options: optionTexts.map((text, index) => ({ number: index + 1, text })),
    ...more,
  }
}

export function sampleDefinition(more: Partial<PollDefinition> = {}): PollDefinition {
  return {
    title: 'Sample',
    description: '',
    questions: [sampleQuestion(1, ['a', 'b', 'c'])],
    changesAllowed: true,
    resultsVisibility: 'always',
    access: 'open',
    listed: true,
    ...more,
  }
}

export function samplePoll(more: Partial<PollDefinition> = {}): SamplePoll {
  return { id: newPollId(systemIds), definition: sampleDefinition(more) }
}

/** One question of either method, and another of single choice. */
export function threeQuestions(): SamplePoll {
  return samplePoll({
    questions: [
      sampleQuestion(1, ['a', 'b', 'c']),
      sampleQuestion(2, ['a', 'b', 'c', 'd'], { method: 'multiple', min: 1, max: 4 }),
      sampleQuestion(3, ['yes', 'no']),
    ],
  })
}

/** A draft as it is created. */
export function sampleDraft(more: Partial<Poll> = {}): Poll {
  return {
    id: newPollId(systemIds),
    surveyId: null,
    ownerId: null,
    definition: sampleDefinition(),
    version: { version: 1, opensAtMs: null, closesAtMs: null },
    revision: 1,
    createdAtMs: 1_700_000_000_000,
    deletedAtMs: null,
    secretSealed: randomBytes(60),
    ...more,
  }
}

/** 16 bytes: the same number is the same voter. */
export function voterKeyOf(voter: number): Buffer {
  const key = Buffer.alloc(16, 0xa5)
  key.writeUInt32BE(voter, 6)
  return key
}

export function sequenceOf(place: number, epoch = 1): Sequence {
  return rowSequence({ epoch, row: place, index: 0 })
}

/** The ballot of a voter at a place in the queue. */
export function sampleBallot(poll: SamplePoll, voter: number, place: number, answers: CanonicalAnswers): CountableBallot {
  const seq = sequenceOf(place)
  return {
    pollId: poll.id,
    pollVersion: 2,
    voterKey: voterKeyOf(voter),
    seq,
    rank: rankOf(seq, poll.definition.changesAllowed),
    answers,
    // The greater the place, the later.
    atMs: 1_000_000 + place,
  }
}

export function sampleDeadLetter(place: number, more: Partial<DeadLetter> = {}): DeadLetter {
  return { seq: sequenceOf(place), reason: 'late', detail: 'after closing', atMs: 1_000, payloadSealed: randomBytes(40), ...more }
}

function ballotKey(ballot: CountableBallot): string {
  return ballot.pollId + bytesKey(ballot.voterKey)
}

/** Of each voter the ballot with the greatest rank. */
export function winners(ballots: readonly CountableBallot[]): CountableBallot[] {
  const best = new Map<string, CountableBallot>()
  for (const ballot of ballots) {
    const other = best.get(ballotKey(ballot))
    if (other === undefined || compareBytes(ballot.rank, other.rank) > 0) best.set(ballotKey(ballot), ballot)
  }
  return [...best.values()]
}

/** A batch as the consumer forms it. */
export function batchOf(
  polls: readonly SamplePoll[],
  ballots: readonly CountableBallot[],
  more: Partial<Pick<CountBatch, 'shard' | 'deadLetters'>> = {},
): CountBatch {
  const sorted = winners(ballots).sort((left, right) =>
    left.pollId === right.pollId ? compareBytes(left.voterKey, right.voterKey) : left.pollId < right.pollId ? -1 : 1,
  )
  const definitions = new Map(polls.map((poll) => [poll.id, poll.definition]))
  return { shard: 0, deadLetters: [], ...more, ballots: sorted, definitions }
}

/** What must be counted of all ballots that were ever delivered: the oracle, with no memory of how they came. */
export function expectedCount(poll: SamplePoll, delivered: readonly CountableBallot[]): { turnout: number; tallies: Tally[] } {
  const counts = new Map<string, Tally>()
  const counted = winners(delivered.filter((ballot) => ballot.pollId === poll.id))
  for (const ballot of counted) {
    for (const { question, key } of tallyKeys(poll.definition, ballot.answers)) {
      const name = `${question}:${key}`
      counts.set(name, { question, key, count: (counts.get(name)?.count ?? 0) + 1 })
    }
  }
  return { turnout: counted.length, tallies: [...counts.values()].sort(byQuestionAndKey) }
}

export function byQuestionAndKey(left: Tally, right: Tally): number {
  return left.question - right.question || (left.key < right.key ? -1 : 1)
}

/** Retries as the consumer does: two writers may be in each other's way. */
export async function untilDone<Value>(attempt: () => Promise<Value>): Promise<Value> {
  for (let attempts = 1; ; attempts++) {
    try {
      return await attempt()
    } catch (error) {
      if (!(error instanceof RetryableDatabaseError) || attempts === 20) throw error
    }
  }
}
