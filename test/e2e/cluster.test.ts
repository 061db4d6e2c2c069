import { randomInt } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { asAdministrator, getJson, send, settledResults, until } from '../support/client.ts'
import { ClusterProcess, missingPrograms } from './cluster-process.ts'

const voters = 15_000
const changing = 5_000
/** Ballots under way at a time. */
const atOnce = 64

interface Sent {
  /** Ballots that were answered 202. */
  accepted: number
  requests: number
  /** Without an answer: nginx closed the connection, as its old workers do when it reads its configuration again. */
  cut: number
}

const optionOf = (voter: number): number => 1 + (voter % 2)
/** All of them come to option 1. */
const changedOptionOf = (_voter: number): number => 1

/** Every voter votes, and the first of them once more; whoever gets 503, or no answer, sends the same again. `onProgress` hears of each accepted ballot. */
async function sendBallots(url: string, pollId: string, onProgress: (accepted: number) => void = () => {}): Promise<Sent> {
  const sent: Sent = { accepted: 0, requests: 0, cut: 0 }

  async function sendOne(voter: number, option: number): Promise<void> {
    const options = {
      body: { answers: [{ question: 1, options: [option] }] },
      headers: { 'idempotency-key': `voter-number-${voter}-of-this-test` },
    }
    for (let attempt = 0; attempt < 30; attempt++) {
      sent.requests++
      const answer = await send('POST', `${url}/v1/polls/${pollId}/ballots`, options).catch(() => null)
      if (answer === null) {
        sent.cut++
        continue
      }
      if (answer.status === 202) {
        onProgress(++sent.accepted)
        return
      }
      if (answer.status !== 503) throw new Error(`a ballot was answered ${answer.status}: ${answer.text}`)
      expect(answer.headers['retry-after']).toMatch(/^[1-5]$/)
      expect(answer.headers['content-type']).toContain('application/problem+json')
      await delay(Number(answer.headers['retry-after']) * 1_000 * Math.random())
    }
    throw new Error('a ballot was refused thirty times')
  }

  const order = Array.from({ length: voters }, (_, voter) => voter)
  for (let index = order.length - 1; index > 0; index--) {
    const other = randomInt(index + 1)
    const voter = order[index] as number
    order[index] = order[other] as number
    order[other] = voter
  }
  let next = 0
  async function work(): Promise<void> {
    for (let voter = order[next++]; voter !== undefined; voter = order[next++]) {
      await sendOne(voter, optionOf(voter))
      if (voter < changing) await sendOne(voter, changedOptionOf(voter))
    }
  }
  await Promise.all(Array.from({ length: atOnce }, work))
  return sent
}

const expected = {
  turnout: 15_000,
  // Voters 0..14,999: even ones voted 1 (7,500), odd ones 2 (7,500). Of the first 5,000 the odd ones (2,500) changed from 2 to 1.
  totals: [10_000, 5_000],
}

/** Everything that says how the poll went, all of it the same. */
async function expectCounted(cluster: ClusterProcess, pollId: string, title: string): Promise<void> {
  const results = await settledResults(cluster.url, pollId)
  expect(results.turnout).toBe(expected.turnout)
  expect(results.questions[0]?.options.slice(0, 2).map(({ total }) => total)).toEqual(expected.totals)
  for (const where of [[], ['--replica']]) {
    const { status, output } = await cluster.job('recount', ...where)
    expect([where, status, output]).toEqual([where, 0, expect.stringMatching(new RegExp(`^${pollId} +15000 +15000 +ok$`, 'm'))])
    expect(output).toContain(' 0 mismatches')
  }
  const totals = await until(async () => {
    const found = newestCsv(cluster, title)
    return found.join() === expected.totals.join() ? found : null
  })
  expect(totals).toEqual(expected.totals)
}

