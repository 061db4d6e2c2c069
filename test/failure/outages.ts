import { setTimeout as delay } from 'node:timers/promises'
import { ClusterProcess, missingPrograms } from '../e2e/cluster-process.ts'
import { asAdministrator, send, settledResults, until } from '../support/client.ts'
import { exitOnSignals } from '../support/standalone-process.ts'
import { Notes } from './outages/notes.ts'
import { type Round, receiptStatus, rounds, type Seen } from './outages/rounds.ts'
import { grownBy, logLines, readMetrics } from './outages/servers.ts'
import { expectedStatuses, optionCount, type Voter, Voters } from './outages/voters.ts'
import { apis, Watch } from './outages/watch.ts'

/**
 * Takes one server after the other away from a real cluster while people vote, and prints what voters, results pages, health checks and
 * administrators were told meanwhile. After each round every receipt is asked: is every ballot that was answered with 202 counted,
 * exactly once?
 *
 *     node test/failure/outages.ts [names of rounds]      (all of them)
 *
 * Variables: SECONDS_AWAY (30) for a database, QUEUE_SECONDS_AWAY (10, or SECONDS_AWAY if that is less) for the queue, and
 * BALLOTS_A_SECOND (40).
 */

function wholeNumber(name: string, byDefault: number, max: number): number {
  const value = Number(process.env[name] ?? byDefault)
  if (Number.isInteger(value) && value >= 1 && value <= max) return value
  console.error(`${name}: expected a whole number from 1 to ${max}`)
  process.exit(1)
}

const secondsAway = wholeNumber('SECONDS_AWAY', 30, 600)
const awayMs = {
  database: secondsAway * 1_000,
  queue: wholeNumber('QUEUE_SECONDS_AWAY', Math.min(10, secondsAway), 600) * 1_000,
}
const ballotsASecond = wholeNumber('BALLOTS_A_SECOND', 40, 500)
const wanted = process.argv.slice(2)
const unknown = wanted.filter((name) => !rounds.some((round) => round.name === name))
if (unknown.length > 0) {
  console.error(`There is no round ${unknown.join(', ')}. There are: ${rounds.map(({ name }) => `"${name}"`).join(', ')}`)
  process.exit(1)
}

/** Before something is taken away, and after it came back. */
const calmMs = 3_000
const backWithinMs = 90_000
const countedWithinMs = 60_000
/** No consumer dies here, so none has to take over what another one held: whatever is counted only by that was forgotten by a living one. */
const neverTakeOver = { CLAIM_IDLE_SECONDS: '600' }
/** Receipts that are asked at a time. */
const askedAtOnce = 16

interface Findings {
  acknowledged: number
  refused: number
  /** Acknowledged, not in a queue that was wiped, and not counted. */
  lost: number
  /** Receipts that rightly say that the ballot is lost. */
  saidLost: number
  double: number
  mismatches: number
  readonly faults: string[]
}

const findingsOf = new Map<string, Findings>()

function begin(name: string): Findings {
  const findings: Findings = { acknowledged: 0, refused: 0, lost: 0, saidLost: 0, double: 0, mismatches: 0, faults: [] }
  findingsOf.set(name, findings)
  return findings
}

/** Opens a poll, and waits until both apis know it. */
async function openPoll(title: string): Promise<{ id: string }> {
  const options = ['one', 'two', 'three'].map((text) => ({ text }))
  const body = { title, questions: [{ text: 'Which?', options }] }
  const created = await send('POST', `${cluster.url}/v1/polls`, { body, headers: asAdministrator })
  const { id } = JSON.parse(created.text) as { id: string }
  const opened = await send('POST', `${cluster.url}/v1/polls/${id}/open`, { headers: asAdministrator })
  if (opened.status !== 200) throw new Error(`the poll was not opened: ${opened.status} ${opened.text}`)
  for (const api of apis) {
    const url = `http://127.0.0.1:${cluster.port(api)}/v1/polls/${id}`
    await until(async () => ((await send('GET', url)).text.includes('"state":"open"') ? true : null))
  }
  return { id }
}

