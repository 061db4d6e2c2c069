import { type ChildProcess, fork } from 'node:child_process'
import { existsSync } from 'node:fs'
import { loadavg } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { openPoll, send, settledResults, until } from '../support/client.ts'
import { freePort } from '../support/free-port.ts'
import { type ExitStatus, exitOnSignals, StandaloneProcess, temporaryDirectory } from '../support/standalone-process.ts'
import { BallotArrivals, optionsOf, PollVoters } from './ballot-arrivals.ts'
import { cpuMicroseconds, median, nowMs, quantile, residentKilobytes } from './figures.ts'
import type { PagesCommand, PagesReport, ResultPageLog } from './result-pages.ts'
import { countBefore, staleMsMax, stalenessOf } from './staleness.ts'

/**
 * Open result pages on one copy of the api, while ballots arrive: is every page right within two seconds, and what do the readers cost the
 * voters? The shipped process, with its own data, is measured in turns without and with readers, so that one run compares itself. Then it
 * is stopped and started again under all of them.
 *
 *     node test/load/live-readers.ts [--readers 500] [--rate 300] [--seconds 10]      (seconds of one turn; there are four)
 *
 * A page that is late, a number that goes back, a wrong end or a ballot that is refused fails the run; how fast this machine is does not.
 */

const { values: given } = parseArgs({
  options: {
    readers: { type: 'string', default: '500' },
    rate: { type: 'string', default: '300' },
    seconds: { type: 'string', default: '10' },
  },
})
const readers = wholeNumber('readers', given.readers, 1, 5_000)
const rate = wholeNumber('rate', given.rate, 1, 3_000)
const seconds = wholeNumber('seconds', given.seconds, 3, 300)
/** A second poll that hardly anybody votes in, whose readers must not feel the first one. */
const quietReaders = Math.ceil(readers / 25)
const warmUpMs = 3_000
const openMsMax = 60_000
const pushesASecondMax = 2
/** A sender that is later than this (p99), or pages that read so late, measure themselves, or whatever else this machine does. */
const lateMsCalm = 5
const pageLagMsCalm = 100

function wholeNumber(name: string, text: string, min: number, max: number): number {
  const value = Number(text)
  if (Number.isInteger(value) && value >= min && value <= max) return value
  console.error(`--${name}: expected a whole number from ${min} to ${max}`)
  process.exit(1)
}

/** The process that plays the pages. */
class Pages {
  readonly #child: ChildProcess
  readonly #answers: ((report: PagesReport) => void)[] = []

  constructor() {
    this.#child = fork(join(import.meta.dirname, 'result-pages.ts'), { serialization: 'advanced' })
    process.once('exit', () => this.#child.kill('SIGKILL'))
    // Reports come in the order of the questions.
    this.#child.on('message', (report: PagesReport) => this.#answers.shift()?.(report))
    this.#child.on('exit', (code, signal) => {
      console.error(`the process of the pages ended: ${signal ?? code}`)
      process.exit(1)
    })
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  /** Returns when. */
  open(url: string): number {
    const atMs = nowMs()
    const groups = [
      { pollId: busy.pollId, pages: readers },
      { pollId: quiet.pollId, pages: quietReaders },
    ]
    this.#child.send({ kind: 'open', url, groups } satisfies PagesCommand)
    return atMs
  }

  /** Resolves when the streams of all pages brought results since then, or after a minute: who got none is found by what the pages noted. */
  async allGotResults(sinceMs: number): Promise<void> {
    await until(async () => {
      const report = await this.#ask({ kind: 'how-many', sinceMs })
      return report.kind === 'so-many' && report.pages === readers + quietReaders ? true : null
    }, openMsMax).catch(() => {})
  }

  async close(): Promise<{ logs: readonly ResultPageLog[]; lagMsMax: number }> {
    const report = await this.#ask({ kind: 'close' })
    if (report.kind !== 'closed') throw new Error(`the pages answered ${report.kind}`)
    return report
  }

  #ask(command: PagesCommand): Promise<PagesReport> {
    return new Promise((resolve) => {
      this.#answers.push(resolve)
      this.#child.send(command)
    })
  }
}

/** What the pages of one poll showed. */
interface Verdict {
  readonly worstMs: number
  readonly rightPercent: number
  readonly pushesASecond: number
  /** What is wrong, in words; none is right. */
  readonly faults: readonly string[]
}

