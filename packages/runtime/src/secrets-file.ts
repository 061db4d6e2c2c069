import { randomBytes } from 'node:crypto'
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { makeFile } from './new-file.ts'

export const keyFileBytes = 32

export class KeyFileError extends Error {
  override name = 'KeyFileError'
}

export interface KeyFile {
  readonly key: Buffer
  /** True: it was made now. */
  readonly created: boolean
}

export interface KeyFileOptions {
  /** Hears that others can read the file; it is used nevertheless, since a mounted secret often cannot be narrowed. */
  readonly warn: (message: string) => void
}

/**
 * The key of 32 bytes in `path`; makes it at the first run (mode 0600). The file appears whole or not at all, and of two processes that
 * make it at the same time both get the key of the first. Throws {@link KeyFileError} for a file that is no such key: making another
 * one instead would make everything sealed with the old one unreadable.
 */
export function readOrCreateKeyFile(path: string, { warn }: KeyFileOptions): KeyFile {
  const existing = readKeyFile(path, warn)
  if (existing !== null) return { key: existing, created: false }
  const key = randomBytes(keyFileBytes)
  // Else somebody else was faster.
  if (makeFile(path, key, { mode: 0o600 })) return { key, created: true }
  const other = readKeyFile(path, warn)
  if (other === null) throw new KeyFileError(`${path} was made and removed again by somebody else`)
  return { key: other, created: false }
}

function readKeyFile(path: string, warn: (message: string) => void): Buffer | null {
  let file: number
  try {
    file = openSync(path, 'r')
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') return null
    throw new KeyFileError(`${path} cannot be read`, { cause: error })
  }
  try {
    const { size, mode } = fstatSync(file)
    if (!fstatSync(file).isFile() || size !== keyFileBytes) {
      throw new KeyFileError(
        `${path}: expected a key of ${keyFileBytes} bytes, got ${size}. Put the right file back; remove it only if nothing was ever counted with it.`,
      )
    }
    if ((mode & 0o077) !== 0) warn(`${path} can be read by others (mode ${(mode & 0o777).toString(8)}): chmod 600 it`)
    const key = Buffer.alloc(keyFileBytes)
    if (readSync(file, key, 0, keyFileBytes, 0) !== keyFileBytes) throw new KeyFileError(`${path} cannot be read whole`)
    return key
  } finally {
    closeSync(file)
  }
}
