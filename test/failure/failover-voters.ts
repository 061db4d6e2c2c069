import { randomInt, randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { RedisServer } from '../servers/support/redis-servers.ts'
import { send, type TestPoll } from '../support/client.ts'

export const optionsOf = 3

/** A new voter comes so often, whether or not the ones before have their answer: a crowd does not wait for a server. */
const everyMs = 20
/** Ballots under way at most: then nobody comes until some are answered. */
const underWayMax = 300
const answerMsMax = 5_000

export interface Acknowledged {
  readonly option: number
  readonly receipt: string
  /** When the 202 was here: the ballot was accepted before that. */
  readonly answeredAtMs: number
}

/** An answer that was no 202, or none at all. The ballot was sent again until it was acknowledged. */
export interface Refusal {
  readonly what: string
  readonly sentAtMs: number
  readonly answeredAtMs: number
}

export interface Voter {
  readonly key: string
  /** In the order in which they were acknowledged; the last one is what must count. */
  readonly acknowledged: Acknowledged[]
}

/** Voters who come one after the other. Every third one votes again some time later, every ninth once more. */
export class Crowd {
  readonly voters: Voter[] = []
  readonly refusals: Refusal[] = []
  readonly #url: string
  readonly #lives: Promise<void>[] = []
  readonly #leaving = new AbortController()
  #underWay = 0
  #coming: NodeJS.Timeout | null = null
  #failed: Error | null = null

  constructor(base: string, poll: TestPoll) {
    this.#url = `${base}/v1/polls/${poll.id}/ballots`
  }

  start(): void {
    this.#coming = setInterval(() => {
      if (this.#underWay >= underWayMax) return
      const voter: Voter = { key: randomUUID(), acknowledged: [] }
      this.voters.push(voter)
      const life = this.#live(voter, this.voters.length)
      // Its failure is told by `end`.
      life.catch(() => {})
      this.#lives.push(life)
    }, everyMs)
  }

  /** Nobody new comes; whoever wanted to vote again does so at once. Resolves when every ballot is acknowledged. */
  async end(): Promise<void> {
    if (this.#coming !== null) clearInterval(this.#coming)
    this.#leaving.abort()
    await Promise.all(this.#lives)
  }

  /** Like `end`, for a round that is given up. */
  giveUp(): void {
    if (this.#coming !== null) clearInterval(this.#coming)
    this.#failed = new Error('the round was given up')
    this.#leaving.abort()
  }

  get acknowledged(): number {
    return this.voters.reduce((sum, { acknowledged }) => sum + acknowledged.length, 0)
  }

  async #live(voter: Voter, number: number): Promise<void> {
    const ballots = number % 9 === 0 ? 3 : number % 3 === 0 ? 2 : 1
    for (let ballot = 1; ballot <= ballots; ballot++) {
      if (ballot > 1) await delay(randomInt(100, 5_000), undefined, { signal: this.#leaving.signal }).catch(() => {})
      await this.#vote(voter, randomInt(1, optionsOf + 1))
    }
  }

  /** Sends one ballot until it is acknowledged, as a page does: whatever happens on the way, the same key and the same answer. */
  async #vote(voter: Voter, option: number): Promise<void> {
    for (let attempt = 0; attempt < 200; attempt++) {
      if (this.#failed !== null) throw this.#failed
      this.#underWay++
      const sentAtMs = Date.now()
      const answer = await send('POST', this.#url, {
        body: { answers: [{ question: 1, options: [option] }] },
        headers: { 'idempotency-key': voter.key },
        timeoutMs: answerMsMax,
      }).catch((error: Error) => error)
      this.#underWay--
      if (!(answer instanceof Error) && answer.status === 202) {
        const { receipt } = JSON.parse(answer.text) as { receipt: string }
        voter.acknowledged.push({ option, receipt, answeredAtMs: Date.now() })
        return
      }
      const what = answer instanceof Error ? answer.message : `${answer.status} ${problemOf(answer.text)}`
      this.refusals.push({ what, sentAtMs, answeredAtMs: Date.now() })
      await delay(100 + Math.random() * 100)
    }
    throw new Error('a ballot was refused two hundred times')
  }
}

function problemOf(text: string): string {
  try {
    return (JSON.parse(text) as { type: string }).type.replace('urn:urna:problem:', '')
  } catch {
    return text.slice(0, 80)
  }
}

/** A publish that Redis has not confirmed within this is answered 503; then the api connects anew. */
const stallMsMin = 500
const afterStallMs = 3_000

/**
 * Writes to the same Redis ten times a second, as the api does, and remembers when that took long or did not work: on a busy machine the disk may stand
 * still for a second or two, and voters are asked to send again then, whatever becomes of the database.
 */
export class RedisWitness {
  readonly #redis: RedisServer
  readonly #stalls: { readonly fromMs: number; readonly toMs: number }[] = []
  readonly #ending = new AbortController()
  #running: Promise<void> | null = null

  constructor(redis: RedisServer) {
    this.#redis = redis
  }

  start(): void {
    this.#running = this.#loop()
  }

  async end(): Promise<void> {
    this.#ending.abort()
    await this.#running
  }

  wasAway(fromMs: number, toMs: number): void {
    this.#stalls.push({ fromMs, toMs })
  }

  get longestMs(): number {
    return Math.max(0, ...this.#stalls.map(({ fromMs, toMs }) => toMs - fromMs))
  }

  /** Whether Redis itself had no time for this ballot, or was away. */
  explains({ what, sentAtMs, answeredAtMs }: Refusal): boolean {
    if (!what.includes('queue-unavailable')) return false
    return this.#stalls.some(({ fromMs, toMs }) => answeredAtMs >= fromMs && sentAtMs <= toMs + afterStallMs)
  }

  async #loop(): Promise<void> {
    while (!this.#ending.signal.aborted) {
      const fromMs = Date.now()
      const answer = await this.#redis.ask(['SET', 'witness-of-a-test', fromMs]).catch(() => null)
      const toMs = Date.now()
      if (answer === null || toMs - fromMs > stallMsMin) this.wasAway(fromMs, toMs)
      await delay(100, undefined, { signal: this.#ending.signal }).catch(() => {})
    }
  }
}

interface Shown {
  readonly asOf: string | null
  readonly turnout: number
  readonly status: string
}

/**
 * Reads the results ten times a second and holds them to what they say of themselves: "all ballots accepted until this time are in these
 * numbers". A voter whose 202 was here before that time must be in them.
 */
export class AsOfWatch {
  /** What was not true, at most the first few. */
  readonly faults: string[] = []
  reads = 0
  /** How old the numbers were at most, and for how long they could not be read at all. */
  oldestMs = 0
  unreadableMs = 0
  readonly #base: string
  readonly #poll: TestPoll
  readonly #crowd: Crowd
  /** False: ballots are lost on purpose, and then no as-of can cover them. */
  readonly #coversAll: boolean
  readonly #ending = new AbortController()
  #lastAsOfMs = 0
  #running: Promise<void> | null = null

  constructor(base: string, poll: TestPoll, crowd: Crowd, { coversAll }: { coversAll: boolean }) {
    this.#base = base
    this.#poll = poll
    this.#crowd = crowd
    this.#coversAll = coversAll
  }

  start(): void {
    this.#running = this.#loop()
  }

  async end(): Promise<void> {
    this.#ending.abort()
    await this.#running
  }

  async #loop(): Promise<void> {
    let readableMs = Date.now()
    while (!this.#ending.signal.aborted) {
      const results = await send('GET', `${this.#base}/v1/polls/${this.#poll.id}/results`, { timeoutMs: 3_000 }).catch(() => null)
      if (results?.status === 200) {
        readableMs = Date.now()
        this.#check(JSON.parse(results.text) as Shown)
      } else this.unreadableMs = Math.max(this.unreadableMs, Date.now() - readableMs)
      if (this.#coversAll) await this.#askOneReceipt()
      await delay(100, undefined, { signal: this.#ending.signal }).catch(() => {})
    }
  }

  #check({ asOf, turnout, status }: Shown): void {
    this.reads++
    if (status === 'final') this.#fault('the results of an open poll say they are final')
    if (turnout > this.#crowd.voters.length) this.#fault(`turnout ${turnout}, and only ${this.#crowd.voters.length} ever voted`)
    if (asOf === null) return
    const asOfMs = Date.parse(asOf)
    if (asOfMs < this.#lastAsOfMs) this.#fault(`the as-of went back by ${this.#lastAsOfMs - asOfMs} ms`)
    this.#lastAsOfMs = asOfMs
    this.oldestMs = Math.max(this.oldestMs, Date.now() - asOfMs)
    const covered = this.#crowd.voters.filter(({ acknowledged: [first] }) => first !== undefined && first.answeredAtMs < asOfMs).length
    if (this.#coversAll && turnout < covered) {
      this.#fault(`"counted until ${asOf}" says turnout ${turnout}, and ${covered} voters had their answer before that`)
    }
  }

  /** While ballots are counted again their receipts may say `received`, or nothing, but never `lost`. */
  async #askOneReceipt(): Promise<void> {
    const { acknowledged } = this.#crowd.voters[randomInt(Math.max(1, this.#crowd.voters.length))] ?? { acknowledged: [] }
    const [first] = acknowledged
    if (first === undefined) return
    const answer = await send('GET', `${this.#base}/v1/receipts/${first.receipt}`, { timeoutMs: 3_000 }).catch(() => null)
    if (answer?.status === 200 && answer.text.includes('"lost"')) this.#fault('a receipt said lost meanwhile')
  }

  #fault(text: string): void {
    if (this.faults.length < 5) this.faults.push(text)
  }
}