interface Turn {
  readonly name: string
  readonly withReaders: boolean
  readonly latencies: readonly number[]
  readonly lateMs: readonly number[]
  readonly residentMb: number
  /** Of one core. */
  readonly cpuPercent: { readonly server: number; readonly ballots: number; readonly pages: number }
  readonly pageLagMs: number
  readonly pushesCounted: number
  readonly busy: Verdict | null
  readonly quiet: Verdict | null
}

const checks: { readonly name: string; readonly faults: readonly string[] }[] = []

function check(name: string, faults: readonly string[]): void {
  checks.push({ name, faults })
  for (const fault of faults) console.log(`  FAILED ${name}: ${fault}`)
}

/** The counts as words, without those that are 0. */
function faultsOf(counts: Readonly<Record<string, number>>): string[] {
  return Object.entries(counts).flatMap(([what, count]) => (count === 0 ? [] : [`${what}: ${count}`]))
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}

/** From one event to the next within this time. */
function pushesASecondOf(log: ResultPageLog, fromMs: number, toMs: number): number {
  const times = log.events.filter(({ atMs, streamed }) => streamed && atMs >= fromMs && atMs <= toMs).map(({ atMs }) => atMs)
  return times.length < 2 ? 0 : ((times.length - 1) * 1_000) / ((times.at(-1) ?? 0) - (times[0] ?? 0))
}

/** What must hold whether or not the server was restarted: numbers never go back, are those of the as-of they say, and end exactly. */
function enduringFaults(logs: readonly ResultPageLog[], poll: PollVoters): string[] {
  const totals = poll.totals(optionsOf)
  const backwards = sum(logs.map((log) => stalenessOf(log, poll.acknowledgedAtMs).backwards))
  const belowAsOf = ({ turnout, asOfMs }: ResultPageLog['events'][number]) =>
    asOfMs !== null && countBefore(poll.acknowledgedAtDate, asOfMs) > turnout
  return faultsOf({
    'times that a turnout became less': backwards,
    'events with an older as-of than one before in their stream': sum(logs.map((log) => log.olderEvents)),
    'events without a ballot that was acknowledged before their as-of': sum(logs.map((log) => log.events.filter(belowAsOf).length)),
    [`pages that do not end with turnout ${poll.turnout} and votes ${totals}`]: logs.filter(
      (log) => log.events.at(-1)?.turnout !== poll.turnout || log.totals !== totals,
    ).length,
  })
}

function judge(allLogs: readonly ResultPageLog[], poll: PollVoters, expectedPages: number, fromMs: number, toMs: number): Verdict {
  const logs = allLogs.filter(({ pollId }) => pollId === poll.pollId)
  const all = logs.map((log) => stalenessOf(log, poll.acknowledgedAtMs))
  const late = all.filter(({ lateUntilMs }) => lateUntilMs !== null).length
  const worstMs = Math.max(...all.map((each) => each.worstMs))
  const pushes = logs.map((log) => pushesASecondOf(log, fromMs, toMs))
  return {
    worstMs,
    rightPercent: (100 * sum(all.map((each) => each.rightInstants))) / sum(all.map((each) => each.instants)),
    pushesASecond: median(pushes),
    faults: [
      ...faultsOf({
        'pages missing': expectedPages - logs.length,
        [`pages later than ${staleMsMax} ms (the worst ${worstMs.toFixed(0)} ms)`]: late,
        'streams cut or refused': sum(logs.flatMap((log) => Object.values(log.failures))),
        'events that say results are delayed': sum(logs.map((log) => log.delayedEvents)),
        [`pages that got more than ${pushesASecondMax} events a second`]: pushes.filter((each) => each > pushesASecondMax).length,
      }),
      ...enduringFaults(logs, poll),
    ],
  }
}

/** Pushes since the server's start, of all polls, by its own count. */
async function pushesCounted(): Promise<number> {
  const { text } = await send('GET', `${urna.url}/metrics`)
  return Number(/^urna_api_live_pushes_total (\d+)$/m.exec(text)?.[1] ?? Number.NaN)
}

