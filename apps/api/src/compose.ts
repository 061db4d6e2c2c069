import { resultsCsv } from '@urna/contracts'
import { type BallotPublisher, openMasterKey, type QueueDepth, type Sequence, systemClock, systemIds } from '@urna/core'
import {
  FallbackDatabase,
  fallbackEventLine,
  mysqlEventLine,
  openMysqlPrimary,
  openMysqlReplica,
  type Primary,
  type Replica,
} from '@urna/database'
import { RedisResultsCache, RedisVoterPlaces, redisConnection, redisEventLine, redisStreamsQueue, sqsEventLine } from '@urna/queue'
import {
  type ApiConfig,
  type Composed,
  createEventLog,
  createLifecycle,
  createMetrics,
  type EventLog,
  type Logger,
  projectVersion,
  withinOpenFiles,
} from '@urna/runtime'
import { Counter, Gauge, type Registry } from 'prom-client'
import { boundedDepth } from './bounded-depth.ts'
import { type ApiDependencies, buildApi } from './index.ts'
import { builtPages } from './pages.ts'
import { readsOf } from './reads-of.ts'
import { resultsKeepMs } from './results-cache.ts'
import { learnTokenHash, tokenHashSetting } from './token-hash.ts'

/** A start in good health ends within this; whatever is away by then is waited for while requests are answered. */
const firstLookMsMax = 2_000

/**
 * Puts an api together: the only place here that names concrete adapters. What is started last is stopped first. It starts whatever is away:
 * what can be done is done, the rest is answered with 503 until it comes back. `changes`: of a program that measures what a part is worth.
 */
export async function compose(config: ApiConfig, logger: Logger, changes: Partial<ApiDependencies> = {}): Promise<Composed> {
  const lifecycle = createLifecycle({ logger })
  let fail: (error: Error) => void = () => {}
  const failed = new Promise<never>((_resolve, reject) => {
    fail = reject
  })
  failed.catch(() => {})
  const metrics = createMetrics({ service: 'api', version: projectVersion })
  const tell = createEventLog({ logger, registry: metrics.registry })
  const masterKey = openMasterKey(config.masterKey)

  const { primary, replica } = openServers(config, tell)
  lifecycle.onStop('database', async () => {
    await Promise.all([primary.close(), replica?.close()])
  })
  const database = new FallbackDatabase({
    primary,
    replica,
    fingerprint: masterKey.fingerprint,
    auditHmac: masterKey.auditHmac,
    onEvent(event) {
      if (event.kind === 'foreign-master-key') fail(event.error)
      else tell('database', fallbackEventLine(event))
    },
  })
  lifecycle.onStop('watching the database', () => database.close())
  database.start()
  registerDatabaseMetrics(metrics.registry, database)
  await Promise.race([database.whenReadable(firstLookMsMax), failed])
  waitForDatabase()

  const tokenHash = learnTokenHash({
    configured: config.adminToken,
    read: () => database.settings.get(tokenHashSetting),
    onMissing: () =>
      logger.error("no administrator's token was ever made: set ADMIN_TOKEN, or run the migration again. Until then nobody administers"),
  })
  lifecycle.onStop("administrator's token", () => tokenHash.stop())

  const queue = await openQueue(config, { registerEpoch: (identity) => database.registerEpoch(identity), tell })
  lifecycle.onStop('ballot queue', () => queue.close())

  const shared = openSharedCounts(config, metrics.registry)
  lifecycle.onStop('shared results', () => shared?.close())

  const places = openSharedPlaces(config, metrics.registry)
  lifecycle.onStop('shared voter places', () => places?.close())

  const pagesRoot = builtPages()
  const api = await buildApi({
    publisher: queue.publisher,
    ...readsOf(database),
    ...(shared !== null && { sharedCounts: shared }),
    queueDepth: boundedDepth(() => queue.depth()),
    queueConsumers: queue.consumers,
    replicaLagMs: () => database.replicaLagMs(),
    masterKey,
    adminTokenHash: tokenHash.current,
    clock: systemClock,
    ids: systemIds,
    sessionIdleMs: config.sessionIdleMs,
    sessionMs: config.sessionMs,
    defaultPoll: config.defaultPoll,
    allowedOrigins: config.allowedOrigins ?? [],
    trustProxy: config.trustedProxies === null ? false : [...config.trustedProxies],
    secureCookies: config.publicUrl?.startsWith('https:') === true,
    version: projectVersion,
    logger,
    metrics,
    dependencyChecks: {
      queue: () => queue.publisher.check(),
      database: async () => database.primaryIsUp,
      ...(replica !== null && { replica: async () => database.replicaIsUp === true }),
    },
    // Votes are taken without the primary, and results shown: only without a queue is there nothing to come here for.
    essential: ['queue'],
    ...(pagesRoot !== null && { pagesRoot }),
    streamOf: queue.streamOf,
    csv: resultsCsv,
    backlogMax: config.backlogMax,
    ...(places !== null && { voterPlaces: places }),
    guardedFreeVotes: config.guardedFreeVotes,
    liveReadersMax: withinOpenFiles(config.liveReadersMax),
    ...changes,
  })
  // Stopped first: nothing new comes in, what is under way gets its answer, and then the intake sends what waits.
  lifecycle.onStop('intake', () => queue.publisher.close())
  lifecycle.onStop('api', () => api.drain())
  await Promise.race([api.listen({ port: config.port, host: config.host }), failed])
  const address = api.server.address()
  logger.info({ port: typeof address === 'object' ? address?.port : config.port, pages: pagesRoot !== null }, 'the api is started')
  return { lifecycle, failed }

  /** Says so when it is no longer a matter of waiting. */
  function waitForDatabase(): void {
    const timer = setTimeout(() => {
      if (database.primaryIsUp || database.replicaIsUp === true) return
      logger.error('the database cannot be used yet, and was waited for as long as MIGRATION_WAIT_SECONDS says: waiting on')
    }, config.migrationWaitMs)
    lifecycle.onStop('waiting for the database', () => clearTimeout(timer))
  }
}