/** Opens a poll, and waits until both apis know it. */
async function openPollOfTwo(cluster: ClusterProcess, title: string): Promise<{ id: string }> {
  const body = { title, questions: [{ text: title, options: [{ text: 'tea' }, { text: 'coffee' }] }] }
  const created = await send('POST', `${cluster.url}/v1/polls`, { body, headers: asAdministrator })
  expect(created.status).toBe(201)
  const poll = JSON.parse(created.text) as { id: string }
  expect((await send('POST', `${cluster.url}/v1/polls/${poll.id}/open`, { headers: asAdministrator })).status).toBe(200)
  for (const api of ['api-1', 'api-2']) {
    const url = `http://127.0.0.1:${cluster.port(api)}/v1/polls/${poll.id}`
    await until(async () => ((await send('GET', url)).status === 200 ? true : null))
  }
  return poll
}

/** The totals of a poll's first two options in the last complete export. */
function newestCsv(cluster: ClusterProcess, title: string): number[] {
  const folder = cluster.at('exports')
  const manifest = readdirSync(folder)
    .filter((name) => name.endsWith('.manifest.json'))
    .sort()
    .at(-1)
  if (manifest === undefined) return []
  const { file } = JSON.parse(readFileSync(`${folder}/${manifest}`, 'utf8')) as { file: string }
  const rows = readFileSync(`${folder}/${file}`, 'utf8').split(/\r?\n/)
  return rows
    .filter((row) => row.includes(title))
    .slice(0, 2)
    .map((row) => Number(row.split(',')[4]))
}

async function ballotsInQueue(cluster: ClusterProcess): Promise<number> {
  const password = readFileSync(cluster.at('secrets/redis-password'), 'utf8')
  const client = new Redis({ host: '127.0.0.1', port: cluster.port('redis'), password })
  try {
    return Number(await client.hget('{urna:0}:queue', 'ballots'))
  } finally {
    client.disconnect()
  }
}

const requestLog = (cluster: ClusterProcess) => readFileSync(cluster.at('logs/requests.log'), 'utf8')

function answeredBy(cluster: ClusterProcess, api: string): string {
  return `api=127.0.0.1:${cluster.port(api)} `
}

