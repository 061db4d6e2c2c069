import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { PollId, Tally, TallySnapshot } from '@urna/core'
import type { Redis } from 'ioredis'
import { openClient } from './redis-streams/link.ts'
import type { RedisStreamsOptions } from './redis-streams/options.ts'

/** What several processes share of a poll: what waited in the queue, and the snapshot that was read after it. */
export interface SharedCounts {
  readonly waiting: number
  readonly snapshot: TallySnapshot
}

export interface ResultsCacheCounts {
  /** Answered with what another process had read, or this one a moment ago. */
  hits: number
  /** Read from the database. */
  misses: number
  /** Of the misses: Redis did not answer, or what it held was not ours. */
  failures: number
}

export interface RedisResultsCacheOptions {
  readonly connection: RedisStreamsOptions['connection']
  /** No older counts are given out, from the beginning of their reading on. */
  readonly keepMs: number
  /** First part of every key. */
  readonly prefix?: string
  readonly clock?: { nowMs(): number; monotonicMs(): number }
}

/** Results must not wait for a cache. */
const commandTimeoutMs = 250
/** While another process reads, its result is waited for; for no longer than this, for it may have died. */
const otherReadsMsMax = 500
const lookAgainMs = 20
/** After a failure Redis is left alone for so long: readers would otherwise all wait for it. */
const leaveAloneMs = 1_000
/** So long the newest counts of a poll are known after they were last compared: with each reading, however often that is. */
const newestKeptMs = 600_000
/** Clocks of processes differ; one that is further off tells wrong ages, and its entries are not believed. */
const clockDifferenceMsMax = 5_000

/**
 * Counts of polls, shared by all api processes: of those that want them at one time, one reads the database. A Redis that is away, slow,
 * full or holds something else is only a miss: then everybody reads for himself.
 *
 * It also keeps whoever asks one process after another from seeing numbers go back: a replica that was away and comes back behind tells
 * less than the primary told meanwhile, and a process that was not asked in between would not know.
 */
export class RedisResultsCache {
  readonly counts: ResultsCacheCounts = { hits: 0, misses: 0, failures: 0 }
  readonly #client: Redis
  readonly #keepMs: number
  readonly #prefix: string
  readonly #clock: { nowMs(): number; monotonicMs(): number }
  #leftAloneUntilMs = 0

  constructor(options: RedisResultsCacheOptions) {
    this.#keepMs = options.keepMs
    this.#prefix = options.prefix ?? 'urna'
    this.#clock = options.clock ?? { nowMs: () => Date.now(), monotonicMs: () => performance.now() }
    this.#client = openClient(options.connection, 'results', commandTimeoutMs)
    this.#client.connect().catch(() => {})
  }

