import type { FastifyReply, FastifyRequest } from 'fastify'
import { ProblemError } from './problems.ts'

const windowMs = 1_000
const keysMaxDefault = 100_000

/** How many requests of a caller all processes took in this second, this one included; null: that is not known just now. Never rejects. */
export interface SharedRequestCounts {
  count(key: string): Promise<number | null>
}

export interface RequestLimitOptions {
  readonly perSecondMax: number
  /** What stands for an address; see core's addressHashes. */
  readonly hashOf: (address: string) => string
  readonly shared?: SharedRequestCounts | undefined
  readonly monotonicMs?: () => number
  readonly keysMax?: number
}

interface Window {
  readonly beganAtMs: number
  count: number
}

/**
 * Requests a second of each address, in windows of one second. It knows addresses only as hashes, and at most `keysMax` of them.
 *
 * Not @fastify/rate-limit: it puts its hook behind those of a route, so that guesses which authentication refuses are never counted; when
 * its Redis does not answer, it refuses everybody or counts nobody, where this process can go on by itself. With a store and a hook of our
 * own nothing of it would be left but the comparison.
 */
export class RequestLimit {
  readonly #options: RequestLimitOptions
  readonly #monotonicMs: () => number
  readonly #keysMax: number
  readonly #windows = new Map<string, Window>()

  constructor(options: RequestLimitOptions) {
    this.#options = options
    this.#monotonicMs = options.monotonicMs ?? (() => performance.now())
    this.#keysMax = options.keysMax ?? keysMaxDefault
  }

  /** How many addresses are remembered. */
  get size(): number {
    return this.#windows.size
  }

  /** As an onRequest hook. Routes that say `anyRate` in their config are not counted. */
  readonly hook = (request: FastifyRequest, _reply: FastifyReply, done: (error?: Error) => void): void => {
    if (request.routeOptions.config.anyRate === true) {
      done()
      return
    }
    this.admit(request.ip).then(
      (admitted) => (admitted ? done() : done(new ProblemError('too-many-requests'))),
      (error: Error) => done(error),
    )
  }

  /** Whether this address may have one more answer in this second. */
  async admit(address: string): Promise<boolean> {
    const { perSecondMax, hashOf, shared } = this.#options
    const key = hashOf(address)
    const own = this.#count(key)
    // Too many here are too many in all: then nobody else is asked.
    if (own > perSecondMax || shared === undefined) return own <= perSecondMax
    const all = await shared.count(key)
    return all === null || all <= perSecondMax
  }

  #count(key: string): number {
    const nowMs = this.#monotonicMs()
    const window = this.#windows.get(key)
    if (window !== undefined && nowMs - window.beganAtMs < windowMs) return ++window.count
    // At the end of the map, so that the first ones are those whose windows began longest ago.
    this.#windows.delete(key)
    this.#makeRoom(nowMs)
    this.#windows.set(key, { beganAtMs: nowMs, count: 1 })
    return 1
  }

  /** Each new window removes up to two that are over: as long as callers come, only those of the last second stay. */
  #makeRoom(nowMs: number): void {
    let over = 0
    for (const [key, { beganAtMs }] of this.#windows) {
      const isOver = nowMs - beganAtMs >= windowMs
      if (this.#windows.size < this.#keysMax && (!isOver || over === 2)) return
      this.#windows.delete(key)
      over++
    }
  }
}
