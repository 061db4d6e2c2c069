import { type FindJudged, type Judged, type PollRepository, parsePollId, type QueuedBallot } from '@urna/core'

const cachedMax = 10_000

/**
 * What ballots are judged by. A poll version never changes and the definition of an opened poll is frozen, so a version that was read
 * once is good for ever; only unknown ones ask the primary.
 */
export class JudgedPolls {
  readonly #polls: Pick<PollRepository, 'find' | 'findVersion'>
  readonly #cached = new Map<string, Judged>()

  constructor(polls: Pick<PollRepository, 'find' | 'findVersion'>) {
    this.#polls = polls
  }

  /** Reads what these ballots need. Throws what the repository throws: then nothing can be judged yet. */
  async load(ballots: readonly QueuedBallot[]): Promise<void> {
    const missing = new Map<string, { pollId: string; pollVersion: number }>()
    for (const { ballot } of ballots) {
      if (ballot === null) continue
      const key = keyOf(ballot.pollId, ballot.pollVersion)
      if (!this.#cached.has(key)) missing.set(key, ballot)
    }
    for (const [key, { pollId, pollVersion }] of missing) {
      const judged = await this.#read(pollId, pollVersion)
      if (judged === null) continue
      if (this.#cached.size >= cachedMax) this.#cached.clear()
      this.#cached.set(key, judged)
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
