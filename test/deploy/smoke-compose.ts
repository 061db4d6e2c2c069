import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { Notes } from '../failure/outages/notes.ts'
import { receiptStatus } from '../failure/outages/rounds.ts'
import { expectedStatuses, optionCount, type Voter, Voters } from '../failure/outages/voters.ts'
import { getJson, openPoll, send, settledResults, until } from '../support/client.ts'
import { freePort } from '../support/free-port.ts'
import { exitOnSignals } from '../support/standalone-process.ts'
import { ComposeProject, whyNoCompose } from './compose-project.ts'
import { engineHost } from './container-engine.ts'

/**
 * Builds the images, starts compose.cluster.yaml, and votes through its load balancer at a fixed rate while an api, a consumer and the
 * primary are killed (-9) one after the other and come back by their restart policy. Then every receipt is asked, every ballot is
 * counted again on both servers, and everything is taken down.
 *
 *     DATABASE=mysql|mariadb BALLOTS_A_SECOND=40 SECONDS_A_FAULT=60 REFUSED_PERCENT_MAX=1 node test/deploy/smoke-compose.ts
 *
 * About five minutes, once the images are there.
 */

const databases = { mysql: [], mariadb: ['compose.mariadb.yaml'] } as const
const database = (process.env.DATABASE || 'mysql') as keyof typeof databases
const ballotsASecond = Number(process.env.BALLOTS_A_SECOND || 40)
const secondsAFault = Number(process.env.SECONDS_A_FAULT || 60)
if (!(database in databases) || !(ballotsASecond >= 1 && ballotsASecond <= 500) || !(secondsAFault >= 15 && secondsAFault <= 600)) {
  console.error(
    `Expected DATABASE to be one of ${Object.keys(databases).join(', ')}, BALLOTS_A_SECOND a number from 1 to 500, SECONDS_A_FAULT one from 15 to 600`,
  )
  process.exit(1)
}

/** A fault is in the first third of its time: what it does is seen in the rest. */
const beforeFaultMs = (secondsAFault * 1_000) / 3
const afterFaultMs = (secondsAFault * 2_000) / 3
/** Of all attempts in that time so many may be refused, each with a 503 that says when to come again. */
const refusedShareMax = Number(process.env.REFUSED_PERCENT_MAX || 1) / 100
const backWithinMs = 60_000
const countedWithinMs = 60_000
/** A file every quarter of a minute, so that one holds the last ballot soon. In earnest: every five minutes. */
const exportEvery = '*/15 * * * * *'
const exportedWithinMs = 40_000
const askedAtOnce = 16
/** Each api looks once a second which polls are open; which of them answers cannot be chosen from here. */
const pollKnownMs = 3_000
const pollTitle = 'Smoke test'
const texts = ['one', 'two', 'three'] as const

const faults: string[] = []
const began = performance.now()

function say(text: string): void {
  console.log(`${((performance.now() - began) / 1_000).toFixed(0).padStart(4)} s  ${text}`)
}

function fault(text: string): void {
  faults.push(text)
  say(`FAILED ${text}`)
}

function finish(line: string): never {
  console.log(line)
  process.exit(faults.length === 0 ? 0 : 1)
}

exitOnSignals()
const why = whyNoCompose()
if (why !== null) {
  console.log(`SKIPPED: ${why}\n0 passed, 0 failed, 1 skipped`)
  process.exit(0)
}

const host = engineHost()
const address = host === '127.0.0.1' ? '127.0.0.1' : '0.0.0.0'
const ports = {
  balancer: await freePort(),
  pages: await freePort(),
  metrics: await freePort(),
  primary: await freePort(),
  replica: await freePort(),
}
const balancer = `http://${host}:${ports.balancer}`
const pages = `http://${host}:${ports.pages}`
const project = new ComposeProject({
  name: `${process.env.COMPOSE_PROJECT_NAME || 'urna-smoke'}-${randomBytes(3).toString('hex')}`,
  files: ['compose.cluster.yaml', ...databases[database]],
  variables: {
    LOAD_BALANCER_PORT: `${address}:${ports.balancer}`,
    FRONTEND_PORT: `${address}:${ports.pages}`,
    METRICS_PORT: `${address}:${ports.metrics}`,
    PRIMARY_PORT: `127.0.0.1:${ports.primary}`,
    REPLICA_PORT: `127.0.0.1:${ports.replica}`,
    API_URL: balancer,
    API_ORIGINS: balancer,
    ALLOWED_ORIGINS: pages,
    EXPORT_EVERY: exportEvery,
    // All voters of the test come from one address.
    REQUESTS_PER_SECOND: 'off',
  },
})

