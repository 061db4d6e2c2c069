import { spawnSync } from 'node:child_process'
import { randomInt, randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { openPoll, send, settledResults, type TestPoll } from '../support/client.ts'
import { freePort } from '../support/free-port.ts'
import { exitOnSignals, repository, StandaloneProcess, temporaryDirectory } from '../support/standalone-process.ts'

/**
 * Kills the whole process under load, at random moments and at named points inside the consumer and the janitor, starts it again on the
 * same data, and then asks: is every ballot that was answered with 202 counted, exactly once?
 *
 *     node test/failure/kill.ts [random rounds] [rounds a crash point]      (20 and 10)
 */

const crashPoints = ['after-read', 'after-upsert', 'before-tally', 'before-commit', 'after-commit', 'before-trim'] as const
const randomRounds = Number(process.argv[2] ?? 20)
const roundsAPoint = Number(process.argv[3] ?? 10)

const votersARound = 200
const connections = 32
const optionsOf = 3

interface Acknowledged {
  readonly option: number
  readonly receipt: string
}

interface Voter {
  readonly key: string
  /** In the order in which they were acknowledged; the last one is what must count. */
  readonly acknowledged: Acknowledged[]
}

interface Findings {
  rounds: number
  acknowledged: number
  lost: number
  double: number
  mismatches: number
  /** Rounds that could not be finished. */
  broken: number
}

exitOnSignals()
const directory = temporaryDirectory()
const port = await freePort()
const voters: Voter[] = []
const byPoint = new Map<string, Findings>()

const running = new Set<StandaloneProcess>()

function start(crashAt: string | null): StandaloneProcess {
  // A replay window of one second, so that trimming really happens between the rounds.
  const environment: Record<string, string> = { REPLAY_WINDOW_SECONDS: '1' }
  if (crashAt !== null) environment.CRASH_AT = crashAt
  const started = new StandaloneProcess({ dataDirectory: directory.path, port, environment })
  running.add(started)
  return started
}

/** Sends one ballot until it is acknowledged, as a page does: whatever happens on the way, the same key and the same answer. */
async function vote(base: string, poll: TestPoll, voter: Voter, option: number): Promise<void> {
  for (;;) {
    const answer = await send('POST', `${base}/v1/polls/${poll.id}/ballots`, {
      body: { answers: [{ question: 1, options: [option] }] },
      headers: { 'idempotency-key': voter.key },
      timeoutMs: 5_000,
    }).catch(() => null)
    if (answer?.status === 202) {
      voter.acknowledged.push({ option, receipt: (JSON.parse(answer.text) as { receipt: string }).receipt })
      return
    }
    if (answer !== null && answer.status !== 503) throw new Error(`a ballot was refused: ${answer.status} ${answer.text}`)
    await delay(20 + Math.random() * 60)
  }
}

async function load(base: string, poll: TestPoll, crowd: readonly Voter[]): Promise<void> {
  let next = 0
  const one = async () => {
    for (let voter = crowd[next++]; voter !== undefined; voter = crowd[next++]) {
      // Spread over a quarter of a second and more, so that there are many transactions to die in.
      await delay(randomInt(60))
      await vote(base, poll, voter, randomInt(1, optionsOf + 1))
      // Every third voter changes the ballot.
      if (next % 3 === 0) await vote(base, poll, voter, randomInt(1, optionsOf + 1))
    }
  }
  await Promise.all(Array.from({ length: connections }, one))
}

async function receiptStatus(base: string, receipt: string): Promise<string> {
  const answer = await send('GET', `${base}/v1/receipts/${receipt}`)
  return answer.status === 200 ? (JSON.parse(answer.text) as { status: string }).status : `HTTP ${answer.status}`
}

/** Every receipt of these voters, asked one by one. */
async function checkReceipts(base: string, crowd: readonly Voter[], findings: Findings): Promise<void> {
  for (const voter of crowd) {
    for (const [index, { receipt }] of voter.acknowledged.entries()) {
      const expected = index === voter.acknowledged.length - 1 ? 'counted' : 'replaced'
      const status = await receiptStatus(base, receipt)
      findings.acknowledged++
      if (status !== expected) {
        findings.lost++
        console.error(`  a receipt says ${status}, expected ${expected}`)
      }
    }
  }
}

/** Results against what the voters were told; and the stored tallies against the ballots themselves. */
async function checkTotals(base: string, poll: TestPoll, findings: Findings): Promise<void> {
  const results = await settledResults(base, poll.id)
  const expected = Array.from({ length: optionsOf }, () => 0)
  for (const voter of voters) {
    const counted = voter.acknowledged.at(-1)
    if (counted !== undefined) expected[counted.option - 1] = (expected[counted.option - 1] ?? 0) + 1
  }
  const totals = results.questions[0]?.options.map((option) => option.total)
  findings.double += Math.max(0, results.turnout - voters.length)
  if (results.turnout !== voters.length || JSON.stringify(totals) !== JSON.stringify(expected)) {
    findings.mismatches++
    console.error(`  turnout ${results.turnout} of ${voters.length} voters, totals ${totals} expected ${expected}`)
  }
  const recount = spawnSync(process.execPath, ['apps/jobs/src/main.ts', 'recount'], {
    cwd: repository,
    env: { PATH: process.env.PATH, DATA_DIR: directory.path, LOG_LEVEL: 'warn' },
    encoding: 'utf8',
  })
  if (recount.status !== 0) {
    findings.mismatches++
    console.error(`  recount: ${recount.stdout}${recount.stderr}`)
  }
}

async function round(poll: TestPoll, point: string): Promise<void> {
  const findings = byPoint.get(point) ?? { rounds: 0, acknowledged: 0, lost: 0, double: 0, mismatches: 0, broken: 0 }
  byPoint.set(point, findings)
  findings.rounds++
  const crowd: Voter[] = Array.from({ length: votersARound }, () => ({ key: randomUUID(), acknowledged: [] }))
  voters.push(...crowd)
  const hit = point === 'before-trim' ? randomInt(1, 3) : randomInt(1, 5)
  const victim = await start(point === 'kill -9' ? null : `${point}:${hit}`)
    .ready()
    .catch((error: Error) => error)
  // An armed process may reach its point before it is ready: then the load finds the next one.
  const loaded = load(`http://127.0.0.1:${port}`, poll, crowd)
  if (victim instanceof StandaloneProcess) {
    if (point === 'kill -9') {
      await delay(randomInt(5, 150))
      await victim.stop('SIGKILL')
    } else {
      const died = await Promise.race([victim.exited, delay(15_000, null, { ref: false })])
      if (died?.signal !== 'SIGKILL') throw new Error(`${point}:${hit} was not reached:\n${victim.output}`)
    }
  }
  const survivor = await start(null).ready()
  await loaded
  await checkTotals(survivor.url, poll, findings)
  await checkReceipts(survivor.url, crowd, findings)
  const { code } = await survivor.stop()
  if (code !== 0) throw new Error(`a graceful stop ended with ${code}:\n${survivor.output}`)
}

const first = await start(null).ready()
const poll = await openPoll(first.url, {
  title: 'Kill test',
  questions: [{ text: 'Which?', options: [{ text: 'one' }, { text: 'two' }, { text: 'three' }] }],
})
await first.stop()

const plan = [
  ...Array.from({ length: randomRounds }, () => 'kill -9'),
  ...crashPoints.flatMap((point) => Array.from({ length: roundsAPoint }, () => point)),
]
for (const point of plan) {
  try {
    await round(poll, point)
  } catch (error) {
    const findings = byPoint.get(point)
    if (findings !== undefined) findings.broken++
    console.error(`  ${point}: ${(error as Error).message}`)
  } finally {
    for (const left of running) await left.stop('SIGKILL')
    running.clear()
  }
}

// And at the end everything again: no later round may have undone an earlier one.
const everything: Findings = { rounds: 1, acknowledged: 0, lost: 0, double: 0, mismatches: 0, broken: 0 }
try {
  const last = await start(null).ready()
  await checkTotals(last.url, poll, everything)
  await checkReceipts(last.url, voters, everything)
  await last.stop()
} catch (error) {
  everything.broken++
  console.error(`  at the end: ${(error as Error).message}`)
}
byPoint.set('all receipts again', everything)

console.log('point               rounds  acknowledged  lost  double  mismatches')
let passed = 0
let failed = 0
for (const [point, findings] of byPoint) {
  const { rounds, acknowledged, lost, double, mismatches } = findings
  const columns = [
    point.padEnd(19),
    String(rounds).padStart(6),
    String(acknowledged).padStart(13),
    String(lost).padStart(5),
    String(double).padStart(7),
    String(mismatches).padStart(11),
  ]
  console.log(columns.join(' '))
  if (lost + double + mismatches + findings.broken > 0) failed++
  else passed++
}
console.log(
  `voters=${voters.length} acknowledged=${everything.acknowledged} lost=${everything.lost} double=${everything.double} mismatches=${everything.mismatches}`,
)
if (failed === 0) directory.remove()
else console.log(`the data is kept in ${directory.path}`)
console.log(`${passed} passed, ${failed} failed`)
process.exit(failed === 0 ? 0 : 1)
