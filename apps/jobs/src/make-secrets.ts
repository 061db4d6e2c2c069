import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeFile } from '@urna/runtime'

/** The folder cannot be written to. */
export class SecretFilesError extends Error {
  override name = 'SecretFilesError'
}

export type SecretKind = 'key' | 'password'

/** 256 bits for what everything is sealed with. A password of 32 characters is as long as replication takes one. */
const newSecrets: Readonly<Record<SecretKind, () => string>> = {
  key: () => randomBytes(32).toString('base64'),
  password: () => randomBytes(16).toString('hex'),
}

/** Makes one where there is none, whole or not at all; false: there is one, and it stays. Of two who make it at once both keep the first. */
export function makeSecret(path: string, kind: SecretKind, { mode }: { mode: number }): boolean {
  return !existsSync(path) && makeFile(path, newSecrets[kind](), { mode })
}

/** The secrets of an installation with servers, by the names of their files. */
const secrets: Readonly<Record<string, SecretKind>> = {
  'master-key': 'key',
  'admin-token': 'password',
  'admin-password': 'password',
  'database-password': 'password',
  'database-root-password': 'password',
  'replication-password': 'password',
  'redis-password': 'password',
}
/** Redis reads no password from a file, but it reads this. */
const redisSettings = 'redis.conf'

/** Every container that mounts the folder runs as another user, and nobody else sees it. */
const mode = 0o444

export interface MadeSecrets {
  /** Names of files that were missing. */
  readonly made: readonly string[]
  /** What does not go together, in words. */
  readonly warnings: readonly string[]
}

/** Writes into `folder` what is missing there, and never over what is there. Throws {@link SecretFilesError}. */
export function makeSecrets(folder: string): MadeSecrets {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o755 })
    const made = Object.entries(secrets)
      .filter(([name, kind]) => makeSecret(join(folder, name), kind, { mode }))
      .map(([name]) => name)
    // Of the file that stayed, whoever made it.
    const line = `requirepass ${readFileSync(join(folder, 'redis-password'), 'utf8').trim()}`
    const path = join(folder, redisSettings)
    if (!existsSync(path) && makeFile(path, `${line}\n`, { mode })) return { made: [...made, redisSettings], warnings: [] }
    const fits = readFileSync(path, 'utf8').split('\n').includes(line)
    const warnings = fits ? [] : [`${path} asks for another password than redis-password says: remove one of the two, and run this again`]
    return { made, warnings }
  } catch (cause) {
    throw new SecretFilesError(
      `secrets cannot be written to ${folder} (${(cause as { code?: string }).code ?? cause}): choose a folder that this user may write to and read`,
      { cause },
    )
  }
}