/** Ballots arrive for so long, and are measured after a warm-up, with open pages or without. */
async function turn(name: string, withReaders: boolean, measuredSeconds: number): Promise<Turn> {
  const arrivals = new BallotArrivals({ url: urna.url, rate, busy, quiet })
  arrivals.start()
  if (withReaders) await pages.allGotResults(pages.open(urna.url))
  await delay(warmUpMs)
  const cpu = () => (linux ? [cpuMicroseconds(urna.pid), cpuMicroseconds(process.pid), cpuMicroseconds(pages.pid)] : [0, 0, 0])
  const residentKb: number[] = []
  const pushesBefore = await pushesCounted()
  const fromMs = nowMs()
  const cpuBefore = cpu()
  const sampling = setInterval(() => {
    if (linux) residentKb.push(residentKilobytes(urna.pid))
  }, 250)
  await delay(measuredSeconds * 1_000)
  const toMs = nowMs()
  const [server = 0, ballots = 0, reading = 0] = cpu().map((after, index) => (after - (cpuBefore[index] ?? 0)) / (10 * (toMs - fromMs)))
  clearInterval(sampling)
  const pushes = (await pushesCounted()) - pushesBefore
  const unanswered = await arrivals.stop()
  // What is acknowledged now must be shown when this is over.
  await delay(staleMsMax)
  const closed = await pages.close()
  check(`${name}, ballots`, [...faultsOf(Object.fromEntries(arrivals.refused)), ...faultsOf({ 'never acknowledged': unanswered })])
  const verdictOf = (poll: PollVoters, expectedPages: number) =>
    withReaders ? judge(closed.logs, poll, expectedPages, fromMs, toMs) : null
  const verdicts = { busy: verdictOf(busy, readers), quiet: verdictOf(quiet, quietReaders) }
  if (verdicts.busy !== null) check(`${name}, pages`, verdicts.busy.faults)
  if (verdicts.quiet !== null) check(`${name}, pages of the quiet poll`, verdicts.quiet.faults)
  const measured = arrivals.between(fromMs, toMs)
  return {
    name,
    withReaders,
    latencies: measured.map(({ latencyMs }) => latencyMs),
    lateMs: measured.map(({ lateMs }) => lateMs),
    residentMb: median(residentKb) / 1_024,
    cpuPercent: { server, ballots, pages: reading },
    pageLagMs: closed.lagMsMax,
    pushesCounted: (pushes * 1_000) / (toMs - fromMs),
    ...verdicts,
  }
}

/** When this page was right again and stayed so, after its server was gone at this time; null if it never was. */
function rightAgainAtMs(log: ResultPageLog, poll: PollVoters, goneAtMs: number): number | null {
  const first = log.events.find(({ atMs, streamed }) => streamed && atMs >= goneAtMs)
  const { lateUntilMs } = stalenessOf(log, poll.acknowledgedAtMs)
  if (first === undefined || lateUntilMs === log.closedAtMs) return null
  return Math.max(first.atMs, lateUntilMs ?? 0)
}

/** The server is stopped and started again while ballots go on arriving; pages and voters come back by themselves. */
async function restart(): Promise<void> {
  const arrivals = new BallotArrivals({ url: urna.url, rate, busy, quiet })
  arrivals.start()
  await pages.allGotResults(pages.open(urna.url))
  await delay(warmUpMs)
  const toldAtMs = nowMs()
  const { code, signal } = await stopUrna()
  const goneAtMs = nowMs()
  urna = await startUrna().ready()
  const readyAtMs = nowMs()
  await pages.allGotResults(goneAtMs)
  await delay(warmUpMs)
  const unanswered = await arrivals.stop()
  await delay(staleMsMax)
  const { logs } = await pages.close()
  const rightAtMs = logs.map((log) => rightAgainAtMs(log, log.pollId === busy.pollId ? busy : quiet, goneAtMs))
  const came = rightAtMs.flatMap((atMs) => atMs ?? [])
  check('restart, server', code === 0 ? [] : [`ended with ${signal ?? code}`])
  const refused = [...arrivals.refused].filter(([what]) => what !== 'no answer' && !what.startsWith('503'))
  check('restart, ballots', [...faultsOf(Object.fromEntries(refused)), ...faultsOf({ 'never acknowledged': unanswered })])
  check('restart, pages', [
    ...faultsOf({ 'pages that were not right again': readers + quietReaders - came.length }),
    ...[busy, quiet].flatMap((poll) =>
      enduringFaults(
        logs.filter(({ pollId }) => pollId === poll.pollId),
        poll,
      ),
    ),
  ])
  const after = (share: number, sinceMs: number) => `${((quantile(came, share) - sinceMs) / 1_000).toFixed(1)} s`
  const failures = Object.entries(
    Object.groupBy(
      logs.flatMap((log) => Object.entries(log.failures)),
      ([why]) => why,
    ),
  ).map(([why, some = []]) => `${sum(some.map(([, count]) => count))} ${why}`)
  const sentAgain = [...arrivals.refused].map(([what, count]) => `${count} ${what}`)
  const waits = arrivals.between(toldAtMs, Number.POSITIVE_INFINITY).map(({ latencyMs }) => latencyMs)
  console.log(`\nrestart under ${logs.length} pages and ${rate} ballots/s`)
  console.log(`  stopped in ${((goneAtMs - toldAtMs) / 1_000).toFixed(1)} s, ready ${((readyAtMs - goneAtMs) / 1_000).toFixed(1)} s later`)
  console.log(
    `  pages right again: half of them after ${after(0.5, toldAtMs)}, all after ${after(1, toldAtMs)} (${after(1, readyAtMs)} after it was ready)`,
  )
  console.log(`  streams that failed: ${failures.join(', ')}`)
  console.log(`  ballots sent again: ${sentAgain.join(', ')}; the longest wait for a 202 was ${(quantile(waits, 1) / 1_000).toFixed(1)} s`)
}

