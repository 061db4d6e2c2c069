import { setTimeout as delay } from 'node:timers/promises'
import { commandLine, openMasterKey, type Poll, pollAdministration, systemClock, systemIds, tallyKeys } from '@urna/core'
import {
  openMysqlPrimary,
  openMysqlReplica,
  type Primary,
  SqlBallotRepository,
  SqlPollRepository,
  SqlQueueEpochs,
  SqlResultsReader,
} from '@urna/database'
import { redisStreamsQueue } from '@urna/queue'
import { Redis } from 'ioredis'
import type { MysqlServer } from '../servers/support/mysql-servers.ts'
import { type RedisKind, RedisServer } from '../servers/support/redis-servers.ts'
import { send } from '../support/client.ts'
import { ServerProcesses } from '../support/server-processes.ts'
import type { StandaloneProcess } from '../support/standalone-process.ts'
import { type BallotsToCount, ballotsToCount, definitionOf, expectedTallies } from './ballots-to-count.ts'
import { cpuMicroseconds, nowMs } from './figures.ts'

export interface Drained {
  readonly consumers: number
  readonly questions: number
  /** From before the first entry could be handed to a consumer until nothing was left unacked: every commit lies in between. */
  readonly seconds: number
  readonly perSecond: number
  /** Before that: until all processes were there. */
  readonly secondsToStart: number
  /** CPU time of a ballot in microseconds, from the kernel: does not grow with what else this machine does. */
  readonly cpu: { readonly consumers: number; readonly server: number }
  /** Transactions that failed and were tried again, by the consumers' own count. */
  readonly retries: number
  /** By the count of the database server. */
  readonly deadlocks: number
  /** What became an error: lines of that level, dead letters, processes that did not end well, deadlocks that were not retried. */
  readonly surfaced: readonly string[]
  /** Numbers that are not what they must be. */
  readonly mismatches: readonly string[]
}

export interface DrainOptions {
  readonly server: MysqlServer
  readonly redis: RedisKind
  readonly consumers: number
  readonly ballots: number
  readonly questions: number
}

/** Waiting ballots are counted within this, or something is wrong. */
const drainMsMax = 180_000
const lookEveryMs = 10
const publishAtOnce = 5_000
export const builtConsumer = 'apps/consumer/dist/main.js'

/** Fills a queue while nobody counts, starts the consumers, and measures until everything is counted. A database and a Redis of its own. */
export async function drain(options: DrainOptions): Promise<Drained> {
  const { server } = options
  const database = await server.createDatabase()
  const redis = await RedisServer.start(options.redis)
  const processes = new ServerProcesses({
    database,
    primary: server.connection,
    queue: { REDIS_HOST: '127.0.0.1', REDIS_PORT: String(redis.port) },
  })
  try {
    await processes.prepare()
    return await fillAndDrain(options, database, redis, processes)
  } finally {
    await processes.stopAll()
    await redis.remove()
    await server.dropDatabase(database)
  }
}

async function fillAndDrain(
  { server, consumers, ballots: count, questions }: DrainOptions,
  database: string,
  redis: RedisServer,
  processes: ServerProcesses,
): Promise<Drained> {
  const looking = new Redis({ port: redis.port })
  const primary = openMysqlPrimary({ ...server.connection, database })
  const epochs = new SqlQueueEpochs(primary)
  const queue = redisStreamsQueue({
    connection: { host: '127.0.0.1', port: redis.port },
    registerEpoch: (identity) => epochs.register(identity),
    replayWindowMs: 0,
    // Nobody waits for an answer here; a machine that is busy for a moment must not end the measurement.
    publishTimeoutMs: 30_000,
    onEvent: () => {},
  })
  try {
    const appendfsync = String(await looking.config('GET', 'appendfsync'))
    if (appendfsync !== 'appendfsync,always') throw new Error(`Redis syncs too little: ${appendfsync}`)
    const poll = await openPoll(processes, primary, questions)
    const sent = ballotsToCount(count, questions)
    const publisher = await queue.publisher()
    for (let start = 0; start < count; start += publishAtOnce) {
      const some = sent.ballots.slice(start, start + publishAtOnce)
      await Promise.all(some.map((ballot) => publisher.publish({ pollId: poll.id, pollVersion: poll.version.version, ...ballot })))
    }
    await publisher.close()

    const deadlocksBefore = await deadlocksOf(server)
    const startedMs = nowMs()
    // They start while Redis stands still: then four of them begin at one time, and what is measured is counting, not the start of programs.
    redis.pause()
    const started = await Promise.all(
      Array.from({ length: consumers }, (_, shard) =>
        processes.consumer(
          { NODE_ENV: 'production', CONSUMER_SHARD: String(shard) },
          { command: [process.execPath, '--conditions=urna:built', builtConsumer] },
        ),
      ),
    )
    await lookUntil(started, async () => started.every(({ output }) => output.includes('counting begins')))
    const cpuBefore = cpuOf(server, started)
    const beganMs = nowMs()
    redis.resume()
    await lookUntil(started, async () => (await queue.depth()).ballots === 0)
    const endedMs = nowMs()
    const cpuAfter = cpuOf(server, started)

    const retries = await Promise.all(started.map((one) => metricOf(one, 'urna_counting_retries_total')))
    const ended = await Promise.all(started.map((one) => one.stop()))
    const deadlocks = (await deadlocksOf(server)) - deadlocksBefore
    const retried = retries.reduce((sum, each) => sum + each, 0)
    const seconds = (endedMs - beganMs) / 1_000
    return {
      consumers,
      questions,
      seconds,
      perSecond: count / seconds,
      secondsToStart: (beganMs - startedMs) / 1_000,
      cpu: {
        consumers: (cpuAfter.consumers - cpuBefore.consumers) / count,
        server: (cpuAfter.server - cpuBefore.server) / count,
      },
      retries: retried,
      deadlocks,
      surfaced: [
        ...started.flatMap(({ output }) => output.split('\n').filter((line) => /"level":"(error|fatal)"/.test(line))),
        ...ended.flatMap(({ code, signal }) => (code === 0 ? [] : [`a consumer ended with ${signal ?? code}`])),
        ...(await deadLettersOf(server, database)),
        // Taken for something else, it would make a batch be counted in parts.
        ...(deadlocks > retried ? [`${deadlocks - retried} deadlocks that were not retried`] : []),
      ],
      mismatches: await mismatchesOf(server, database, poll, sent),
    }
  } finally {
    looking.disconnect()
    await queue.close()
    await primary.close()
  }
}

