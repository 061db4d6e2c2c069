import { randomBytes } from 'node:crypto'
import { closeSync, existsSync, fchmodSync, fsyncSync, linkSync, openSync, renameSync, rmSync, unlinkSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

/** File systems without hard links say one of these. */
const noLinks = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'])

/**
 * Gives a finished file (in the same directory) its name, at once and for good: after this the name survives a crash of the machine.
 * Throws EEXIST when the name is taken, and leaves both files as they are: a rename would have replaced the other one silently.
 */
export function giveName(temporaryPath: string, path: string): void {
  try {
    linkSync(temporaryPath, path)
    unlinkSync(temporaryPath)
  } catch (error) {
    if (!noLinks.has((error as { code?: string }).code ?? '')) throw error
    if (existsSync(path)) throw Object.assign(new Error(`${path} exists already`), { code: 'EEXIST' })
    renameSync(temporaryPath, path)
  }
  syncDirectory(dirname(path))
}

/** Makes a file, which appears whole or not at all, with exactly this mode. False: the name is taken, and what is there stays. */
export function makeFile(path: string, content: string | Uint8Array, { mode }: { mode: number }): boolean {
  const temporaryPath = join(dirname(path), `.${basename(path)}.${randomBytes(8).toString('hex')}`)
  const file = openSync(temporaryPath, 'wx', 0o600)
  try {
    try {
      writeFileSync(file, content)
      fchmodSync(file, mode)
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
    giveName(temporaryPath, path)
    return true
  } catch (error) {
    if ((error as { code?: string }).code === 'EEXIST') return false
    throw error
  } finally {
    rmSync(temporaryPath, { force: true })
  }
}

/** A new name is on the disk only when its directory is. */
export function syncDirectory(path: string): void {
  const directory = openSync(path, 'r')
  try {
    fsyncSync(directory)
  } finally {
    closeSync(directory)
  }
}
