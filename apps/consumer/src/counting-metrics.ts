import { Counter, Gauge, type Registry } from 'prom-client'
import type { CountingReport } from './counting.ts'

/** What counting tells, as metrics. Labels never name a poll or a voter. */
export function registerCountingMetrics(registry: Registry, report: () => CountingReport | null): void {
  const registers = [registry]
  const counter = (name: string, help: string, read: (report: CountingReport) => number) => {
    new Counter({
      name,
      help,
      registers,
      collect() {
        const now = report()
        this.reset()
        if (now !== null) this.inc(read(now))
      },
    })
  }
  const gauge = (name: string, help: string, read: (report: CountingReport) => number | null) => {
    new Gauge({
      name,
      help,
      registers,
      collect() {
        const now = report()
        const value = now === null ? null : read(now)
        if (value !== null) this.set(value)
      },
    })
  }
  counter('urna_ballots_counted_first_total', 'First ballots of voters, counted since the start.', (now) => now.firstBallots)
  counter('urna_ballots_counted_changed_total', 'Ballots that replaced an earlier one, since the start.', (now) => now.changedBallots)
  counter(
    'urna_ballots_ignored_total',
    'Ballots delivered again, or beaten by another of the same voter, since the start.',
    (now) => now.ignoredBallots,
  )
  counter('urna_ballots_parked_late_total', 'Ballots that came after closing, since the start.', (now) => now.parked.late)
  counter('urna_ballots_parked_rejected_total', 'Ballots that could not be counted, since the start.', (now) => now.parked.rejected)
  counter('urna_counting_retries_total', 'Transactions that failed and were tried again, since the start.', (now) => now.retries)
  counter('urna_queue_rewinds_total', 'Times the database had lost commits and the queue delivered again.', (now) => now.rewinds)
  gauge('urna_queue_ballots', 'Ballots that wait to be counted.', (now) => now.waiting.ballots)
  gauge('urna_queue_oldest_seconds', 'Age of the oldest ballot that waits.', (now) =>
    now.waiting.oldestAtMs === null ? 0 : Math.max(0, Date.now() - now.waiting.oldestAtMs) / 1_000,
  )
  gauge('urna_counted_until_seconds', 'Everything accepted until this time (seconds since 1970) is counted.', (now) =>
    now.countedUntilMs === null ? null : now.countedUntilMs / 1_000,
  )
}
