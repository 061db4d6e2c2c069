import { Counter, Gauge, type Registry } from 'prom-client'
import type { ExportLoopReport } from './export-loop.ts'

/** What the export loop has done, as metrics. */
export function registerExportMetrics(registry: Registry, report: () => ExportLoopReport): void {
  const registers = [registry]
  const counter = (name: string, help: string, read: (report: ExportLoopReport) => number) => {
    new Counter({
      name,
      help,
      registers,
      collect() {
        this.reset()
        this.inc(read(report()))
      },
    })
  }
  const gauge = (name: string, help: string, read: (report: ExportLoopReport) => number | null) => {
    new Gauge({
      name,
      help,
      registers,
      collect() {
        const value = read(report())
        if (value !== null) this.set(value)
      },
    })
  }
  counter('urna_exports_done_total', 'CSV exports written, since the start.', ({ done }) => done)
  counter('urna_exports_failed_total', 'CSV exports that failed, since the start.', ({ failed }) => failed)
  counter(
    'urna_exports_skipped_total',
    'Times at which the export before was still being written, since the start.',
    ({ skipped }) => skipped,
  )
  gauge('urna_export_running', 'Whether an export is being written now.', ({ running }) => (running ? 1 : 0))
  gauge('urna_export_last_seconds', 'When the last export was written (seconds since 1970).', ({ lastDone }) =>
    lastDone === null ? null : lastDone.atMs / 1_000,
  )
  gauge('urna_export_last_duration_seconds', 'How long the last export took.', ({ lastDone }) =>
    lastDone === null ? null : lastDone.tookMs / 1_000,
  )
  gauge('urna_export_as_of_seconds', 'Everything accepted until this time (seconds since 1970) is in the last export.', ({ lastDone }) => {
    const asOf = lastDone?.outcome.manifest.asOf ?? null
    return asOf === null ? null : Date.parse(asOf) / 1_000
  })
}
