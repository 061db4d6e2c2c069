import { accessSync, constants, mkdirSync } from 'node:fs'
import { createLoopHealth, createMetrics, type JobsConfig, type Logger, projectVersion, startHealthServer } from '@urna/runtime'
import type { ExportOutcome } from './export-csv.ts'
import { createExportLoop } from './export-loop.ts'
import { registerExportMetrics } from './export-metrics.ts'

export interface ExportService {
  readonly config: Pick<JobsConfig, 'port' | 'host'>
  readonly logger: Logger
  /** A cron expression, in UTC. */
  readonly every: string
  readonly folder: string
  readonly exportOnce: (hooks: { stop: AbortSignal; tell: (line: string) => void }) => Promise<ExportOutcome>
  /** Whether there is a database to export from. */
  readonly databaseAnswers: () => Promise<boolean>
  /** A failure in words; null: a mistake of ours. */
  readonly wordsOf: (error: unknown) => string | null
  readonly signal: AbortSignal
}

const tickMs = 1_000
/** Health is asked often, and each answer about the database is a connection. */
const answerKeptMs = 5_000
/** One export that takes longer than this has stopped moving: each of its statements has a limit of seconds. */
const exportMsMax = 900_000
const finishMs = 3_000

/** Exports by the clock, with health and metrics, until it is told to stop. */
export async function runExportService(service: ExportService): Promise<void> {
  const { config, logger, every, folder, signal } = service
  const [ticking, exporting] = [createLoopHealth(), createLoopHealth({ limitMs: exportMsMax })]
  const loop = createExportLoop({
    every,
    exportOnce(stop) {
      exporting.beat()
      return service.exportOnce({ stop, tell: (line) => logger.warn(line) })
    },
    onDone: ({ manifest, removed }, tookMs) =>
      logger.info({ ...manifest, removed: removed.length, tookMs: Math.round(tookMs) }, 'exported the results'),
    onFailed: (error) => logFailure(logger, service.wordsOf(error), error),
    onSkipped: () => logger.warn('an export was left out: the one before is still being written'),
  })
  const metrics = createMetrics({ service: 'jobs', version: projectVersion })
  registerExportMetrics(metrics.registry, () => loop.report)
  const databaseAnswers = keptFor(answerKeptMs, service.databaseAnswers)
  const health = await startHealthServer({
    port: config.port,
    host: config.host,
    metrics,
    isAlive: () => ticking.healthy() && (!loop.report.running || exporting.healthy()),
    readiness: async () => ({ database: { ok: await databaseAnswers() }, exports: { ok: isWritable(folder) } }),
  })
  const timer = setInterval(() => {
    ticking.beat()
    loop.tick()
  }, tickMs)
  try {
    const next = loop.nextAtMs === null ? 'never' : new Date(loop.nextAtMs).toISOString()
    logger.info({ port: health.port, every, folder, next }, 'exporting by the clock')
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve()
      else signal.addEventListener('abort', () => resolve(), { once: true })
    })
  } finally {
    clearInterval(timer)
    await loop.stop(finishMs)
    await health.close()
    logger.info('stopped')
  }
}

function logFailure(logger: Logger, words: string | null, error: unknown): void {
  if (words !== null) logger.error(`the export failed: ${words}. The files before stay`)
  else logger.error({ err: error }, 'the export failed: the files before stay')
}

function keptFor<Value>(keepMs: number, ask: () => Promise<Value>): () => Promise<Value> {
  let kept: { atMs: number; value: Promise<Value> } | null = null
  return () => {
    const now = performance.now()
    if (kept === null || now - kept.atMs > keepMs) kept = { atMs: now, value: ask() }
    return kept.value
  }
}

function isWritable(folder: string): boolean {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    accessSync(folder, constants.W_OK)
    return true
  } catch {
    return false
  }
}
