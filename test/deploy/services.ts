import { spawn } from 'node:child_process'
import { randomBytes, randomUUID } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { getJson, openPoll, send, settledResults, until } from '../support/client.ts'
import { freePort } from '../support/free-port.ts'
import { adminToken, exitOnSignals, repository, StandaloneProcess, temporaryDirectory } from '../support/standalone-process.ts'

/**
 * `make test-services`: the built processes against a database and a Redis that somebody else has started, as a pipeline's service containers.
 * The servers' addresses come as Urna's own settings. The database must be empty: what is in a used one is not for tests to touch.
 *
 * Votes arrive through two apis while a consumer is killed; then every receipt, the totals, a recount and the CSV are looked at.
 */

const voters = 1_000
/** Every third voter votes again. */
const changeEvery = 3
const atOnce = 32
const settledMsMax = 120_000

const needed = ['DB_HOST', 'DB_USER', 'DB_PASSWORD', 'REDIS_HOST']
const settings = Object.fromEntries(
  Object.entries(process.env).flatMap(([name, value]) =>
    /^(DB|REDIS)_(?!IMAGE$)/.test(name) && value !== undefined ? [[name, value]] : [],
  ),
) as Record<string, string>

interface Voter {
  readonly key: string
  readonly receipts: string[]
  option: number
}

let passed = 0
let failed = 0

function check(what: string, isSo: boolean, found: unknown = ''): void {
  if (isSo) passed++
  else failed++
  console.log(`${isSo ? 'ok    ' : 'FAILED'} ${what}${isSo ? '' : `: ${String(found)}`}`)
}

/** A job to its end, with its status and everything it wrote. */
function job(environment: Record<string, string>, ...words: string[]): Promise<{ status: number | null; output: string }> {
  const child = spawn(process.execPath, ['--conditions=urna:built', join(repository, 'apps/jobs/dist/main.js'), ...words], {
    env: { PATH: process.env.PATH, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  return new Promise((resolve) => {
    let output = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text
      })
    }
    child.on('close', (status) => resolve({ status, output }))
  })
}

/** As careful as in production: a container of Redis is not, where nobody says so. */
async function makeDurable(): Promise<void> {
  const { REDIS_HOST: host = '', REDIS_PORT: port = '6379', REDIS_PASSWORD: password } = settings
  const redis = new Redis({ host, port: Number(port), ...(password !== undefined && { password }), maxRetriesPerRequest: null })
  redis.on('error', () => {})
  try {
    const answered = redis.config('SET', 'appendonly', 'yes', 'appendfsync', 'always', 'maxmemory-policy', 'noeviction')
    const answer = await Promise.race([answered, delay(60_000, null)])
    if (answer === null) throw new Error(`Redis at ${host}:${port} did not answer within a minute`)
  } finally {
    redis.disconnect()
  }
}

/** Until it is acknowledged: 503 says that to send again is right. */
async function vote(url: string, pollId: string, voter: Voter): Promise<void> {
  const receipt = await until(async () => {
    const answer = await send('POST', `${url}/v1/polls/${pollId}/ballots`, {
      body: { answers: [{ question: 1, options: [voter.option] }] },
      headers: { 'idempotency-key': voter.key },
    }).catch(() => null)
    if (answer === null || answer.status === 503) return null
    if (answer.status !== 202) throw new Error(`a ballot was answered ${answer.status}: ${answer.text}`)
    return (JSON.parse(answer.text) as { receipt: string }).receipt
  }, settledMsMax)
  voter.receipts.push(receipt)
}

