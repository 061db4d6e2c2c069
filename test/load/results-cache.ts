import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { openMysqlPrimary, SqlQueueEpochs } from '@urna/database'
import { redisStreamsQueue } from '@urna/queue'
import { missingPrograms } from '../e2e/cluster-process.ts'
import { serverKinds } from '../servers/support/mysql-servers.ts'
import { RedisServer, redisKinds } from '../servers/support/redis-servers.ts'
import { send } from '../support/client.ts'
import { NginxProcess } from '../support/nginx-process.ts'
import { ServerProcesses } from '../support/server-processes.ts'
import { exitOnSignals, type StandaloneProcess, temporaryDirectory } from '../support/standalone-process.ts'
import { CountedBallots } from './counted-ballots.ts'
import { builtConsumer, metricOf, openPoll } from './drain.ts'
import { median, nowMs, quantile } from './figures.ts'

/**
 * What each layer of caches is worth to readers of results, and how old what they get is: nothing kept at all, a copy in each of two api
 * processes, that and what they share through Redis, and nginx in front of those. In turns, in one run, while ballots arrive and are counted.
 *
 * A layer that shows older results than it may, an answer that lacks a ballot accepted before its `asOf`, or any answer that is no
 * success fails the run; how fast this machine is does not.
 */

const rounds = Number(process.env.CACHE_ROUNDS ?? 3)
const secondsATurn = Number(process.env.CACHE_SECONDS ?? 3)
const connections = 16
const ballotsASecond = 300
/** Of a copy in a process, and of results shared through Redis with that copy on top (RESULTS_CACHE_SECONDS); nginx adds a second. */
const [copyMs, sharedMs, nginxMs] = [500, 1_000, 2_000]

interface Layer {
  readonly name: string
  /** In the last line. */
  readonly key: string
  /** Its own user of the database, whose statements are counted. */
  readonly user: string
  readonly apis: readonly StandaloneProcess[]
  /** Two, which readers use alike. */
  readonly urls: readonly [string, string]
  readonly staleMsMax: number
}

interface Turn {
  readonly layer: Layer
  readonly what: 'results' | 'definition'
  readonly reads: number
  readonly readsASecond: number
  readonly statements: number
  /** Of what came to a layer, how much it answered itself. */
  readonly copy: HitCounts
  readonly redis: HitCounts
  readonly samples: readonly Sample[]
}

/** What a page got. */
interface Sample {
  readonly askedAtMs: number
  readonly tookMs: number
  readonly turnout: number
  /** Epoch milliseconds. */
  readonly asOfMs: number
  /** It had these results already. */
  readonly known: boolean
}

interface HitCounts {
  readonly hits: number
  readonly misses: number
}

function wrk(url: string): Promise<{ requests: number; rate: number }> {
  const child = spawn('wrk', ['-t1', `-c${connections / 2}`, `-d${secondsATurn}s`, '--timeout', '10s', url])
  return new Promise((resolve, reject) => {
    let output = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
    child.on('error', reject)
    child.on('close', () => {
      const requests = Number(/(\d+) requests in/.exec(output)?.[1])
      const rate = Number(/Requests\/sec:\s+([\d.]+)/.exec(output)?.[1])
      if (!(rate > 0) || /Non-2xx|Socket errors/.test(output)) reject(new Error(`readers of ${url}:\n${output}`))
      else resolve({ requests, rate })
    })
  })
}

/** A page that asks now here, now there, as browsers do: with the ETag of what it has. */
function openPage(urls: readonly string[]): { close(): Promise<Sample[]> } {
  const samples: Sample[] = []
  let closed = false
  const asking = (async () => {
    const kept = new Map<string, { etag: string; body: { turnout: number; asOf: string | null } }>()
    for (let number = 0; !closed; number++) {
      const url = urls[number % urls.length] as string
      const known = kept.get(url)
      const askedAtMs = nowMs()
      const answer = await send('GET', url, { headers: known === undefined ? {} : { 'if-none-match': known.etag } })
      const tookMs = nowMs() - askedAtMs
      if (answer.status !== 200 && answer.status !== 304) throw new Error(`a page got ${answer.status} ${answer.text}`)
      if (answer.status === 200) kept.set(url, { etag: String(answer.headers.etag), body: JSON.parse(answer.text) })
      const shown = kept.get(url)?.body
      if (shown?.asOf != null) {
        samples.push({ askedAtMs, tookMs, turnout: shown.turnout, asOfMs: Date.parse(shown.asOf), known: answer.status === 304 })
      }
      await delay(10)
    }
  })()
  return {
    async close() {
      closed = true
      await asking
      return samples
    },
  }
}

