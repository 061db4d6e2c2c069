import { join } from 'node:path'
import { MessageChannel } from 'node:worker_threads'
import { buildApi, builtPages } from '@urna/api'
import { registerCountingMetrics } from '@urna/consumer'
import { openMasterKey, systemClock, systemIds } from '@urna/core'
import {
  connectPrimary,
  migrate,
  openSqliteReader,
  pingDatabase,
  refuseNetworkFileSystem,
  SqlBallotRepository,
  SqlPollRepository,
  SqlQueueEpochs,
  SqlResultsReader,
  SqlSettings,
  sqlPeople,
} from '@urna/database'
import {
  administratorTokenHash,
  directoryExportStore,
  exportResults,
  makeFirstAdministrator,
  prepareInstallation,
  resultsCsv,
} from '@urna/jobs'
import { startEmbeddedQueue } from '@urna/queue/embedded/embedded-queue'
import {
  connectionsWithinOpenFiles,
  createLifecycle,
  createLoopHealth,
  createMetrics,
  type Lifecycle,
  type Logger,
  openDataFolder,
  projectVersion,
  readOrCreateKeyFile,
  type StandaloneConfig,
  withinOpenFiles,
} from '@urna/runtime'
import { Cron } from 'croner'
import { startCountingThread } from './counting-thread.ts'
import { takeDataDirectory } from './data-directory.ts'
import { beginEpoch } from './queue-epoch.ts'

export { NetworkFileSystemError } from '@urna/database'

export interface Standalone {
  readonly lifecycle: Lifecycle
  /** Rejects when a part of the process ended by itself. */
  readonly failed: Promise<never>
}

