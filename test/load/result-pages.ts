import { Agent, type ClientRequest, request } from 'node:http'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { getJson } from '../support/client.ts'
import { nowMs } from './figures.ts'
import { newerResults, retryDelay } from './page-rules.ts'
import type { PageLog, ShownEvent } from './staleness.ts'

/**
 * Open result pages, without browsers: each follows the stream of live results as apps/frontend/src/live-results.ts does, on a connection
 * of its own, and notes what it shows and since when. A process of its own, so that reading does not delay the ballots that are sent.
 */

export interface PageGroup {
  readonly pollId: string
  readonly pages: number
}

export type PagesCommand =
  /** They open within a second. */
  | { readonly kind: 'open'; readonly url: string; readonly groups: readonly PageGroup[] }
  | { readonly kind: 'how-many'; readonly sinceMs: number }
  | { readonly kind: 'close' }

export type PagesReport =
  /** Pages whose stream brought results since then. */
  | { readonly kind: 'so-many'; readonly pages: number }
  | { readonly kind: 'closed'; readonly logs: readonly ResultPageLog[]; readonly lagMsMax: number }

export interface PageEvent extends ShownEvent {
  /** Not when the page asked the plain way, as it does while it has no stream. */
  readonly streamed: boolean
  /** Epoch milliseconds; null if there was none. */
  readonly asOfMs: number | null
}

export interface ResultPageLog extends PageLog {
  readonly pollId: string
  readonly events: readonly PageEvent[]
  /** Votes for each option that the page showed last, such as `120,118,121`. */
  readonly totals: string
  /** Streams that ended or could not be opened, by why. */
  readonly failures: Readonly<Record<string, number>>
  /** Events that said an older as-of than one before them in the same stream: a page ignores them, but they should not be. */
  readonly olderEvents: number
  readonly delayedEvents: number
}

interface Results {
  readonly turnout: number
  readonly asOf: string | null
  readonly questions: readonly { readonly options: readonly { readonly total: number }[] }[]
}

/** See live-results.ts of the pages. */
const silenceMilliseconds = 40_000
const firstEventMilliseconds = 10_000
const openEveryMs = 10

const agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY })
const lag = monitorEventLoopDelay({ resolution: 5 })
lag.enable()

class ResultPage {
  readonly pollId: string
  readonly #url: string
  readonly #openedAtMs = nowMs()
  readonly #events: PageEvent[] = []
  readonly #failed: Record<string, number> = {}
  #shown: Results | null = null
  #stream: ClientRequest | null = null
  #heardAtMs = 0
  #streamedAtMs = 0
  #endStream: (why: string) => void = () => {}
  #live = false
  #failures = 0
  #timer: NodeJS.Timeout | undefined
  #olderEvents = 0
  #delayedEvents = 0
  #closed = false

  constructor(url: string, pollId: string) {
    this.#url = `${url}/v1/polls/${pollId}/results`
    this.pollId = pollId
    this.#connect()
  }

  get streamedAtMs(): number {
    return this.#streamedAtMs
  }