async function checkReceipts(crowd: readonly Voter[], findings: Findings): Promise<void> {
  const asked = crowd.flatMap((voter) => {
    const expected = expectedStatuses(voter)
    return voter.acknowledged.map(({ receipt }, index) => ({ receipt, expected: expected[index] ?? '' }))
  })
  findings.acknowledged = asked.length
  const wrong = new Map<string, number>()
  let next = 0
  const askOne = async () => {
    for (let one = asked[next++]; one !== undefined; one = asked[next++]) {
      const status = await receiptStatus(cluster.url, one.receipt)
      if (status === 'lost' && one.expected === 'lost') findings.saidLost++
      if (status === one.expected) continue
      if (one.expected !== 'lost') findings.lost++
      const what = `receipts that say ${status}, expected ${one.expected}`
      wrong.set(what, (wrong.get(what) ?? 0) + 1)
    }
  }
  await Promise.all(Array.from({ length: askedAtOnce }, askOne))
  for (const [what, count] of wrong) findings.faults.push(`${count} ${what}`)
}

/** Results against what the voters were told; and the stored tallies against the ballots themselves, on both servers. */
async function checkTotals(findings: Findings): Promise<void> {
  const totals = Array.from({ length: optionCount }, () => 0)
  let counted = 0
  for (const { acknowledged } of voters.all) {
    const last = acknowledged.findLast(({ wiped }) => !wiped)
    if (last === undefined) continue
    counted++
    totals[last.option - 1] = (totals[last.option - 1] ?? 0) + 1
  }
  const beganMs = performance.now()
  const results = await settledResults(cluster.url, poll.id, countedWithinMs)
  console.log(`  ${'all counted:'.padEnd(17)} ${((performance.now() - beganMs) / 1_000).toFixed(1)} s after the last ballot`)
  const shown = results.questions[0]?.options.map(({ total }) => total)
  findings.double = Math.max(0, results.turnout - counted)
  if (results.turnout !== counted || shown?.join() !== totals.join()) {
    findings.mismatches++
    findings.faults.push(`turnout ${results.turnout} of ${counted} voters, totals ${shown} expected ${totals}`)
  }
  for (const where of [[], ['--replica']]) {
    const { status, output } = await cluster.job('recount', ...where)
    if (status === 0 && output.includes(' 0 mismatches')) continue
    findings.mismatches++
    findings.faults.push(`recount ${where}: ${output}`)
  }
}

/** What must hold in every round. */
function faultsOfAnyRound({ alarm }: Round, { log, notes, watch, voters: { faults } }: Seen): string[] {
  const dead = ['api', 'consumer'].flatMap((kind) => notes.texts(`/healthz ${kind}`).filter((text) => text !== '200'))
  const errors = [...log.keys()].filter((line) => line.includes(' ERROR: '))
  return [
    ...new Set([...faults, ...watch.faults]),
    ...dead.map((text) => `/healthz: ${text}`),
    ...errors.filter((line) => alarm?.test(line) !== true).map((line) => `a false alarm: ${line}`),
    ...(alarm !== undefined && !errors.some((line) => alarm.test(line)) ? [`no alarm: ${alarm}`] : []),
  ]
}

const subjects = ['voter', 'receipt', 'own ballot', 'results', 'live results', '/readyz api', '/readyz consumer', 'administration']

function print(name: string, { awayAtMs, backAtMs, log, metrics, notes, voters: { attempts, refusals }, watch }: Seen): void {
  console.log(`\n${name}, for ${((backAtMs - awayAtMs) / 1_000).toFixed(1)} s`)
  const line = (what: string, text: string) => console.log(`  ${what.padEnd(17)} ${text}`)
  for (const subject of subjects) for (const text of notes.lines(subject)) line(`${subject}:`, text)
  line('/healthz:', notes.lines('/healthz api').concat(notes.lines('/healthz consumer')).join(', '))
  const oldest = Math.max(...watch.looks.map(({ atMs, asOfMs }) => atMs - asOfMs))
  const waiting = Math.max(...watch.looks.map((look) => look.waiting))
  line('results said:', `as-of at most ${(oldest / 1_000).toFixed(1)} s ago, at most ${waiting} waiting`)
  line('own ballot right:', `${watch.ownRight} times, ${watch.ownBeforeResults} of them before the results page had it`)
  line(
    'refused:',
    `${refusals} of ${attempts} (${((100 * refusals) / Math.max(1, attempts)).toFixed(1)} %); each was sent again until it was taken`,
  )
  for (const [text, count] of log) line('log:', `${text}   (${count} times)`)
  for (const [figure, count] of metrics) line('metric:', `${figure} +${count}`)
}

