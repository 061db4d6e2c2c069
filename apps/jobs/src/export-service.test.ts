import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLogger } from '@urna/runtime'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { ExportOutcome } from './export-csv.ts'
import { type ExportService, runExportService } from './export-service.ts'

const outcome: ExportOutcome = {
  manifest: { file: 'a.csv', rows: 1, bytes: 1, sha256: '', asOf: '2026-11-21T09:00:00.000Z', createdAt: '' },
  removed: ['older.csv'],
}

let folder: string
let stopping: AbortController
let lines: Record<string, unknown>[]
let ended: Promise<void> | null

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'urna-exports-'))
  stopping = new AbortController()
  lines = []
  ended = null
  // Only the steady clock, by which health goes and answers are kept: time itself goes on.
  vi.useFakeTimers({ toFake: ['performance'] })
})
afterEach(async () => {
  stopping.abort()
  await ended?.catch(() => {})
  vi.useRealTimers()
  rmSync(folder, { recursive: true })
})

const messages = () => lines.map(({ level, msg }) => `${level} ${msg}`)
const seen = (message: string) => vi.waitFor(() => expect(messages()).toContain(message), { timeout: 10_000 })

/** The service at every second, on a port of its own; its log is in `lines`. */
async function start(changes: Partial<ExportService> = {}) {
  const destination = { write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>) }
  ended = runExportService({
    config: { port: 0, host: '127.0.0.1' },
    logger: createLogger({ service: 'jobs', version: '0', level: 'info', destination }),
    every: '* * * * * *',
    folder,
    exportOnce: async () => outcome,
    databaseAnswers: async () => true,
    wordsOf: () => null,
    signal: stopping.signal,
    ...changes,
  })
  await Promise.race([seen('info exporting by the clock'), ended])
  const port = Number(lines[0]?.port)
  return async (path: string) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`)
    return [response.status, await response.text()] as const
  }
}

it('exports by the clock, tells so in log and metrics, and ends when it is told to', async () => {
  const get = await start()
  await seen('info exported the results')
  expect(lines.find(({ msg }) => msg === 'exported the results')).toMatchObject({ file: 'a.csv', asOf: outcome.manifest.asOf, removed: 1 })
  const [, metrics] = await get('/metrics')
  expect(metrics).toMatch(/^urna_exports_done_total [1-9]/m)
  expect(metrics).toContain(`urna_export_as_of_seconds ${Date.UTC(2026, 10, 21, 9) / 1_000}\n`)
  expect(await get('/healthz')).toEqual([200, '{"message":"OK"}'])
  expect(await get('/readyz')).toEqual([200, '{"ready":true,"dependencies":{"database":{"ok":true},"exports":{"ok":true}}}'])
  stopping.abort()
  await ended
  expect(messages().at(-1)).toBe('info stopped')
  await expect(get('/healthz')).rejects.toThrow()
})

it('goes on after an export that failed: in words what somebody can mend, with its stack what is our mistake', async () => {
  const failures = [new Error('the replica is away'), new TypeError('a mistake')]
  await start({
    async exportOnce({ tell }) {
      tell('reading from the primary')
      const failure = failures.shift()
      if (failure !== undefined) throw failure
      return outcome
    },
    wordsOf: (error) => (error instanceof TypeError ? null : (error as Error).message),
  })
  await seen('info exported the results')
  const failed = lines.filter(({ level }) => level === 'error')
  expect(failed.map(({ msg }) => msg)).toEqual([
    'the export failed: the replica is away. The files before stay',
    'the export failed: the files before stay',
  ])
  expect(failed.map(({ err }) => err)).toEqual([undefined, expect.objectContaining({ stack: expect.stringContaining('a mistake') })])
  expect(messages()).toContain('warn reading from the primary')
})

it('is ready while it has a database and somewhere to write, and asks for the database seldom', async () => {
  let asked = 0
  let there = false
  const get = await start({
    async databaseAnswers() {
      asked++
      return there
    },
  })
  for (let time = 0; time < 5; time++) {
    expect(await get('/readyz')).toEqual([503, '{"ready":false,"dependencies":{"database":{"ok":false},"exports":{"ok":true}}}'])
  }
  there = true
  vi.advanceTimersByTime(5_001)
  expect((await get('/readyz'))[0]).toBe(200)
  expect(asked).toBe(2)
  rmSync(folder, { recursive: true })
  writeFileSync(folder, 'a file where the folder was')
  expect(await get('/readyz')).toEqual([503, '{"ready":false,"dependencies":{"database":{"ok":true},"exports":{"ok":false}}}'])
})

it('is alive while its loop turns and no export hangs', async () => {
  const { promise: hanging, resolve } = Promise.withResolvers<ExportOutcome>()
  const exports = [async () => outcome, () => hanging]
  const get = await start({ exportOnce: () => (exports.shift() ?? (async () => outcome))() })
  await seen('info exported the results')
  // Each export has its own time, however long the service has run.
  vi.advanceTimersByTime(900_001)
  const left = 'warn an export was left out: the one before is still being written'
  await seen(left)
  expect((await get('/healthz'))[0]).toBe(200)
  const turned = () => {
    lines.splice(0)
    return seen(left)
  }
  vi.advanceTimersByTime(900_001)
  // The loop turns again: it is the export by which this is not alive.
  await turned()
  expect(await get('/healthz')).toEqual([503, '{"message":"the loop does not turn"}'])
  resolve(outcome)
  await seen('info exported the results')
  expect((await get('/healthz'))[0]).toBe(200)
})

it('says at once that its port is taken', async () => {
  const other = createServer()
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
  const { port } = other.address() as AddressInfo
  await expect(start({ config: { port, host: '127.0.0.1' } })).rejects.toMatchObject({ code: 'EADDRINUSE' })
  other.close()
})
