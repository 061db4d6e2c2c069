import { type DestinationStream, type Logger, pino, stdTimeFunctions } from 'pino'

export type { Logger } from 'pino'

export interface LoggerOptions {
  /** The process: api, consumer, jobs, standalone. */
  readonly service: string
  readonly version: string
  readonly level: string
  /** Default: standard output, synchronously, so that the last words of a dying process are not lost. */
  readonly destination?: DestinationStream
}

/**
 * A second net only: nobody logs a ballot, a voter key, a cookie, a code or a token in the first place.
 */
const secretHeaders = ['authorization', 'cookie', '"set-cookie"', '"idempotency-key"', '"proxy-authorization"']
const redactedPaths = ['', 'headers', 'req.headers', 'request.headers', 'res.headers', 'response.headers'].flatMap((owner) =>
  secretHeaders.map((header) => (header.startsWith('"') ? `${owner}[${header}]` : owner === '' ? header : `${owner}.${header}`)),
)

/** One line of JSON a message. ERROR means that somebody must act; a healthy process logs none. */
export function createLogger({ service, version, level, destination }: LoggerOptions): Logger {
  const options = {
    level,
    base: { service, version },
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: { paths: redactedPaths, censor: '[redacted]' },
  }
  return destination === undefined ? pino(options) : pino(options, destination)
}
