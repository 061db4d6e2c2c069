import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { rowSequence } from '@urna/core'
import { openMysqlPrimary, type Primary, SqlBallotRepository, SqlPollRepository } from '@urna/database'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { freePort } from '../support/free-port.ts'
import { type EndedJob, JobsProcesses } from './support/jobs-process.ts'
import { describePairs } from './support/replicated-pair.ts'

const masterKey = 'ab'.repeat(32)

describePairs('exports and recounts', (pair) => {
  let jobs: JobsProcesses
  let primary: Primary
  let voters = 0
  let beat: number | null = null

  beforeAll(async () => {
    await pair().primary.query('create database urna_1')
    jobs = new JobsProcesses({ ...pair().environment, MASTER_KEY: masterKey })
    expect(await jobs.run(['migrate'])).toMatchObject({ status: 0 })
    primary = openMysqlPrimary({ ...pair().primary.connection, database: 'urna_1' })
    await pair().caughtUp()
  })
  afterAll(async () => {
    await primary?.close()
    jobs?.remove()
  })
  beforeEach(() => {
    jobs.remove()
    jobs = new JobsProcesses(pair().environment)
  })

  /** Counts ballots of new voters for the first demo poll, as a consumer does, and says until when everything is counted. */
  async function count(options: readonly number[], untilMs: number): Promise<void> {
    const poll = await new SqlPollRepository(primary).findBySurveyId(1)
    if (poll === null) throw new Error('no demo poll')
    const repository = new SqlBallotRepository(primary)
    const ballots = options.map((option) => {
      const seq = rowSequence({ epoch: 1, row: ++voters, index: 0 })
      const voterKey = Buffer.from(String(voters).padStart(16, '0'))
      return { pollId: poll.id, pollVersion: poll.version.version, voterKey, seq, rank: seq, answers: [String(option)], atMs: 0 }
    })
    await repository.countBatch({ shard: 0, ballots, deadLetters: [], definitions: new Map([[poll.id, poll.definition]]) })
    const seq = rowSequence({ epoch: 1, row: voters, index: 0 })
    const row = { epoch: 1, stream: 0, below: seq, atMs: untilMs, beat: (beat ?? 0) + 1 }
    expect(await repository.writeLowWater(row, beat)).toBe(true)
    beat = row.beat
  }

  const path = ({ stdout }: EndedJob) => stdout.split('\n')[0] ?? ''
  const totals = (job: EndedJob) =>
    readFileSync(path(job), 'utf8')
      .split('\r\n')
      .filter((line) => line.startsWith('1,'))
      .map((line) => Number(line.split(',')[4]))
  const asOf = ({ stdout }: EndedJob) => / as-of=(\S+) /.exec(stdout)?.[1]
  const files = () => {
    const folder = join(jobs.dataDir, 'exports')
    return existsSync(folder) ? readdirSync(folder) : []
  }

  it('come from the replica: while that lags, with the time until which they are right', async () => {
    await count([1, 2, 2], Date.UTC(2026, 10, 21, 10))
    await pair().caughtUp()
    const first = await jobs.run(['export-csv'])
    expect(first).toMatchObject({ status: 0, stderr: '' })
    const before = totals(first)
    expect(asOf(first)).toBe('2026-11-21T10:00:00.000Z')
    await pair().stopApplying()
    try {
      await count([1, 1], Date.UTC(2026, 10, 21, 11))
      const lagging = await jobs.run(['export-csv'])
      expect([lagging.status, totals(lagging), asOf(lagging)]).toEqual([0, before, '2026-11-21T10:00:00.000Z'])
      const manifest = JSON.parse(readFileSync(`${path(lagging)}.manifest.json`, 'utf8')) as { asOf: string }
      expect(manifest.asOf).toBe('2026-11-21T10:00:00.000Z')
      // The same on the primary: now.
      const onPrimary = await jobs.run(['export-csv'], { DB_REPLICA_HOST: '', DB_REPLICA_PORT: '' })
      expect(totals(onPrimary)).toEqual([(before[0] ?? 0) + 2, before[1]])
      expect(asOf(onPrimary)).toBe('2026-11-21T11:00:00.000Z')
      // Both are right in themselves: ballots and tallies of one instant.
      for (const more of [[], ['--replica']]) expect(await jobs.run(['recount', ...more])).toMatchObject({ status: 0 })
    } finally {
      await pair().resumeApplying()
    }
    await pair().caughtUp()
    expect(asOf(await jobs.run(['export-csv']))).toBe('2026-11-21T11:00:00.000Z')
  })

  it('come from a replica that is called DB_HOST, too', async () => {
    const { host, port } = pair().replica.connection
    const alone = { DB_HOST: host, DB_PORT: String(port), DB_REPLICA_HOST: '', DB_REPLICA_PORT: '' }
    for (const job of [['export-csv'], ['recount']]) expect(await jobs.run(job, alone)).toMatchObject({ status: 0, stderr: '' })
  })

  it('are as old as the replica is, where that applies late', async () => {
    await pair().lagBehind(3_600)
    try {
      await count([2], Date.UTC(2026, 10, 21, 12))
      expect(asOf(await jobs.run(['export-csv']))).toBe('2026-11-21T11:00:00.000Z')
    } finally {
      await pair().lagBehind(0)
    }
    await pair().caughtUp()
    expect(asOf(await jobs.run(['export-csv']))).toBe('2026-11-21T12:00:00.000Z')
  })

  describe('with servers away', { timeout: 120_000 }, () => {
    afterEach(async () => {
      for (const server of [pair().primary, pair().replica]) {
        server.goOn()
        if (server.hasEnded) await server.run()
      }
      await pair().running()
      await pair().caughtUp()
    })

    it('come from the primary while the replica is down, or stands still', async () => {
      await pair().replica.kill()
      const down = await jobs.run(['export-csv'])
      expect(down.status).toBe(0)
      expect(down.stderr).toMatch(/^the replica \S+ cannot be reached: .*ECONNREFUSED.*\. Reading from the primary \S+\n$/)
      expect(asOf(down)).toBe('2026-11-21T12:00:00.000Z')
      // A recount is about one server, and says nothing of another.
      expect(await jobs.run(['recount', '--replica'])).toMatchObject({
        status: 1,
        stderr: expect.stringMatching(/^the replica .*cannot be reached/),
      })
      await pair().replica.run()
      await pair().running()
      await pair().replica.standStill()
      const still = await jobs.run(['export-csv'], { DB_CONNECT_TIMEOUT_SECONDS: '1' })
      expect(still).toMatchObject({
        status: 0,
        stderr: expect.stringMatching(/^the replica \S+ cannot be reached: no connection.*within 1000 ms/),
      })
      // It would wait for ever.
      expect(still.tookMs).toBeLessThan(20_000)
    })

    it('fail in words while both are down, and the files before stay', async () => {
      await jobs.run(['export-csv'])
      const before = files()
      expect(before).toHaveLength(2)
      await Promise.all([pair().primary.kill(), pair().replica.kill()])
      const failed = await jobs.run(['export-csv'])
      expect([failed.status, failed.stdout]).toEqual([1, ''])
      expect(failed.stderr).toMatch(/^the replica .*\. Reading from the primary .*\nthe primary .*cannot be reached: .*\n$/)
      expect(files()).toEqual(before)
    })
  })

  it('find a tally that was changed behind our back, on either server', async () => {
    const shift = (by: number) =>
      pair().primary.query(`update urna_1.tallies set n = n + ${by} where tally_key = '1' and shard = 0 limit 1`)
    await shift(1)
    try {
      await pair().caughtUp()
      for (const more of [[], ['--replica']]) {
        const { status, stdout } = await jobs.run(['recount', ...more])
        expect(status).toBe(1)
        expect(stdout).toMatch(/^poll +turnout +ballots +result\n(.*\n)*\w{16} +(\d+) +\2 +MISMATCH\n +question 1, option 1 +\d+ +\d+\n/)
        expect(stdout).toMatch(/\n2 polls, 1 mismatches\n$/)
      }
    } finally {
      await shift(-1)
    }
    await pair().caughtUp()
    expect((await jobs.run(['recount'])).status).toBe(0)
  })

  it('go on by the clock, with health and metrics, through a server that is away, until they are stopped', {
    timeout: 120_000,
  }, async () => {
    const port = await freePort()
    const { child, output, ended } = jobs.start(['export-csv', '--every'], {
      EXPORT_EVERY: '* * * * * *',
      EXPORT_KEEP: '3',
      PORT: String(port),
      HOST: '127.0.0.1',
      DB_CONNECT_TIMEOUT_SECONDS: '1',
    })
    const get = async (route: string) => {
      const response = await fetch(`http://127.0.0.1:${port}${route}`)
      return { status: response.status, text: await response.text() }
    }
    const metric = async (name: string) => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec((await get('/metrics')).text)?.[1])
    // Three exports, three manifests; perhaps the next one is being written.
    await expect.poll(() => files().length, { timeout: 20_000 }).toBeGreaterThanOrEqual(6)
    expect(await get('/healthz')).toEqual({ status: 200, text: '{"message":"OK"}' })
    expect(await get('/readyz')).toEqual({
      status: 200,
      text: '{"ready":true,"dependencies":{"database":{"ok":true},"exports":{"ok":true}}}',
    })
    expect(await metric('urna_exports_done_total')).toBeGreaterThanOrEqual(3)
    expect(await metric('urna_export_as_of_seconds')).toBe(Date.UTC(2026, 10, 21, 12) / 1_000)
    await Promise.all([pair().primary.kill(), pair().replica.kill()])
    await expect.poll(() => metric('urna_exports_failed_total'), { timeout: 20_000 }).toBeGreaterThan(0)
    await expect.poll(async () => (await get('/readyz')).status, { timeout: 20_000 }).toBe(503)
    expect((await get('/healthz')).status).toBe(200)
    await expect.poll(files, { timeout: 20_000 }).toHaveLength(6)
    await Promise.all([pair().primary.run(), pair().replica.run()])
    const done = await metric('urna_exports_done_total')
    await expect.poll(() => metric('urna_exports_done_total'), { timeout: 20_000 }).toBeGreaterThan(done)
    await expect.poll(async () => (await get('/readyz')).status, { timeout: 20_000 }).toBe(200)
    child.kill('SIGTERM')
    expect((await ended).status).toBe(0)
    expect(output.stdout.trimEnd().split('\n').at(-1)).toContain('"msg":"stopped"')
    expect(readdirSync(join(jobs.dataDir, 'exports'), { encoding: 'utf8' }).filter((name) => name.endsWith('.part'))).toEqual([])
    await pair().running()
  })
})