const ifLinux = (text: string) => (linux ? text : '-')
const columns: readonly [title: string, width: number, cell: (turn: Turn) => string][] = [
  ['p50 ms', 7, ({ latencies }) => quantile(latencies, 0.5).toFixed(1)],
  ['p99 ms', 8, ({ latencies }) => quantile(latencies, 0.99).toFixed(1)],
  ['max ms', 8, ({ latencies }) => quantile(latencies, 1).toFixed(1)],
  ['RSS MB', 8, ({ residentMb }) => ifLinux(residentMb.toFixed(1))],
  ['CPU %', 7, ({ cpuPercent }) => ifLinux(cpuPercent.server.toFixed(1))],
  ['| stale ms', 12, ({ busy }) => busy?.worstMs.toFixed(0) ?? '-'],
  ['quiet', 7, ({ quiet }) => quiet?.worstMs.toFixed(0) ?? '-'],
  ['right %', 9, ({ busy }) => busy?.rightPercent.toFixed(2) ?? '-'],
  ['pushes/s', 10, ({ busy }) => busy?.pushesASecond.toFixed(2) ?? '-'],
  ['of both', 9, ({ pushesCounted }) => pushesCounted.toFixed(2)],
  ['| late ms', 11, ({ lateMs }) => quantile(lateMs, 0.99).toFixed(1)],
  ['lag ms', 8, ({ busy, pageLagMs }) => (busy === null ? '-' : pageLagMs.toFixed(0))],
  ['CPU %', 12, ({ cpuPercent }) => ifLinux(`${cpuPercent.ballots.toFixed(1)}+${cpuPercent.pages.toFixed(1)}`)],
]

/** What the server did; how old what the pages showed was at worst (of the busy poll, of the quiet one); how late this side was itself. */
function print(turns: readonly Turn[]): void {
  const nameWidth = Math.max(...turns.map(({ name }) => name.length))
  console.log(`\n${''.padEnd(nameWidth)}${columns.map(([title, width]) => title.padStart(width)).join('')}`)
  for (const turn of turns) {
    console.log(turn.name.padEnd(nameWidth) + columns.map(([, width, cell]) => cell(turn).padStart(width)).join(''))
  }
}

/** Whether this side kept its own time; what it measures is the server's then. */
function isCalm({ lateMs, pageLagMs }: Turn): boolean {
  return quantile(lateMs, 0.99) <= lateMsCalm && pageLagMs <= pageLagMsCalm
}

/** Of all turns of a kind together. */
function latencyOf(turns: readonly Turn[], withReaders: boolean): { p99Ms: number; p50Ms: number } {
  const latencies = turns.flatMap((one) => (one.withReaders === withReaders ? one.latencies : []))
  return { p50Ms: quantile(latencies, 0.5), p99Ms: quantile(latencies, 0.99) }
}

let stopping = false

