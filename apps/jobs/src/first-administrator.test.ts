import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock, systemIds, verifyPassword } from '@urna/core'
import { InMemoryPeople } from '@urna/core/testing/in-memory-people'
import { createdUser } from '@urna/core/testing/people-samples'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type FirstAdministratorInput, makeFirstAdministrator } from './first-administrator.ts'
import { TokenFileError, writeFirstRunFile } from './first-run-file.ts'

let folder: string
let people: InMemoryPeople
let said: string[]
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'urna-first-'))
  people = new InMemoryPeople()
  said = []
})
afterEach(() => rmSync(folder, { recursive: true }))

function run(changes: Partial<FirstAdministratorInput> = {}) {
  return makeFirstAdministrator({
    users: people.users,
    configured: null,
    clock: systemClock,
    ids: systemIds,
    say: (line) => said.push(line),
    dataDirectory: join(folder, 'data'),
    show: null,
    ...changes,
  })
}

const works = async (password: string) => verifyPassword(password, (await people.users.findCredentials('admin'))?.passwordHash ?? null)

describe('the first administrator', () => {
  it('is made once, with a password that stands in a file which only the owner reads, and a record', async () => {
    const { passwordFile } = await run()
    expect(passwordFile).toBe(join(folder, 'data', 'first-run.txt'))
    expect(statSync(passwordFile ?? '').mode & 0o777).toBe(0o600)
    const [heading, password = ''] = readFileSync(passwordFile ?? '', 'utf8').split('\n')
    expect(heading).toContain('admin')
    expect(await works(password)).toBe(true)
    expect(await people.users.find(1)).toMatchObject({ username: 'admin', role: 'administrator', hasPassword: true })
    expect(people.audit.records).toMatchObject([
      { action: 'user.created', actor: 'command line', subject: 'user 1', details: { role: 'administrator' } },
    ])
    expect(JSON.stringify(people.audit.records)).not.toContain(password)
    expect(await run()).toEqual({ passwordFile: null })
    expect([await works(password), said]).toEqual([true, []])
  })

  it('has the password that was chosen, which is told to nobody; later it is ignored, in words', async () => {
    const shown: string[] = []
    const show = (password: string) => shown.push(password)
    expect(await run({ configured: 'a chosen password', show })).toEqual({ passwordFile: null })
    expect([await works('a chosen password'), shown, existsSync(join(folder, 'data')), said]).toEqual([true, [], false, []])
    await run({ configured: 'another password' })
    expect([await works('a chosen password'), said]).toEqual([true, [expect.stringContaining('ADMIN_PASSWORD is ignored')]])
  })

  it('is shown on a terminal, and then stands in no file', async () => {
    const shown: string[] = []
    expect(await run({ show: (password) => shown.push(password) })).toEqual({ passwordFile: null })
    expect([await works(shown[0] ?? ''), shown.length, existsSync(join(folder, 'data'))]).toEqual([true, 1, false])
  })

  it('is not made where the password cannot be told', async () => {
    writeFileSync(join(folder, 'data'), 'a file')
    await expect(run()).rejects.toThrow(TokenFileError)
    await expect(run()).rejects.toThrow(
      /password of the first administrator.*first-run\.txt \((ENOTDIR|EEXIST)\).*DATA_DIR.*ADMIN_PASSWORD/,
    )
    expect(await people.users.findByUsername('admin')).toBeNull()
  })

  it('is not made where there is another one who can sign in; one who cannot does not count', async () => {
    await createdUser(people, 'bruno', { role: 'administrator' })
    await run({ configured: 'a chosen password' })
    expect(await works('a chosen password')).toBe(true)
    people = new InMemoryPeople()
    await createdUser(people, 'bruno', { role: 'administrator', passwordHash: 'a hash' })
    await run()
    expect(await people.users.findByUsername('admin')).toBeNull()
  })

  it('where somebody else has the name, nobody is made, and nothing is told but what to do', async () => {
    await createdUser(people, 'Admin', { role: 'administrator' })
    expect(await run()).toEqual({ passwordFile: null })
    expect([said, existsSync(join(folder, 'data'))]).toEqual([[expect.stringContaining('reset-password Admin')], false])
    await people.users.update(
      1,
      { username: 'Admin', name: '', secondName: '', email: '', role: 'voter', atMs: 1 },
      { atMs: 1, actor: { userId: null, name: 'test' }, action: 'user.changed', subject: 'user 1', details: {} },
    )
    await run()
    expect(said.at(-1)).toContain('who is none')
  })
})

describe('first-run.txt', () => {
  it('holds both secrets, and loses neither when the other is made anew', () => {
    const path = writeFirstRunFile(folder, 'token', 'token-1')
    writeFirstRunFile(folder, 'password', 'password-1')
    const secrets = () =>
      readFileSync(path, 'utf8')
        .split('\n')
        .filter((line) => /^\w+-\d$/.test(line))
    expect(secrets()).toEqual(['token-1', 'password-1'])
    chmodSync(path, 0o644)
    writeFirstRunFile(folder, 'token', 'token-2')
    expect(secrets()).toEqual(['token-2', 'password-1'])
    expect(statSync(path).mode & 0o777).toBe(0o600)
    writeFileSync(path, 'something else\n')
    writeFirstRunFile(folder, 'password', 'password-2')
    expect(readFileSync(path, 'utf8').split('\n').slice(1)).toEqual(['password-2', ''])
  })
})
