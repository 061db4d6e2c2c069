import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { giveName } from './new-file.ts'
import { KeyFileError, readOrCreateKeyFile } from './secrets-file.ts'

let directory: string
let warnings: string[]
const warn = (message: string) => void warnings.push(message)

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'urna-key-'))
  warnings = []
})
afterEach(() => rmSync(directory, { recursive: true }))

describe('key file', () => {
  it('is made once, readable by its owner only, and is the same from then on', () => {
    const path = join(directory, 'master.key')
    const made = readOrCreateKeyFile(path, { warn })
    expect(made.created).toBe(true)
    expect(made.key).toHaveLength(32)
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(readFileSync(path)).toEqual(made.key)
    expect(readOrCreateKeyFile(path, { warn })).toEqual({ key: made.key, created: false })
    expect(readdirSync(directory)).toEqual(['master.key'])
    expect(warnings).toEqual([])
  })

  it('differs from one directory to another', () => {
    const [first, second] = ['a', 'b'].map((name) => readOrCreateKeyFile(join(directory, name), { warn }).key)
    expect(first).not.toEqual(second)
  })

  it.each([0, 31, 33, 45])('of %i bytes is refused and left alone', (size) => {
    const path = join(directory, 'master.key')
    writeFileSync(path, Buffer.alloc(size, 7), { mode: 0o600 })
    expect(() => readOrCreateKeyFile(path, { warn })).toThrow(KeyFileError)
    expect(() => readOrCreateKeyFile(path, { warn })).toThrow(`expected a key of 32 bytes, got ${size}`)
    expect(readFileSync(path)).toHaveLength(size)
  })

  it('is no directory', () => {
    mkdirSync(join(directory, 'master.key'))
    expect(() => readOrCreateKeyFile(join(directory, 'master.key'), { warn })).toThrow(KeyFileError)
  })

  it('that others can read is used with a warning', () => {
    const path = join(directory, 'master.key')
    const { key } = readOrCreateKeyFile(path, { warn })
    chmodSync(path, 0o644)
    expect(readOrCreateKeyFile(path, { warn }).key).toEqual(key)
    expect(warnings).toEqual([`${path} can be read by others (mode 644): chmod 600 it`])
  })
})

describe('giveName', () => {
  it('never replaces a file that has the name', () => {
    const [taken, temporary] = [join(directory, 'taken'), join(directory, '.new')]
    writeFileSync(taken, 'old')
    writeFileSync(temporary, 'new')
    expect(() => giveName(temporary, taken)).toThrow(expect.objectContaining({ code: 'EEXIST' }))
    expect([readFileSync(taken, 'utf8'), readFileSync(temporary, 'utf8')]).toEqual(['old', 'new'])
    giveName(temporary, join(directory, 'free'))
    expect(readdirSync(directory)).toEqual(['free', 'taken'])
  })
})
