import { existsSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { type MysqlServer, type ServerKind, serverKinds } from '../servers/support/mysql-servers.ts'
import { type RedisKind, redisKinds } from '../servers/support/redis-servers.ts'
import { exitOnSignals, repository } from '../support/standalone-process.ts'
import { builtConsumer, type Drained, drain } from './drain.ts'
import { median } from './figures.ts'
import { countOneByOne } from './one-by-one.ts'

/**
 * How fast four consumers count what waits, against counting ballot by ballot on the same server in the same run, and whether it is right:
 * 100,000 ballots in a real Redis, a tenth of the voters vote twice, consumers as processes, a database that syncs every commit.
 *
 * The figure is a ratio, of the drain to the better of what was measured one by one just before and just after it. A drain begins when
 * Redis, which stood still until all consumers were there, goes on, and ends when no ballot is left unacked; an ack comes after its commit.
 * So the start of the processes is left out, and everything that a fresh process does at first is not. Any wrong number, any deadlock that reaches the log as an error, or a ratio that is too small fails the run.
 */

const ballots = Number(process.env.COUNTING_BALLOTS ?? 100_000)
const ballotsOneByOne = Number(process.env.COUNTING_ONE_BY_ONE ?? 3_000)
const ratioMin = Number(process.env.COUNTING_RATIO_MIN ?? 20)
const consumersAtOnce = 4
const faultsShown = 5

interface Row {
  readonly server: string
  readonly oneByOne: number
  readonly drained: Drained
}

/** Without these either side would be faster than it may be. */
async function assertDurable(server: MysqlServer): Promise<void> {
  const wanted = { log_bin: 'ON', binlog_format: 'ROW', sync_binlog: '1', innodb_flush_log_at_trx_commit: '1' }
  for (const [name, value] of Object.entries(wanted)) {
    const [row] = await server.query<{ Value: string }>(`show global variables like '${name}'`)
    if (row?.Value !== value) throw new Error(`${server.product}: ${name} is ${row?.Value}, wanted ${value}`)
  }
}

async function measure(kind: ServerKind, redis: RedisKind): Promise<Row[]> {
  const server = await kind.start()
  try {
    await assertDurable(server)
    const [version] = await server.query<{ v: string }>('select version() as v')
    const name = `${kind.product} ${/^\d+\.\d+/.exec(version?.v ?? '')?.[0] ?? ''}, ${redis.name}`
    const rows: Row[] = []
    for (const { questions, consumers } of [
      { questions: 1, consumers: [consumersAtOnce, consumersAtOnce, consumersAtOnce, 2, 1] },
      { questions: 5, consumers: [consumersAtOnce] },
    ]) {
      const alone = () => countOneByOne(server, { ballots: ballotsOneByOne, questions })
      let before = await alone()
      for (const each of consumers) {
        const drained = await drain({ server, redis, ballots, questions, consumers: each })
        const after = await alone()
        // The better one: what disturbed the other must not help us.
        const row = { server: name, oneByOne: Math.max(before, after), drained }
        console.log(name.padEnd(24) + columns.map(([, width, cell]) => cell(row).padStart(width)).join(''))
        rows.push(row)
        before = after
      }
    }
    return rows
  } finally {
    await server.stop()
  }
}

const ratioOf = ({ oneByOne, drained }: Row) => drained.perSecond / oneByOne

const columns: readonly [title: string, width: number, cell: (row: Row) => string][] = [
  ['consumers', 10, ({ drained }) => String(drained.consumers)],
  ['questions', 10, ({ drained }) => String(drained.questions)],
  ['one-by-one/s', 13, ({ oneByOne }) => oneByOne.toFixed(0)],
  ['drain/s', 9, ({ drained }) => drained.perSecond.toFixed(0)],
  ['ratio', 7, (row) => ratioOf(row).toFixed(1)],
  ['drain s', 8, ({ drained }) => drained.seconds.toFixed(2)],
  ['start s', 9, ({ drained }) => drained.secondsToStart.toFixed(2)],
  ['us/ballot', 11, ({ drained: { cpu } }) => `${cpu.consumers.toFixed(0)}+${cpu.server.toFixed(0)}`],
  ['deadlocks', 10, ({ drained }) => String(drained.deadlocks)],
  ['retried', 8, ({ drained }) => String(drained.retries)],
  ['surfaced', 9, ({ drained }) => String(drained.surfaced.length)],
  ['mismatches', 11, ({ drained }) => String(drained.mismatches.length)],
]

exitOnSignals()
if (!existsSync(join(repository, builtConsumer))) throw new Error(`there is no ${builtConsumer}: make bench-counting builds it`)
console.log(
  `${ballots} ballots, ${cpus().length} cores, a synced binary log; a drain is from the first entry handed out to the last ack, without the start of processes`,
)
console.log(''.padEnd(24) + columns.map(([title, width]) => title.padStart(width)).join(''))

const [mariadb, mysql] = serverKinds() as [ServerKind, ServerKind]
const [redis7, redis8] = redisKinds as [RedisKind, RedisKind]
const rows: Row[] = []
let skipped = 0
for (const [kind, redis] of [
  [mariadb, redis7],
  [mysql, redis8],
] as const) {
  const missing = kind.missing ?? redis.missing
  if (missing === null) rows.push(...(await measure(kind, redis)))
  else {
    skipped++
    console.log(`SKIPPED ${kind.product} with ${redis.name}: ${missing}`)
  }
}

const isJudged = ({ drained }: Row) => drained.consumers === consumersAtOnce && drained.questions === 1
let failed = 0
for (const row of rows) {
  const faults = [...row.drained.mismatches, ...row.drained.surfaced]
  if (faults.length > 0) failed++
  const { consumers, questions } = row.drained
  const shown = faults.length > faultsShown ? [...faults.slice(0, faultsShown), `and ${faults.length - faultsShown} more`] : faults
  for (const fault of shown) console.log(`FAILED ${row.server}, consumers: ${consumers}, questions: ${questions}: ${fault}`)
}
/** In the median of its drains; null: it was not measured. */
const figures = [mariadb, mysql].map(({ product }) => {
  const judged = rows.filter((row) => row.server.startsWith(product) && isJudged(row))
  return judged.length === 0 ? null : median(judged.map(ratioOf))
})
for (const ratio of figures) {
  if (ratio === null || ratio >= ratioMin) continue
  failed++
  console.log(`FAILED the ratio is ${ratio.toFixed(1)}, expected at least ${ratioMin}`)
}
const [ofMariadb, ofMysql] = figures.map((ratio) => ratio?.toFixed(1) ?? '-')
console.log(`bench-counting: mariadb=${ofMariadb} mysql=${ofMysql}`)
console.log(
  `${rows.length + figures.filter((ratio) => ratio !== null).length - failed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`,
)
process.exit(failed === 0 ? 0 : 1)
