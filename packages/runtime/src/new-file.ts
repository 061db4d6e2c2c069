import { closeSync, existsSync, fsyncSync, linkSync, openSync, renameSync, unlinkSync } from 'node:fs'
import { dirname } from 'node:path'

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

/** A new name is on the disk only when its directory is. */
export function syncDirectory(path: string): void {
  const directory = openSync(path, 'r')
  try {
    fsyncSync(directory)
  } finally {
    closeSync(directory)
  }
}
