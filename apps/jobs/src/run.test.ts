import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { PollId } from '@urna/core'
import { hmacSha256, openMasterKey, rowSequence, verifyPassword } from '@urna/core'
import { entryOf, sampleSession } from '@urna/core/testing/people-samples'
import {
  openSqliteWriter,
  type Primary,
  SqlBallotRepository,
  SqlPollRepository,
  SqlSettings,
  SqlUserRepository,
  sqlPeople,
} from '@urna/database'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { tokenHash } from './administrator-token.ts'
import { runJobs } from './run.ts'
import { parseCsv } from './testing/parse-csv.ts'

let dataDir: string
/** Of those that only read. */
const auditKey = { auditHmac: hmacSha256(Buffer.alloc(32)) }
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'urna-jobs-'))
})
afterEach(() => rmSync(dataDir, { recursive: true }))

async function run(...argumentsOf: string[]) {
  return runWith({}, ...argumentsOf)
}

async function runWith(environment: Record<string, string>, ...argumentsOf: string[]) {
  const printed: string[] = []
  const warned: string[] = []
  const status = await runJobs(
    argumentsOf,
    { DATA_DIR: dataDir, ...environment },
    { print: (line) => printed.push(line), warn: (line) => warned.push(line), isTerminal: false },
  )
  return { status, printed, warned: warned.join('\n') }
}

async function writing<Value>(write: (primary: Primary) => Promise<Value>): Promise<Value> {
  const primary = openSqliteWriter(join(dataDir, 'urna.db'))
  try {
    return await write(primary)
  } finally {
    await primary.close()
  }
}

/** Counts ballots of distinct voters for the poll of survey id 1 as the consumer does. */
async function vote(options: readonly number[]): Promise<PollId> {
  return writing(async (primary) => {
    const poll = await new SqlPollRepository(primary).findBySurveyId(1)
    if (poll === null) throw new Error('no demo poll')
    const ballots = options.map((option, index) => {
      const seq = rowSequence({ epoch: 1, row: index + 1, index: 0 })
      const voterKey = Buffer.from(String(index).padStart(16, '0'))
      return { pollId: poll.id, pollVersion: poll.version.version, voterKey, seq, rank: seq, answers: [String(option)], atMs: 0 }
    })
    const definitions = new Map([[poll.id, poll.definition]])
    await new SqlBallotRepository(primary).countBatch({ shard: 0, ballots, deadLetters: [], definitions })
    return poll.id
  })
}

describe('migrate', () => {
  it('makes the database, the master key and the demo polls, and then has nothing to do', async () => {
    const first = await run('migrate')
    expect(first).toMatchObject({ status: 0, warned: '' })
    expect(first.printed).toEqual([
      expect.stringMatching(/^migrated: 0001-polls, /),
      `the administrator's token is in ${join(dataDir, 'first-run.txt')}`,
      `the password of the user admin is in ${join(dataDir, 'first-run.txt')}`,
    ])
    for (const name of ['master.key', 'first-run.txt']) expect(statSync(join(dataDir, name)).mode & 0o777).toBe(0o600)
    expect(await run('migrate')).toEqual({ status: 0, printed: ['nothing to migrate'], warned: '' })
  })

  it('makes no token and no password where they are set', async () => {
    const own = { ADMIN_TOKEN: 'a-token-of-our-own', ADMIN_PASSWORD: 'a password of our own' }
    expect((await runWith(own, 'migrate')).printed).toHaveLength(1)
    expect(existsSync(join(dataDir, 'first-run.txt'))).toBe(false)
    expect(await works('admin', own.ADMIN_PASSWORD)).toBe(true)
    expect(await runWith(own, 'migrate')).toMatchObject({ status: 0, warned: expect.stringContaining('ADMIN_PASSWORD is ignored') })
  })

  it('of which the token is made anew on request, and only then', async () => {
    await run('migrate')
    const tokenAndHash = async () => ({
      token: readFileSync(join(dataDir, 'first-run.txt'), 'utf8').split('\n')[1] ?? '',
      hash: await writing((primary) => new SqlSettings(primary).get('admin_token_hash')),
    })
    const first = await tokenAndHash()
    expect(tokenHash(first.token).toString('hex')).toBe(first.hash)
    const { status, printed } = await run('reset-admin-token')
    expect([status, printed]).toEqual([
      0,
      [`the administrator's token is in ${join(dataDir, 'first-run.txt')}`, 'it counts from the next start of api or standalone on'],
    ])
    const second = await tokenAndHash()
    expect(second.hash).not.toBe(first.hash)
    expect(tokenHash(second.token).toString('hex')).toBe(second.hash)
    expect(await runWith({ ADMIN_TOKEN: 'a-token-of-our-own' }, 'reset-admin-token')).toMatchObject({
      status: 2,
      warned: expect.stringContaining('ADMIN_TOKEN is set'),
    })
  })

  it('refuses another key in words', async () => {
    await run('migrate')
    const { status, warned } = await runWith({ MASTER_KEY: randomBytes(32).toString('hex') }, 'migrate')
    expect(status).toBe(2)
    expect(warned).toContain('set up with another master key')
    expect(warned).not.toContain('    at ')
  })
})

