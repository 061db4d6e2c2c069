import type { Redis } from 'ioredis'
import { openClient } from './redis-streams/link.ts'
import type { RedisStreamsOptions } from './redis-streams/options.ts'

/** A page waits for this no longer: then every process counts for itself. */
const commandTimeoutMs = 100
/** After a failure Redis is left alone for so long: requests would otherwise all wait for it. */
const leaveAloneMs = 1_000
/** A little longer than the second that is counted, for clocks of processes that differ. */
const keptMs = 2_000

export interface RedisRequestCountsOptions {
  readonly connection: RedisStreamsOptions['connection']
  /** First part of every key. */
  readonly prefix?: string
  readonly clock?: { nowMs(): number; monotonicMs(): number }
}

/** How many requests of a caller all processes took in this second, counted in Redis; what is counted there is gone two seconds later. */
export class RedisRequestCounts {
  failures = 0
  readonly #client: Redis
  readonly #prefix: string
  readonly #clock: { nowMs(): number; monotonicMs(): number }
  #leftAloneUntilMs = 0

  constructor({ connection, prefix = 'urna', clock }: RedisRequestCountsOptions) {
    this.#prefix = prefix
    this.#clock = clock ?? { nowMs: () => Date.now(), monotonicMs: () => performance.now() }
    this.#client = openClient(connection, 'requests', commandTimeoutMs)
    this.#client.connect().catch(() => {})
  }

  /** One more of this caller. Null while Redis does not answer. Never rejects. */
  async count(key: string): Promise<number | null> {
    if (this.#client.status !== 'ready' || this.#clock.monotonicMs() < this.#leftAloneUntilMs) return null
    const second = Math.floor(this.#clock.nowMs() / 1_000)
    try {
      const count = await this.#client.eval(countOne, 1, `{${this.#prefix}:requests}:${second}:${key}`, keptMs)
      return typeof count === 'number' ? count : null
    } catch (error) {
      this.failures++
      // A server that stands still, or the way to it: another connection.
      if ((error as Error).message === 'Command timed out') this.#client.disconnect(true)
      this.#leftAloneUntilMs = this.#clock.monotonicMs() + leaveAloneMs
      return null
    }
  }

  close(): void {
    this.#client.disconnect()
  }
}

/** In one step, or a process that dies in between leaves a key that stays. */
const countOne = `
  local count = redis.call('INCR', KEYS[1])
  if count == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
  return count`
