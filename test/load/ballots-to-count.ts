import { randomBytes, randomInt } from 'node:crypto'
import { type CanonicalAnswers, type Poll, type PollDefinition, tallyKeys } from '@urna/core'

/** One ballot, and what the voter chose: an option of each question. */
export interface BallotToCount {
  readonly voterKey: Buffer
  readonly answers: CanonicalAnswers
}

export interface BallotsToCount {
  /** In the order in which they are sent. */
  readonly ballots: readonly BallotToCount[]
  /** Of each voter the ballot sent last: what must be counted. */
  readonly last: ReadonlyMap<string, CanonicalAnswers>
}

export const optionsEach = 3
/** Ten voters' first ballots, then one of somebody who has voted already: of 100,000 ballots 9,090, by a tenth of the voters. */
const changeEvery = 11

export function ballotsToCount(count: number, questions: number): BallotsToCount {
  const voters: Buffer[] = []
  const last = new Map<string, CanonicalAnswers>()
  const ballots = Array.from({ length: count }, (_, index) => {
    const changes = index % changeEvery === changeEvery - 1
    // Whoever changes a vote is anybody before: the two ballots lie side by side, or far apart, or are counted by two consumers at once.
    const voterKey = changes ? (voters[randomInt(voters.length)] as Buffer) : randomBytes(16)
    if (!changes) voters.push(voterKey)
    const answers = Array.from({ length: questions }, () => String(randomInt(1, optionsEach + 1)))
    last.set(voterKey.toString('hex'), answers)
    return { voterKey, answers }
  })
  return { ballots, last }
}

export function definitionOf(questions: number): PollDefinition {
  const options = Array.from({ length: optionsEach }, (_, index) => ({ number: index + 1, text: `option ${index + 1}` }))
  return {
    title: `Questions: ${questions}`,
    description: '',
    questions: Array.from({ length: questions }, (_, index) => ({
      number: index + 1,
      text: `Question ${index + 1}?`,
      method: 'single' as const,
      required: true,
      min: 1,
      max: 1,
      options,
    })),
    changesAllowed: true,
    resultsVisibility: 'always',
    access: 'open',
    listed: false,
  }
}

/** What the tallies must be, as `question:key` and how many. */
export function expectedTallies(poll: Pick<Poll, 'definition'>, { last }: BallotsToCount): Map<string, number> {
  const tallies = new Map<string, number>()
  for (const answers of last.values()) {
    for (const { question, key } of tallyKeys(poll.definition, answers)) {
      tallies.set(`${question}:${key}`, (tallies.get(`${question}:${key}`) ?? 0) + 1)
    }
  }
  return tallies
}
