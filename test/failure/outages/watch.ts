import { randomInt } from 'node:crypto'
import { request } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import type { ClusterProcess } from '../../e2e/cluster-process.ts'
import { asAdministrator, send } from '../../support/client.ts'
import { inWords, Notes } from './notes.ts'
import { optionCount, type Voter, type Voters } from './voters.ts'

const lookEveryMs = 500
export const apis = ['api-1', 'api-2'] as const
export const consumers = ['consumer-1', 'consumer-2'] as const

/** What a look at the results page brought. */
interface Look {
  readonly atMs: number
  readonly asOfMs: number
  readonly waiting: number
}

interface Shown {
  readonly asOf: string | null
  readonly waiting: number
}

/** Asks everything that somebody might ask, twice a second, and notes what it was told. */
export class Watch {
  notes = new Notes()
  faults: string[] = []
  looks: Look[] = []
  /** Own ballots that were asked for as soon as their receipts said `counted`; of them those that the results page did not have yet. */
  ownRight = 0
  ownBeforeResults = 0
  /** Somebody whose ballots were counted, and who sends no more. */
  #counted: Voter | null = null
  /** Consumers that are stopped on purpose are not asked. */
  consumersRun = true
  readonly #cluster: ClusterProcess
  readonly #pollId: string
  readonly #quietPollId: string
  readonly #voters: Voters
  /** The newest as-of that each reader was shown, of the whole run. */
  readonly #newestAsOfMs = new Map<string, number>()
  #loops: Promise<void>[] = []
  #stopping = new AbortController()

  constructor(options: { cluster: ClusterProcess; pollId: string; quietPollId: string; voters: Voters }) {
    this.#cluster = options.cluster
    this.#pollId = options.pollId
    this.#quietPollId = options.quietPollId
    this.#voters = options.voters
  }