/** Puts the embedded size together: the only place here that names concrete adapters. What is started last is stopped first. */
export async function compose(config: StandaloneConfig, logger: Logger): Promise<Standalone> {
  const lifecycle = createLifecycle({ logger })
  let fail: (error: Error) => void = () => {}
  const failed = new Promise<never>((_resolve, reject) => {
    fail = reject
  })
  failed.catch(() => {})

  // Before the lock is taken: it could not be trusted there either. The threads would say so too, but not in words.
  openDataFolder(config.dataDir)
  refuseNetworkFileSystem(join(config.dataDir, 'lock.db'))
  const directory = takeDataDirectory(config.dataDir, config.port)
  lifecycle.onStop('data directory', () => directory.release())
  const masterKeyBytes = config.masterKey ?? masterKeyOf(config.dataDir, logger)
  const masterKey = openMasterKey(masterKeyBytes)

  const queue = await startEmbeddedQueue({ path: join(config.dataDir, 'queue.db'), replayWindowMs: config.replayWindowMs, onFailure: fail })
  lifecycle.onStop('ballot queue', () => queue.close())

  const databasePath = join(config.dataDir, 'urna.db')
  const { port1: primaryPort, port2 } = new MessageChannel()
  const counting = startCountingThread(
    { databasePath, masterKey: masterKeyBytes, crashAt: config.crashAt, primaryPort: port2 },
    { logger, onFailure: fail },
  )
  lifecycle.onStop('counting', () => counting.stop())

  const countingLoop = createLoopHealth()
  let lastBeatAtMs = 0
  counting.onReport(({ beatAtMs }) => {
    if (beatAtMs !== lastBeatAtMs) countingLoop.beat()
    lastBeatAtMs = beatAtMs
  })

  const primary = connectPrimary(primaryPort)
  const polls = new SqlPollRepository(primary, { auditHmac: masterKey.auditHmac })
  const people = sqlPeople(primary, { auditHmac: masterKey.auditHmac })
  const settings = new SqlSettings(primary)
  const ids = systemIds
  const clock = systemClock
  await migrate(primary)
  await prepareInstallation({ polls, settings, masterKey, clock, ids })
  const administrator = await administratorTokenHash({
    configured: config.adminToken,
    settings,
    dataDirectory: config.dataDir,
    show: process.stdout.isTTY === true ? showToken : null,
  })

  const { passwordFile } = await makeFirstAdministrator({
    users: people.users,
    configured: config.adminPassword,
    clock,
    ids,
    say: (line) => logger.warn(line),
    dataDirectory: config.dataDir,
    show: process.stdout.isTTY === true ? showPassword : null,
  })

  const ballots = new SqlBallotRepository(primary)
  const epochs = new SqlQueueEpochs(primary)
  const epoch = await beginEpoch({ queue, epochs, ballots, settings, alarm: (message) => logger.error(message) })
  // What is left of an earlier epoch is counted once the queue was empty.
  let emptied = false
  counting.onReport(({ waiting }) => {
    emptied ||= waiting.ballots === 0
  })
  await counting.start(await queue.connect(), epoch)
  const publisher = queue.publisher(epoch)

  const replica = openSqliteReader(databasePath)
  lifecycle.onStop('database', () => replica.close())
  const results = new SqlResultsReader(replica)

  const metrics = createMetrics({ service: 'standalone', version: projectVersion })
  registerCountingMetrics(metrics.registry, () => counting.report())

  if (config.exportEvery !== null) {
    const store = directoryExportStore(config.exportDir)
    const exporting = new Cron(
      config.exportEvery,
      { protect: true, timezone: 'UTC', catch: (error) => logger.error({ err: error }, 'the CSV export failed') },
      async () => {
        await exportResults({ polls, results, store, clock }, { bom: config.exportBom, keep: config.exportKeep })
      },
    )
    lifecycle.onStop('CSV export', () => exporting.stop())
  }

  const pagesRoot = builtPages()
  const api = await buildApi({
    publisher,
    polls,
    people,
    ballots,
    results,
    queueDepth: () => queue.depth(),
    // The counting thread of this process.
    queueConsumers: async () => (countingLoop.healthy() ? 1 : 0),
    masterKey,
    adminTokenHash: administrator.hash,
    clock,
    ids,
    sessionIdleMs: config.sessionIdleMs,
    sessionMs: config.sessionMs,
    defaultPoll: config.defaultPoll,
    allowedOrigins: config.allowedOrigins ?? [],
    trustProxy: config.trustedProxies === null ? false : [...config.trustedProxies],
    publicUrl: config.publicUrl,
    cookieKeys: { key: config.cookieKey, oldestKey: config.cookieKeyOldest },
    requestsPerSecondMax: config.requestsPerSecondMax,
    serverLimits: { connectionsMax: connectionsWithinOpenFiles(config.connectionsMax) },
    version: projectVersion,
    logger,
    metrics,
    dependencyChecks: {
      queue: () => publisher.check(),
      database: () => pingDatabase(primary).then(() => true),
    },
    essential: ['queue', 'database'],
    loopsTurn: () => countingLoop.healthy(),
    ...(pagesRoot === null ? {} : { pagesRoot }),
    countedUntilMs: async () => (await ballots.readLowWater(epoch, 0))?.atMs ?? null,
    epochEnded: (other) => other !== epoch && emptied,
    csv: resultsCsv,
    backlogMax: config.backlogMax,
    guardedFreeVotes: config.guardedFreeVotes,
    liveReadersMax: withinOpenFiles(config.liveReadersMax),
  })
  // Stopped first: nothing new comes in, what is under way gets its answer, and then the intake sends what waits.
  lifecycle.onStop('intake', () => publisher.close())
  lifecycle.onStop('api', () => api.drain())

  await api.listen({ port: config.port, host: config.host })
  announce(config, api.server.address(), logger)
  if (administrator.tokenFile !== null) logger.info({ path: administrator.tokenFile }, "the administrator's token is in this file")
  if (passwordFile !== null) logger.info({ path: passwordFile }, 'the password of the user admin is in this file')
  return { lifecycle, failed }
}

function masterKeyOf(dataDirectory: string, logger: Logger): Buffer {
  const path = join(dataDirectory, 'master.key')
  const { key, created } = readOrCreateKeyFile(path, { warn: (message) => logger.warn(message) })
  if (created) logger.info({ path }, 'made the master key: back this file up')
  return key
}

function showToken(token: string): void {
  console.log(`\n  Administrator's token, shown only now. Keep it:\n\n    ${token}\n`)
}

function showPassword(password: string): void {
  console.log(`\n  The user admin was made. The password, shown only now; change it after signing in:\n\n    ${password}\n`)
}

function announce(config: StandaloneConfig, address: unknown, logger: Logger): void {
  const port = typeof address === 'object' && address !== null && 'port' in address ? address.port : config.port
  const url = config.publicUrl ?? `http://localhost:${port}`
  logger.info({ url, dataDir: config.dataDir }, 'Urna is ready')
  if (process.stdout.isTTY !== true) return
  console.log(
    `\n  Urna is ready:  ${url}\n  Sign in:        ${url}/admin   (user admin)\n  API and docs:   ${url}/docs\n  Your data:      ${config.dataDir}   (Ctrl-C stops; every ballot stays)\n`,
  )
}
