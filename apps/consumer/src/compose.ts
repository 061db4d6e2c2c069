import { setTimeout as delay } from 'node:timers/promises'
import { type BallotQueueMaintenance, type BallotSubscriber, openMasterKey } from '@urna/core'
import {
  mysqlEventLine,
  NotPreparedError,
  openMysqlPrimary,
  readInstallation,
  type ServerEvent,
  SqlBallotRepository,
  SqlPollRepository,
  SqlQueueEpochs,
  WatchedServer,
} from '@urna/database'
import { redisConnection, redisEventLine, redisStreamsQueue, sqsEventLine } from '@urna/queue'
import {
  armCrashPoint,
  type Composed,
  type ConsumerConfig,
  createEventLog,
  createLifecycle,
  createLoopHealth,
  createMetrics,
  type EventLine,
  type EventLog,
  type Logger,
  projectVersion,
  startHealthServer,
} from '@urna/runtime'
import { type Counting, startCounting } from './counting.ts'
import { registerCountingMetrics } from './counting-metrics.ts'

/** Ballots that are held get this long to be counted when the process is told to stop; nobody waits for an empty hand. */
const finishMsMax = 8_000
const queueAnswersMsMax = 2_000

/** Puts a consumer together: the only place here that names concrete adapters. What is started last is stopped first. */
export async function compose(config: ConsumerConfig, logger: Logger): Promise<Composed> {
  const lifecycle = createLifecycle({ logger, deadlineMs: 10_000 })
  let fail: (error: Error) => void = () => {}
  const failed = new Promise<never>((_resolve, reject) => {
    fail = reject
  })
  failed.catch(() => {})
  const metrics = createMetrics({ service: 'consumer', version: projectVersion })
  const tell = createEventLog({ logger, registry: metrics.registry })
  const loops = { consumer: createLoopHealth(), janitor: createLoopHealth() }
  const masterKey = openMasterKey(config.masterKey)
  const crashPoint = armCrashPoint(config.crashAt)

  const primary = openMysqlPrimary(mysqlOptions(config, tell))
  lifecycle.onStop('database', () => primary.close())
  const database = new WatchedServer({
    name: 'primary',
    async probe() {
      const found = await readInstallation(primary, { fingerprint: masterKey.fingerprint })
      if (found.isReadOnly) throw new NotPreparedError('DB_HOST is a server that takes no writes: a consumer needs the primary')
      return found
    },
    onEvent(event) {
      if (event.kind === 'foreign-master-key') fail(event.error)
      else tell('database', serverLine(event))
    },
  })
  lifecycle.onStop('watching the database', () => database.close())
  database.start()

  const epochs = new SqlQueueEpochs(primary)
  const queue = await openQueue(config, { registerEpoch: (identity) => database.run(() => epochs.register(identity)), tell })
  lifecycle.onStop('ballot queue', () => queue.close())

  let counting: Counting | null = null
  let draining = false
  registerCountingMetrics(metrics.registry, () => counting?.report ?? null)

  const health = await startHealthServer({
    port: config.port,
    host: config.host,
    isAlive: () => loops.consumer.healthy() && loops.janitor.healthy(),
    metrics,
    async readiness() {
      const queueAnswers = counting !== null && (await answersInTime(queue.maintenance))
      return {
        queue: { ok: queueAnswers },
        database: { ok: database.isUp },
        counting: draining
          ? { ok: false, detail: 'this process is stopping' }
          : counting === null
            ? { ok: false, detail: 'not begun: it waits for the database' }
            : { ok: true },
      }
    },
    compatible: { queue: 'queue', database: 'database' },
  })
  lifecycle.onStop('health', () => health.close())

  const stopping = new AbortController()
  const begun = begin()
  begun.catch(fail)
  lifecycle.onStop('counting', async () => {
    draining = true
    stopping.abort()
    await begun.catch(() => {})
    await stopCounting()
  })
  logger.info({ port: health.port, consumer: config.consumerName, shard: config.consumerShard }, 'the consumer is started')
  return { lifecycle, failed }

  /** Nothing is received before the database can take it. */
  async function begin(): Promise<void> {
    const startedMs = performance.now()
    let warned = false
    while (!(await database.whenUp(1_000))) {
      loops.consumer.beat()
      loops.janitor.beat()
      if (stopping.signal.aborted) return
      if (!warned && performance.now() - startedMs > config.migrationWaitMs) {
        warned = true
        logger.error('the database cannot be used yet, and was waited for as long as MIGRATION_WAIT_SECONDS says: waiting on')
      }
    }
    if (stopping.signal.aborted) return
    counting = startCounting({
      subscriber: await queue.subscribe(),
      queue: queue.maintenance,
      ballots: new SqlBallotRepository(primary, { onStep: crashPoint }),
      polls: new SqlPollRepository(primary),
      masterKey,
      shard: config.consumerShard,
      batchBallotsMax: config.batchBallotsMax,
      crashPoint,
      mayReceive: () => database.isUp,
      beat: (loop) => loops[loop].beat(),
      onRetry: () => database.doubt(),
      tell: (level, message, error) =>
        tell('counting', { kind: level, level, message, fields: error === undefined ? {} : { error }, often: level === 'warn' }),
      reportEveryMs: 1_000,
    })
    logger.info('counting begins')
  }

  async function stopCounting(): Promise<void> {
    if (counting === null) return
    const stopped = counting.stop({ lastBeat: database.isUp })
    const deadline = AbortSignal.timeout(finishMsMax)
    // Whoever waits for a queue or a database that is away is not waited for: what was not acked comes again.
    for (let waitedMs = 0; !deadline.aborted; waitedMs += 100) {
      if (await Promise.race([stopped.then(() => true), delay(100, false)])) return
      if (waitedMs >= 1_500 && !counting.holdsBallots) break
    }
    stopped.catch(() => {})
    await queue.close()
  }
}