function openServers({ database }: ApiConfig, tell: EventLog): { primary: Primary; replica: Replica | null } {
  const { primary, replica, tls, connectionsMax, connectTimeoutMs, queryTimeoutMs } = database
  const shared = { tls, connectionsMax, connectTimeoutMs, queryTimeoutMs }
  return {
    primary: openMysqlPrimary({ ...primary, ...shared, onEvent: (event) => tell('primary', mysqlEventLine(event)) }),
    replica:
      replica === null ? null : openMysqlReplica({ ...replica, ...shared, onEvent: (event) => tell('replica', mysqlEventLine(event)) }),
  }
}

interface OpenedQueue {
  readonly publisher: BallotPublisher
  depth(): Promise<QueueDepth>
  /** Those that asked for ballots within the last minute; null: the queue does not say. */
  readonly consumers: () => Promise<number | null>
  readonly streamOf: (seq: Sequence) => number
  close(): Promise<void>
}

async function openQueue(
  { queue }: ApiConfig,
  { registerEpoch, tell }: { registerEpoch: (identity: Uint8Array) => Promise<number>; tell: EventLog },
): Promise<OpenedQueue> {
  if (queue.kind === 'sqs') {
    const { connectToSqs } = await import('@urna/queue/sqs/sqs-queue')
    const { queueName, region, endpoint, credentials } = queue
    const onEvent = (event: Parameters<typeof sqsEventLine>[0]) => tell('sqs', sqsEventLine(event))
    const sqs = connectToSqs({ queueName, region, endpoint, credentials, registerEpoch, onEvent })
    return {
      publisher: sqs.publisher(),
      depth: () => sqs.maintenance.depth(),
      consumers: async () => null,
      streamOf: () => 0,
      close: async () => sqs.close(),
    }
  }
  const redis = redisStreamsQueue({
    connection: redisConnection(queue.server),
    streams: queue.streams,
    registerEpoch,
    onEvent: (event) => tell('redis', redisEventLine(event)),
    // Consumers trim; an api asks nothing of which this is a part.
    replayWindowMs: 0,
  })
  return {
    publisher: await redis.publisher(),
    depth: () => redis.depth(),
    consumers: () => redis.activeConsumers(),
    streamOf: (seq) => redis.streamOf(seq),
    close: () => redis.close(),
  }
}

function openSharedCounts({ resultsCache }: ApiConfig, registry: Registry): RedisResultsCache | null {
  if (resultsCache.kind === 'none') return null
  // A copy in this process is shown for a while after it was taken from there.
  const cache = new RedisResultsCache({ connection: redisConnection(resultsCache.server), keepMs: resultsCache.keepMs - resultsKeepMs })
  const counter = (name: string, help: string, read: () => number) =>
    new Counter({
      name,
      help,
      registers: [registry],
      collect() {
        this.reset()
        this.inc(read())
      },
    })
  counter('urna_results_cache_hits_total', 'Results that another api had just read.', () => cache.counts.hits)
  counter('urna_results_cache_misses_total', 'Results that were read from the database.', () => cache.counts.misses)
  counter('urna_results_cache_failures_total', 'Times the cache did not answer, or not with results.', () => cache.counts.failures)
  return cache
}

/** On the Redis that is the queue, or the one of the results: whichever this process has. */
function openSharedPlaces({ queue, resultsCache }: ApiConfig, registry: Registry): RedisVoterPlaces | null {
  const server = queue.kind === 'redis' ? queue.server : resultsCache.kind === 'redis' ? resultsCache.server : null
  if (server === null) return null
  const places = new RedisVoterPlaces({ connection: redisConnection(server) })
  new Counter({
    name: 'urna_voter_places_alone_total',
    help: 'Challenges of guarded polls whose difficulty this process decided alone, because Redis did not answer or held enough.',
    registers: [registry],
    collect() {
      this.reset()
      this.inc(places.counts.alone)
    },
  })
  return places
}

function registerDatabaseMetrics(registry: Registry, database: FallbackDatabase): void {
  new Gauge({
    name: 'urna_database_up',
    help: '1: the server answers. The primary takes writes, too, if `writes` is yes.',
    labelNames: ['server', 'writes'],
    registers: [registry],
    collect() {
      this.reset()
      this.set({ server: 'primary', writes: database.primaryTakesWrites ? 'yes' : 'no' }, database.primaryIsUp ? 1 : 0)
      if (database.replicaIsUp !== null) this.set({ server: 'replica', writes: 'no' }, database.replicaIsUp ? 1 : 0)
    },
  })
}