const works = (username: string, password: string) =>
  writing(async (primary) =>
    verifyPassword(password, (await new SqlUserRepository(primary, auditKey).findCredentials(username))?.passwordHash ?? null),
  )

describe('reset-password', () => {
  it('prints a new one, ends what the user had begun, and is recorded', async () => {
    await run('migrate')
    const file = readFileSync(join(dataDir, 'first-run.txt'), 'utf8').split('\n')
    expect(await works('admin', file[3] ?? '')).toBe(true)
    await writing((primary) => {
      const { sessions } = sqlPeople(primary, openMasterKey(readFileSync(join(dataDir, 'master.key'))))
      return sessions.create(sampleSession(1, 'secret'), { replaces: null, keep: 9 }, entryOf('session.began'))
    })
    const { status, printed, warned } = await run('reset-password', 'ADMIN')
    expect([status, printed.length, warned]).toEqual([0, 1, ''])
    const [, password = ''] = /^the new password of admin, shown only now: (\S{29})$/.exec(printed[0] ?? '') ?? []
    expect([await works('admin', password), await works('admin', file[3] ?? '')]).toEqual([true, false])
    await writing(async (primary) => {
      const { sessions, audit } = sqlPeople(primary, auditKey)
      expect(await sessions.list(1)).toEqual([])
      expect((await audit.list({ limit: 1, before: null })).records).toMatchObject([
        { action: 'password.reset', actor: 'command line', subject: 'user 1', details: {} },
      ])
    })
    expect((await run('verify-audit')).status).toBe(0)
  })

  it('says in words that there is no such user, no database, no key, or another key', async () => {
    expect(await run('reset-password', 'admin')).toMatchObject({ status: 2, warned: expect.stringContaining('there is no database at') })
    await run('migrate')
    expect(await run('reset-password', 'nobody"')).toMatchObject({ status: 2, warned: 'there is no user "nobody\\""', printed: [] })
    const other = { MASTER_KEY: randomBytes(32).toString('hex') }
    expect(await runWith(other, 'reset-password', 'admin')).toMatchObject({
      status: 2,
      warned: expect.stringContaining('another master key'),
    })
    expect(await runWith(other, 'verify-audit')).toMatchObject({ status: 2, warned: expect.stringContaining('another master key') })
    rmSync(join(dataDir, 'master.key'))
    expect(await run('reset-password', 'admin')).toMatchObject({ status: 2, warned: expect.stringContaining('there is no master key') })
    // It made none.
    expect(existsSync(join(dataDir, 'master.key'))).toBe(false)
  })
})

describe('verify-audit', () => {
  it('says how many records there are and what the last one is, and finds a change', async () => {
    await run('migrate')
    const { status, printed } = await run('verify-audit')
    // Two demo polls were made and opened, and one user made.
    expect([status, printed]).toEqual([0, ['records        5', expect.stringMatching(/^last hash {6}[0-9a-f]{64}$/)]])
    await writing((primary) => primary.db.updateTable('audit_trail').set({ actor: 'user 9' }).where('number', '=', 3).execute())
    const broken = await run('verify-audit')
    expect([broken.status, broken.printed]).toEqual([1, [expect.stringMatching(/^BROKEN at record 3: the record is not what was written/)]])
    expect(broken.warned).toBe('')
  })
})

describe('export-csv', () => {
  it('writes the file, its manifest, and says where', async () => {
    await run('migrate')
    await vote([1, 2, 2])
    const { status, printed } = await run('export-csv')
    expect(status).toBe(0)
    const path = printed[0] ?? ''
    expect(path.startsWith(join(dataDir, 'exports', 'results-'))).toBe(true)
    expect(printed[1]).toMatch(/^rows=5 bytes=\d+ sha256=[0-9a-f]{64} as-of=none removed=0$/)
    // 1 of 3 = 33.3 %, 2 of 3 = 66.7 %
    const rows = parseCsv(readFileSync(path, 'utf8'))
    expect(rows.find((row) => row[3] === 'coca')).toEqual(['1', 'Coca or Pepsi?', 'Coca or Pepsi?', 'coca', '1', '33.3', 'no'])
    expect(rows.find((row) => row[3] === 'pepsi')?.slice(4)).toEqual(['2', '66.7', 'yes'])
    expect(existsSync(`${path}.manifest.json`)).toBe(true)
  })

  it('takes folder, mark and count from the command line, else from the settings', async () => {
    await run('migrate')
    const folder = join(dataDir, 'elsewhere')
    for (let index = 0; index < 3; index++) await run('export-csv', '--folder', folder, '--bom', '--keep', '2')
    expect(readdirSync(folder)).toHaveLength(4) // two exports, two manifests
    const { printed } = await runWith({ EXPORT_BOM: 'true', EXPORT_KEEP: '1' }, 'export-csv', '--folder', folder)
    expect(readdirSync(folder)).toHaveLength(2)
    expect(readFileSync(printed[0] ?? '', 'utf8').startsWith('\uFEFFsurvey_id,')).toBe(true)
  })
})