interface OpenedQueue {
  readonly maintenance: BallotQueueMaintenance
  subscribe(): Promise<BallotSubscriber>
  close(): Promise<void>
}

async function openQueue(
  config: ConsumerConfig,
  hooks: { registerEpoch: (identity: Uint8Array) => Promise<number>; tell: EventLog },
): Promise<OpenedQueue> {
  const { queue } = config
  const { registerEpoch, tell } = hooks
  if (queue.kind === 'sqs') {
    const { connectToSqs } = await import('@urna/queue/sqs/sqs-queue')
    const { queueName, region, endpoint, credentials } = queue
    const sqs = connectToSqs({
      queueName,
      region,
      endpoint,
      credentials,
      registerEpoch,
      abandonedAfterMs: config.claimIdleMs,
      onEvent: (event) => tell('sqs', sqsEventLine(event)),
    })
    const subscribers: BallotSubscriber[] = []
    return {
      maintenance: sqs.maintenance,
      async subscribe() {
        const subscriber = sqs.subscribe()
        subscribers.push(subscriber)
        return subscriber
      },
      async close() {
        await Promise.all(subscribers.splice(0).map((subscriber) => subscriber.close()))
        sqs.close()
      },
    }
  }
  const { server, streams } = queue
  const redis = redisStreamsQueue({
    connection: redisConnection(server),
    streams,
    registerEpoch,
    replayWindowMs: config.replayWindowMs,
    abandonedAfterMs: config.claimIdleMs,
    onEvent: (event) => tell('redis', redisEventLine(event)),
  })
  return {
    get maintenance() {
      return redis.maintenance
    },
    subscribe: () => redis.subscribe(config.consumerName),
    close: () => redis.close(),
  }
}

function mysqlOptions({ database }: ConsumerConfig, tell: EventLog) {
  const { primary, tls, connectionsMax, connectTimeoutMs, queryTimeoutMs } = database
  return {
    ...primary,
    tls,
    connectionsMax,
    connectTimeoutMs,
    queryTimeoutMs,
    onEvent: (event: Parameters<typeof mysqlEventLine>[0]) => tell('primary', mysqlEventLine(event)),
  }
}

function serverLine(event: Exclude<ServerEvent, { kind: 'foreign-master-key' }>): EventLine {
  if (event.kind === 'up') return { kind: 'primary-up', level: 'info', message: 'the primary answers: counting goes on' }
  return {
    kind: 'primary-down',
    level: 'warn',
    message: `the primary ${event.notPrepared ? 'is not ready' : 'does not answer'}: nothing is received from the queue until it can be counted`,
    fields: { code: event.code, error: event.message },
  }
}

async function answersInTime(maintenance: BallotQueueMaintenance): Promise<boolean> {
  const answer = maintenance.depth().then(
    () => true,
    () => false,
  )
  return Promise.race([answer, delay(queueAnswersMsMax, false)])
}
