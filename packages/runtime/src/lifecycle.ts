export interface LifecycleLogger {
  info(fields: object, message: string): void
  error(fields: object, message: string): void
}

export interface StopReport {
  readonly stopped: readonly string[]
  /** Begun, but failed or not done within the deadline. */
  readonly unfinished: readonly string[]
  /** Not begun: the deadline passed while others stopped. */
  readonly skipped: readonly string[]
}

export interface Lifecycle {
  /** What was started last is stopped first. */
  onStop(name: string, stop: () => Promise<void> | void): void
  /** Stops everything, one after the other, and never rejects. Called again it gives the same answer and stops nothing twice. */
  stop(reason: string): Promise<StopReport>
}

/**
 * Starting and stopping in order. A process may die at any instant without losing a ballot, so the deadline is for politeness: voters
 * whose ballot is on its way get their answer, and then the process ends, whatever hangs.
 */
export function createLifecycle({ logger, deadlineMs = 5_000 }: { logger: LifecycleLogger; deadlineMs?: number }): Lifecycle {
  const parts: { name: string; stop: () => Promise<void> | void }[] = []
  let stopping: Promise<StopReport> | null = null

  async function stopAll(reason: string): Promise<StopReport> {
    logger.info({ reason }, 'stopping')
    const startedMs = performance.now()
    // Of its own, and not only the clock: a timer may fire a fraction of a millisecond early.
    let deadlinePassed = false
    const report = { stopped: [] as string[], unfinished: [] as string[], skipped: [] as string[] }
    for (const { name, stop } of parts.reverse()) {
      const leftMs = deadlineMs - (performance.now() - startedMs)
      if (deadlinePassed || leftMs <= 0) {
        report.skipped.push(name)
        continue
      }
      const outcome = await stopWithin(stop, leftMs)
      if (outcome === 'stopped') report.stopped.push(name)
      else {
        report.unfinished.push(name)
        if (outcome === 'late') deadlinePassed = true
        else logger.error({ part: name, err: outcome }, 'stopping failed')
      }
    }
    const { unfinished, skipped } = report
    if (unfinished.length + skipped.length > 0) logger.error({ unfinished, skipped, deadlineMs }, 'not everything stopped')
    else logger.info({ tookMs: Math.round(performance.now() - startedMs) }, 'stopped')
    return report
  }

  return {
    onStop(name, stop) {
      parts.push({ name, stop })
    },
    stop(reason) {
      stopping ??= stopAll(reason)
      return stopping
    },
  }
}

async function stopWithin(stop: () => Promise<void> | void, withinMs: number): Promise<'stopped' | 'late' | Error> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<'late'>((resolve) => {
    timer = setTimeout(() => resolve('late'), withinMs)
  })
  const stopped = (async () => {
    await stop()
    return 'stopped' as const
  })().catch((error: unknown) => (error instanceof Error ? error : new Error(String(error))))
  try {
    return await Promise.race([stopped, late])
  } finally {
    clearTimeout(timer)
  }
}
