import fastifyCors from '@fastify/cors'
import { PlacesInMemory, pollAdministration } from '@urna/core'
import type { FastifyInstance } from 'fastify'
import { validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod'
import { Addresses } from './addresses.ts'
import { ApiMetrics } from './api-metrics.ts'
import { accessHook, Callers, DeclaredAccess, type DeclaredRoute } from './callers.ts'
import type { ApiContext, ZodScope } from './context.ts'
import { corsOptionsOf } from './cross-origin.ts'
import { Definitions } from './definitions.ts'
import type { ApiDependencies } from './dependencies.ts'
import { Health } from './health.ts'
import { InFlight } from './in-flight.ts'
import { LiveResults } from './live-results.ts'
import { LoadMonitor } from './load-monitor.ts'
import { registerOpenApi } from './openapi.ts'
import { notFound, registerDocs, registerPages } from './pages.ts'
import { peopleContextOf } from './people.ts'
import { PeopleUpkeep } from './people-upkeep.ts'
import { errorHandler } from './problems.ts'
import { ResultsCache } from './results-cache.ts'
import { ResultsGate } from './results-gate.ts'
import { ballotIntakeRoute, ownBallotRoute } from './routes/ballots.ts'
import { challengeRoute } from './routes/challenges.ts'
import { compatibleRoutes } from './routes/compatible.ts'
import { compatibleUserRoutes } from './routes/compatible-users.ts'
import { healthRoutes } from './routes/health.ts'
import { liveResultsRoute } from './routes/live-results.ts'
import { managedPollsRoute } from './routes/managed-polls.ts'
import { auditRoute, systemRoute } from './routes/oversight.ts'
import { pollRoutes } from './routes/polls.ts'
import { receiptRoutes } from './routes/receipts.ts'
import { resultsRoutes } from './routes/results.ts'
import { sessionRoutes } from './routes/sessions.ts'
import { tokenRoutes } from './routes/tokens.ts'
import { userRoutes } from './routes/users.ts'
import { voterRoutes } from './routes/voters.ts'
import { closeServer, createServer } from './server.ts'
import { SessionCookies } from './session-cookie.ts'
import { ballotTaker, shuttingDown } from './take-ballot.ts'
import { VoterIdentities } from './voter-identity.ts'
import { Voters } from './voters.ts'
import { WorkChallenges } from './work-challenges.ts'

export type { ApiDependencies, DependencyName } from './dependencies.ts'
export { builtPages } from './pages.ts'

const backlogMaxDefault = 2_000_000
const drainLimitMsDefault = 4_000

declare module 'fastify' {
  interface FastifyInstance {
    /**
     * Ends this server: /readyz says no, new requests get 503 `shutting-down`, what is under way ends, then connections close.
     * Resolves within `limitMs` (default 4,000), by force if need be. Close the publisher after it, not before.
     */
    drain(limitMs?: number): Promise<void>
    /** Every route, and who gets in. */
    readonly declaredRoutes: readonly DeclaredRoute[]
  }
  interface FastifyContextConfig {
    /** Answered while the server drains too. */
    duringDrain?: boolean
  }
}

/** The api, ready to `listen` or `inject`. It begins to read polls when it gets ready, and stops when it is closed or drained. */
export async function buildApi(dependencies: ApiDependencies): Promise<FastifyInstance> {
  const context = contextOf(dependencies)
  const { definitions, liveResults, load, handleError } = context
  const app = createServer({ trustProxy: dependencies.trustProxy, handleError })
  const addresses = new Addresses()
  addresses.watch(app)
  const declared = new DeclaredAccess()
  declared.watch(app)
  await registerOpenApi(app, dependencies.version)

  // The hot path has a scope of its own: whatever is added to the other one must not reach it.
  await app.register(async (scope) => ballotIntakeRoute(context)(scope))
  await app.register(async (scope) => registerEverythingElse(scope, context, addresses, declared))

  app.addHook('onReady', async () => {
    definitions.start()
    load.start()
  })
  // Before the server waits for its connections: streams do not end by themselves.
  app.addHook('preClose', async () => liveResults.stop())
  app.addHook('onClose', async () => {
    definitions.stop()
    load.stop()
  })
  app.decorate('declaredRoutes', declared.routes)
  let drained: Promise<void> | null = null
  app.decorate('drain', (limitMs = drainLimitMsDefault) => {
    drained ??= drain(app, context, limitMs)
    return drained
  })
  return app
}

function contextOf(dependencies: ApiDependencies): ApiContext {
  const { ballots, clock, ids, logger, masterKey, people, polls, queueDepth } = dependencies
  const definitions = new Definitions({ polls: dependencies.definitions ?? polls, masterKey, logger })
  const load = new LoadMonitor({ queueDepth, backlogMax: dependencies.backlogMax ?? backlogMaxDefault })
  const sessionCookies = new SessionCookies(dependencies)
  const callers = new Callers({ ...dependencies, cookies: sessionCookies })
  const identities = new VoterIdentities({ masterKey, ids, trustProxy: dependencies.trustProxy, secureCookies: dependencies.secureCookies })
  /** Asked now; while the queue does not answer, what it last said. */
  const waiting = async () => {
    try {
      return (await queueDepth()).ballots
    } catch {
      return load.backlog
    }
  }
  const resultsCache = new ResultsCache({
    results: dependencies.results,
    shared: dependencies.sharedCounts,
    waiting,
    nowMs: () => clock.nowMs(),
    keepMs: dependencies.resultsKeepMs,
  })
  const voters = new Voters({ callers, clock, identities, masterKey, people: dependencies.people })
  const resultsGate = new ResultsGate({ ballots, callers, clock, masterKey, voters })
  const liveResults = new LiveResults({ definitions, resultsCache, resultsGate, logger, readersMax: dependencies.liveReadersMax })
  const metrics = new ApiMetrics(dependencies.metrics.registry, { definitions, liveResults, load, resultsCache })
  return {
    dependencies,
    administration: pollAdministration({ ...dependencies, codes: people.codes, roll: people.roll }),
    callers,
    definitions,
    health: new Health(dependencies.dependencyChecks),
    identities,
    inFlight: new InFlight(),
    liveResults,
    load,
    metrics,
    resultsCache,
    resultsGate,
    sessionCookies,
    takeBallot: ballotTaker(dependencies),
    voters,
    workChallenges: new WorkChallenges({ ...dependencies, voterPlaces: dependencies.voterPlaces ?? new PlacesInMemory() }),
    handleError: errorHandler(logger, (name) => metrics.countProblem(name)),
  }
}

async function registerEverythingElse(
  scope: FastifyInstance,
  context: ApiContext,
  addresses: Addresses,
  declared: DeclaredAccess,
): Promise<void> {
  const { callers, dependencies, inFlight, metrics } = context
  const { pagesRoot } = dependencies
  scope.addHook('onRequest', (request, reply, done) => {
    inFlight.begin()
    // Not in onResponse: that never comes when the client hangs up.
    reply.raw.once('close', () => {
      if (!inFlight.isStream(reply.raw)) inFlight.end()
    })
    reply.header('x-content-type-options', 'nosniff').header('referrer-policy', 'no-referrer')
    if (inFlight.draining && request.routeOptions.config?.duringDrain !== true) done(shuttingDown())
    else done()
  })
  scope.addHook('onResponse', (request, reply, done) => {
    if (inFlight.isStream(reply.raw)) return done()
    const labels = { method: request.method, route: request.routeOptions.url ?? 'none', status: String(reply.statusCode) }
    metrics.requests.observe(labels, reply.elapsedTime / 1_000)
    done()
  })
  await declared.allPublic(async () => {
    await scope.register(fastifyCors, { delegator: corsOptionsOf(dependencies.allowedOrigins) })
    if (pagesRoot !== undefined) await registerPages(scope, pagesRoot)
  })
  const answerNotFound = notFound(addresses, pagesRoot !== undefined)
  scope.setNotFoundHandler(answerNotFound)
  // Before the body is read: whatever it is, this is the wrong place for it.
  scope.addHook('onRequest', (request, reply, done) => {
    if (!request.is404) return done()
    try {
      answerNotFound(request, reply)
    } catch (error) {
      done(error as Error)
    }
  })
  scope.addHook('onRequest', accessHook(callers))
  await declared.allPublic(async () => scope.register(registerDocs))
  await scope.register(async (inner) => {
    const api = inner.withTypeProvider<ZodTypeProvider>() as ZodScope
    api.setValidatorCompiler(validatorCompiler)
    // The schemas of replies are documentation, and the tests hold the replies against them. A voter gets no 500 for a mistake in one.
    api.setSerializerCompiler(() => (data) => JSON.stringify(data))
    healthRoutes(context)(api)
    pollRoutes(context)(api)
    ownBallotRoute(context)(api)
    resultsRoutes(context)(api)
    liveResultsRoute(context)(api)
    receiptRoutes(context)(api)
    challengeRoute(context)(api)
    voterRoutes(context)(api)
    compatibleRoutes(context)(api)
    systemRoute(context)(api)
    await registerPeople(api, context)
  })
}

async function registerPeople(api: ZodScope, context: ApiContext): Promise<void> {
  const peopleContext = peopleContextOf(context.dependencies)
  sessionRoutes(context, peopleContext)(api)
  tokenRoutes(context, peopleContext)(api)
  userRoutes(context, peopleContext)(api)
  managedPollsRoute(context, peopleContext)(api)
  auditRoute(peopleContext)(api)
  // A scope of its own: here bodies are JSON whatever they say they are.
  await api.register(async (scope) => compatibleUserRoutes(context, peopleContext)(scope.withTypeProvider<ZodTypeProvider>() as ZodScope))
  const { callers, dependencies } = context
  const { clock, logger, people } = dependencies
  const { sessionIdleMs, sessionMs } = callers
  const upkeep = new PeopleUpkeep({ people, clock, logger, sessionIdleMs, sessionMs })
  api.addHook('onReady', async () => upkeep.start())
  api.addHook('onClose', async () => upkeep.stop())
}

async function drain(app: FastifyInstance, context: ApiContext, limitMs: number): Promise<void> {
  const { definitions, dependencies, inFlight, liveResults, load } = context
  const deadlineMs = performance.now() + limitMs
  inFlight.draining = true
  // Their readers go on with another process; nothing is lost with a stream.
  liveResults.stop()
  // Still listening: who comes now is told to go elsewhere, instead of finding the door gone.
  await inFlight.idle(limitMs)
  definitions.stop()
  load.stop()
  await closeServer(app, Math.max(0, deadlineMs - performance.now()), dependencies.logger)
}