/** What `select version()` says, as a name: `mysql-9.7`. */
async function databaseName(): Promise<string> {
  const version = await project.sql('mysql-primary', 'select version()')
  const [, number = version] = /^(\d+\.\d+)/.exec(version) ?? []
  return `${/mariadb/i.test(version) ? 'mariadb' : 'mysql'}-${number}`
}

async function lookAtPages(): Promise<void> {
  const page = await send('GET', `${pages}/`, { headers: { accept: 'text/html' } })
  if (page.status !== 200 || !page.text.includes('<div id="')) fault(`the pages: ${page.status}`)
  const health = await send('GET', `${pages}/healthz`)
  if (health.status !== 200) fault(`/healthz of the pages: ${health.status}`)
  const settings = await send('GET', `${pages}/settings.js`)
  if (!settings.text.includes(balancer)) fault(`settings.js of the pages does not name the api: ${settings.text}`)
  const metrics = await send('GET', `http://${host}:${ports.metrics}/metrics`)
  if (!/^nginx_up 1$/m.test(metrics.text)) fault(`the pages' metrics: ${metrics.status} ${metrics.text.slice(0, 200)}`)
}

/** A replica that holds back what it reads must be seen in the results, and only there. */
async function seeThatResultsComeFromReplica(headers: Record<string, string>): Promise<void> {
  const { id } = await openPoll(balancer, pollOf('Who is asked'), {}, headers)
  await delay(pollKnownMs)
  await project.sql('mysql-replica', 'stop replica sql_thread')
  const answer = await send('POST', `${balancer}/v1/polls/${id}/ballots`, { body: { answers: [{ question: 1, options: [1] }] } })
  if (answer.status !== 202) throw new Error(`the first ballot was not taken: ${answer.status} ${answer.text}`)
  const { receipt } = JSON.parse(answer.text) as { receipt: string }
  await until(async () => ((await receiptStatus(balancer, receipt)) === 'counted' ? true : null))
  // Longer than any copy of results is kept.
  await delay(3_000)
  const turnout = async () => (await getJson<{ turnout: number }>(`${balancer}/v1/polls/${id}/results`)).turnout
  const heldBack = await turnout()
  await project.sql('mysql-replica', 'start replica sql_thread')
  await until(async () => ((await turnout()) === 1 ? true : null))
  if (heldBack !== 0) fault(`results do not come from the replica: it held back a ballot, and they had ${heldBack}`)
  else say('results are read from the replica')
}

function pollOf(title: string): unknown {
  return { title, questions: [{ text: 'Which?', options: texts.map((text) => ({ text })) }] }
}

interface Killing {
  readonly what: string
  readonly service: string
}

/** Votes for that time, with one `kill -9` in it. The container comes back by its restart policy. */
async function killUnderLoad({ what, service }: Killing, voters: Voters): Promise<void> {
  const notes = new Notes()
  voters.beginRound(notes)
  await delay(beforeFaultMs)
  const container = await project.containerOf(service)
  const startedAt = () => project.docker(['inspect', '-f', '{{.State.StartedAt}} {{.State.Running}}', container])
  const before = await startedAt()
  notes.beginOutage()
  const killedMs = performance.now()
  // The child of process 1, which ends with it. `docker kill` would count as a wish that the container stays away.
  await project.exec(service, ['/bin/sh', '-c', 'kill -9 $(cat /proc/1/task/1/children)']).catch(() => {})
  await until(async () => {
    const after = await startedAt()
    return after !== before && after.endsWith('true') ? true : null
  }, backWithinMs).catch(() => {
    throw new Error(`${what} was killed, and ${service} did not run again within ${backWithinMs / 1_000} s: its restart policy?`)
  })
  const backMs = performance.now() - killedMs
  await delay(Math.max(0, afterFaultMs - (performance.now() - killedMs)))
  await voters.endRound()
  const { attempts, refusals } = voters
  const share = refusals / attempts
  say(
    `killed ${what}: running again after ${(backMs / 1_000).toFixed(1)} s; of ${attempts} attempts ${refusals} refused (${(100 * share).toFixed(2)} %)`,
  )
  for (const line of notes.lines('voter')) say(`  ${line}`)
  if (share > refusedShareMax) fault(`${what}: ${(100 * share).toFixed(2)} % of the attempts were refused`)
  for (const text of new Set(voters.faults)) fault(`${what}: ${text}`)
}

