import { type ServerKind, serverKinds } from '../servers/support/mysql-servers.ts'
import { redisKinds } from '../servers/support/redis-servers.ts'
import { exitOnSignals } from '../support/standalone-process.ts'
import { type Findings, failoverRound, type RoundKind } from './failover-round.ts'

/**
 * Kills the primary under load and promotes a replica that is five seconds behind, again and again, each time with new servers. Then asks:
 * is every ballot that was answered with 202 counted, exactly once, without anybody's doing anything? And did the results ever say that
 * they covered a ballot which was not in them?
 *
 *     node test/failure/failover.ts [rounds] [MariaDB | MySQL] [part of a kind's name]      (20 of both, all kinds)
 *
 * `rounds` are those with a replica five seconds behind, shared out over the servers that are here. Some of two more kinds follow.
 */

const kinds: readonly RoundKind[] = [
  { name: '5 s behind' },
  { name: 'consumer killed too', killsConsumer: true },
  { name: 'window of 8 s', replayWindowSeconds: 8 },
  { name: 'an entry held', leavesEntryHeld: true },
  { name: 'reads from primary', readsFromPrimary: true },
  { name: 'Redis restarts too', restartsRedis: true },
]
const furtherKinds: readonly RoundKind[] = [
  { name: 'less than a beat', lagsLessThanABeat: true },
  { name: 'window too short', replayWindowSeconds: 1, losesBallots: true },
]

interface Sum {
  rounds: number
  acknowledged: number
  takenBack: number
  countedAgain: number
  lost: number
  double: number
  /** Rounds in which something was not as it must be. */
  failed: number
}

exitOnSignals()
const rounds = Number(process.argv[2] ?? 20)
const wanted = process.argv[3] ?? ''
const kindWanted = process.argv[4] ?? ''
const servers = serverKinds().filter(({ product }) => wanted === '' || product.toLowerCase() === wanted.toLowerCase())
const redis = redisKinds.find(({ missing }) => missing === null)
const here = servers.filter(({ missing }) => missing === null)

if (servers.length === 0) {
  console.error(`expected MariaDB or MySQL, got ${wanted}`)
  process.exit(2)
}
let skipped = 0
for (const { product, missing } of servers) {
  if (missing === null) continue
  skipped++
  console.log(`SKIPPED ${product}: ${missing}`)
}
if (redis === undefined) {
  skipped++
  console.log('SKIPPED everything: apt-get install redis-server')
}

const sums = new Map<string, Sum>()
let failed = 0
let passed = 0
const plan = redis === undefined || here.length === 0 ? [] : planOf(here)
for (const [index, { server, kind }] of plan.entries()) {
  if (redis === undefined) break
  const startedMs = performance.now()
  const findings = await failoverRound(server, redis, kind).catch((error: Error) => error)
  const seconds = `${Math.round((performance.now() - startedMs) / 1_000)} s`
  const name = `${String(index + 1).padStart(2)} ${server.product.padEnd(7)} ${kind.name.padEnd(19)}`
  const key = `${server.product.padEnd(7)} ${kind.name}`
  const sum = sums.get(key) ?? { rounds: 0, acknowledged: 0, takenBack: 0, countedAgain: 0, lost: 0, double: 0, failed: 0 }
  sums.set(key, sum)
  sum.rounds++
  if (findings instanceof Error) {
    sum.failed++
    failed++
    console.log(`${name} could not be finished (${seconds}): ${findings.stack ?? findings.message}`)
    continue
  }
  for (const field of ['acknowledged', 'takenBack', 'countedAgain', 'lost', 'double'] as const) sum[field] += findings[field]
  console.log(`${name} ${describe(findings)}, ${seconds}`)
  for (const fault of condensed(findings.faults)) console.log(`   ${fault}`)
  for (const note of condensed(findings.notes)) console.log(`   (${note})`)
  if (findings.faults.length > 0 || findings.double > 0 || (findings.lost > 0 && kind.losesBallots !== true)) {
    sum.failed++
    failed++
  } else passed++
}

console.log('\nserver  kind                 rounds  acknowledged  taken back  counted again  lost  double  failed')
for (const [key, sum] of sums) {
  const columns = [
    key.padEnd(28),
    String(sum.rounds).padStart(6),
    String(sum.acknowledged).padStart(13),
    String(sum.takenBack).padStart(11),
    String(sum.countedAgain).padStart(14),
    String(sum.lost).padStart(5),
    String(sum.double).padStart(7),
    String(sum.failed).padStart(7),
  ]
  console.log(columns.join(' '))
}
console.log('taken back: voters whom the promoted server did not have. counted again: entries of the queue, of one ballot or many.')
console.log('"window too short" loses ballots on purpose: its receipts must say lost, and the alarm must speak of it.')
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`)
process.exit(failed === 0 ? 0 : 1)

/** The servers take turns, and the kinds do. */
function planOf(on: readonly ServerKind[]): { server: ServerKind; kind: RoundKind }[] {
  const named = (all: readonly RoundKind[]) => all.filter(({ name }) => name.includes(kindWanted))
  const turns = (of: readonly RoundKind[], count: number) =>
    Array.from({ length: of.length === 0 ? 0 : count }, (_, index) => ({
      server: on[index % on.length] as ServerKind,
      kind: of[Math.floor(index / on.length) % of.length] as RoundKind,
    }))
  const further = named(furtherKinds)
  // Two of each for every server, or fewer where fewer rounds are asked for.
  return [...turns(named(kinds), rounds), ...turns(further, Math.min(rounds, 2 * further.length * on.length))]
}

function describe(findings: Findings): string {
  const { acknowledged, takenBack, countedAgain, lost, double, refused, asOfOldestMs, unreadableMs, settledMs, redisStoodStillMs } =
    findings
  const seconds = (ms: number) => `${(ms / 1_000).toFixed(1)} s`
  return (
    `${acknowledged} acknowledged, ${takenBack} taken back, ${countedAgain} entries counted again, ${lost} lost, ${double} double, ${refused} refused; ` +
    `settled after ${seconds(settledMs)}, results up to ${seconds(asOfOldestMs)} old${unreadableMs > 0 ? `, unreadable for ${seconds(unreadableMs)}` : ''}` +
    (redisStoodStillMs > 0 ? `; Redis stood still for ${seconds(redisStoodStillMs)}` : '')
  )
}

/** The same fault many times is one line. */
function condensed(faults: readonly string[]): string[] {
  const times = new Map<string, number>()
  for (const fault of faults) times.set(fault, (times.get(fault) ?? 0) + 1)
  return [...times].map(([fault, count]) => (count === 1 ? fault : `${count} times: ${fault}`))
}
