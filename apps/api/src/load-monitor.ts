import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { QueueDepth } from '@urna/core'
import { createLoopHealth } from '@urna/runtime'

const sampleEveryMs = 500
const lagResolutionMs = 20

export interface LoadMonitorOptions {
  readonly queueDepth: () => Promise<QueueDepth>
  readonly backlogMax: number
  readonly lagMaxMs?: number
}

/** Whether this process can take more. Measured twice a second, never in a request: there it costs more than the ballot. */
export class LoadMonitor {
  readonly #options: Required<LoadMonitorOptions>
  readonly #lag = monitorEventLoopDelay({ resolution: lagResolutionMs })
  #timer: NodeJS.Timeout | null = null
  #asking = false
  /** Read for every ballot. */
  overloaded = false
  lagMs = 0
  backlog = 0
  /** Healthy while the event loop comes round. */
  readonly loop = createLoopHealth()

  constructor(options: LoadMonitorOptions) {
    this.#options = { lagMaxMs: 1_000, ...options }
  }

  start(): void {
    this.#lag.enable()
    this.#timer = setInterval(() => void this.sample(), sampleEveryMs).unref()
  }

  stop(): void {
    this.#lag.disable()
    if (this.#timer !== null) clearInterval(this.#timer)
  }

  async sample(): Promise<void> {
    this.loop.beat()
    const meanMs = this.#lag.mean / 1e6
    this.lagMs = Number.isNaN(meanMs) ? 0 : Math.max(0, meanMs - lagResolutionMs)
    this.#lag.reset()
    this.#judge()
    if (this.#asking) return
    this.#asking = true
    try {
      this.backlog = (await this.#options.queueDepth()).ballots
    } catch {
      // A queue that does not answer refuses ballots by itself; the last known backlog stands.
    } finally {
      this.#asking = false
    }
    this.#judge()
  }

  #judge(): void {
    this.overloaded = this.lagMs > this.#options.lagMaxMs || this.backlog > this.#options.backlogMax
  }
}