describe('recount', () => {
  it('finds the tallies right, for all polls or one, and needs no key', async () => {
    await run('migrate')
    const pollId = await vote([1, 2, 2])
    rmSync(join(dataDir, 'master.key'))
    const all = await run('recount')
    expect(all).toMatchObject({ status: 0, warned: '' })
    expect(all.printed).toContain(`${pollId}            3            3  ok`)
    expect(all.printed.at(-1)).toBe('2 polls, 0 mismatches')
    for (const name of ['1', pollId]) {
      expect((await run('recount', name)).printed.slice(1)).toEqual([`${pollId}            3            3  ok`, '1 polls, 0 mismatches'])
    }
  })

  it('finds a planted mismatch, exits with 1, and leaves it there', async () => {
    await run('migrate')
    const pollId = await vote([1, 2, 2])
    await writing((primary) =>
      primary.db.updateTable('tallies').set({ n: 2 }).where('poll_id', '=', pollId).where('tally_key', '=', '1').execute(),
    )
    for (let time = 0; time < 2; time++) {
      const { status, printed } = await run('recount')
      expect(status).toBe(1)
      expect(printed).toContain(`${pollId}            3            3  MISMATCH`)
      expect(printed).toContain('  question 1, option 1            2            1')
      expect(printed.at(-1)).toBe('2 polls, 1 mismatches')
    }
  })

  it('finds a ballot that is gone', async () => {
    await run('migrate')
    const pollId = await vote([1, 2, 2])
    await writing((primary) =>
      primary.db
        .deleteFrom('ballots')
        .where('voter_key', '=', Buffer.from('0'.repeat(16)))
        .execute(),
    )
    expect((await run('recount', '1')).printed.slice(0, 3)).toEqual([
      'poll                  turnout      ballots  result',
      `${pollId}            3            2  MISMATCH`,
      '  turnout                   3            2',
    ])
  })
})

describe('what can go wrong at the terminal', () => {
  it.each([
    [['recount'], 'there is no database at'],
    [['export-csv'], 'there is no database at'],
    [['export-csv', '--keep', '0'], 'expected a whole number from 1'],
    [['count'], "unknown command 'count'"],
    [['recount', '1', '2'], 'too many arguments'],
    [['recount', '--replica'], 'set DB_REPLICA_HOST'],
    [['reset-admin-token'], 'there is no database at'],
    [['reset-password', 'admin'], 'there is no database at'],
    [['reset-password'], 'missing required argument'],
    [['verify-audit'], 'there is no database at'],
    [['export-csv', '--every'], 'there is no database at'],
    [['set-up-replication'], 'a file has no replica'],
    [['set-up-replication', '--force-empty'], 'argument missing'],
  ])('%j is said in words, with status 2', async (argumentsOf, words) => {
    const { status, printed, warned } = await run(...argumentsOf)
    expect(status).toBe(2)
    expect(warned).toContain(words)
    expect(warned).not.toContain('    at ')
    expect(printed).toEqual([])
    expect(readdirSync(dataDir)).toEqual([])
  })

  it('names an unknown poll and a wrong setting', async () => {
    await run('migrate')
    expect((await run('recount', '99')).warned).toBe('expected a poll id or a survey id, got "99"')
    expect((await run('recount', '../x')).warned).toBe('expected a poll id or a survey id, got "../x"')
    expect((await runWith({ EXPORT_KEEP: 'many', REDIS_HOST: 'redis' }, 'recount')).warned).toMatch(
      /2 settings are wrong:\n {2}EXPORT_KEEP.*\n {2}DB_HOST/,
    )
  })

  it('helps without any setting', async () => {
    const { status, printed } = await runWith({ PORT: 'wrong' }, '--help')
    expect(status).toBe(0)
    for (const command of [
      'migrate',
      'reset-admin-token',
      'reset-password',
      'verify-audit',
      'export-csv',
      'recount',
      'set-up-replication',
      'make-secrets',
      'Exit status: 0 done, 1 failed, 2',
    ])
      expect(printed.join('\n')).toContain(command)
  })

  it('the process itself passes the status on', () => {
    const main = fileURLToPath(new URL('./main.ts', import.meta.url))
    const ended = spawnSync(process.execPath, [main, 'recount'], { env: { DATA_DIR: dataDir }, cwd: dataDir, encoding: 'utf8' })
    expect({ status: ended.status, stdout: ended.stdout }).toEqual({ status: 2, stdout: '' })
    expect(ended.stderr).toContain('there is no database at')
  })
})