/** How many receipts do not say what they must. */
async function lostOf(all: readonly Voter[]): Promise<number> {
  const asked = all.flatMap((voter) => {
    const expected = expectedStatuses(voter)
    return voter.acknowledged.map(({ receipt }, index) => ({ receipt, expected: expected[index] }))
  })
  const wrong = new Map<string, number>()
  let next = 0
  const askOne = async () => {
    for (let one = asked[next++]; one !== undefined; one = asked[next++]) {
      const status = await receiptStatus(balancer, one.receipt)
      if (status !== one.expected) wrong.set(`${status}, not ${one.expected}`, (wrong.get(`${status}, not ${one.expected}`) ?? 0) + 1)
    }
  }
  await Promise.all(Array.from({ length: askedAtOnce }, askOne))
  for (const [text, count] of wrong) fault(`${count} receipts say ${text}`)
  say(`${asked.length} receipts asked`)
  return [...wrong.values()].reduce((sum, count) => sum + count, 0)
}

function expectedTotals(all: readonly Voter[]): { turnout: number; totals: number[] } {
  const totals = Array.from({ length: optionCount }, () => 0)
  const last = all.flatMap(({ acknowledged }) => acknowledged.slice(-1))
  for (const { option } of last) totals[option - 1] = (totals[option - 1] ?? 0) + 1
  return { turnout: last.length, totals }
}

async function checkTotals(pollId: string, all: readonly Voter[], headers: Record<string, string>): Promise<void> {
  const { turnout, totals } = expectedTotals(all)
  const results = await settledResults(balancer, pollId, countedWithinMs, headers)
  const shown = results.questions[0]?.options.map(({ total }) => total)
  if (results.turnout !== turnout || shown?.join() !== totals.join()) {
    fault(`turnout ${results.turnout} of ${turnout} voters, totals ${shown} and not ${totals}`)
  }
  for (const where of [[], ['--replica']]) {
    const output = await project.job('recount', ...where).catch((error: Error) => error.message)
    if (!output.includes(' 0 mismatches')) fault(`recount ${where}: ${output}`)
  }
  say(`turnout ${turnout}, totals ${totals}; counted again on primary and replica`)
}

/** The newest file on the volume, read where the job writes it. */
async function newestExport(): Promise<string> {
  return project.exec('job-csv', ['/bin/sh', '-c', 'cat "$(ls -t /exports/*.csv | head -n 1)"']).catch(() => '')
}

async function checkExport(all: readonly Voter[]): Promise<void> {
  const { totals } = expectedTotals(all)
  const rows = texts.map((text, index) => `,${pollTitle},Which?,${text},${totals[index]},`)
  const found = await until(async () => {
    const csv = await newestExport()
    return rows.every((row) => csv.includes(row)) ? csv : null
  }, exportedWithinMs).catch(() => null)
  if (found === null) fault(`no file has ${rows.join(' ')}; the newest one:\n${await newestExport()}`)
  else say('the CSV on the volume has the same numbers')
}

async function run(): Promise<{ acknowledged: number; lost: number; refused: number }> {
  say(`${project.name}: building`)
  await project.build()
  say('starting')
  await project.up()
  say('everything is healthy')
  for (const service of ['mysql-primary', 'mysql-replica']) {
    if (!/ready for connections/.test(await project.run(['logs', '--no-color', service])))
      fault(`${service} writes no log that can be read`)
  }
  await lookAtPages()
  const token = await project.exec('api', ['cat', '/secrets/admin-token'])
  const headers = { authorization: `Bearer ${token}` }
  await seeThatResultsComeFromReplica(headers)

  const poll = await openPoll(balancer, pollOf(pollTitle), {}, headers)
  await delay(pollKnownMs)
  // Each voter is somebody else, with a connection of their own.
  const voters = new Voters({ url: balancer, pollId: poll.id, ballotsASecond, headers: { connection: 'close' } })
  say(`${ballotsASecond} ballots a second`)
  let refused = 0
  for (const killing of [
    { what: 'an api', service: 'api' },
    { what: 'a consumer', service: 'consumer' },
    { what: 'the primary', service: 'mysql-primary' },
  ]) {
    await killUnderLoad(killing, voters)
    refused += voters.refusals
  }
  await checkTotals(poll.id, voters.all, headers)
  const lost = await lostOf(voters.all)
  await checkExport(voters.all)
  return { acknowledged: voters.all.reduce((sum, { acknowledged }) => sum + acknowledged.length, 0), lost, refused }
}

let found = { acknowledged: 0, lost: 0, refused: 0 }
let name: string = database
try {
  found = await run()
  name = await databaseName()
} catch (error) {
  fault((error as Error).message)
  console.log(await project.state())
}
await project.down().catch((error: Error) => fault(error.message))
say('taken down')
finish(`smoke-compose: acked=${found.acknowledged} lost=${found.lost} errors=${found.refused} database=${name}`)
