import { createHash, randomBytes } from 'node:crypto'
import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs'
import { open, readdir, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { ExportStore, StoredExport } from '@urna/core'
import { giveName, syncDirectory } from '@urna/runtime'
import { compareFileNames } from './export-name.ts'

/** The name is taken: the older export stays as it is. */
export class ExportNameTakenError extends Error {
  override name = 'ExportNameTakenError'
}

const temporaryName = /^\..*\.part$/
const temporaryAgeMsMax = 3_600_000

/**
 * Exports as files of one folder, which is made if it is missing. What a crash left half-written is removed here once it is an hour old:
 * until then it may belong to another process that is still writing.
 */
export function directoryExportStore(folder: string): ExportStore {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  removeLeftovers(folder)
  return {
    write: (name, chunks) => writeExport(folder, name, chunks),
    async list() {
      const entries = await readdir(folder, { withFileTypes: true })
      const files = entries.filter((entry) => entry.isFile() && !entry.name.startsWith('.'))
      return files.map((file) => file.name).sort(compareFileNames)
    },
    async remove(name) {
      await rm(pathOf(folder, name), { force: true })
      syncDirectory(folder)
    },
  }
}

function removeLeftovers(folder: string): void {
  for (const name of readdirSync(folder)) {
    if (!temporaryName.test(name)) continue
    const path = join(folder, name)
    const modifiedAtMs = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Number.POSITIVE_INFINITY
    if (Date.now() - modifiedAtMs > temporaryAgeMsMax) rmSync(path, { force: true })
  }
}

async function writeExport(folder: string, name: string, chunks: AsyncIterable<string> | Iterable<string>): Promise<StoredExport> {
  const path = pathOf(folder, name)
  // In the same folder: a name can only be given within one file system.
  const temporaryPath = join(folder, `.${name}.${randomBytes(6).toString('hex')}.part`)
  const hash = createHash('sha256')
  let bytes = 0
  try {
    // Results that a poll hides are in it: for the owner of the process alone.
    const file = await open(temporaryPath, 'wx', 0o600)
    try {
      for await (const chunk of chunks) {
        const data = Buffer.from(chunk)
        hash.update(data)
        bytes += data.length
        await file.appendFile(data)
      }
      await file.sync()
    } finally {
      await file.close()
    }
    giveName(temporaryPath, path)
  } catch (error) {
    if ((error as { code?: string }).code !== 'EEXIST') throw error
    throw new ExportNameTakenError(`${name} exists already`, { cause: error })
  } finally {
    await rm(temporaryPath, { force: true })
  }
  return { name, bytes, sha256: hash.digest('hex') }
}

/** A name is one file of the folder and nothing above or below it, and not a hidden one. */
function pathOf(folder: string, name: string): string {
  if (name !== basename(name) || name.startsWith('.') || name.includes('\0'))
    throw new RangeError(`not a name of an export: ${JSON.stringify(name)}`)
  return join(folder, name)
}