  close(): ResultPageLog {
    this.#closed = true
    clearTimeout(this.#timer)
    this.#stream?.destroy()
    return {
      pollId: this.pollId,
      openedAtMs: this.#openedAtMs,
      closedAtMs: nowMs(),
      events: this.#events,
      totals: this.#shown?.questions[0]?.options.map(({ total }) => total).join() ?? '',
      failures: this.#failed,
      olderEvents: this.#olderEvents,
      delayedEvents: this.#delayedEvents,
    }
  }

  /** Ends a stream that is silent for too long. */
  watch(): void {
    const limitMs = this.#live ? silenceMilliseconds : firstEventMilliseconds
    if (this.#stream !== null && nowMs() - this.#heardAtMs > limitMs) this.#endStream('silent')
  }

  #connect(): void {
    this.#heardAtMs = nowMs()
    this.#live = false
    let over = false
    const end = (why: string, retryAfter: number | null = null) => {
      if (over || this.#closed) return
      over = true
      this.#stream?.destroy()
      this.#stream = null
      this.#failed[why] = (this.#failed[why] ?? 0) + 1
      // What a page takes for an answer that will not change.
      if (why.startsWith('4') && why !== '408' && why !== '429') return
      this.#failures++
      this.#timer = setTimeout(() => this.#connect(), retryDelay(this.#failures, retryAfter))
      if (why !== 'no connection') void this.#askOnce()
    }
    const headers = { accept: 'text/event-stream', 'cache-control': 'no-cache', pragma: 'no-cache' }
    const stream = request(`${this.#url}/live`, { agent, headers }, (response) => {
      if (response.statusCode !== 200) {
        const retryAfter = response.headers['retry-after']
        return end(`${response.statusCode}`, retryAfter === undefined ? null : Number(retryAfter))
      }
      let text = ''
      let asOfMs = Number.NEGATIVE_INFINITY
      response.setEncoding('utf8').on('data', (chunk: string) => {
        const atMs = nowMs()
        this.#heardAtMs = atMs
        text += chunk
        for (let length = text.indexOf('\n\n'); length >= 0; length = text.indexOf('\n\n')) {
          asOfMs = Math.max(asOfMs, this.#take(text.slice(0, length), atMs, asOfMs))
          text = text.slice(length + 2)
        }
      })
      // A cut stream is an error of the response, then its close.
      response.on('error', () => {})
      response.on('close', () => end('no connection'))
    })
    stream.on('error', () => end('no connection'))
    stream.end()
    this.#stream = stream
    this.#endStream = end
  }

  /** One event. Returns the as-of it says. */
  #take(event: string, atMs: number, newestAsOfMs: number): number {
    let name = ''
    let data = ''
    for (const line of event.split('\n')) {
      if (line.startsWith('event: ')) name = line.slice(7)
      if (line.startsWith('data: ')) data = line.slice(6)
    }
    if (name === 'results' || name === 'delayed') this.#live = true
    if (name === 'delayed') this.#delayedEvents++
    if (name === 'end') this.#failed[`end ${data}`] = (this.#failed[`end ${data}`] ?? 0) + 1
    if (name !== 'results') return newestAsOfMs
    const results = JSON.parse(data) as Results
    this.#failures = 0
    const saidMs = results.asOf === null ? Number.NEGATIVE_INFINITY : Date.parse(results.asOf)
    if (saidMs < newestAsOfMs) this.#olderEvents++
    this.#streamedAtMs = atMs
    this.#show(results, atMs, true)
    return saidMs
  }

  #show(fresh: Results, atMs: number, streamed: boolean): void {
    this.#shown = this.#shown === null ? fresh : newerResults(this.#shown, fresh)
    const { turnout, asOf } = this.#shown
    this.#events.push({ atMs, turnout, streamed, asOfMs: asOf === null ? null : Date.parse(asOf) })
  }

  async #askOnce(): Promise<void> {
    const fresh = await getJson<Results>(this.#url).catch(() => null)
    if (fresh !== null && !this.#closed) this.#show(fresh, nowMs(), false)
  }
}

const pages: ResultPage[] = []

function open(url: string, groups: readonly PageGroup[]): void {
  const left = groups.flatMap((group) => Array.from({ length: group.pages }, () => group.pollId))
  const atOnce = Math.ceil((left.length * openEveryMs) / 1_000)
  const opening = setInterval(() => {
    for (const pollId of left.splice(0, atOnce)) pages.push(new ResultPage(url, pollId))
    if (left.length === 0) clearInterval(opening)
  }, openEveryMs)
}

function report(message: PagesReport): void {
  process.send?.(message)
}

process.on('message', (command: PagesCommand) => {
  switch (command.kind) {
    case 'open':
      return open(command.url, command.groups)
    case 'how-many':
      return report({ kind: 'so-many', pages: pages.filter((page) => page.streamedAtMs >= command.sinceMs).length })
    case 'close':
      report({ kind: 'closed', logs: pages.splice(0).map((page) => page.close()), lagMsMax: lag.max / 1e6 })
      return lag.reset()
  }
})
setInterval(() => {
  for (const page of pages) page.watch()
}, 1_000)
// Whoever started this is gone.
process.on('disconnect', () => process.exit(0))
