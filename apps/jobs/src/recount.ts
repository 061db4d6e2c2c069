import { type Poll, type PollId, type PollRepository, type ResultsReader, type Tally, type TallySnapshot, tallyKeys } from '@urna/core'
import { allPolls } from './export-csv.ts'

export interface RecountDependencies {
  readonly polls: Pick<PollRepository, 'list' | 'find'>
  readonly results: Pick<ResultsReader, 'recount'>
  readonly print: (line: string) => void
}

export interface RecountOutcome {
  readonly polls: number
  readonly mismatches: number
}

export class UnknownPollError extends Error {
  override name = 'UnknownPollError'
}

/**
 * Counts each poll (or one) again from its ballots and compares with the stored tallies, in one snapshot, so that it may run while
 * ballots are counted. It never repairs: a mismatch is a fault that somebody has to understand.
 */
export async function recount(dependencies: RecountDependencies, { pollId }: { pollId: PollId | null }): Promise<RecountOutcome> {
  const { polls, results, print } = dependencies
  let checked = 0
  let mismatches = 0
  for await (const poll of pollsToCheck(polls, pollId)) {
    const { stored, counted } = await results.recount(poll.id, (answers) => tallyKeys(poll.definition, answers))
    const differences = differencesOf(stored, counted)
    checked++
    if (differences.length > 0) mismatches++
    print(`${differences.length === 0 ? 'ok' : 'MISMATCH'} turnout=${stored.turnout} ballots=${counted.turnout} poll=${poll.id}`)
    for (const difference of differences) print(`  ${difference}`)
  }
  return { polls: checked, mismatches }
}

async function* pollsToCheck(polls: Pick<PollRepository, 'list' | 'find'>, pollId: PollId | null): AsyncGenerator<Poll> {
  if (pollId === null) {
    yield* allPolls(polls)
    return
  }
  const poll = await polls.find(pollId)
  if (poll === null) throw new UnknownPollError(`no poll has the id ${pollId}`)
  yield poll
}

/** One line for each number that is not the same. A tally of 0 and none are the same: a voter may have changed away from it. */
function differencesOf(stored: TallySnapshot, counted: TallySnapshot): string[] {
  const differences: string[] = []
  if (stored.turnout !== counted.turnout) differences.push(`turnout: stored ${stored.turnout}, recounted ${counted.turnout}`)
  const [storedCounts, countedCounts] = [countsOf(stored.tallies), countsOf(counted.tallies)]
  for (const key of new Set([...storedCounts.keys(), ...countedCounts.keys()])) {
    const [before, now] = [storedCounts.get(key) ?? 0, countedCounts.get(key) ?? 0]
    if (before !== now) differences.push(`${key}: stored ${before}, recounted ${now}`)
  }
  return differences
}

function countsOf(tallies: readonly Tally[]): Map<string, number> {
  return new Map(tallies.map(({ question, key, count }) => [`question ${question}, ${key === 'answered' ? key : `option ${key}`}`, count]))
}
