import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { directoryExportStore } from './directory-export-store.ts'
import { exportStoreContract } from './testing/export-store-contract.ts'
import { InMemoryExportStore } from './testing/in-memory-export-store.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'urna-exports-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

exportStoreContract('a folder', () => ({
  store: directoryExportStore(folder),
  read: (name) => readFileSync(join(folder, name), 'utf8'),
  close: () => {},
}))
exportStoreContract('in memory', () => {
  const store = new InMemoryExportStore()
  return { store, read: (name) => store.files.get(name) ?? '', close: () => {} }
})

describe('exports in a folder', () => {
  it('makes the folder, for its owner alone, and leaves no temporary file', async () => {
    const inner = join(folder, 'data/exports')
    await directoryExportStore(inner).write('a.csv', ['x'])
    expect(readdirSync(inner)).toEqual(['a.csv'])
    expect([statSync(inner).mode & 0o777, statSync(join(inner, 'a.csv')).mode & 0o777]).toEqual([0o700, 0o600])
  })

  it('a process killed half-way leaves nothing that looks like an export, and the next start removes the rest once it is old', async () => {
    const script = `
      const { directoryExportStore } = await import(${JSON.stringify(import.meta.resolve('./directory-export-store.ts'))})
      async function* chunks() { yield 'half'; await new Promise((resolve) => setTimeout(resolve, 50)); process.stdout.write('half'); await new Promise(() => setInterval(() => {}, 1000)) }
      await directoryExportStore(${JSON.stringify(folder)}).write('results-20261121T205907Z.csv', chunks())`
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
    await once(child.stdout, 'data')
    child.kill('SIGKILL')
    await once(child, 'exit')

    const [leftover = '', ...more] = readdirSync(folder)
    expect(more).toEqual([])
    expect(leftover).toMatch(/^\.results-20261121T205907Z\.csv\.[0-9a-f]+\.part$/)
    expect(readFileSync(join(folder, leftover), 'utf8')).toBe('half')
    expect(await directoryExportStore(folder).list()).toEqual([])
    // Young: it may belong to a process that is still writing.
    expect(readdirSync(folder)).toEqual([leftover])
    const hourAgo = Date.now() / 1_000 - 3_601
    utimesSync(join(folder, leftover), hourAgo, hourAgo)
    directoryExportStore(folder)
    expect(readdirSync(folder)).toEqual([])
  })

  it('removes no file of others, however old', () => {
    for (const name of ['.hidden', 'notes.part', 'results.csv']) {
      writeFileSync(join(folder, name), '')
      utimesSync(join(folder, name), 0, 0)
    }
    directoryExportStore(folder)
    expect(readdirSync(folder)).toHaveLength(3)
  })
})
