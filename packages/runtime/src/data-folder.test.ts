import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { DataFolderError, openDataFolder } from './data-folder.ts'

let parent: string
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'urna-folder-'))
})
afterEach(() => rmSync(parent, { recursive: true }))

describe('the folder of the data', () => {
  it('is made, for this user only, and found the next time', () => {
    const path = join(parent, 'a/b')
    openDataFolder(path)
    openDataFolder(path)
    expect(statSync(path).mode & 0o777).toBe(0o700)
  })

  it('that cannot be one is said in words', () => {
    writeFileSync(join(parent, 'file'), '')
    for (const path of [join(parent, 'file'), join(parent, 'file/below')]) {
      expect(() => openDataFolder(path)).toThrow(DataFolderError)
      expect(() => openDataFolder(path)).toThrow(/DATA_DIR .* cannot be written to \(E[A-Z]+\): mount a volume there/)
    }
    // What nobody can write to, root included.
    expect(() => openDataFolder('/proc/1')).toThrow(DataFolderError)
  })

  it.skipIf(process.getuid?.() === 0)('of somebody else is said too', () => {
    chmodSync(parent, 0o500)
    expect(() => openDataFolder(parent)).toThrow('(EACCES)')
    chmodSync(parent, 0o700)
  })
})
