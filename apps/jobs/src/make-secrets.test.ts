import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadConfig } from '@urna/runtime'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { makeSecrets } from './make-secrets.ts'
import { runJobs } from './run.ts'

const files = [
  ...['admin-password', 'admin-token', 'database-password', 'database-root-password', 'master-key', 'redis-password', 'redis.conf'],
  'replication-password',
]

let parent: string
let folder: string
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'urna-secrets-'))
  folder = join(parent, 'secrets')
})
afterEach(() => rmSync(parent, { recursive: true }))

const textOf = (name: string) => readFileSync(join(folder, name), 'utf8')
const texts = () => Object.fromEntries(readdirSync(folder).map((name) => [name, textOf(name)]))

async function run(...argumentsOf: string[]) {
  const printed: string[] = []
  const warned: string[] = []
  const output = { print: (line: string) => printed.push(line), warn: (line: string) => warned.push(line), isTerminal: false }
  return { status: await runJobs(argumentsOf, { PORT: 'wrong' }, output), printed, warned }
}

describe('secrets', () => {
  it('are made whole, for every user of the containers, and nothing else is there', () => {
    const mask = process.umask(0o077)
    try {
      expect([...makeSecrets(folder).made].sort()).toEqual(files)
    } finally {
      process.umask(mask)
    }
    expect(readdirSync(folder).sort()).toEqual(files)
    expect(files.map((name) => statSync(join(folder, name)).mode & 0o777)).toEqual(files.map(() => 0o444))
    expect(Buffer.from(textOf('master-key'), 'base64')).toHaveLength(32)
    expect(textOf('redis.conf')).toBe(`requirepass ${textOf('redis-password')}\n`)
    // One for each purpose: eight files, of which redis.conf holds another one's.
    expect(new Set(Object.values(texts())).size).toBe(8)
  })

  it('are settings that our processes take', () => {
    makeSecrets(folder)
    const from = (name: string) => join(folder, name)
    const config = loadConfig(
      {
        DB_HOST: 'primary',
        DB_REPLICA_HOST: 'replica',
        DB_USER: 'urna',
        DB_PASSWORD_FILE: from('database-password'),
        MASTER_KEY_FILE: from('master-key'),
        ADMIN_TOKEN_FILE: from('admin-token'),
        ADMIN_PASSWORD_FILE: from('admin-password'),
        REPLICATION_ADMIN_PASSWORD_FILE: from('database-root-password'),
        REPLICATION_PASSWORD_FILE: from('replication-password'),
      },
      'jobs',
      { needsReplication: true },
    )
    expect(config.adminToken).toBe(textOf('admin-token'))
    expect(config.database).toMatchObject({ kind: 'mysql' })
    expect(
      loadConfig(
        {
          DB_HOST: 'primary',
          DB_USER: 'urna',
          DB_PASSWORD_FILE: from('database-password'),
          MASTER_KEY_FILE: from('master-key'),
          REDIS_HOST: 'redis',
          REDIS_PASSWORD_FILE: from('redis-password'),
        },
        'api',
      ).queue,
    ).toMatchObject({ kind: 'redis' })
  })

  it('stay what they are: only what is missing is made', () => {
    makeSecrets(folder)
    rmSync(join(folder, 'admin-token'))
    rmSync(join(folder, 'redis.conf'))
    const before = texts()
    expect(makeSecrets(folder)).toEqual({ made: ['admin-token', 'redis.conf'], warnings: [] })
    expect(texts()).toMatchObject(before)
    expect(makeSecrets(folder)).toEqual({ made: [], warnings: [] })
  })

  it('says that the two of Redis do not go together', () => {
    makeSecrets(folder)
    rmSync(join(folder, 'redis-password'))
    const { made, warnings } = makeSecrets(folder)
    expect(made).toEqual(['redis-password'])
    expect(warnings.join()).toContain('remove one of the two')
  })
})

describe('the command', () => {
  it('names what it made, without any content and without reading a setting', async () => {
    const { status, printed, warned } = await run('make-secrets', folder)
    expect({ status, warned }).toEqual({ status: 0, warned: [] })
    expect(printed.map((line) => line.replace(/^made /, '')).sort()).toEqual(files.map((name) => join(folder, name)))
    for (const text of Object.values(texts())) expect(printed.join('\n')).not.toContain(text)
    expect((await run('make-secrets', folder)).printed).toEqual(['nothing to make'])
  })

  it('says what to do where it cannot write', async () => {
    writeFileSync(folder, 'a file')
    const { status, printed, warned } = await run('make-secrets', folder)
    expect({ status, printed }).toEqual({ status: 2, printed: [] })
    expect(warned.join()).toMatch(/cannot be written to .*secrets \(EEXIST\): choose a folder/)
    expect((await run('make-secrets')).warned.join()).toContain('missing required argument')
  })

  it.skipIf(process.getuid?.() === 0)('says so of a folder of somebody else', async () => {
    chmodSync(parent, 0o500)
    expect((await run('make-secrets', folder)).warned.join()).toContain('(EACCES)')
    chmodSync(parent, 0o700)
  })
})
