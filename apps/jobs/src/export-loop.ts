import { Cron } from 'croner'
import type { ExportOutcome } from './export-csv.ts'

/** What the loop has done since it was made. */
export interface ExportLoopReport {
  readonly done: number
  readonly failed: number
  /** Times at which the one before was still being written. */
  readonly skipped: number
  readonly lastDone: { readonly atMs: number; readonly tookMs: number; readonly outcome: ExportOutcome } | null
  readonly running: boolean
}

export interface ExportLoopOptions {
  /** A cron expression, in UTC. */
  readonly every: string
  readonly exportOnce: (signal: AbortSignal) => Promise<ExportOutcome>
  readonly onDone: (outcome: ExportOutcome, tookMs: number) => void
  readonly onFailed: (error: unknown) => void
  readonly onSkipped: () => void
  readonly nowMs?: () => number
}

export interface ExportLoop {
  /** Looks at the clock and begins an export when one is due; call it about once a second. Times that passed unseen count as one. */
  tick(): void
  readonly report: ExportLoopReport
  readonly nextAtMs: number | null
  /** Resolves when nothing is written any more: after `finishMs` what is being written is given up, and leaves no file. */
  stop(finishMs: number): Promise<void>
}

/** Exports by the clock, one at a time. */
export function createExportLoop(options: ExportLoopOptions): ExportLoop {
  const { exportOnce, onDone, onFailed, onSkipped, nowMs = Date.now } = options
  // Without a function it only tells times.
  const cron = new Cron(options.every, { timezone: 'UTC' })
  const stopping = new AbortController()
  const count = { done: 0, failed: 0, skipped: 0 }
  let lastDone: ExportLoopReport['lastDone'] = null
  let running: Promise<void> | null = null
  let nextAtMs = nextAfter(nowMs())

  function nextAfter(atMs: number): number | null {
    return cron.nextRun(new Date(atMs))?.getTime() ?? null
  }

  async function run(): Promise<void> {
    const startedMs = performance.now()
    try {
      const outcome = await exportOnce(stopping.signal)
      const tookMs = performance.now() - startedMs
      count.done++
      lastDone = { atMs: nowMs(), tookMs, outcome }
      onDone(outcome, tookMs)
    } catch (error) {
      if (stopping.signal.aborted) return
      count.failed++
      onFailed(error)
    } finally {
      running = null
    }
  }

  return {
    tick() {
      const now = nowMs()
      // A clock that was set back by days must not stop exports for days.
      const next = nextAfter(now)
      if (nextAtMs === null || (next !== null && next < nextAtMs)) nextAtMs = next
      if (stopping.signal.aborted || nextAtMs === null || now < nextAtMs) return
      nextAtMs = next
      if (running === null) running = run()
      else {
        count.skipped++
        onSkipped()
      }
    },
    get report() {
      return { ...count, lastDone, running: running !== null }
    },
    get nextAtMs() {
      return nextAtMs
    },
    async stop(finishMs) {
      const timer = setTimeout(() => stopping.abort(), finishMs)
      const last = running
      if (last === null) stopping.abort()
      await last
      clearTimeout(timer)
      stopping.abort()
    },
  }
}