async function run(round: Round, findings: Findings): Promise<void> {
  const notes = new Notes()
  const before = await readMetrics(cluster)
  cluster.output = ''
  voters.beginRound(notes)
  watch.beginRound(notes)
  try {
    await delay(calmMs)
    const awayAtMs = Date.now()
    await round.outage({ cluster, voters, watch, notes, awayMs: awayMs[round.length] }, awayMs[round.length])
    const backAtMs = Date.now()
    await until(async () => ((await watch.allIsWell()) ? true : null), backWithinMs)
    await delay(calmMs)
    await Promise.all([voters.endRound(), watch.endRound()])
    const seen = {
      notes,
      watch,
      voters,
      awayAtMs,
      backAtMs,
      metrics: grownBy(before, await readMetrics(cluster)),
      log: logLines(cluster.output),
    }
    print(round.name, seen)
    findings.faults.push(...faultsOfAnyRound(round, seen), ...round.judge(seen))
    findings.refused = voters.refusals
  } finally {
    await Promise.all([voters.endRound(), watch.endRound()])
  }
  await checkTotals(findings)
  await checkReceipts(voters.ofRound, findings)
}

function printTable(): void {
  console.log('\nround                      acknowledged  refused  lost  double  mismatches  said lost')
  for (const [name, { acknowledged, refused, lost, double, mismatches, saidLost }] of findingsOf) {
    const columns = [
      [acknowledged, 13],
      [refused, 8],
      [lost, 5],
      [double, 7],
      [mismatches, 11],
      [saidLost, 10],
    ] as const
    console.log([name.padEnd(25), ...columns.map(([value, width]) => String(value).padStart(width))].join(' '))
  }
}

function finish(passed: number, failed: number, skipped: number): never {
  console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`)
  process.exit(failed === 0 ? 0 : 1)
}

exitOnSignals()
const missing = missingPrograms()
if (missing.length > 0) {
  console.log(`skipped: apt-get install ${missing.join(' ')}`)
  finish(0, 0, rounds.length + 1)
}
const chosen = rounds.filter(({ name }) => wanted.length === 0 || wanted.includes(name))
const cluster = new ClusterProcess(neverTakeOver)
console.log(`A cluster in ${cluster.folder}; ${ballotsASecond} ballots a second, each of a new voter or of one who changes it`)
try {
  await cluster.start()
} catch (error) {
  console.error((error as Error).message)
  await cluster.remove()
  finish(0, rounds.length + 1, 0)
}
const poll = await openPoll('Outage test')
const quietPoll = await openPoll('Nobody looks at this one, but now and then')
const voters = new Voters({ url: cluster.url, pollId: poll.id, ballotsASecond })
const watch = new Watch({ cluster, pollId: poll.id, quietPollId: quietPoll.id, voters })

for (const round of chosen) {
  const findings = begin(round.name)
  await run(round, findings).catch((error: Error) => findings.faults.push(error.message))
  for (const fault of findings.faults) console.log(`  FAILED ${fault}`)
  // The next round would only find the same again.
  if (!(await watch.allIsWell())) break
}

// And at the end everything again: no later round may have undone an earlier one.
const everything = begin('all receipts again')
await checkTotals(everything)
  .then(() => checkReceipts(voters.all, everything))
  .catch((error: Error) => everything.faults.push(error.message))
for (const fault of everything.faults) console.log(`  FAILED at the end: ${fault}`)

printTable()
const failed = [...findingsOf.values()].filter(({ faults }) => faults.length > 0).length
if (failed === 0) await cluster.remove()
else {
  await cluster.interrupt()
  console.log(`the data and the logs are kept in ${cluster.folder}`)
}
finish(findingsOf.size - failed, failed, rounds.length + 1 - findingsOf.size)
