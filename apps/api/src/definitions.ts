import {
  bytesEqual,
  type MasterKey,
  type Poll,
  type PollId,
  type PollRepository,
  unsealPollSecret,
  type VoterKeys,
  voterKeysOf,
} from '@urna/core'
import type { FastifyBaseLogger } from 'fastify'
import { ProblemError } from './problems.ts'

export interface CachedPoll {
  readonly poll: Poll
  readonly voterKeys: VoterKeys
}

interface Entry extends CachedPoll {
  /** Monotonic time at which the primary was known to say the same. */
  verifiedAtMs: number
  /** Asked for since the eviction last came by. */
  used: boolean
}

export interface DefinitionsOptions {
  readonly polls: Pick<PollRepository, 'find' | 'findBySurveyId' | 'revisions' | 'list'>
  readonly masterKey: MasterKey
  readonly logger: FastifyBaseLogger
  /** Monotonic milliseconds: a clock that is set must not make copies look fresh. */
  readonly monotonicMs?: () => number
  readonly refreshEveryMs?: number
  readonly staleAfterMs?: number
  readonly missingForMs?: number
  readonly entriesMax?: number
}

/**
 * Copies of polls. They are loaded on demand, compared with the primary every second, and trusted for 30 s: an older copy could take
 * ballots for a poll that was closed meanwhile, so it answers 503.
 */
export class Definitions {
  readonly #polls: DefinitionsOptions['polls']
  readonly #masterKey: MasterKey
  readonly #logger: FastifyBaseLogger
  readonly #monotonicMs: () => number
  readonly #refreshEveryMs: number
  readonly #staleAfterMs: number
  readonly #missingForMs: number
  readonly #entriesMax: number
  readonly #entries = new Map<PollId, Entry>()
  readonly #idOfSurvey = new Map<number, PollId>()
  /** Poll id or survey id -> until when it is taken for granted that there is none. */
  readonly #missing = new Map<PollId | number, number>()
  readonly #loading = new Map<PollId | number, Promise<CachedPoll | null>>()
  #refreshing: Promise<void> | null = null
  #timer: NodeJS.Timeout | null = null
  #stopped = false
  #ready = false
  #failing = false

  constructor(options: DefinitionsOptions) {
    this.#polls = options.polls
    this.#masterKey = options.masterKey
    this.#logger = options.logger
    this.#monotonicMs = options.monotonicMs ?? (() => performance.now())
    this.#refreshEveryMs = options.refreshEveryMs ?? 1_000
    this.#staleAfterMs = options.staleAfterMs ?? 30_000
    this.#missingForMs = options.missingForMs ?? 1_000
    this.#entriesMax = options.entriesMax ?? 10_000
  }

  /** True once the polls were read. */
  get ready(): boolean {
    return this.#ready
  }

  get size(): number {
    return this.#entries.size
  }

