import type { IncomingMessage, ServerResponse } from 'node:http'
import type { pollAdministration } from '@urna/core'
import type { FastifyBaseLogger, FastifyInstance, FastifyReply, FastifyRequest, RawServerDefault } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import type { ApiMetrics } from './api-metrics.ts'
import type { Callers } from './callers.ts'
import type { Definitions } from './definitions.ts'
import type { ApiDependencies } from './dependencies.ts'
import type { Health } from './health.ts'
import type { InFlight } from './in-flight.ts'
import type { LiveResults } from './live-results.ts'
import type { LoadMonitor } from './load-monitor.ts'
import type { ResultsCache } from './results-cache.ts'
import type { ResultsGate } from './results-gate.ts'
import type { SessionCookies } from './session-cookie.ts'
import type { TakeBallot } from './take-ballot.ts'
import type { VoterIdentities } from './voter-identity.ts'

/** What the routes share. Made once for a server, in index.ts. */
export interface ApiContext {
  readonly dependencies: ApiDependencies
  readonly administration: ReturnType<typeof pollAdministration>
  readonly callers: Callers
  readonly definitions: Definitions
  readonly health: Health
  readonly identities: VoterIdentities
  readonly inFlight: InFlight
  readonly liveResults: LiveResults
  readonly load: LoadMonitor
  readonly metrics: ApiMetrics
  readonly resultsCache: ResultsCache
  readonly resultsGate: ResultsGate
  readonly sessionCookies: SessionCookies
  readonly takeBallot: TakeBallot
  readonly handleError: (error: unknown, request: FastifyRequest, reply: FastifyReply) => void
}

/** A scope whose bodies, parameters and queries are validated by zod. */
export type ZodScope = FastifyInstance<RawServerDefault, IncomingMessage, ServerResponse, FastifyBaseLogger, ZodTypeProvider>