async function countsOf(layer: Layer): Promise<{ copy: HitCounts; redis: HitCounts; statements: number }> {
  const sum = async (name: string) => {
    const each = await Promise.all(layer.apis.map((api) => metricOf(api, name)))
    return each.reduce((total, value) => total + (Number.isNaN(value) ? 0 : value), 0)
  }
  const rows = await server.query<{ n: string }>(
    'select select_commands + update_commands + other_commands as n from information_schema.user_statistics where user = ?',
    [layer.user],
  )
  return {
    copy: { hits: await sum('urna_results_copy_hits_total'), misses: await sum('urna_results_copy_misses_total') },
    redis: { hits: await sum('urna_results_cache_hits_total'), misses: await sum('urna_results_cache_misses_total') },
    statements: Number(rows[0]?.n ?? 0),
  }
}

const minus = (after: HitCounts, before: HitCounts) => ({ hits: after.hits - before.hits, misses: after.misses - before.misses })

async function turn(layer: Layer, what: Turn['what']): Promise<Turn> {
  const path = `/v1/polls/${poll.id}${what === 'results' ? '/results' : ''}`
  const urls = layer.urls.map((url) => url + path)
  // What was kept at the end of its last turn is from then.
  for (const url of urls) await send('GET', url)
  const before = await countsOf(layer)
  const page = what === 'results' ? openPage(urls) : null
  const ran = await Promise.all(urls.map(wrk))
  const samples = (await page?.close()) ?? []
  const after = await countsOf(layer)
  return {
    layer,
    what,
    reads: ran.reduce((sum, { requests }) => sum + requests, samples.length),
    readsASecond: ran.reduce((sum, { rate }) => sum + rate, 0),
    statements: after.statements - before.statements,
    copy: minus(after.copy, before.copy),
    redis: minus(after.redis, before.redis),
    samples,
  }
}

function percent({ hits, misses }: HitCounts): string {
  return hits + misses === 0 ? '-' : `${((100 * hits) / (hits + misses)).toFixed(2)} %`
}

function total(counts: readonly HitCounts[]): HitCounts {
  return { hits: sumOf(counts, ({ hits }) => hits), misses: sumOf(counts, ({ misses }) => misses) }
}

function sumOf<Item>(items: readonly Item[], value: (item: Item) => number): number {
  return items.reduce((sum, item) => sum + value(item), 0)
}

/** All turns of one layer. */
function verdictOf(layer: Layer, turns: readonly Turn[], ballots: CountedBallots, without: number) {
  const results = turns.filter((one) => one.layer === layer && one.what === 'results')
  const definitions = turns.filter((one) => one.layer === layer && one.what === 'definition')
  const copy = total(results.map((one) => one.copy))
  const samples = results.flatMap((one) => one.samples)
  const reads = sumOf(results, (one) => one.reads)
  const worstMs = Math.max(...samples.map(({ turnout, askedAtMs }) => ballots.staleMs(turnout, askedAtMs)))
  const behindAsOf = samples.filter(({ turnout, asOfMs }) => turnout < ballots.acceptedBefore(asOfMs)).length
  const readsASecond = median(results.map((one) => one.readsASecond))
  return {
    cells: [
      readsASecond.toFixed(0),
      (readsASecond / without).toFixed(1),
      ((1_000 * sumOf(results, (one) => one.statements)) / reads).toFixed(1),
      percent(copy),
      percent(total(results.map((one) => one.redis))),
      // What came to the apis is what nginx did not answer itself.
      layer.urls[0] === layer.urls[1] ? percent({ hits: reads - copy.hits - copy.misses, misses: copy.hits + copy.misses }) : '-',
      percent({ hits: samples.filter(({ known }) => known).length, misses: samples.filter(({ known }) => !known).length }),
      quantile(
        samples.map(({ tookMs }) => tookMs),
        0.99,
      ).toFixed(1),
      worstMs.toFixed(0),
      layer.staleMsMax.toFixed(0),
      definitions.length === 0 ? '-' : median(definitions.map((one) => one.readsASecond)).toFixed(0),
    ],
    faults: [
      ...(samples.length > 0 ? [] : ['no page got results']),
      ...(worstMs <= layer.staleMsMax ? [] : [`results ${worstMs.toFixed(0)} ms old, at most ${layer.staleMsMax} are allowed`]),
      ...(behindAsOf === 0 ? [] : [`${behindAsOf} answers without a ballot that was accepted before their as-of`]),
      ...(layer.staleMsMax > 0 || copy.hits === 0 ? [] : [`${copy.hits} answers of a layer that keeps nothing were not read`]),
    ],
  }
}

const titles = ['results/s', 'ratio', 'statements', 'copy', 'Redis', 'nginx', '304', 'p99 ms', 'stale ms', 'limit', 'definition/s']

