import { randomBytes } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { MysqlProxy } from '../servers/support/mysql-proxy.ts'
import { describeServers } from '../servers/support/mysql-suites.ts'
import { RedisServer, redisKinds, removeRedisServers } from '../servers/support/redis-servers.ts'
import { asAdministrator, getJson, openPoll, send, settledResults, until } from '../support/client.ts'
import { ServerProcesses } from '../support/server-processes.ts'
import type { StandaloneProcess } from '../support/standalone-process.ts'
import { TcpGate } from '../support/tcp-gate.ts'

/** The server size as processes, on real servers; gates in front of these make them go away. */

const redisKind = redisKinds.find(({ missing }) => missing === null)
const stream = '{urna:0}:ballots'
const twoOptions = { title: 'Tea?', questions: [{ text: 'Tea?', options: [{ text: 'tea' }, { text: 'coffee' }] }] }

function vote(api: StandaloneProcess, pollId: string, option = 1, key = randomBytes(16).toString('hex')) {
  const body = { answers: [{ question: 1, options: [option] }] }
  return send('POST', `${api.url}/v1/polls/${pollId}/ballots`, { body, headers: { 'idempotency-key': key } })
}

const problemOf = (text: string) => (JSON.parse(text) as { type: string }).type.replace('urn:urna:problem:', '')

async function totalOf(api: StandaloneProcess, pollId: string): Promise<number> {
  return (await getJson<{ turnout: number }>(`${api.url}/v1/polls/${pollId}/results`)).turnout
}

const turnoutIs = (api: StandaloneProcess, pollId: string, turnout: number) =>
  until(async () => ((await totalOf(api, pollId)) === turnout ? true : null))

async function statusOf(api: StandaloneProcess, path: string, headers: Record<string, string> = {}): Promise<number> {
  return (await send('GET', `${api.url}${path}`, { headers })).status
}

/** Lines of the log from this level on. */
function logged(process: StandaloneProcess, level: 'warn' | 'error'): string[] {
  const levels = level === 'error' ? ['error', 'fatal'] : ['warn', 'error', 'fatal']
  return process.output
    .split('\n')
    .filter((line) => levels.some((one) => line.includes(`"level":"${one}"`)))
    .map((line) => (JSON.parse(line) as { msg: string }).msg)
}

