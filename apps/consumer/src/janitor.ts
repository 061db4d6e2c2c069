import { setTimeout as delay } from 'node:timers/promises'
import { advanceLowWater, type BallotQueueMaintenance, type BallotRepository, type JanitorEvent } from '@urna/core'

export interface JanitorDependencies {
  readonly ballots: Pick<BallotRepository, 'readLowWater' | 'writeLowWater' | 'writingServer'>
  readonly queue: BallotQueueMaintenance
  readonly onEvent: (event: JanitorEvent | { readonly kind: 'failed'; readonly error: Error }) => void
  readonly beat?: () => void
  readonly crashPoint?: (point: 'before-trim') => void
  readonly everyMs?: number
}

/** Moves the low water up once a second, and trims the queue behind it. More than one may run: the faster one wins. */
export class Janitor {
  readonly #dependencies: JanitorDependencies
  readonly #advance: () => Promise<JanitorEvent[]>
  readonly #stopping = new AbortController()
  #running: Promise<void> | null = null

  constructor(dependencies: JanitorDependencies) {
    const { ballots, queue, crashPoint } = dependencies
    this.#dependencies = dependencies
    this.#advance = advanceLowWater({ ballots, queue, beforeTrim: () => crashPoint?.('before-trim') })
  }

  run(): Promise<void> {
    this.#running ??= this.#loop()
    return this.#running
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#running
  }

  /** One beat. A failure is reported, and the next beat tries again. */
  async beatOnce(): Promise<void> {
    const { onEvent } = this.#dependencies
    try {
      for (const event of await this.#advance()) onEvent(event)
    } catch (error) {
      onEvent({ kind: 'failed', error: error as Error })
    }
  }

  async #loop(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      this.#dependencies.beat?.()
      await this.beatOnce()
      await delay(this.#dependencies.everyMs ?? 1_000, undefined, { signal: this.#stopping.signal }).catch(() => {})
    }
  }
}