const missing = missingPrograms()
const name = 'a cluster of real processes'
describe.skipIf(missing.length > 0)(missing.length === 0 ? name : `${name} (skipped: apt-get install ${missing.join(' ')})`, () => {
  const cluster = new ClusterProcess({})
  beforeAll(() => cluster.start({ CLUSTER_WIRING: 'replica' }), 60_000)
  afterAll(() => cluster.remove(), 60_000)

  it('counts 20,000 ballots of 15,000 voters where api and CSV know only the replica', { timeout: 90_000 }, async () => {
    const { polls } = await getJson<{ polls: { id: string; title: string; surveyId: number }[] }>(`${cluster.url}/v1/polls`)
    const poll = polls.find(({ surveyId }) => surveyId === 1)
    if (poll === undefined) throw new Error('no demo poll')
    const sent = await sendBallots(cluster.url, poll.id)
    expect(sent.accepted).toBe(voters + changing)
    await expectCounted(cluster, poll.id, poll.title)
    // What needs the primary cannot be done here, and says so.
    const refused = await send('POST', `${cluster.url}/v1/polls`, {
      body: { title: 'x', questions: [{ text: 'x', options: [{ text: 'a' }, { text: 'b' }] }] },
      headers: asAdministrator,
    })
    expect([refused.status, refused.text]).toEqual([503, expect.stringContaining('urn:urna:problem:')])
  })

  it('ends in order at Ctrl-C, leaves nothing running, and finds its data again', { timeout: 90_000 }, async () => {
    const { pids } = cluster
    expect(pids).toHaveLength(9) // nginx, 2 apis, 2 consumers, CSV, Redis, replica, primary
    expect(await cluster.interrupt()).toBe(0)
    for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow('ESRCH')
    expect(cluster.output).not.toMatch(/IS GONE|it is killed/)
    await cluster.start()
    const { votes } = await getJson<{ votes: Record<string, string> }>(`${cluster.url}/api/votes`)
    expect(votes).toEqual({ coca: '10000', pepsi: '5000' })
  })

  it('counts 20,000 ballots of 15,000 voters while an api comes and another one goes', { timeout: 90_000 }, async () => {
    const title = 'Tea or coffee?'
    const poll = await openPollOfTwo(cluster, title)
    const before = await ballotsInQueue(cluster)
    let changes: Promise<void> | null = null
    let logged = 0
    const sent = await sendBallots(cluster.url, poll.id, (accepted) => {
      if (accepted !== 2_000) return
      changes = (async () => {
        expect(await cluster.do('add-api')).toEqual({ status: 0, output: expect.stringContaining('api-3 takes requests') })
        expect(await cluster.do('remove-api', 'api-1')).toEqual({ status: 0, output: expect.stringContaining('api-1') })
        logged = requestLog(cluster).length
      })()
    })
    await changes
    expect(sent.cut).toBeLessThanOrEqual(2 * atOnce) // nginx read its list twice
    expect(sent.accepted).toBe(voters + changing)
    // Whatever the load balancer did on the way, it sent nothing twice: more than the accepted ones are only those whose voters were not told so.
    const queued = (await ballotsInQueue(cluster)) - before
    expect(queued).toBeGreaterThanOrEqual(sent.accepted)
    expect(queued).toBeLessThanOrEqual(sent.requests)
    await expectCounted(cluster, poll.id, title)
    const since = requestLog(cluster).slice(logged)
    expect(since.length).toBeGreaterThan(0)
    expect(since).not.toContain(answeredBy(cluster, 'api-1'))
    for (const api of ['api-2', 'api-3']) expect(since).toContain(answeredBy(cluster, api))
    expect((await cluster.do('traffic')).output).toMatch(/api-3 +\d/)
    // Of ballots nobody's address is written down.
    expect(requestLog(cluster)).toMatch(/ POST \/v1\/polls\/[a-z0-9]+\/ballots 202 /)
    expect(requestLog(cluster)).not.toMatch(/127\.0\.0\.1 POST \S+ballots/)
  })

  it('says of a process that is gone what to do, and goes on without it', { timeout: 60_000 }, async () => {
    expect((await cluster.do('kill', 'consumer-1')).status).toBe(0)
    await until(async () => (cluster.output.includes('consumer-1 IS GONE (SIGKILL)') ? true : null))
    const vote = { body: { userID: 'somebody-else', vote: 'pepsi' } }
    expect((await send('POST', `${cluster.url}/api/postVotes`, vote)).status).toBe(200)
    await until(async () =>
      (await getJson<{ votes: { pepsi: string } }>(`${cluster.url}/api/votes`)).votes.pepsi === '5001' ? true : null,
    )
    expect(await cluster.do('start', 'consumer-1')).toMatchObject({ status: 0 })
    expect(await cluster.do('start', 'nobody')).toMatchObject({ status: 1, output: expect.stringContaining('There is no process nobody') })
  })

  it('keeps its secrets to itself', () => {
    const files = ['env.sh', 'redis/redis.conf', ...readdirSync(cluster.at('secrets')).map((file) => `secrets/${file}`)]
    for (const file of files) expect([file, statSync(cluster.at(file)).mode & 0o077]).toEqual([file, 0])
    const password = readFileSync(cluster.at('secrets/database-password'), 'utf8')
    for (const file of readdirSync(cluster.at('logs'))) expect(readFileSync(cluster.at(`logs/${file}`), 'utf8')).not.toContain(password)
  })

  it('refuses a second one in its folder, and names what a cut-off one left behind', { timeout: 60_000 }, async () => {
    expect(await cluster.do('status')).toMatchObject({ status: 0, output: expect.stringContaining('consumer-2') })
    expect(await cluster.do()).toMatchObject({ status: 1, output: expect.stringContaining('A cluster runs in') })
    const { pids } = cluster
    await cluster.kill()
    const { status, output } = await cluster.do()
    expect(status).toBe(1)
    expect(output).toContain('consumer-2')
    expect(output).toContain(`kill ${pids.join(' ')}`)
  })
})