  beginRound(notes: Notes): void {
    this.notes = notes
    this.faults = []
    this.looks = []
    this.ownRight = 0
    this.ownBeforeResults = 0
    this.#counted = null
    this.#stopping = new AbortController()
    this.#loops = [
      this.#every(() => this.#lookAtResults()),
      ...apis.map((api) => this.#every(() => this.#lookAtHealth(api, 'api'))),
      ...consumers.map((consumer) => this.#every(() => this.#lookAtHealth(consumer, 'consumer'))),
      this.#every(() => this.#administrate()),
      this.#every(() => this.#voteAndLookAtOwn()),
      this.#every(() => this.#lookAtCountedAgain()),
      this.#follow(),
    ]
  }

  async endRound(): Promise<void> {
    this.#stopping.abort()
    await Promise.all(this.#loops)
  }

  /** Whether every process says that everything it needs is there. */
  async allIsWell(): Promise<boolean> {
    for (const name of [...apis, ...consumers]) {
      const answer = await send('GET', `${this.#direct(name)}/readyz`).catch(() => null)
      if (answer?.status !== 200 || answer.text.includes('"ok":false')) return false
    }
    return true
  }

  /** Results that no other api was asked for: an api that has shown none of them yet must not show older ones. */
  async lookAtQuietPoll(api: (typeof apis)[number]): Promise<void> {
    const answer = await send('GET', `${this.#direct(api)}/v1/polls/${this.#quietPollId}/results`)
    this.notes.note('results of a quiet poll', inWords(answer))
    if (answer.status === 200) this.#mustNotGoBack('results of a quiet poll', JSON.parse(answer.text) as Shown)
  }

  #direct(name: string): string {
    return `http://127.0.0.1:${this.#cluster.port(name)}`
  }

  async #every(look: () => Promise<void>): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      const beganMs = performance.now()
      await look()
      await this.#pause(Math.max(0, lookEveryMs - (performance.now() - beganMs)))
    }
  }

  async #pause(ms: number): Promise<void> {
    await delay(ms, undefined, { signal: this.#stopping.signal }).catch(() => {})
  }

  /** As somebody without a cookie does; now the one api answers, now the other. */
  async #lookAtResults(): Promise<void> {
    const answer = await send('GET', `${this.#cluster.url}/v1/polls/${this.#pollId}/results`).catch((error: Error) => error)
    if (answer instanceof Error) return this.notes.note('results', `no answer: ${answer.message}`)
    this.notes.note('results', `${inWords(answer)}, Cache-Control: ${answer.headers['cache-control']}`)
    if (answer.status !== 200) return
    const shown = JSON.parse(answer.text) as Shown
    this.#mustNotGoBack('results', shown)
    if (shown.asOf === null) return
    this.looks.push({ atMs: Date.now(), asOfMs: Date.parse(shown.asOf), waiting: shown.waiting })
  }

  #mustNotGoBack(reader: string, { asOf }: Shown): void {
    const asOfMs = asOf === null ? Number.NEGATIVE_INFINITY : Date.parse(asOf)
    const newestMs = this.#newestAsOfMs.get(reader) ?? Number.NEGATIVE_INFINITY
    if (asOfMs < newestMs) this.faults.push(`${reader}: as-of went back by ${newestMs - asOfMs} ms`)
    this.#newestAsOfMs.set(reader, Math.max(newestMs, asOfMs))
  }

  async #lookAtHealth(name: string, kind: 'api' | 'consumer'): Promise<void> {
    if (kind === 'consumer' && !this.consumersRun) return
    const [alive, ready] = await Promise.all(
      ['healthz', 'readyz'].map((path) => send('GET', `${this.#direct(name)}/${path}`).catch((error: Error) => error)),
    )
    // Stopped meanwhile.
    if (kind === 'consumer' && !this.consumersRun) return
    this.notes.note(`/healthz ${kind}`, alive === undefined || alive instanceof Error ? 'no answer' : String(alive.status))
    if (ready === undefined || ready instanceof Error) return this.notes.note(`/readyz ${kind}`, 'no answer')
    const { dependencies } = JSON.parse(ready.text) as { dependencies: Record<string, { ok: boolean }> }
    const missing = Object.entries(dependencies).flatMap(([dependency, { ok }]) => (ok ? [] : [dependency]))
    this.notes.note(`/readyz ${kind}`, `${ready.status}${missing.length === 0 ? '' : `, not ok: ${missing.join(', ')}`}`)
  }

  /** Makes a poll that nobody ever opens. */
  async #administrate(): Promise<void> {
    const body = { title: 'A draft', questions: [{ text: 'Which?', options: [{ text: 'one' }, { text: 'two' }] }] }
    const answer = await send('POST', `${this.#cluster.url}/v1/polls`, { body, headers: asAdministrator }).catch((error: Error) => error)
    this.notes.note('administration', answer instanceof Error ? `no answer: ${answer.message}` : inWords(answer))
    if (!(answer instanceof Error) && answer.status === 503 && !/^[1-5]$/.test(String(answer.headers['retry-after']))) {
      this.faults.push(`administration: a 503 with Retry-After ${answer.headers['retry-after']}`)
    }
  }

  /** Somebody who votes, waits until the receipt says `counted`, and looks at the ballot at once; then changes it, and looks again. */
  async #voteAndLookAtOwn(): Promise<void> {
    const voter = this.#voters.newVoter()
    const first = randomInt(1, optionCount + 1)
    for (const option of [first, (first % optionCount) + 1]) {
      const acceptedAtMs = Date.now()
      const acknowledged = await this.#voters.vote(voter, option)
      if (acknowledged === null) return
      if (!(await this.#isCounted(acknowledged.receipt))) return
      await this.#lookAtOwn(voter, acceptedAtMs)
    }
    this.#counted = voter
  }

  /** What was counted stays so, whatever is away. */
  async #lookAtCountedAgain(): Promise<void> {
    const voter = this.#counted
    const receipt = voter?.acknowledged.at(-1)?.receipt
    if (voter === null || receipt === undefined) return
    await this.#lookAtOwn(voter)
    const status = await this.#statusOf(receipt)
    if (status !== null && status !== 'counted') this.faults.push(`a receipt said counted, and then ${status}`)
  }

  async #isCounted(receipt: string): Promise<boolean> {
    while (!this.#stopping.signal.aborted) {
      const status = await this.#statusOf(receipt)
      if (status === 'counted') return true
      if (status === 'lost') return false
      await this.#pause(100)
    }
    return false
  }

  /** Null: nobody can tell now. */
  async #statusOf(receipt: string): Promise<string | null> {
    const headers = { 'urna-receipt': receipt }
    const answer = await send('GET', `${this.#cluster.url}/v1/receipts`, { headers }).catch((error: Error) => error)
    const status = answer instanceof Error || answer.status !== 200 ? null : (JSON.parse(answer.text) as { status: string }).status
    this.notes.note('receipt', status ?? (answer instanceof Error ? `no answer: ${answer.message}` : inWords(answer)))
    return status
  }

  async #lookAtOwn(voter: Voter, acceptedAtMs = 0): Promise<void> {
    const url = `${this.#cluster.url}/v1/polls/${this.#pollId}/ballots/mine`
    const answer = await send('GET', url, { headers: { 'idempotency-key': voter.key } }).catch((error: Error) => error)
    this.notes.note('own ballot', answer instanceof Error ? `no answer: ${answer.message}` : inWords(answer))
    if (answer instanceof Error || answer.status === 503) return
    const last = voter.acknowledged.at(-1)
    const own = answer.status === 200 ? (JSON.parse(answer.text) as { receipt: string; answers: { options: number[] }[] }) : null
    if (own?.receipt !== last?.receipt || own?.answers[0]?.options.join() !== String(last?.option)) {
      this.faults.push('a ballot was counted, and its voter was not shown it')
      return
    }
    this.ownRight++
    if ((this.looks.at(-1)?.asOfMs ?? 0) < acceptedAtMs) this.ownBeforeResults++
  }

  /** One open results page; when its stream ends it opens another one, as the pages do. */
  async #follow(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      await this.#followOnce()
      await this.#pause(1_000)
    }
  }

  #followOnce(): Promise<void> {
    return new Promise((resolve) => {
      const end = (why: string) => {
        if (!this.#stopping.signal.aborted) this.notes.note('live results', why)
        resolve()
      }
      const url = `${this.#cluster.url}/v1/polls/${this.#pollId}/results/live`
      const outgoing = request(url, { agent: false, signal: this.#stopping.signal }, (response) => {
        let text = ''
        response.setEncoding('utf8').on('data', (part: string) => {
          text += part
          for (let length = text.indexOf('\n\n'); length >= 0; length = text.indexOf('\n\n')) {
            this.#takeEvent(text.slice(0, length))
            text = text.slice(length + 2)
          }
        })
        response.on('error', () => {})
        response.on('close', () => end(response.statusCode === 200 ? 'the stream ended' : `${response.statusCode}`))
      })
      outgoing.on('error', (error) => end(`no stream: ${error.message}`))
      outgoing.end()
    })
  }

  #takeEvent(event: string): void {
    const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(event)?.[1]
    const [name, data] = [field('event'), field('data')]
    if (name === undefined || data === undefined) return
    if (name === 'results') this.#mustNotGoBack('live results', JSON.parse(data) as Shown)
    this.notes.note('live results', name === 'results' ? name : `${name} ${data}`)
  }
}