export async function openPoll({ masterKey }: ServerProcesses, primary: Primary, questions: number): Promise<Poll> {
  const polls = new SqlPollRepository(primary, { auditHmac: openMasterKey(masterKey).auditHmac })
  const ballots = new SqlBallotRepository(primary)
  const administration = pollAdministration({
    polls,
    ballots,
    masterKey: openMasterKey(masterKey),
    clock: systemClock,
    ids: systemIds,
    countedUntilMs: async () => null,
  })
  const draft = await administration.create(definitionOf(questions), commandLine)
  const opened = await administration.open(draft.id, { opensAtMs: null, closesAtMs: null }, commandLine)
  if (!opened.ok) throw new Error(`the poll did not open: ${opened.failure.kind}`)
  return opened.value
}

async function lookUntil(consumers: readonly StandaloneProcess[], isSo: () => Promise<boolean>): Promise<void> {
  const endMs = nowMs() + drainMsMax
  while (!(await isSo())) {
    const gone = consumers.find((consumer) => consumer.hasExited)
    if (gone !== undefined) throw new Error(`a consumer ended:\n${gone.output}`)
    if (nowMs() > endMs) throw new Error(`not counted after ${drainMsMax} ms:\n${consumers.map(({ output }) => output).join('\n')}`)
    await delay(lookEveryMs)
  }
}

function cpuOf(server: MysqlServer, consumers: readonly StandaloneProcess[]): { consumers: number; server: number } {
  return { server: cpuMicroseconds(server.pid), consumers: consumers.reduce((sum, { pid }) => sum + cpuMicroseconds(pid), 0) }
}

export async function metricOf({ url }: StandaloneProcess, name: string): Promise<number> {
  const { text } = await send('GET', `${url}/metrics`)
  return Number(new RegExp(`^${name}(?:{[^}]*})? (\\d+)$`, 'm').exec(text)?.[1] ?? Number.NaN)
}

/** Since the start of the server. */
async function deadlocksOf(server: MysqlServer): Promise<number> {
  const statement =
    server.product === 'MariaDB'
      ? "show global status like 'Innodb_deadlocks'"
      : "select count as Value from information_schema.innodb_metrics where name = 'lock_deadlocks'"
  const [row] = await server.query<{ Value: string }>(statement)
  return Number(row?.Value ?? Number.NaN)
}

async function deadLettersOf(server: MysqlServer, database: string): Promise<string[]> {
  const rows = await server.query<{ detail: string }>('select detail from dead_letters limit 3', [], database)
  return rows.map(({ detail }) => `a dead letter: ${detail}`)
}

/** Turnout and tallies against the ballots that were sent last, and against a count of what is stored. */
async function mismatchesOf(server: MysqlServer, database: string, poll: Poll, sent: BallotsToCount): Promise<string[]> {
  const replica = openMysqlReplica({ ...server.connection, database })
  try {
    const { stored, counted } = await new SqlResultsReader(replica).recount(poll.id, (answers) => tallyKeys(poll.definition, answers))
    const expected = { turnout: sent.last.size, tallies: expectedTallies(poll, sent) }
    return [stored, counted].flatMap((found, index) => {
      const whose = index === 0 ? 'the tallies' : 'a recount of the stored ballots'
      const tallies = new Map(found.tallies.map(({ question, key, count }) => [`${question}:${key}`, count]))
      const names = new Set([...tallies.keys(), ...expected.tallies.keys()])
      return [
        ...(found.turnout === expected.turnout ? [] : [`${whose}: turnout ${found.turnout}, expected ${expected.turnout}`]),
        ...[...names]
          .filter((name) => tallies.get(name) !== expected.tallies.get(name))
          .map((name) => `${whose}: ${name} is ${tallies.get(name) ?? 0}, expected ${expected.tallies.get(name) ?? 0}`),
      ]
    })
  } finally {
    await replica.close()
  }
}
