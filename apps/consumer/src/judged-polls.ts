import { type FindJudged, type Judged, type PollRepository, parsePollId, type QueuedBallot } from '@urna/core'

/**
 * What ballots are judged by. A poll version never changes and the definition of an opened poll is frozen, so a version that was read
 * once is good for ever; only unknown ones ask the primary.
 */
export class JudgedPolls {
  readonly #polls: Pick<PollRepository, 'find' | 'findVersion'>
  readonly #cachedMax: number
  readonly #cached = new Map<string, Judged>()

  constructor(polls: Pick<PollRepository, 'find' | 'findVersion'>, cachedMax = 10_000) {
    this.#polls = polls
    this.#cachedMax = cachedMax
  }

  /** Reads what these ballots need. Throws what the repository throws: then nothing can be judged yet. */
  async load(ballots: readonly QueuedBallot[]): Promise<void> {
    const needed = new Map<string, { pollId: string; pollVersion: number }>()
    for (const { ballot } of ballots) {
      if (ballot !== null) needed.set(keyOf(ballot.pollId, ballot.pollVersion), ballot)
    }
    // Room is made before anything is read, never in the middle: what this batch needs must all be there when it is judged.
    if (this.#cached.size + needed.size > this.#cachedMax) this.#cached.clear()
    for (const [key, { pollId, pollVersion }] of needed) {
      if (this.#cached.has(key)) continue
      const judged = await this.#read(pollId, pollVersion)
      if (judged !== null) this.#cached.set(key, judged)
    }
  }

  readonly find: FindJudged = (pollId, pollVersion) => this.#cached.get(keyOf(pollId, pollVersion)) ?? null

  /** After a rewind old ballots come again, perhaps of a poll deleted since: ask anew. */
  forget(): void {
    this.#cached.clear()
  }

  async #read(pollIdText: string, pollVersion: number): Promise<Judged | null> {
    const pollId = parsePollId(pollIdText)
    if (pollId === null) return null
    const poll = await this.#polls.find(pollId)
    if (poll === null || poll.deletedAtMs !== null) return null
    const version = await this.#polls.findVersion(pollId, pollVersion)
    return version === null ? null : { pollVersion: version, definition: poll.definition }
  }
}

function keyOf(pollId: string, pollVersion: number): string {
  return `${pollId}:${pollVersion}`
}
