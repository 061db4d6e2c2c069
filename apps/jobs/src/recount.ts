import { type Poll, type PollId, type PollRepository, type ResultsReader, type Tally, type TallySnapshot, tallyKeys } from '@urna/core'
import { allPolls } from './export-csv.ts'

export interface RecountDependencies {
  readonly polls: Pick<PollRepository, 'list' | 'find'>
  readonly results: Pick<ResultsReader, 'recount'>
  /** One line of the table. */
  readonly print: (line: string) => void
  /** Hears every now and then how far it is. */
  readonly say?: (line: string) => void
  readonly sayEveryMs?: number
  readonly signal?: AbortSignal
}

export interface RecountOutcome {
  readonly polls: number
  readonly mismatches: number
}

export class UnknownPollError extends Error {
  override name = 'UnknownPollError'
}

const idWidth = 16
const numberWidth = 12
/** Looking at the clock for every ballot would take longer than counting it. */
const ballotsALook = 5_000

/**
 * Counts each poll (or one) again from its ballots and compares with the stored tallies, in one snapshot, so that it may run while
 * ballots are counted. It never repairs: a mismatch is a fault that somebody has to understand.
 */
export async function recount(dependencies: RecountDependencies, { pollId }: { pollId: PollId | null }): Promise<RecountOutcome> {
  const { polls, results, print, signal } = dependencies
  let checked = 0
  let mismatches = 0
  print(row('poll', 'turnout', 'ballots', 'result'))
  for await (const poll of pollsToCheck(polls, pollId)) {
    const progress = progressOf(poll, dependencies)
    const { stored, counted } = await results.recount(poll.id, (answers) => {
      progress()
      return tallyKeys(poll.definition, answers)
    })
    signal?.throwIfAborted()
    const differences = differencesOf(stored, counted)
    checked++
    if (differences.length > 0) mismatches++
    print(row(poll.id, String(stored.turnout), String(counted.turnout), differences.length === 0 ? 'ok' : 'MISMATCH'))
    for (const { what, before, now } of differences) print(row(`  ${what}`, String(before), String(now), ''))
  }
  return { polls: checked, mismatches }
}

function row(name: string, stored: string, counted: string, result: string): string {
  return `${name.padEnd(idWidth)} ${stored.padStart(numberWidth)} ${counted.padStart(numberWidth)}  ${result}`.trimEnd()
}

function progressOf(poll: Poll, { say, sayEveryMs = 5_000, signal }: RecountDependencies): () => void {
  let ballots = 0
  let saidMs = performance.now()
  return () => {
    if (++ballots % ballotsALook !== 0) return
    signal?.throwIfAborted()
    if (performance.now() - saidMs < sayEveryMs) return
    saidMs = performance.now()
    say?.(`${ballots} ballots of poll ${poll.id} are counted`)
  }
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

interface Difference {
  readonly what: string
  readonly before: number
  readonly now: number
}

/** One for each number that is not the same. A tally of 0 and none are the same: a voter may have changed away from it. */
function differencesOf(stored: TallySnapshot, counted: TallySnapshot): Difference[] {
  const differences: Difference[] = []
  if (stored.turnout !== counted.turnout) differences.push({ what: 'turnout', before: stored.turnout, now: counted.turnout })
  const [storedCounts, countedCounts] = [countsOf(stored.tallies), countsOf(counted.tallies)]
  for (const key of new Set([...storedCounts.keys(), ...countedCounts.keys()])) {
    const [before, now] = [storedCounts.get(key) ?? 0, countedCounts.get(key) ?? 0]
    if (before !== now) differences.push({ what: key, before, now })
  }
  return differences
}

function countsOf(tallies: readonly Tally[]): Map<string, number> {
  return new Map(tallies.map(({ question, key, count }) => [`question ${question}, ${key === 'answered' ? key : `option ${key}`}`, count]))
}