describe.skipIf(redisKind === undefined)(
  redisKind === undefined ? 'api and consumer (skipped: apt-get install redis-server)' : 'api and consumer',
  () => {
    describeServers(`api and consumer on ${redisKind?.name ?? 'Redis'}`, (suite) => {
      let redis: RedisServer
      let primary: TcpGate
      let replica: TcpGate
      let urna: ServerProcesses
      let database: string

      beforeAll(async () => {
        redis = await RedisServer.start(redisKind as NonNullable<typeof redisKind>)
        primary = await TcpGate.open(suite.server.connection.port)
        replica = await TcpGate.open(suite.server.connection.port)
      })
      beforeEach(async () => {
        if (!redis.running) await redis.startAgain()
        await redis.ask(['FLUSHALL'])
        await Promise.all([primary.open(), replica.open()])
        database = await suite.server.createDatabase()
        const at = (port: number) => ({ ...suite.server.connection, port })
        urna = new ServerProcesses({
          database,
          primary: at(primary.port),
          replica: at(replica.port),
          queue: { REDIS_HOST: '127.0.0.1', REDIS_PORT: String(redis.port) },
        })
      })
      afterEach(async () => {
        await urna.stopAll()
        await suite.server.dropDatabase(database)
      })
      afterAll(async () => {
        await removeRedisServers()
        await Promise.all([primary?.shut(), replica?.shut()])
      })

      async function startOne(environment: Record<string, string> = {}) {
        await urna.prepare()
        const [api, consumer] = [await urna.api(environment), await urna.consumer()]
        await Promise.all([api.ready(), consumer.ready()])
        return { api, consumer, poll: await openPoll(api.url, twoOptions) }
      }

      it('a vote travels from HTTP to results, and both stop at SIGTERM without a word of trouble', async () => {
        const { api, consumer, poll } = await startOne()
        const answer = await vote(api, poll.id)
        expect(answer.status).toBe(202)
        const { receipt } = JSON.parse(answer.text) as { receipt: string }
        expect((await settledResults(api.url, poll.id)).questions[0]?.options.map(({ total }) => total)).toEqual([1, 0])
        expect(await getJson(`${api.url}/v1/receipts/${receipt}`)).toMatchObject({ status: 'counted' })
        expect(await getJson(`${api.url}/readyz`)).toEqual({
          ready: true,
          dependencies: { queue: { ok: true }, database: { ok: true }, replica: { ok: true }, definitions: { ok: true } },
        })
        expect(await getJson(`${consumer.url}/readyz`)).toEqual({
          ready: true,
          dependencies: { queue: { ok: true }, database: { ok: true }, counting: { ok: true } },
        })
        for (const [path, body] of [
          ['/healthz', { message: 'OK' }],
          ['/api/healthchecksqs', { sqsStatus: 'OK' }],
          ['/api/healthcheckmysql', { mysqlStatus: 'OK' }],
        ] as const) {
          expect(await getJson(`${api.url}${path}`)).toEqual(body)
          expect(await getJson(`${consumer.url}${path}`)).toEqual(body)
        }
        expect((await send('GET', `${consumer.url}/metrics`)).text).toContain('urna_ballots_counted_first_total 1')
        expect(await consumer.stop()).toEqual({ code: 0, signal: null })
        expect(await api.stop()).toEqual({ code: 0, signal: null })
        expect([...logged(api, 'warn'), ...logged(consumer, 'warn')]).toEqual([])
      })

      it('two apis and two consumers count every voter once, also what a third one held when it was killed', async () => {
        await urna.prepare()
        const apis = [await urna.api(), await urna.api()] as const
        const doomed = await urna.consumer({ CRASH_AT: 'before-commit:1', CLAIM_IDLE_SECONDS: '5' })
        await Promise.all([...apis, doomed].map((one) => one.ready()))
        const poll = await openPoll(apis[0].url, twoOptions)
        await until(async () => ((await statusOf(apis[1], `/v1/polls/${poll.id}`)) === 200 ? true : null))
        const voters = Array.from({ length: 400 }, () => randomBytes(16).toString('hex'))
        const sent = voters.flatMap((key, index) => [
          vote(apis[index % 2 === 0 ? 0 : 1], poll.id, 1, key),
          // Every second one sends again, by the other api: still one voter.
          ...(index % 2 === 0 ? [vote(apis[1], poll.id, 1, key)] : []),
        ])
        expect((await doomed.exited).signal).toBe('SIGKILL')
        await Promise.all([await urna.consumer({ CLAIM_IDLE_SECONDS: '5' }), await urna.consumer()].map((one) => one.ready()))
        expect(new Set((await Promise.all(sent)).map(({ status }) => status))).toEqual(new Set([202]))
        await turnoutIs(apis[0], poll.id, 400)
        await turnoutIs(apis[1], poll.id, 400)
        const results = await settledResults(apis[0].url, poll.id)
        expect([results.turnout, results.questions[0]?.options.map(({ total }) => total)]).toEqual([400, [400, 0]])
      })

      it('shows results from the primary while the replica is away, and says so once', async () => {
        const { api, poll } = await startOne()
        await replica.shut()
        expect((await vote(api, poll.id)).status).toBe(202)
        await turnoutIs(api, poll.id, 1)
        for (let round = 0; round < 5; round++) expect(await statusOf(api, `/v1/polls?limit=${round + 1}`)).toBe(200)
        expect(await statusOf(api, '/surveys')).toBe(200)
        expect(logged(api, 'warn').filter((message) => message.includes('the replica'))).toEqual([
          'the replica does not answer: results and lists are read from the primary meanwhile',
        ])
        const replicaIs = async (ok: boolean) => {
          const { ready, dependencies } = await getJson<{ ready: boolean; dependencies: { replica: { ok: boolean } } }>(`${api.url}/readyz`)
          return ready && dependencies.replica.ok === ok ? true : null
        }
        await until(() => replicaIs(false))
        const figures = (await send('GET', `${api.url}/metrics`)).text
        expect(figures).toMatch(/urna_events_total\{source="database",event="results-from-primary"\} [1-9]/)
        expect(figures).toContain('urna_database_up{server="replica",writes="no"} 0')
        await replica.open()
        await until(() => replicaIs(true))
      })

      it('takes votes and shows results while the primary is away, administers nothing, and counts when it is back', async () => {
        const { api, consumer, poll } = await startOne()
        const early = await vote(api, poll.id)
        await turnoutIs(api, poll.id, 1)
        await primary.shut()
        await until(async () => ((await statusOf(api, '/api/healthcheckmysql')) === 503 ? true : null))
        for (let round = 0; round < 20; round++) expect((await vote(api, poll.id)).status).toBe(202)
        expect(await totalOf(api, poll.id)).toBe(1)
        // An api that starts now takes votes, too: definitions and the epoch are on the replica.
        const another = await (await urna.api()).ready()
        expect((await vote(another, poll.id)).status).toBe(202)
        const { receipt } = JSON.parse(early.text) as { receipt: string }
        for (const [method, path, body] of [
          ['POST', '/v1/polls', twoOptions],
          ['GET', '/v1/polls', undefined],
          ['GET', `/v1/polls/${poll.id}`, undefined],
          ['POST', `/v1/polls/${poll.id}/close`, {}],
          ['GET', `/v1/receipts/${receipt}`, undefined],
        ] as const) {
          const startedMs = performance.now()
          const answer = await send(method, `${api.url}${path}`, { headers: asAdministrator, ...(body !== undefined && { body }) })
          expect([method, path, answer.status, problemOf(answer.text)]).toEqual([method, path, 503, 'primary-unavailable'])
          expect(performance.now() - startedMs).toBeLessThan(1_000)
        }
        expect(await getJson(`${api.url}/readyz`)).toMatchObject({ ready: true, dependencies: { database: { ok: false } } })
        expect(await statusOf(consumer, '/healthz')).toBe(200)
        expect(await statusOf(consumer, '/readyz')).toBe(503)
        expect(await statusOf(consumer, '/api/healthcheckmysql')).toBe(503)
        await primary.open()
        await turnoutIs(api, poll.id, 22) // 1 before, 20 by the first api, 1 by the second
        await consumer.ready()
        await until(async () => ((await statusOf(api, '/v1/polls', asAdministrator)) === 200 ? true : null))
        expect(await getJson(`${api.url}/v1/receipts/${receipt}`)).toMatchObject({ status: 'counted' })
        expect([...logged(api, 'error'), ...logged(another, 'error'), ...logged(consumer, 'error')]).toEqual([])
      })

      it('does not hang with a primary that stands still', async () => {
        const { api, poll } = await startOne({ DB_CONNECT_TIMEOUT_SECONDS: '1', DB_QUERY_TIMEOUT_SECONDS: '1' })
        primary.stick()
        await until(async () => ((await statusOf(api, '/api/healthcheckmysql')) === 503 ? true : null))
        const startedMs = performance.now()
        for (let round = 0; round < 10; round++) expect((await vote(api, poll.id)).status).toBe(202)
        expect(await statusOf(api, '/v1/polls', asAdministrator)).toBe(503)
        expect(performance.now() - startedMs).toBeLessThan(2_000)
        await primary.open()
        await turnoutIs(api, poll.id, 10)
      })

      it('refuses votes while Redis is away, and shows results all the same', async () => {
        const { api, consumer, poll } = await startOne()
        expect((await vote(api, poll.id)).status).toBe(202)
        await turnoutIs(api, poll.id, 1)
        await redis.stop()
        const refused = await vote(api, poll.id)
        expect([refused.status, problemOf(refused.text)]).toEqual([503, 'queue-unavailable'])
        const startedMs = performance.now()
        expect(await totalOf(api, poll.id)).toBe(1)
        expect(performance.now() - startedMs).toBeLessThan(2_000)
        await until(async () => ((await statusOf(api, '/readyz')) === 503 ? true : null))
        expect(await statusOf(api, '/api/healthchecksqs')).toBe(503)
        await until(async () => ((await statusOf(consumer, '/readyz')) === 503 ? true : null))
        expect(await statusOf(consumer, '/healthz')).toBe(200)
        // An idle consumer whose queue is away stops without waiting for it.
        const stoppedAtMs = performance.now()
        expect(await consumer.stop()).toEqual({ code: 0, signal: null })
        expect(performance.now() - stoppedAtMs).toBeLessThan(5_000)
        await redis.startAgain()
        const again = await urna.consumer()
        await Promise.all([api.ready(), again.ready()])
        expect((await vote(api, poll.id)).status).toBe(202)
        await turnoutIs(api, poll.id, 2)
        expect([...logged(api, 'error'), ...logged(again, 'error')]).toEqual([])
      })

      it('asks the server that it should, as it is put together', async () => {
        await urna.prepare()
        const asked = { primary: [] as string[], replica: [] as string[] }
        const proxies = await Promise.all(
          (['primary', 'replica'] as const).map(async (name) => {
            const proxy = await MysqlProxy.start(suite.server.connection)
            proxy.watch(({ text }) => {
              asked[name].push(text)
              return 'pass'
            })
            return proxy
          }),
        )
        const [first, second] = proxies.map((proxy) => String(proxy.address.port)) as [string, string]
        const api = await (await urna.api({ DB_PORT: first, DB_REPLICA_PORT: second, RESULTS_CACHE: 'none' })).ready()
        const tablesFor = async (path: string, headers: Record<string, string> = {}) => {
          // What copies of polls and probes ask by themselves.
          const own = /`revision` from `polls`|kysely_migration|`settings`|version\(\)|read_only|`queue_epochs`/
          asked.primary.length = 0
          asked.replica.length = 0
          expect(await statusOf(api, path, headers)).toBeLessThan(300)
          const tables = (statements: string[]) => [
            ...new Set(
              statements
                .filter((text) => !own.test(text))
                .flatMap((text) => /^(?:select|insert|update).*? (?:from|into) `(\w+)`/i.exec(text)?.[1] ?? []),
            ),
          ]
          return { primary: tables(asked.primary), replica: tables(asked.replica).sort() }
        }
        const results = ['low_water', 'tallies', 'turnout']
        expect(await tablesFor('/api/votes')).toEqual({ primary: [], replica: results })
        expect(await tablesFor('/v1/polls?limit=7')).toEqual({ primary: [], replica: ['polls'] })
        expect(await tablesFor('/v1/polls?limit=7', asAdministrator)).toEqual({ primary: ['polls'], replica: [] })
        expect(await tablesFor('/surveys')).toEqual({ primary: [], replica: ['polls'] })
        await api.stop()
        await Promise.all(proxies.map((proxy) => proxy.close()))
      })

      it('runs from the built files', async () => {
        await urna.prepare()
        const built = (app: string) => ({ command: [process.execPath, '--conditions=urna:built', `apps/${app}/dist/main.js`] })
        const [api, consumer] = [await urna.api({}, built('api')), await urna.consumer({}, built('consumer'))]
        await Promise.all([api.ready(), consumer.ready()])
        expect((await send('POST', `${api.url}/api/postVotes`, { body: { userID: 'id-1', vote: 'pepsi' } })).status).toBe(200)
        await until(async () => ((await send('GET', `${api.url}/api/votes`)).text === '{"votes":{"coca":"0","pepsi":"1"}}' ? true : null))
      })

      it('finishes the batch in hand when it is told to stop', async () => {
        const { api, consumer, poll } = await startOne()
        await Promise.all(Array.from({ length: 300 }, () => vote(api, poll.id)))
        expect(await consumer.stop()).toEqual({ code: 0, signal: null })
        const counted = await suite.server.query<{ n: string }>('select count(*) as n from ballots', [], database)
        const pending = (await redis.ask(['XPENDING', stream, 'consumers'])) as [number]
        // Whatever was counted is acked, and nothing is held by one who is gone.
        expect(pending[0]).toBe(0)
        expect(Number(counted[0]?.n)).toBeLessThanOrEqual(300)
        await (await urna.consumer()).ready()
        await turnoutIs(api, poll.id, 300)
      })

      it('starts before everything else, and says what it waits for', async () => {
        await primary.shut()
        await replica.shut()
        await redis.stop()
        const [api, consumer] = [await urna.api({ MIGRATION_WAIT_SECONDS: '1' }), await urna.consumer({ MIGRATION_WAIT_SECONDS: '1' })]
        await until(async () => await statusOf(api, '/healthz').catch(() => null))
        expect(await statusOf(api, '/readyz')).toBe(503)
        expect(problemOf((await send('GET', `${api.url}/v1/polls`)).text)).toBe('database-unavailable')
        expect(await statusOf(consumer, '/healthz')).toBe(200)
        await until(async () => (logged(api, 'error').length > 0 && logged(consumer, 'error').length > 0 ? true : null))
        // A database without tables is waited for as well.
        await primary.open()
        await replica.open()
        await until(async () => (/is not ready/.test(api.output) && /is not ready/.test(consumer.output) ? true : null))
        expect(problemOf((await send('POST', `${api.url}/api/postVotes`, { body: { userID: 'id-1', vote: 'coca' } })).text)).toBe(
          'database-unavailable',
        )
        await redis.startAgain()
        await urna.prepare()
        await Promise.all([api.ready(), consumer.ready()])
        expect((await send('POST', `${api.url}/api/postVotes`, { body: { userID: 'id-1', vote: 'coca' } })).status).toBe(200)
        await until(async () => ((await send('GET', `${api.url}/api/votes`)).text === '{"votes":{"coca":"1","pepsi":"0"}}' ? true : null))
      })

      it('ends with a clear message when the master key is another one, at the start and later', async () => {
        await primary.shut()
        await replica.shut()
        const waiting = [await urna.api(), await urna.consumer()]
        await until(async () => ((await statusOf(waiting[0] as StandaloneProcess, '/healthz').catch(() => null)) === 200 ? true : null))
        await primary.open()
        await replica.open()
        await urna.prepare({ masterKey: randomBytes(32) })
        const processes = [...waiting, await urna.api(), await urna.consumer()]
        for (const process of processes) {
          expect(await process.exited).toEqual({ code: 1, signal: null })
          expect(process.output).toContain('This database was set up with another master key')
          expect(process.output).not.toMatch(/^\s+at /m)
        }
      })

      it('works with a DB_HOST that is only read, as far as that goes, whatever its user may do', async () => {
        const { api: first, poll } = await startOne()
        expect((await vote(first, poll.id)).status).toBe(202)
        await turnoutIs(first, poll.id, 1)
        await suite.server.query('set global read_only = 1')
        try {
          // This user could write there all the same.
          const api = await (await urna.api({ DB_USER: 'administrator', DB_REPLICA_HOST: '', DB_REPLICA_PORT: '' })).ready()
          const { receipt } = JSON.parse((await vote(api, poll.id)).text) as { receipt: string }
          expect(await totalOf(api, poll.id)).toBe(1)
          expect(await statusOf(api, '/v1/polls')).toBe(200)
          for (const [method, path, body] of [
            ['POST', '/v1/polls', twoOptions],
            ['POST', `/v1/polls/${poll.id}/close`, {}],
            ['GET', `/v1/receipts/${receipt}`, undefined],
          ] as const) {
            const answer = await send(method, `${api.url}${path}`, { headers: asAdministrator, ...(body !== undefined && { body }) })
            expect([method, path, answer.status, problemOf(answer.text)]).toEqual([method, path, 503, 'primary-unavailable'])
          }
          expect(await getJson(`${api.url}/readyz`)).toMatchObject({ ready: true })
          // The one that had a primary learns that it has none any more, and so does the consumer.
          await until(async () => ((await statusOf(first, '/v1/polls', asAdministrator)) === 503 ? true : null))
          await suite.server.query('set global read_only = 0')
          await until(async () => ((await statusOf(api, `/v1/receipts/${receipt}`)) === 200 ? true : null))
          // The two of the migration, and ours: nothing was written to a server that is only read.
          expect((await getJson<{ polls: unknown[] }>(`${api.url}/v1/polls`, asAdministrator)).polls).toHaveLength(3)
          await turnoutIs(api, poll.id, 2)
        } finally {
          await suite.server.query('set global read_only = 0')
        }
      })
    })
  },
)
