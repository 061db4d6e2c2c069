import { PlacesInMemory, type VoterPlaces } from '@urna/core'
import type { Redis } from 'ioredis'
import { openClient } from './redis-streams/link.ts'
import type { RedisStreamsOptions } from './redis-streams/options.ts'

export interface RedisVoterPlacesOptions {
  readonly connection: RedisStreamsOptions['connection']
  /** First part of every key. */
  readonly prefix?: string
  /** So many voters are held for all addresses of an hour: this Redis may be the ballot queue, which must never be full. */
  readonly votersMax?: number
}

/** Voters wait for it. */
const commandTimeoutMs = 250
const leaveAloneMs = 1_000
const votersMaxDefault = 300_000
/** An hour, and what clocks of processes differ in. */
const keptMs = 2 * 3_600_000

/**
 * Gives the voter its place, or the one it has. Nothing: enough voters are held already.
 * KEYS: the address's voters, how many voters the hour has. ARGV: voter, greatest place, most voters, milliseconds to keep.
 */
const takePlace = `
  local known = redis.call('ZSCORE', KEYS[1], ARGV[1])
  if known then return tonumber(known) end
  local place = redis.call('ZCARD', KEYS[1])
  if place >= tonumber(ARGV[2]) then return tonumber(ARGV[2]) end
  if tonumber(redis.call('GET', KEYS[2]) or '0') >= tonumber(ARGV[3]) then return false end
  redis.call('ZADD', KEYS[1], place, ARGV[1])
  redis.call('PEXPIRE', KEYS[1], ARGV[4])
  redis.call('INCR', KEYS[2])
  redis.call('PEXPIRE', KEYS[2], ARGV[4])
  return place`

/**
 * Places that all api processes know. A Redis that is away, slow or holds enough is no reason to turn voters away, nor to let everybody in: then each
 * process counts those who come to it.
 */
export class RedisVoterPlaces implements VoterPlaces {
  /** `alone`: asked of this process only. */
  readonly counts = { shared: 0, alone: 0 }
  readonly #alone = new PlacesInMemory()
  readonly #client: Redis
  readonly #prefix: string
  readonly #votersMax: number
  #leftAloneUntilMs = 0

  constructor(options: RedisVoterPlacesOptions) {
    this.#prefix = options.prefix ?? 'urna'
    this.#votersMax = options.votersMax ?? votersMaxDefault
    this.#client = openClient(options.connection, 'places', commandTimeoutMs)
    this.#client.connect().catch(() => {})
  }

  async placeOf(voter: { address: string; hour: number; mark: string }, placeMax: number): Promise<number> {
    const shared = await this.#ask(voter, placeMax)
    if (shared !== null) {
      this.counts.shared++
      return shared
    }
    this.counts.alone++
    return this.#alone.placeOf(voter, placeMax)
  }

  close(): void {
    this.#client.disconnect()
  }

  /** Null: Redis has nothing to say. */
  async #ask({ address, hour, mark }: { address: string; hour: number; mark: string }, placeMax: number): Promise<number | null> {
    if (this.#client.status !== 'ready' || performance.now() < this.#leftAloneUntilMs) return null
    const ofHour = `{${this.#prefix}:places}:${hour}`
    try {
      const place = await this.#client.eval(takePlace, 2, `${ofHour}:${address}`, ofHour, mark, placeMax, this.#votersMax, keptMs)
      return Number.isSafeInteger(place) ? (place as number) : null
    } catch (error) {
      // A server that stands still, or the way to it: another connection.
      if ((error as Error).message === 'Command timed out') this.#client.disconnect(true)
      this.#leftAloneUntilMs = performance.now() + leaveAloneMs
      return null
    }
  }
}
