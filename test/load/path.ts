import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import mysql from 'mysql2/promise'
import { ClusterProcess, missingPrograms } from '../e2e/cluster-process.ts'
import { getJson, openPoll, settledResults } from '../support/client.ts'
import { exitOnSignals } from '../support/standalone-process.ts'
import { sendBallots } from './ballots.ts'
import { cpuMicroseconds, median, residentKilobytes, withChildren, writtenBytes } from './figures.ts'
import { requestBytes, tlsHandshake } from './path-edges.ts'

/**
 * What one ballot costs each part of its way, in a cluster on this machine: processor time, bytes to disk, bytes to its neighbours, bytes
 * that stay. All of it is taken from the kernel and from the servers' own counts, so it says the same on a busy machine as on an idle one;
 * what the parts can do at a time is not measured here. These are the figures that `jobs plan` reckons with.
 *
 * An answer that is no success, or a ballot that is not counted, fails the run.
 */

const rounds = Number(process.env.PATH_ROUNDS ?? 3)
const secondsARound = Number(process.env.PATH_SECONDS ?? 6)
const connections = 128
const load = { connections, seconds: secondsARound }
const settledMsMax = 120_000

const parts = ['nginx', 'api-1', 'redis', 'consumer-1', 'primary', 'replica'] as const
type Part = (typeof parts)[number]

interface Counts {
  readonly cpu: number
  readonly disk: number
}

/** Everything since the parts were started. */
interface Snapshot {
  readonly parts: Readonly<Record<Part, Counts>>
  readonly redisIn: number
  readonly redisOut: number
  readonly redisMemory: number
  readonly primaryIn: number
  readonly primaryOut: number
  readonly tables: number
  readonly binaryLog: number
  readonly appendOnly: number
}

function sizeOf(folder: string, isMeant: (name: string) => boolean): number {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(isMeant)
  return names.reduce((sum, name) => sum + statSync(join(folder, name)).size, 0)
}

class Path {
  readonly #cluster: ClusterProcess
  readonly #redis: Redis
  readonly #database: mysql.Connection

  private constructor(cluster: ClusterProcess, redis: Redis, database: mysql.Connection) {
    this.#cluster = cluster
    this.#redis = redis
    this.#database = database
  }

  static async of(cluster: ClusterProcess): Promise<Path> {
    const secret = (name: string) => readFileSync(cluster.at(`secrets/${name}`), 'utf8')
    const redis = new Redis({ port: cluster.port('redis'), password: secret('redis-password') })
    const password = secret('database-administrator-password')
    const database = await mysql.createConnection({ host: '127.0.0.1', port: cluster.port('primary'), user: 'administrator', password })
    return new Path(cluster, redis, database)
  }

