import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { administratorTokenHash, resetAdministratorToken, TokenFileError, tokenHash } from './administrator-token.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'urna-token-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

class Settings {
  readonly values = new Map<string, string>()
  async get(name: string) {
    return this.values.get(name) ?? null
  }
  async setIfAbsent(name: string, value: string) {
    if (!this.values.has(name)) this.values.set(name, value)
    return this.values.get(name) as string
  }
  async replace(name: string, value: string) {
    this.values.set(name, value)
  }
}

function run(settings: Settings, configured: string | null = null, show: ((token: string) => void) | null = null) {
  return administratorTokenHash({ configured, settings, dataDirectory: join(folder, 'data'), show })
}

const tokenIn = (path: string | null) => readFileSync(path ?? '', 'utf8').split('\n')[1] ?? ''

describe("the administrator's token", () => {
  it('is made once: in a file for its owner alone where there is no terminal, of which only the hash is kept', async () => {
    const settings = new Settings()
    const { hash, tokenFile } = await run(settings)
    expect(tokenFile).toBe(join(folder, 'data/first-run.txt'))
    expect(statSync(tokenFile ?? '').mode & 0o777).toBe(0o600)
    expect(tokenHash(tokenIn(tokenFile))).toEqual(hash)
    expect(JSON.stringify([...settings.values])).not.toContain(tokenIn(tokenFile))
    expect(await run(settings)).toEqual({ hash, tokenFile: null })
  })

  it('is shown on a terminal, and then stands in no file', async () => {
    const shown: string[] = []
    const { hash, tokenFile } = await run(new Settings(), null, (token) => shown.push(token))
    expect(shown.map(tokenHash)).toEqual([hash])
    expect([tokenFile, existsSync(join(folder, 'data'))]).toEqual([null, false])
  })

  it('is the configured one where there is one, which is not stored', async () => {
    const settings = new Settings()
    expect(await run(settings, 'configured-token')).toEqual({ hash: tokenHash('configured-token'), tokenFile: null })
    expect(settings.values.size).toBe(0)
  })

  it('of another process that was faster stays, and nobody is told of this one', async () => {
    const settings = new Settings()
    const other = await run(settings)
    settings.get = async () => null
    expect(await run(settings)).toEqual({ hash: other.hash, tokenFile: null })
  })

  it('is told before its hash is stored: where it cannot be told, nothing is stored', async () => {
    const settings = new Settings()
    writeFileSync(join(folder, 'data'), 'a file')
    await expect(run(settings)).rejects.toThrow(TokenFileError)
    await expect(run(settings)).rejects.toThrow(/first-run\.txt \((ENOTDIR|EEXIST)\).*DATA_DIR.*ADMIN_TOKEN/)
    expect(settings.values.size).toBe(0)
  })

  it('can be made anew: the file of the first one is replaced, with the rights of a new file', async () => {
    const settings = new Settings()
    const first = await run(settings)
    chmodSync(first.tokenFile ?? '', 0o644)
    const { tokenFile } = await resetAdministratorToken({
      replace: (name, value) => settings.replace(name, value),
      dataDirectory: join(folder, 'data'),
      show: null,
    })
    expect(tokenFile).toBe(first.tokenFile)
    expect(statSync(tokenFile ?? '').mode & 0o777).toBe(0o600)
    const { hash } = await run(settings)
    expect(hash).toEqual(tokenHash(tokenIn(tokenFile)))
    expect(hash).not.toEqual(first.hash)
  })
})