exitOnSignals()
// Each process and server that is started here ends with this one.
process.setMaxListeners(20)
const mariadb = serverKinds().find(({ product }) => product === 'MariaDB')
const redisKind = redisKinds.find(({ missing }) => missing === null)
if (mariadb?.missing !== null || redisKind === undefined || spawnSync('wrk', ['--version']).error !== undefined) {
  console.log('SKIPPED bench-cache: apt-get install mariadb-server redis-server wrk')
  console.log('0 passed, 0 failed, 1 skipped')
  process.exit(0)
}

const server = await mariadb.start(['--userstat=ON'])
const redis = await RedisServer.start(redisKind)
const database = await server.createDatabase()
const processes = new ServerProcesses({
  database,
  primary: server.connection,
  queue: { REDIS_HOST: '127.0.0.1', REDIS_PORT: String(redis.port) },
})
await processes.prepare()
const production = { NODE_ENV: 'production', LOG_LEVEL: 'warn' }
const built = (file: string) => ({ command: [process.execPath, '--conditions=urna:built', file] })
await processes.consumer(production, built(builtConsumer)).then((consumer) => consumer.ready())

async function twoApis(user: string, file: string, resultsCache: 'redis' | 'none'): Promise<[StandaloneProcess, StandaloneProcess]> {
  await server.query(`create user '${user}'@'%' identified by '${server.connection.password}'`)
  await server.query(`grant all on \`urna\\_%\`.* to '${user}'@'%'`)
  const start = async () => (await processes.api({ ...production, DB_USER: user, RESULTS_CACHE: resultsCache }, built(file))).ready()
  return [await start(), await start()]
}

const layers: Layer[] = []
for (const [name, key, file, resultsCache, staleMsMax] of [
  ['nothing kept', 'none', 'test/load/uncached-api.ts', 'none', 0],
  ['a copy in each api', 'copy', 'apps/api/dist/main.js', 'none', copyMs],
  ['and Redis', 'redis', 'apps/api/dist/main.js', 'redis', sharedMs],
] as const) {
  const user = `readers_${key}`
  const apis = await twoApis(user, file, resultsCache)
  layers.push({ name, key, user, apis, urls: [apis[0].url, apis[1].url], staleMsMax })
}
const directory = temporaryDirectory()
process.once('exit', () => directory.remove())
let nginx: NginxProcess | null = null
const behind = layers.at(-1) as Layer
if (missingPrograms().includes('nginx')) console.log('SKIPPED nginx: apt-get install nginx')
else {
  const pages = join(directory.path, 'pages')
  mkdirSync(pages)
  nginx = await NginxProcess.start({ folder: directory.path, pages, apiPorts: behind.apis.map(({ url }) => Number(new URL(url).port)) })
  layers.push({ ...behind, name: 'and nginx', key: 'nginx', urls: [nginx.url, nginx.url], staleMsMax: nginxMs })
}

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
const publisher = await queue.publisher()
const poll = await openPoll(processes, primary, 1)
const ballots = new CountedBallots({ poll, publisher, ballotsASecond, database: { ...server.connection, database } })
const turns: Turn[] = []
for (let round = 1; round <= rounds; round++) {
  for (const layer of layers) turns.push(await turn(layer, 'results'))
  // Every api has a copy of each poll, whatever happens to results: only nginx is another layer.
  for (const layer of layers.slice(2)) turns.push(await turn(layer, 'definition'))
  console.log(`round ${round}: ${ballots.turnout} ballots counted`)
}
await ballots.stop()

const without = median(turns.filter(({ layer, what }) => layer === layers[0] && what === 'results').map((one) => one.readsASecond))
console.log(
  `${cpus().length} cores, ${connections} readers without pause, ${ballotsASecond} ballots a second; statements: of the database, for 1,000 reads`,
)
console.log(''.padEnd(20) + titles.map((title) => title.padStart(13)).join(''))
let failed = 0
const verdicts = layers.map((layer) => ({ layer, ...verdictOf(layer, turns, ballots, without) }))
for (const { layer, cells } of verdicts) console.log(layer.name.padEnd(20) + cells.map((cell) => cell.padStart(13)).join(''))
for (const { layer, faults } of verdicts) {
  if (faults.length > 0) failed++
  for (const fault of faults) console.log(`FAILED ${layer.name}: ${fault}`)
}

await publisher.close()
await queue.close()
await primary.close()
await nginx?.stop()
await processes.stopAll()
await redis.remove()
await server.stop()
console.log(
  `bench-cache: ${verdicts
    .slice(1)
    .map(({ layer, cells }) => `${layer.key}=${cells[1]}`)
    .join(' ')}`,
)
console.log(`${layers.length - failed} passed, ${failed} failed${nginx === null ? ', 1 skipped' : ''}`)
process.exit(failed === 0 ? 0 : 1)
