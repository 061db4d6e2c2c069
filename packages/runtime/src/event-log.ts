import { Counter, type Registry } from 'prom-client'

/** One thing that happened, as an adapter tells it: in words for the log, and by its kind for a counter. Nothing in it is of a ballot. */
export interface EventLine {
  readonly kind: string
  /** `error`: somebody must act. */
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly message: string
  readonly fields?: Readonly<Record<string, unknown>>
  /** It may come as often as there are requests: a line now and then is enough. */
  readonly often?: boolean
}

const sameLineAgainAfterMs = 10_000
const linesRememberedMax = 1_000

interface LineLogger {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** Where the events of adapters go: each is counted, by its source and kind, and logged. */
export function createEventLog({ logger, registry }: { logger: LineLogger; registry: Registry }) {
  const counter = new Counter({
    name: 'urna_events_total',
    help: 'What the adapters of databases and queues told, since the start.',
    labelNames: ['source', 'event'],
    registers: [registry],
  })
  const loggedAtMs = new Map<string, number>()
  return (source: string, { kind, level, message, fields = {}, often = false }: EventLine): void => {
    counter.inc({ source, event: kind })
    if (often) {
      const line = `${source} ${kind} ${message}`
      const lastMs = loggedAtMs.get(line)
      if (lastMs !== undefined && performance.now() - lastMs < sameLineAgainAfterMs) return
      if (loggedAtMs.size >= linesRememberedMax) loggedAtMs.clear()
      loggedAtMs.set(line, performance.now())
    }
    logger[level]({ source, ...fields }, message)
  }
}

export type EventLog = ReturnType<typeof createEventLog>
