import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'

export class DataDirectoryInUseError extends Error {
  override name = 'DataDirectoryInUseError'
}

export interface DataDirectory {
  readonly path: string
  release(): void
}

/**
 * Takes an existing data directory for this process alone: two would count into the same files. The lock is the operating system's, on
 * `lock.db`, and is gone with the process however it ends; `process.json` says who holds it.
 */
export function takeDataDirectory(path: string, port: number): DataDirectory {
  const processFile = join(path, 'process.json')
  const lock = new Database(join(path, 'lock.db'), { timeout: 0 })
  try {
    lock.pragma('locking_mode = EXCLUSIVE')
    lock.exec('BEGIN EXCLUSIVE')
  } catch (cause) {
    lock.close()
    if ((cause as { code?: string }).code !== 'SQLITE_BUSY') throw cause
    throw new DataDirectoryInUseError(
      `DATA_DIR ${path} is in use by ${holder(processFile)}. Stop that one first, or set DATA_DIR to another directory.`,
      { cause },
    )
  }
  writeFileSync(processFile, `${JSON.stringify({ pid: process.pid, port, startedAt: new Date().toISOString() })}\n`)
  return { path, release: () => lock.close() }
}

function holder(processFile: string): string {
  try {
    const { pid, port, startedAt } = JSON.parse(readFileSync(processFile, 'utf8')) as { pid: number; port: number; startedAt: string }
    return `process ${pid} (port ${port}, started ${startedAt})`
  } catch {
    return 'another process'
  }
}
