import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { demoPolls } from '@urna/core'
import { openMysqlReplica, openSqliteReader, type Replica, SqlPollRepository } from '@urna/database'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { databaseSettings, type EndedJob, JobsProcesses } from './support/jobs-process.ts'
import { describeServers } from './support/mysql-suites.ts'

const pairs = Number(process.env.MIGRATION_PAIRS || 20)
const masterKey = randomBytes(32).toString('base64')
const demoTitles = demoPolls.map(({ title }, index) => [index + 1, title])

/** Survey id and title of every poll. */
async function pollsIn(replica: Replica): Promise<(readonly [number | null, string])[]> {
  try {
    const { polls } = await new SqlPollRepository({ ...replica, role: 'primary' }).list({ publicOnly: false, limit: 100, after: null })
    return polls.map((poll) => [poll.surveyId, poll.definition.title] as const).sort(([left], [right]) => (left ?? 0) - (right ?? 0))
  } finally {
    await replica.close()
  }
}

/** Of two that were started at once one migrates, the other waits, and both are content. */
function expectOneOfTwo(ended: readonly EndedJob[]): void {
  expect(ended.map(({ status, stderr }) => [status, stderr.replace(/^(made the database|another process is at work).*\n/gm, '')])).toEqual([
    [0, ''],
    [0, ''],
  ])
  const lines = ended.map(({ stdout }) => stdout.split('\n')[0] ?? '').sort()
  expect(lines).toEqual([expect.stringMatching(/^migrated: 0001-polls, .*0020-poll-activity/), 'nothing to migrate'])
  expect(ended.filter(({ stdout }) => stdout.includes("administrator's token"))).toHaveLength(1)
}

describe('migrate: SQLite', () => {
  it(`${pairs} x two at once: one migrates, the other waits`, { timeout: 300_000 }, async () => {
    for (let round = 0; round < pairs; round++) {
      const jobs = new JobsProcesses({})
      try {
        expectOneOfTwo(await Promise.all([jobs.run(['migrate']), jobs.run(['migrate'])]))
        expect(await pollsIn(openSqliteReader(join(jobs.dataDir, 'urna.db')))).toEqual(demoTitles)
      } finally {
        jobs.remove()
      }
    }
  })
})