async function eachOf(all: readonly Voter[], work: (voter: Voter, index: number) => Promise<void>): Promise<void> {
  const left = all.entries()
  const worker = async () => {
    for (const [index, voter] of left) await work(voter, index)
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
}

async function run(): Promise<void> {
  const exports = temporaryDirectory()
  const running: { name: string; process: StandaloneProcess }[] = []
  const environment = {
    ...settings,
    DB_DATABASE: settings.DB_DATABASE ?? 'voteapp',
    MASTER_KEY: randomBytes(32).toString('base64'),
    ADMIN_TOKEN: adminToken,
    NODE_ENV: 'production',
  }
  const start = async (app: 'api' | 'consumer', more: Record<string, string> = {}) => {
    const command = [process.execPath, '--conditions=urna:built', `apps/${app}/dist/main.js`]
    const port = await freePort()
    const started = new StandaloneProcess({ dataDirectory: exports.path, port, command, environment: { ...environment, ...more } })
    running.push({ name: app, process: started })
    return started.ready(60_000)
  }
  try {
    await makeDurable()
    const migrated = await job(environment, 'migrate')
    // In a used one either nothing is to be done, or it belongs to another master key.
    if (migrated.status !== 0 || migrated.output.includes('nothing to migrate')) {
      throw new Error(`give an empty database; ${environment.DB_DATABASE} on ${settings.DB_HOST} says: ${migrated.output.trim()}`)
    }
    check('migrate makes the tables', migrated.output.includes('migrated: '), migrated.output)
    const again = await job(environment, 'migrate')
    check('migrate again changes nothing', again.status === 0 && again.output.includes('nothing to migrate'), again.output)

    const consumer = await start('consumer', { CONSUMER_NAME: 'consumer-1' })
    const [first, second] = [await start('api'), await start('api')]
    await start('consumer', { CONSUMER_NAME: 'consumer-2' })
    const options = [{ text: 'one' }, { text: 'two' }]
    const poll = await openPoll(first.url, { title: 'Services', questions: [{ text: 'Which?', options }] })
    await until(async () => ((await send('GET', `${second.url}/v1/polls/${poll.id}`)).status === 200 ? true : null))
    const crowd: Voter[] = Array.from({ length: voters }, (_, index) => ({
      key: randomUUID(),
      receipts: [],
      option: index % 5 < 2 ? 2 : 1,
    }))
    await eachOf(crowd, async (voter, index) => {
      await vote(index % 2 === 0 ? first.url : second.url, poll.id, voter)
      if (index === voters / 2) {
        await consumer.stop('SIGKILL')
        await start('consumer', { CONSUMER_NAME: 'consumer-1' })
      }
      if (index % changeEvery !== 0) return
      voter.option = 3 - voter.option
      await vote(second.url, poll.id, voter)
    })

    const results = await settledResults(second.url, poll.id, settledMsMax)
    const totals = [1, 2].map((option) => crowd.filter((voter) => voter.option === option).length)
    const found = results.questions[0]?.options.map(({ total }) => total)
    check(`turnout is ${voters}`, results.turnout === voters, results.turnout)
    check(`the totals are ${totals.join(' and ')}`, found?.join() === totals.join(), found)

    const said: string[] = []
    await eachOf(crowd, async ({ receipts }) => {
      for (const [index, receipt] of receipts.entries()) {
        const { status } = await getJson<{ status: string }>(`${first.url}/v1/receipts/${receipt}`)
        const expected = index === receipts.length - 1 ? 'counted' : 'replaced'
        if (status !== expected) said.push(`${status} instead of ${expected}`)
      }
    })
    const receipts = crowd.reduce((sum, voter) => sum + voter.receipts.length, 0)
    check(`all ${receipts} receipts say what became of their ballots`, said.length === 0, said.slice(0, 5).join(', '))

    const recounted = await job(environment, 'recount')
    check('a recount finds the same', recounted.status === 0 && recounted.output.includes(', 0 mismatches'), recounted.output)
    const exported = await job(environment, 'export-csv', '--folder', exports.path)
    const file = exported.output.split('\n', 1)[0] ?? ''
    const csv = existsSync(file) ? readFileSync(file, 'utf8') : ''
    check(
      'the CSV file has the totals',
      totals.every((total) => csv.includes(`,${total},`)),
      exported.output + csv,
    )
    for (const { name, process: one } of running.filter((each) => !each.process.hasExited)) {
      const { code, signal } = await one.stop()
      check(`${name} ends when it is told to`, code === 0, signal ?? code)
    }
  } finally {
    for (const one of running) await one.process.stop('SIGKILL')
    exports.remove()
  }
}

const missing = needed.filter((name) => (settings[name] ?? '') === '')
exitOnSignals()
if (missing.length > 0) {
  console.log(`SKIPPED test-services: set ${missing.join(', ')} to an empty database and a Redis that are there for this`)
  console.log('0 passed, 0 failed, 1 skipped')
} else {
  try {
    await run()
  } catch (error) {
    check('the run', false, error instanceof Error ? error.message : error)
  }
  console.log(`${passed} passed, ${failed} failed, 0 skipped`)
  process.exit(failed === 0 && passed > 0 ? 0 : 1)
}