function startUrna(): StandaloneProcess {
  stopping = false
  const started = new StandaloneProcess({
    dataDirectory: directory.path,
    port,
    command: [process.execPath, '--conditions=urna:built', 'apps/standalone/dist/main.js'],
    environment: { NODE_ENV: 'production', LOG_LEVEL: 'info', EXPORT_EVERY: '*/5 * * * *' },
  })
  void started.exited.then(({ code, signal }) => {
    if (stopping) return
    console.error(`the server ended by itself: ${signal ?? code}\n${started.output}`)
    process.exit(1)
  })
  return started
}

function stopUrna(): Promise<ExitStatus> {
  stopping = true
  return urna.stop()
}

async function newPoll(title: string): Promise<PollVoters> {
  const options = Array.from({ length: optionsOf }, (_, index) => ({ text: `option ${index + 1}` }))
  return new PollVoters((await openPoll(urna.url, { title, questions: [{ text: 'Which?', options }] })).id)
}

exitOnSignals()
const linux = existsSync('/proc/self/status')
const directory = temporaryDirectory()
process.once('exit', () => directory.remove())
const port = await freePort()
let urna = await startUrna().ready()
const pages = new Pages()
const busy = await newPoll('Busy')
const quiet = await newPoll('Quiet')

const load = () => loadavg()[0]?.toFixed(2)
console.log(`${readers} pages of one poll and ${quietReaders} of a quiet one; ${rate} ballots/s; load of this machine before: ${load()}`)
// Without readers: the first turn shows the memory before there ever was one.
await turn('warm-up', false, 5)
const turns: Turn[] = []
for (const [index, withReaders] of [false, true, false, true].entries()) {
  turns.push(await turn(`${index + 1}: ${withReaders ? `${readers} readers` : 'no readers'}`, withReaders, seconds))
}
print(turns)
await restart()
const final = await settledResults(urna.url, busy.pollId)
check('end', final.turnout === busy.turnout ? [] : [`turnout ${final.turnout}, ${busy.turnout} voters have a 202`])
await stopUrna()

const calm = turns.filter(isCalm)
const bothKinds = calm.some((one) => one.withReaders) && calm.some((one) => !one.withReaders)
const compared = bothKinds ? calm : turns
const [without, withReaders] = [latencyOf(compared, false), latencyOf(compared, true)]
const verdicts = turns.flatMap((one) => [one.busy ?? [], one.quiet ?? []].flat())
const worstMs = Math.max(...verdicts.map((verdict) => verdict.worstMs))
const pushes = Math.max(...turns.map((one) => one.busy?.pushesASecond ?? 0))
// Before the first reader ever came, and the most.
const residentMb = { without: turns[0]?.residentMb ?? 0, with: Math.max(...turns.map((one) => (one.withReaders ? one.residentMb : 0))) }
const ratio = (left: number, right: number) => (left / right).toFixed(2)
console.log(`\nvoters=${busy.turnout + quiet.turnout} changes=${busy.changes}; load of this machine after: ${load()}`)
console.log(
  `ballot route with readers against without: p50 ${ratio(withReaders.p50Ms, without.p50Ms)}, p99 ${ratio(withReaders.p99Ms, without.p99Ms)}`,
)
if (calm.length < turns.length) {
  const busyTurns = turns.filter((one) => !calm.includes(one)).map(({ name }) => name.slice(0, name.indexOf(':')))
  const what = bothKinds ? 'they are not compared' : 'all are compared all the same, which says little'
  console.log(`turns in which this side was late itself: ${busyTurns.join(', ')}; ${what}`)
}
if (linux) {
  const kilobytes = ((residentMb.with - residentMb.without) * 1_024) / (readers + quietReaders)
  console.log(`memory of one reader: at most ${kilobytes.toFixed(0)} kB (all growth since before the first one, garbage included)`)
} else console.log('SKIPPED memory and CPU: there is no /proc here')
const resident = linux ? ` rss without=${residentMb.without.toFixed(0)}MB with=${residentMb.with.toFixed(0)}MB` : ''
console.log(
  `live: readers=${readers} ballots=${rate}/s worst-staleness=${worstMs.toFixed(0)}ms pushes=${pushes.toFixed(1)}/s p99 without=${without.p99Ms.toFixed(1)}ms with=${withReaders.p99Ms.toFixed(1)}ms${resident}`,
)
const failed = checks.filter(({ faults }) => faults.length > 0).length
console.log(`${checks.length - failed} passed, ${failed} failed${linux ? '' : ', 1 skipped'}`)
process.exit(failed === 0 ? 0 : 1)