describeServers('migrate', (suite) => {
  let jobs: JobsProcesses
  let database: string
  let databases = 0

  beforeEach(() => {
    // Not there yet: the user of tests may make it.
    database = `urna_jobs_${++databases}`
    jobs = new JobsProcesses({ ...databaseSettings(suite.server.connection, database), MASTER_KEY: masterKey })
  })
  afterEach(async () => {
    jobs.remove()
    await suite.server.dropDatabase(database)
  })

  const polls = () => pollsIn(openMysqlReplica(suite.databases.optionsOf(database)))

  it("makes the database, its tables, the demo polls and the administrator's token, and then has nothing to do", async () => {
    const first = await jobs.run(['migrate'])
    const tokenFile = join(jobs.dataDir, 'first-run.txt')
    expect(first).toMatchObject({ status: 0, stderr: expect.stringMatching(new RegExp(`^made the database ${database} on .*\\n$`)) })
    expect(first.stdout).toMatch(
      new RegExp(
        `^migrated: 0001-polls, .*\\nthe administrator's token is in ${tokenFile}\\nthe password of the user admin is in ${tokenFile}\\n$`,
      ),
    )
    expect(statSync(tokenFile).mode & 0o777).toBe(0o600)
    expect(await polls()).toEqual(demoTitles)
    const [{ name } = { name: '' }] = await suite.server.query<{ name: string }>(
      'select default_collation_name as name from information_schema.schemata where schema_name = ?',
      [database],
    )
    expect(name).toBe('utf8mb4_bin')
    expect(await jobs.run(['migrate'])).toMatchObject({ status: 0, stdout: 'nothing to migrate\n', stderr: '' })
    // The key is the given one: none is made.
    expect(existsSync(join(jobs.dataDir, 'master.key'))).toBe(false)
  })

  it(`${pairs} x two at once: one migrates, the other waits`, { timeout: 300_000 }, async () => {
    const took: number[] = []
    for (let round = 0; round < pairs; round++) {
      await suite.server.dropDatabase(database)
      const ended = await Promise.all([jobs.run(['migrate']), jobs.run(['migrate'])])
      expectOneOfTwo(ended)
      took.push(...ended.map(({ tookMs }) => tookMs))
      expect(await polls()).toEqual(demoTitles)
    }
    console.log(
      `${suite.server.product}: ${pairs} x two migrations, ${Math.round(Math.min(...took))} to ${Math.round(Math.max(...took))} ms each`,
    )
  })

  it('killed at any moment, is made up for by the next run', { timeout: 120_000 }, async () => {
    for (let round = 0; round < 8; round++) {
      await suite.server.dropDatabase(database)
      const { child, ended } = jobs.start(['migrate'])
      // The whole run takes about a second, the beginning of it without the database.
      await delay(350 + Math.random() * 600)
      child.kill('SIGKILL')
      await ended
      expect(await jobs.run(['migrate'])).toMatchObject({ status: 0 })
      expect(await polls()).toEqual(demoTitles)
      expect((await jobs.run(['recount'])).status).toBe(0)
    }
  })

  it('gives the first survey number 1, also after a run that was cut while it made it', async () => {
    await jobs.run(['migrate'])
    const tables = ['surveys', 'poll_versions', 'polls', 'settings']
    for (const table of tables) await suite.server.query(`delete from ${database}.${table}`)
    // Rows that were never committed have used their numbers up.
    await suite.server.query(`alter table ${database}.surveys auto_increment = 7`)
    expect(await jobs.run(['migrate'])).toMatchObject({ status: 0 })
    expect(await polls()).toEqual(demoTitles)
  })

  it('refuses another master key in words', async () => {
    await jobs.run(['migrate'])
    const { status, stderr } = await jobs.run(['migrate'], { MASTER_KEY: randomBytes(32).toString('hex') })
    expect([status, stderr]).toEqual([2, expect.stringMatching(/^This database was set up with another master key \(fingerprint .*\n$/)])
  })

  it("gives the administrator's token anew, of which the server has only the hash", async () => {
    await jobs.run(['migrate'])
    const token = () => readFileSync(join(jobs.dataDir, 'first-run.txt'), 'utf8').split('\n')[1] ?? ''
    const stored = async () => JSON.stringify(await suite.server.query(`select * from ${database}.settings`))
    const [first, before] = [token(), await stored()]
    expect(await jobs.run(['reset-admin-token'])).toMatchObject({ status: 0, stderr: '' })
    expect(token()).not.toBe(first)
    const after = await stored()
    expect(after).not.toBe(before)
    for (const text of [first, token()]) expect(`${before}${after}`).not.toContain(text)
  })

  it('gives a user a new password, and finds a change of the audit trail', async () => {
    await jobs.run(['migrate'])
    const hashes = async () => JSON.stringify(await suite.server.query(`select password_hash from ${database}.users`))
    const before = await hashes()
    const reset = await jobs.run(['reset-password', 'ADMIN'])
    expect(reset).toMatchObject({
      status: 0,
      stderr: '',
      stdout: expect.stringMatching(/^the new password of admin, shown only now: \S{29}\n$/),
    })
    expect(await hashes()).not.toBe(before)
    // Two demo polls made and opened, a user made, a password made anew.
    const whole = await jobs.run(['verify-audit'])
    expect(whole).toMatchObject({ status: 0, stderr: '', stdout: expect.stringMatching(/^records {8}6\nlast hash {6}[0-9a-f]{64}\n$/) })
    await suite.server.query(`delete from ${database}.audit_trail where number = 6`)
    expect(await jobs.run(['verify-audit'])).toMatchObject({ status: 1, stdout: expect.stringMatching(/^BROKEN at record 6: /) })
    const other = { MASTER_KEY: randomBytes(32).toString('hex') }
    for (const argumentsOf of [['reset-password', 'admin'], ['verify-audit']]) {
      expect(await jobs.run(argumentsOf, other)).toMatchObject({ status: 2, stderr: expect.stringContaining('another master key') })
    }
  })

  it('says what must be granted, and works with just that', async () => {
    await suite.server.query(`create database ${database}`)
    await suite.server.query("create user 'weak'@'%' identified by 'weak'")
    const weak = { DB_USER: 'weak', DB_PASSWORD: 'weak' }
    const none = await jobs.run(['migrate'], weak)
    expect(none).toMatchObject({ status: 1, stdout: '' })
    expect(none.stderr).toMatch(/^The user weak may not use the database/)
    const grant = /^ {2}(GRANT .*);$/m.exec(none.stderr)?.[1] ?? ''
    await suite.server.query(`grant select on ${database}.* to 'weak'@'%'`)
    const few = await jobs.run(['migrate'], weak)
    expect(few).toMatchObject({ status: 1, stdout: '' })
    expect(few.stderr).toMatch(/does not let the user do this: .*\n.*\n.*\n {2}GRANT /)
    expect(`${none.stderr}${few.stderr}`).not.toContain('    at ')
    await suite.server.query(grant)
    expect(await jobs.run(['migrate'], weak)).toMatchObject({ status: 0, stderr: '' })
    await suite.server.query("drop user 'weak'@'%'")
  })

  it('says what is wrong with the server that was given', async () => {
    const wrong = await jobs.run(['migrate'], { DB_PASSWORD: 'hunter2' })
    expect([wrong.status, wrong.stderr]).toEqual([1, expect.stringMatching(/^the database .* refuses the user urna: wrong password/)])
    expect(wrong.stderr).not.toContain('hunter2')
    await suite.server.query('set global read_only = on')
    try {
      const replica = await jobs.run(['migrate'], { DB_DATABASE: await suite.server.createDatabase() })
      expect([replica.status, replica.stderr]).toEqual([
        1,
        expect.stringMatching(/takes no writes .*it is a replica\. Set DB_HOST to the primary\n$/),
      ])
    } finally {
      await suite.server.query('set global read_only = off')
    }
  })

  it('waits for a server that is not there yet, up to the limit', { timeout: 120_000 }, async () => {
    await suite.server.kill()
    try {
      const gaveUp = await jobs.run(['migrate'], { MIGRATION_WAIT_SECONDS: '2' })
      expect(gaveUp.status).toBe(1)
      expect(gaveUp.stderr).toMatch(/^waiting: the database .* cannot be reached \(ECONNREFUSED\), up to 2 s more\n.*waited \d s\n$/)
      expect(gaveUp.tookMs).toBeLessThan(6_000)
      const { output, ended } = jobs.start(['migrate'], { MIGRATION_WAIT_SECONDS: '60' })
      await expect.poll(() => output.stderr, { timeout: 10_000 }).toContain('waiting: the database')
      await suite.server.run()
      expect(await ended).toMatchObject({ status: 0, stdout: expect.stringMatching(/^migrated: /) })
    } finally {
      if (suite.server.hasEnded) await suite.server.run()
    }
  })

  it('told to stop while it waits, it stops', { timeout: 60_000 }, async () => {
    const { child, output, ended } = jobs.start(['migrate'], { DB_PORT: '1' })
    await expect.poll(() => output.stderr, { timeout: 10_000 }).toContain('waiting: the database')
    child.kill('SIGINT')
    const { status, stderr, tookMs } = await ended
    expect([status, stderr.trimEnd().split('\n').at(-1)]).toEqual([1, 'stopped by SIGINT'])
    expect(tookMs).toBeLessThan(10_000)
  })
})
