import { randomInt, randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { send } from '../../support/client.ts'
import { faultOfRefusal, inWords, Notes } from './notes.ts'

export const optionCount = 3
/** Of so many ballots one is of somebody who has voted in this round and changes it. */
const changeEvery = 4
/** A ballot that was not acknowledged by then never will be. */
const giveUpAfterMs = 90_000
const underWayMax = 3_000

export interface Acknowledged {
  readonly option: number
  readonly receipt: string
  readonly atMs: number
  /** It was in a queue that was wiped before anybody counted it. */
  wiped: boolean
}

export interface Voter {
  readonly key: string
  /** In the order in which they were acknowledged. */
  readonly acknowledged: Acknowledged[]
  /** Voting just now, or watched: nobody else lets them vote. */
  isBusy: boolean
}

/** What must have become of the ballots of a voter: the last one that was not wiped counts. */
export function expectedStatuses({ acknowledged }: Voter): string[] {
  const counted = acknowledged.findLastIndex(({ wiped }) => !wiped)
  return acknowledged.map((_, index) => (index === counted ? 'counted' : index < counted ? 'replaced' : 'lost'))
}

/**
 * Voters who come by a schedule, whether earlier ones were answered or not. Whoever is refused sends the same again, with the same key,
 * when Retry-After is over, as the pages do. Every receipt is kept.
 */
export class Voters {
  /** Of all rounds. */
  readonly all: Voter[] = []
  /** Of this round. */
  ofRound: Voter[] = []
  attempts = 0
  refusals = 0
  readonly faults: string[] = []
  readonly #url: string
  readonly #ballotsASecond: number
  readonly #headers: Readonly<Record<string, string>>
  #notes = new Notes()
  #underWay = new Set<Promise<void>>()
  #timer: NodeJS.Timeout | undefined

  /** `headers`: sent with each ballot, beside its key. */
  constructor(options: { url: string; pollId: string; ballotsASecond: number; headers?: Readonly<Record<string, string>> }) {
    this.#url = `${options.url}/v1/polls/${options.pollId}/ballots`
    this.#ballotsASecond = options.ballotsASecond
    this.#headers = options.headers ?? {}
  }

  beginRound(notes: Notes): void {
    this.#notes = notes
    this.ofRound = []
    this.attempts = 0
    this.refusals = 0
    this.faults.length = 0
    let dueMs = performance.now()
    let number = 0
    this.#timer = setInterval(() => {
      for (; dueMs <= performance.now(); dueMs += 1_000 / this.#ballotsASecond) {
        if (this.#underWay.size >= underWayMax) {
          this.faults.push(`${underWayMax} ballots wait for an answer: no more are sent`)
          continue
        }
        const voting = this.#voteOnce(this.#next(++number))
        this.#underWay.add(voting)
        void voting.finally(() => this.#underWay.delete(voting))
      }
    }, 10)
  }

  /** Nobody comes any more; resolves when everybody has an answer. */
  async endRound(): Promise<void> {
    clearInterval(this.#timer)
    await Promise.all(this.#underWay)
  }

  /** One that only the caller lets vote. */
  newVoter(): Voter {
    const voter: Voter = { key: randomUUID(), acknowledged: [], isBusy: true }
    this.all.push(voter)
    this.ofRound.push(voter)
    return voter
  }

  /** Resolves with what was acknowledged; null where nothing was, for a very long time. */
  async vote(voter: Voter, option = randomInt(1, optionCount + 1)): Promise<Acknowledged | null> {
    const untilMs = performance.now() + giveUpAfterMs
    while (performance.now() < untilMs) {
      this.attempts++
      const answer = await send('POST', this.#url, {
        body: { answers: [{ question: 1, options: [option] }] },
        headers: { ...this.#headers, 'idempotency-key': voter.key },
      }).catch((error: Error) => error)
      this.#notes.note('voter', answer instanceof Error ? `no answer: ${answer.message}` : inWords(answer))
      if (!(answer instanceof Error) && answer.status === 202) {
        const { receipt } = JSON.parse(answer.text) as { receipt: string }
        const acknowledged = { option, receipt, atMs: performance.now(), wiped: false }
        voter.acknowledged.push(acknowledged)
        return acknowledged
      }
      this.refusals++
      const fault = answer instanceof Error ? 'no answer' : faultOfRefusal(answer)
      if (fault !== null) this.faults.push(`a ballot got ${fault}`)
      const waitMs = answer instanceof Error ? 1_000 : Number(answer.headers['retry-after'] ?? 1) * 1_000
      await delay(waitMs * (1 + Math.random() / 4))
    }
    this.faults.push('a ballot was never acknowledged')
    return null
  }

  async #voteOnce(voter: Voter): Promise<void> {
    voter.isBusy = true
    await this.vote(voter)
    voter.isBusy = false
  }

  #next(number: number): Voter {
    if (number % changeEvery !== 0) return this.newVoter()
    const known = this.ofRound[randomInt(Math.max(1, this.ofRound.length))]
    return known === undefined || known.isBusy || known.acknowledged.length === 0 ? this.newVoter() : known
  }
}
