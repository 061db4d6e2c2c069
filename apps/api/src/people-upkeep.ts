import { type Clock, failuresKeptMs, type People } from '@urna/core'
import type { FastifyBaseLogger } from 'fastify'
import { loggable } from './problems.ts'

const everyMs = 3_600_000

export interface PeopleUpkeepOptions {
  readonly people: Pick<People, 'sessions' | 'signInAttempts'>
  readonly clock: Clock
  readonly logger: FastifyBaseLogger
  readonly sessionIdleMs: number
  readonly sessionMs: number
}

/** Removes what has no meaning any more, about every hour: sessions that ended, and failures to sign in that count no more. */
export class PeopleUpkeep {
  readonly #options: PeopleUpkeepOptions
  #timer: NodeJS.Timeout | null = null

  constructor(options: PeopleUpkeepOptions) {
    this.#options = options
  }

  start(): void {
    // With jitter: several apis that were started together do not work at the same moment.
    this.#timer = setTimeout(
      () => void this.beatOnce().finally(() => this.#timer !== null && this.start()),
      everyMs * (0.5 + Math.random()),
    )
    this.#timer.unref()
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
  }

  /** Never throws: what could not be removed is there an hour later. */
  async beatOnce(): Promise<void> {
    const { people, clock, logger, sessionIdleMs, sessionMs } = this.#options
    const nowMs = clock.nowMs()
    try {
      await people.sessions.removeOlder({ createdBeforeMs: nowMs - sessionMs, lastSeenBeforeMs: nowMs - sessionIdleMs })
      await people.signInAttempts.removeOlder(nowMs - failuresKeptMs)
    } catch (error) {
      logger.warn(loggable(error), 'ended sessions could not be removed')
    }
  }
}