  async snapshot(): Promise<Snapshot> {
    const ofRedis = await this.#redis.info()
    const fromRedis = (name: string) => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(ofRedis)?.[1] ?? Number.NaN)
    const [rows] = await this.#database.query<mysql.RowDataPacket[]>("show global status like 'Bytes_%'")
    const fromPrimary = (name: string) => Number(rows.find((row) => row.Variable_name === name)?.Value ?? Number.NaN)
    const counts = parts.map((part) => {
      const pids = withChildren(this.#cluster.pidOf(part))
      const sum = (of: (pid: number) => number) => pids.reduce((total, pid) => total + of(pid), 0)
      return [part, { cpu: sum(cpuMicroseconds), disk: sum(writtenBytes) }]
    })
    return {
      parts: Object.fromEntries(counts) as Snapshot['parts'],
      redisIn: fromRedis('total_net_input_bytes'),
      redisOut: fromRedis('total_net_output_bytes'),
      redisMemory: fromRedis('used_memory'),
      primaryIn: fromPrimary('Bytes_received'),
      primaryOut: fromPrimary('Bytes_sent'),
      tables: sizeOf(this.#cluster.at('primary/data/voteapp'), (name) => name.endsWith('.ibd')),
      binaryLog: sizeOf(this.#cluster.at('primary/data'), (name) => /^binlog\.\d+$/.test(name)),
      appendOnly: sizeOf(this.#cluster.at('redis'), (name) => name.endsWith('.aof')),
    }
  }

  residentMegabytes(part: Part): number {
    return withChildren(this.#cluster.pidOf(part)).reduce((sum, pid) => sum + residentKilobytes(pid), 0) / 1_024
  }

  close(): void {
    this.#redis.disconnect()
    this.#database.destroy()
  }
}

interface Measured {
  readonly ballots: number
  readonly rate: number
  readonly answerBytes: number
  readonly before: Snapshot
  readonly after: Snapshot
}

async function measure(cluster: ClusterProcess, path: Path): Promise<Measured[]> {
  const options = [{ text: 'one' }, { text: 'two' }]
  const poll = await openPoll(cluster.url, { title: 'Path', questions: [{ text: 'Which?', options }] })
  const ballotPath = `/v1/polls/${poll.id}/ballots`
  await sendBallots(cluster.url, ballotPath, 'warm-up', load)
  let { turnout } = await settledResults(cluster.url, poll.id, settledMsMax)
  const measured: Measured[] = []
  for (let round = 1; round <= rounds; round++) {
    const before = await path.snapshot()
    const { requests, seconds, answerBytes } = await sendBallots(cluster.url, ballotPath, `round-${round}`, load)
    const results = await settledResults(cluster.url, poll.id, settledMsMax)
    const after = await path.snapshot()
    const ballots = results.turnout - turnout
    // When wrk stops, each connection may have one request under way: sent and counted, but its answer was not waited for.
    if (ballots < requests || ballots > requests + connections) throw new Error(`${requests} ballots were answered, ${ballots} counted`)
    const total = results.questions[0]?.options.reduce((sum, option) => sum + option.total, 0)
    if (total !== results.turnout) throw new Error(`turnout is ${results.turnout}, the tallies add up to ${total}`)
    turnout = results.turnout
    console.log(`round ${round}: ${ballots} ballots, ${(requests / seconds).toFixed(0)} a second with everything on ${cpus().length} cores`)
    measured.push({ ballots, rate: requests / seconds, answerBytes, before, after })
  }
  return measured
}

/** What is shown of a ballot besides what each part does for it. */
const bytesOf: Readonly<Record<string, (snapshot: Snapshot) => number>> = {
  'redis, in': ({ redisIn }) => redisIn,
  'redis, out': ({ redisOut }) => redisOut,
  'redis, memory while it is kept': ({ redisMemory }) => redisMemory,
  'redis, append-only file': ({ appendOnly }) => appendOnly,
  'primary, in': ({ primaryIn }) => primaryIn,
  'primary, out': ({ primaryOut }) => primaryOut,
  'primary, tables': ({ tables }) => tables,
  'primary, binary log': ({ binaryLog }) => binaryLog,
}

async function run(): Promise<void> {
  exitOnSignals()
  const cluster = new ClusterProcess({ CLUSTER_APIS: '1', CLUSTER_CONSUMERS: '1', EXPORT_EVERY: '*/5 * * * *' })
  try {
    await cluster.start()
    const { version } = await getJson<{ version: string }>(`${cluster.url}/v1/config`)
    const path = await Path.of(cluster)
    try {
      const measured = await measure(cluster, path)
      /** Of one ballot, in the median of the rounds. */
      const each = (of: (snapshot: Snapshot) => number) =>
        median(measured.map(({ ballots, before, after }) => (of(after) - of(before)) / ballots))
      const row = (name: string, value: number, unit: string) => console.log(`  ${name.padEnd(34)}${value.toFixed(1).padStart(9)} ${unit}`)
      console.log(`\nOne ballot of one question, Urna ${version}, MariaDB or MySQL as installed here:`)
      for (const part of parts)
        row(
          `${part}, processor`,
          each(({ parts: counts }) => counts[part].cpu),
          'us',
        )
      for (const part of ['redis', 'primary', 'replica'] as const)
        row(
          `${part}, to disk`,
          each(({ parts: counts }) => counts[part].disk),
          'bytes',
        )
      for (const [name, of] of Object.entries(bytesOf)) row(name, each(of), 'bytes')
      // As long as a poll's id is.
      row('request of wrk', await requestBytes(`/v1/polls/${'0'.repeat(16)}/ballots`), 'bytes')
      row('answer', median(measured.map((round) => round.answerBytes)), 'bytes')
      for (const part of parts) row(`${part}, memory`, path.residentMegabytes(part), 'MB')
      const handshake = await tlsHandshake()
      if (typeof handshake === 'number') row('nginx, a new TLS connection', handshake, 'us')
      else console.log(`SKIPPED a new TLS connection: ${handshake.missing}`)
      const skipped = typeof handshake === 'number' ? 0 : 1
      console.log(`${measured.length} passed, 0 failed, ${skipped} skipped`)
      const sum = parts.reduce((total, part) => total + each(({ parts: counts }) => counts[part].cpu), 0)
      console.log(`path: ballots=${measured.reduce((total, { ballots }) => total + ballots, 0)} cpu-us-per-ballot=${sum.toFixed(0)}`)
    } finally {
      path.close()
    }
  } finally {
    await cluster.remove()
  }
}

const missing = [...missingPrograms(), ...(spawnSync('wrk', ['--version']).error === undefined ? [] : ['wrk'])]
if (missing.length > 0) {
  console.log(`SKIPPED bench-path: apt-get install ${missing.join(' ')}`)
  console.log('0 passed, 0 failed, 1 skipped')
} else await run()