  /** Rejects only with what `read` rejects with. */
  async get(pollId: PollId, read: () => Promise<SharedCounts>): Promise<SharedCounts> {
    const key = `{${this.#prefix}:results}:${pollId}`
    const lock = `${key}:reading`
    const token = randomBytes(8).toString('hex')
    const untilMs = this.#clock.monotonicMs() + otherReadsMsMax
    let isOurs = false
    while (!isOurs) {
      const found = await this.#ask(() => this.#client.get(key))
      const known = found === null ? null : this.#decode(found)
      if (known !== null) {
        this.counts.hits++
        return known
      }
      isOurs = (await this.#ask(() => this.#client.set(lock, token, 'PX', otherReadsMsMax, 'NX'))) === 'OK'
      if (isOurs || !this.#isUsable() || this.#clock.monotonicMs() > untilMs) break
      await delay(lookAgainMs)
    }
    return this.#readAndShare(key, isOurs ? lock : null, token, read)
  }

  close(): void {
    this.#client.disconnect()
  }

  async #readAndShare(key: string, lock: string | null, token: string, read: () => Promise<SharedCounts>): Promise<SharedCounts> {
    this.counts.misses++
    const [beganMs, beganMonotonicMs] = [this.#clock.nowMs(), this.#clock.monotonicMs()]
    let isShared = false
    try {
      const counts = await this.#orNewer(key, await read())
      const leftMs = Math.floor(this.#keepMs - (this.#clock.monotonicMs() - beganMonotonicMs))
      isShared = leftMs > 0 && (await this.#ask(() => this.#client.set(key, encode(counts, beganMs), 'PX', leftMs))) === 'OK'
      return counts
    } finally {
      // Others wait for nothing. Only our own lock: it may have run out, and another one may read by now.
      if (lock !== null && !isShared) {
        const removal = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"
        await this.#ask(() => this.#client.eval(removal, 1, lock, token))
      }
    }
  }

  /** The counts, or newer ones of the same poll that some process was given. What waits in the queue was asked just now, and stays. */
  async #orNewer(key: string, counts: SharedCounts): Promise<SharedCounts> {
    const { snapshot, waiting } = counts
    const values = [snapshot.asOfMs ?? -1, snapshot.turnout, encode(counts, this.#clock.nowMs()), newestKeptMs]
    const newer = await this.#ask(() => this.#client.eval(keepNewest, 1, `${key}:newest`, ...values))
    const known = typeof newer === 'string' ? this.#parse(newer) : null
    return known === null ? counts : { waiting, snapshot: known.counts.snapshot }
  }

  #isUsable(): boolean {
    return this.#client.status === 'ready' && !this.#isLeftAlone()
  }

  #isLeftAlone(): boolean {
    return this.#clock.monotonicMs() < this.#leftAloneUntilMs
  }

  /** Null: Redis has nothing to say. */
  async #ask<Value>(question: () => Promise<Value>): Promise<Value | null> {
    if (this.#isLeftAlone()) return null
    // Not connected: that costs nobody a wait, and it is used again as soon as it is there.
    if (this.#client.status !== 'ready') {
      this.counts.failures++
      return null
    }
    try {
      return await question()
    } catch (error) {
      this.counts.failures++
      // A server that stands still, or the way to it: another connection.
      if ((error as Error).message === 'Command timed out') this.#client.disconnect(true)
      this.#leftAloneUntilMs = this.#clock.monotonicMs() + leaveAloneMs
      return null
    }
  }

  /** Null: not ours, or older than may be. Redis forgets entries by its own clock, which may be set. */
  #decode(text: string): SharedCounts | null {
    const parsed = this.#parse(text)
    if (parsed === null) return null
    const ageMs = this.#clock.nowMs() - parsed.at
    return Math.abs(ageMs) <= this.#keepMs + clockDifferenceMsMax ? parsed.counts : null
  }

  /** Null: not ours. */
  #parse(text: string): { at: number; counts: SharedCounts } | null {
    try {
      const { at, waiting, turnout, tallies, asOf } = JSON.parse(text) as Encoded
      const numbers = [waiting, turnout, ...tallies.flatMap(([question, , count]) => [question, count])]
      if (typeof at !== 'number' || !numbers.every(Number.isSafeInteger)) return null
      const found: Tally[] = tallies.map(([question, key, count]) => ({ question, key, count }))
      return { at, counts: { waiting, snapshot: { turnout, tallies: found, asOfMs: asOf } } }
    } catch {
      this.counts.failures++
      return null
    }
  }
}

/**
 * Keeps these counts as the newest of their poll, unless newer ones are known: those are the answer. By as-of, and where that is the same by
 * turnout, which only grows.
 */
const keepNewest = `
  local asOf, turnout, counts = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3]
  local known = redis.call('HMGET', KEYS[1], 'asOf', 'turnout', 'counts')
  local knownAsOf, knownTurnout = tonumber(known[1] or ''), tonumber(known[2] or '')
  if knownAsOf and knownTurnout and known[3] and (knownAsOf > asOf or (knownAsOf == asOf and knownTurnout > turnout)) then
    redis.call('PEXPIRE', KEYS[1], ARGV[4])
    return known[3]
  end
  redis.call('HSET', KEYS[1], 'asOf', ARGV[1], 'turnout', ARGV[2], 'counts', counts)
  redis.call('PEXPIRE', KEYS[1], ARGV[4])
  return false`

interface Encoded {
  /** When their reading began, epoch milliseconds. */
  readonly at: number
  readonly waiting: number
  readonly turnout: number
  readonly tallies: readonly (readonly [question: number, key: string, count: number])[]
  readonly asOf: number | null
}

function encode({ waiting, snapshot }: SharedCounts, at: number): string {
  const { turnout, tallies, asOfMs } = snapshot
  const encoded: Encoded = {
    at,
    waiting,
    turnout,
    tallies: tallies.map(({ question, key, count }) => [question, key, count]),
    asOf: asOfMs,
  }
  return JSON.stringify(encoded)
}
