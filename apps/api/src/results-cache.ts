import { type Poll, type PollId, type Results, type ResultsReader, resultsOf, type TallySnapshot } from '@urna/core'
import { etagOf } from './cacheable.ts'
import type { PollCounts, SharedCounts } from './dependencies.ts'
import { resultsOnWire } from './wire.ts'

export interface CachedResults {
  readonly results: Results
  /** Body of `GET /v1/polls/{id}/results`. */
  readonly body: string
  readonly etag: string
  /** Of two results of one process, those with the greater number were read later. */
  readonly order: number
}

interface Entry {
  readonly revision: number
  readonly sinceMs: number
  readonly cached: CachedResults
  readonly snapshot: TallySnapshot
}

/** How long a copy is shown, from the beginning of its reading on. */
export const resultsKeepMs = 500

export interface ResultsCacheOptions {
  readonly results: Pick<ResultsReader, 'snapshot'>
  /** Between this cache and the database. */
  readonly shared?: SharedCounts | undefined
  /** Ballots that wait in the queue now. */
  readonly waiting: () => Promise<number>
  readonly nowMs: () => number
  readonly monotonicMs?: () => number
  /** 0: nothing is kept, and every reader reads for himself. */
  readonly keepMs?: number | undefined
  readonly entriesMax?: number
}

/**
 * Results of polls, read at most twice a second each, by one reader however many ask. Never serves an older as-of than one it served:
 * behind a balancer of several replicas the numbers would otherwise go back and forth.
 */
export class ResultsCache {
  /** `hits`: answered with the copy, or with a reading that was under way; `misses`: read. */
  readonly counts = { hits: 0, misses: 0 }
  readonly #options: Required<Omit<ResultsCacheOptions, 'shared' | 'keepMs'>> & { readonly keepMs: number } & Pick<
      ResultsCacheOptions,
      'shared'
    >
  readonly #entries = new Map<PollId, Entry>()
  readonly #reading = new Map<string, Promise<CachedResults>>()
  #order = 0

  constructor(options: ResultsCacheOptions) {
    this.#options = { monotonicMs: () => performance.now(), entriesMax: 10_000, ...options, keepMs: options.keepMs ?? resultsKeepMs }
  }

  get(poll: Poll): Promise<CachedResults> {
    const entry = this.#entries.get(poll.id)
    if (entry !== undefined && entry.revision === poll.revision && this.#options.monotonicMs() - entry.sinceMs < this.#options.keepMs) {
      this.counts.hits++
      return Promise.resolve(entry.cached)
    }
    const key = `${poll.id} ${poll.revision}`
    const underWay = this.#reading.get(key)
    if (underWay !== undefined && this.#options.keepMs > 0) {
      this.counts.hits++
      return underWay
    }
    this.counts.misses++
    const reading = this.#read(poll).finally(() => this.#reading.delete(key))
    this.#reading.set(key, reading)
    return reading
  }

  async #read(poll: Poll): Promise<CachedResults> {
    const sinceMs = this.#options.monotonicMs()
    const { shared } = this.#options
    const { waiting, snapshot: read } = await (shared === undefined
      ? this.#readCounts(poll.id)
      : shared.get(poll.id, () => this.#readCounts(poll.id)))
    const served = this.#entries.get(poll.id)
    const snapshot = served !== undefined && isOlder(read, served.snapshot) ? served.snapshot : read
    const results = resultsOf(poll, snapshot, this.#options.nowMs())
    const body = JSON.stringify(resultsOnWire(results, waiting))
    const cached = { results, body, etag: etagOf(body), order: ++this.#order }
    this.#entries.delete(poll.id)
    if (this.#entries.size >= this.#options.entriesMax) {
      const [oldest] = this.#entries.keys()
      if (oldest !== undefined) this.#entries.delete(oldest)
    }
    this.#entries.set(poll.id, { revision: poll.revision, sinceMs, cached, snapshot })
    return cached
  }

  async #readCounts(pollId: PollId): Promise<PollCounts> {
    // The queue first: what it no longer holds then is in the snapshot. The other way round a ballot counted in between would be in
    // neither, and "0 wait" a lie.
    const waiting = await this.#options.waiting()
    return { waiting, snapshot: await this.#options.results.snapshot(pollId) }
  }
}

/** By as-of, and where that is the same by turnout, which only grows: a second is long, and two servers of a database differ in less. */
function isOlder(left: TallySnapshot, right: TallySnapshot): boolean {
  const [leftMs, rightMs] = [left, right].map(({ asOfMs }) => asOfMs ?? Number.NEGATIVE_INFINITY) as [number, number]
  return leftMs < rightMs || (leftMs === rightMs && left.turnout < right.turnout)
}