  /** The copy of a poll if there is a fresh one: what the ballot route asks first, so that a known poll costs no promise. */
  peek(id: PollId): CachedPoll | undefined {
    const entry = this.#entries.get(id)
    if (entry === undefined || this.#isStale(entry)) return undefined
    entry.used = true
    return entry
  }

  /** Deleted polls too; null if there never was one. */
  async find(id: PollId): Promise<CachedPoll | null> {
    const entry = this.#entries.get(id)
    if (entry === undefined) return this.#load(id, () => this.#polls.find(id))
    if (this.#isStale(entry)) throw new ProblemError('definitions-stale', { detail: 'this copy of the poll is too old to be trusted' })
    entry.used = true
    return entry
  }

  async findBySurveyId(surveyId: number): Promise<CachedPoll | null> {
    const id = this.#idOfSurvey.get(surveyId)
    return id === undefined ? this.#load(surveyId, () => this.#polls.findBySurveyId(surveyId)) : this.find(id)
  }

  /** Takes a poll that was just read or written on the primary. */
  put(poll: Poll): CachedPoll {
    return this.#install(poll, this.#monotonicMs())
  }

  start(): void {
    const beat = async () => {
      await this.refresh()
      if (!this.#stopped) this.#timer = setTimeout(beat, this.#refreshEveryMs).unref()
    }
    void beat()
  }

  stop(): void {
    this.#stopped = true
    if (this.#timer !== null) clearTimeout(this.#timer)
  }

  /** Compares all copies with the primary. Never throws: a copy that could not be compared just grows older. */
  refresh(): Promise<void> {
    this.#refreshing ??= this.#refresh().finally(() => {
      this.#refreshing = null
    })
    return this.#refreshing
  }

  async #refresh(): Promise<void> {
    try {
      if (this.#ready) await this.#compare()
      else await this.#warmUp()
      if (this.#failing) this.#logger.info('the polls can be read again')
      this.#failing = false
    } catch (error) {
      if (!this.#failing) this.#logger.warn({ error: (error as Error).name }, 'the polls cannot be read')
      this.#failing = true
    }
  }

  /** What the first visitors will ask for. */
  async #warmUp(): Promise<void> {
    const askedAtMs = this.#monotonicMs()
    const { polls } = await this.#polls.list({ publicOnly: true, limit: 100, after: null })
    for (const poll of polls) this.#install(poll, askedAtMs)
    this.#ready = true
  }

  async #compare(): Promise<void> {
    const ids = [...this.#entries.keys()]
    if (ids.length === 0) return
    const askedAtMs = this.#monotonicMs()
    const revisions = await this.#polls.revisions(ids)
    const changed: PollId[] = []
    for (const id of ids) {
      const entry = this.#entries.get(id)
      if (entry === undefined) continue
      const revision = revisions.get(id)
      if (revision === undefined) {
        // A replica that lags, asked while the primary is away, does not know every poll yet.
        if (this.#isStale(entry)) this.#remove(id)
      } else if (revision === entry.poll.revision) entry.verifiedAtMs = Math.max(entry.verifiedAtMs, askedAtMs)
      else if (revision > entry.poll.revision) changed.push(id)
    }
    for (const id of changed) {
      const loadedAtMs = this.#monotonicMs()
      const poll = await this.#polls.find(id)
      if (poll !== null) this.#install(poll, loadedAtMs)
    }
  }

  /** One question to the primary, however many ask at once. */
  #load(key: PollId | number, read: () => Promise<Poll | null>): Promise<CachedPoll | null> {
    const missingUntilMs = this.#missing.get(key)
    if (missingUntilMs !== undefined && missingUntilMs > this.#monotonicMs()) return Promise.resolve(null)
    const loading = this.#loading.get(key)
    if (loading !== undefined) return loading
    const askedAtMs = this.#monotonicMs()
    const load = read()
      .then((poll) => {
        if (poll !== null) return this.#install(poll, askedAtMs)
        this.#rememberMissing(key)
        return null
      })
      .finally(() => this.#loading.delete(key))
    this.#loading.set(key, load)
    return load
  }

  #rememberMissing(key: PollId | number): void {
    this.#missing.delete(key)
    if (this.#missing.size >= this.#entriesMax) {
      const [oldest] = this.#missing.keys()
      if (oldest !== undefined) this.#missing.delete(oldest)
    }
    this.#missing.set(key, this.#monotonicMs() + this.#missingForMs)
  }

  #install(poll: Poll, verifiedAtMs: number): CachedPoll {
    const known = this.#entries.get(poll.id)
    // A read that began before a write may end after it: what is newer stays.
    if (known !== undefined && known.poll.revision > poll.revision) return known
    const sameSecret = known !== undefined && bytesEqual(known.poll.secretSealed, poll.secretSealed)
    const voterKeys = sameSecret ? known.voterKeys : voterKeysOf(unsealPollSecret(this.#masterKey, poll.id, poll.secretSealed))
    const entry = { poll, voterKeys, verifiedAtMs: Math.max(verifiedAtMs, known?.verifiedAtMs ?? 0), used: true }
    if (known === undefined) this.#makeRoom()
    this.#entries.set(poll.id, entry)
    if (poll.surveyId !== null) this.#idOfSurvey.set(poll.surveyId, poll.id)
    return entry
  }

  /** Evicts what was not asked for since the last time round (a second chance for the rest), so that a hit costs one assignment. */
  #makeRoom(): void {
    while (this.#entries.size >= this.#entriesMax) {
      const [oldest] = this.#entries
      if (oldest === undefined) return
      const [id, entry] = oldest
      this.#entries.delete(id)
      if (entry.used) {
        entry.used = false
        this.#entries.set(id, entry)
      } else if (entry.poll.surveyId !== null) this.#idOfSurvey.delete(entry.poll.surveyId)
    }
  }

  #remove(id: PollId): void {
    const surveyId = this.#entries.get(id)?.poll.surveyId
    this.#entries.delete(id)
    if (surveyId !== undefined && surveyId !== null) this.#idOfSurvey.delete(surveyId)
  }

  #isStale(entry: Entry): boolean {
    return this.#monotonicMs() - entry.verifiedAtMs > this.#staleAfterMs
  }
}
