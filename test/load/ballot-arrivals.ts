import { randomInt, randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { type Answer, send } from '../support/client.ts'
import { nowMs } from './figures.ts'
import { retryDelay } from './page-rules.ts'

interface Voter {
  readonly key: string
  /** Of the ballot sent last. */
  option: number
}

/** Who has voted in one poll, as far as this side was told. */
export class PollVoters {
  readonly pollId: string
  /** When each voter's first ballot was acknowledged, ascending: on the clock of the measurement, and of the day. */
  readonly acknowledgedAtMs: number[] = []
  readonly acknowledgedAtDate: number[] = []
  readonly voters: Voter[] = []
  changes = 0

  constructor(pollId: string) {
    this.pollId = pollId
  }

  get turnout(): number {
    return this.acknowledgedAtMs.length
  }

  /** Votes for each option, such as `120,118,121`. */
  totals(options: number): string {
    const totals = Array.from({ length: options }, () => 0)
    for (const { option } of this.voters) totals[option - 1] = (totals[option - 1] ?? 0) + 1
    return totals.join()
  }
}

interface Arrived {
  /** When it was due. */
  readonly dueMs: number
  /** From then until its 202, whatever lay between. */
  readonly latencyMs: number
  /** How late this side was in sending it: what of the latency the server cannot be blamed for. */
  readonly lateMs: number
}

/** Of so many ballots one changes a vote, and one goes to the quiet poll. */
const changeEvery = 10
const quietEvery = 60
export const optionsOf = 3

/**
 * Ballots that arrive by a schedule, whether the earlier ones were answered or not, as those of voters do. The time of each is taken from
 * the moment it was due: a server that stops for a second makes 300 ballots late, not one.
 */
export class BallotArrivals {
  readonly arrived: Arrived[] = []
  /** Answers that were not 202, and connections that failed, by what they were. Each was sent again. */
  readonly refused = new Map<string, number>()
  readonly #url: string
  readonly #everyMs: number
  readonly #busy: PollVoters
  readonly #quiet: PollVoters
  readonly #underWay = new Set<Promise<void>>()
  #timer: NodeJS.Timeout | undefined
  #nextDueMs = 0
  #number = 0

  constructor(options: { url: string; rate: number; busy: PollVoters; quiet: PollVoters }) {
    this.#url = options.url
    this.#everyMs = 1_000 / options.rate
    this.#busy = options.busy
    this.#quiet = options.quiet
  }

  start(): void {
    this.#nextDueMs = nowMs()
    this.#sendDue()
  }

  /** No more arrive. Resolves when all are acknowledged, with the number of those that were not within the limit. */
  async stop(limitMs = 60_000): Promise<number> {
    clearTimeout(this.#timer)
    await Promise.race([Promise.all(this.#underWay), delay(limitMs, null, { ref: false })])
    return this.#underWay.size
  }

  /** Those that were due in this time. */
  between(fromMs: number, toMs: number): Arrived[] {
    return this.arrived.filter(({ dueMs }) => dueMs >= fromMs && dueMs < toMs)
  }

  #sendDue(): void {
    for (; this.#nextDueMs <= nowMs(); this.#nextDueMs += this.#everyMs) {
      const sending = this.#vote(this.#nextDueMs, this.#number++)
      this.#underWay.add(sending)
      void sending.then(() => this.#underWay.delete(sending))
    }
    this.#timer = setTimeout(() => this.#sendDue(), Math.max(1, this.#nextDueMs - nowMs()))
  }

  async #vote(dueMs: number, number: number): Promise<void> {
    const poll = number % quietEvery === quietEvery / 2 ? this.#quiet : this.#busy
    const option = randomInt(1, optionsOf + 1)
    // Each voter at most once, and long after the first ballot: which of the two came last is then beyond doubt.
    const changing = number % changeEvery === changeEvery - 1 ? poll.voters[poll.changes] : undefined
    if (changing !== undefined) {
      poll.changes++
      changing.option = option
      await this.#sendUntilReceived(poll, changing, dueMs)
      return
    }
    const voter = { key: randomUUID(), option }
    await this.#sendUntilReceived(poll, voter, dueMs)
    poll.acknowledgedAtMs.push(nowMs())
    poll.acknowledgedAtDate.push(Date.now())
    poll.voters.push(voter)
  }

  /** As a page does: the same key until there is a 202. */
  async #sendUntilReceived(poll: PollVoters, { key, option }: Voter, dueMs: number): Promise<void> {
    const lateMs = nowMs() - dueMs
    for (let failures = 1; ; failures++) {
      const answer = await send('POST', `${this.#url}/v1/polls/${poll.pollId}/ballots`, {
        body: { answers: [{ question: 1, options: [option] }] },
        headers: { 'idempotency-key': key },
      }).catch(() => null)
      if (answer?.status === 202) break
      const what = whatIs(answer)
      this.refused.set(what, (this.refused.get(what) ?? 0) + 1)
      const retryAfter = answer?.headers['retry-after']
      await delay(retryDelay(failures, typeof retryAfter === 'string' ? Number(retryAfter) : null))
    }
    this.arrived.push({ dueMs, latencyMs: nowMs() - dueMs, lateMs })
  }
}

function whatIs(answer: Answer | null): string {
  if (answer === null) return 'no answer'
  const problem = /"type":"urn:urna:problem:([a-z-]+)"/.exec(answer.text)?.[1]
  return problem === undefined ? `${answer.status}` : `${answer.status} ${problem}`
}
