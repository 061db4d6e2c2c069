import type { ProblemName } from '@urna/contracts'
import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { Definitions } from './definitions.ts'
import type { LiveResults } from './live-results.ts'
import type { LoadMonitor } from './load-monitor.ts'
import type { ResultsCache } from './results-cache.ts'

/**
 * Figures of the api. What the ballot route counts are plain numbers, read when somebody asks for the metrics: a labelled counter costs
 * more than the rest of that route's bookkeeping. Labels hold route patterns and kinds, never anything of a voter.
 */
export class ApiMetrics {
  /** Ballots answered with a receipt. */
  ballotsReceived = 0
  readonly #problems = new Map<ProblemName, number>()
  readonly requests: Histogram<'method' | 'route' | 'status'>

  constructor(
    registry: Registry,
    sources: { definitions: Definitions; liveResults: LiveResults; load: LoadMonitor; resultsCache: Pick<ResultsCache, 'counts'> },
  ) {
    const metrics = this
    const registers = [registry]
    const counter = (name: string, help: string, read: () => number) =>
      new Counter({
        name,
        help,
        registers,
        collect() {
          this.reset()
          this.inc(read())
        },
      })
    counter('urna_api_ballots_received_total', 'Ballots that the queue confirmed durably', () => metrics.ballotsReceived)
    new Counter({
      name: 'urna_api_problems_total',
      help: 'Requests answered with a problem, by its name',
      labelNames: ['problem'],
      registers,
      collect() {
        this.reset()
        for (const [problem, count] of metrics.#problems) this.inc({ problem }, count)
      },
    })
    const gauge = (name: string, help: string, read: () => number) =>
      new Gauge({
        name,
        help,
        registers,
        collect() {
          this.set(read())
        },
      })
    gauge('urna_api_event_loop_lag_seconds', 'Mean delay of the event loop over the last half second', () => sources.load.lagMs / 1_000)
    gauge('urna_api_backlog_ballots', 'Ballots that wait in the queue, as last asked', () => sources.load.backlog)
    gauge('urna_api_definitions', 'Polls of which this process has a copy', () => sources.definitions.size)
    gauge('urna_api_live_readers', 'Streams of live results that are open', () => sources.liveResults.readers)
    const { counts } = sources.resultsCache
    counter(
      'urna_results_copy_hits_total',
      'Results answered with the copy of this process, or with one that was being read',
      () => counts.hits,
    )
    counter('urna_results_copy_misses_total', 'Results that this process had to read, from other apis or the database', () => counts.misses)
    counter(
      'urna_api_live_pushes_total',
      'Changed results pushed to the readers of a poll; one push is for all of its readers',
      () => sources.liveResults.pushes,
    )
    this.requests = new Histogram({
      name: 'urna_api_request_duration_seconds',
      help: 'Time to answer, of every route but the ballot route; of streams: until they begin',
      labelNames: ['method', 'route', 'status'],
      buckets: [0.005, 0.025, 0.1, 0.5, 2.5],
      registers,
    })
  }

  countProblem(name: ProblemName): void {
    this.#problems.set(name, (this.#problems.get(name) ?? 0) + 1)
  }
}
