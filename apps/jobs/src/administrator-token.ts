import { createHash, randomBytes } from 'node:crypto'
import { writeFirstRunFile } from './first-run-file.ts'
import type { InstallationSettings } from './migrate.ts'

const settingName = 'admin_token_hash'

export { TokenFileError } from './first-run-file.ts'

/** Where a new token is told. */
export interface TokenTelling {
  readonly dataDirectory: string
  /** Shows the token on the terminal; null where there is none, and the token goes into a file of the data directory. */
  readonly show: ((token: string) => void) | null
}

export function tokenHash(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}

/**
 * The hash of the administrator's token. A token from the settings wins and is not stored; else the one that was made at the first run,
 * of which only the hash is kept. `tokenFile`: where a token that was made now stands, if not on the terminal.
 */
export async function administratorTokenHash(
  input: TokenTelling & { configured: string | null; settings: InstallationSettings },
): Promise<{ hash: Buffer; tokenFile: string | null }> {
  if (input.configured !== null) return { hash: tokenHash(input.configured), tokenFile: null }
  const stored = await input.settings.get(settingName)
  if (stored !== null) return { hash: Buffer.from(stored, 'hex'), tokenFile: null }
  // Told before the hash is stored: after a crash in between, the next run makes another token, and nobody is locked out.
  const { hash, tokenFile } = tellNewToken(input)
  const kept = await input.settings.setIfAbsent(settingName, hash.toString('hex'))
  return kept === hash.toString('hex') ? { hash, tokenFile } : { hash: Buffer.from(kept, 'hex'), tokenFile: null }
}

/** Makes another token, after which the old one is refused by every process that starts. `replace` stores a setting that may be there already. */
export async function resetAdministratorToken(
  input: TokenTelling & { replace(name: string, value: string): Promise<void> },
): Promise<{ tokenFile: string | null }> {
  const { hash, tokenFile } = tellNewToken(input)
  await input.replace(settingName, hash.toString('hex'))
  return { tokenFile }
}

function tellNewToken({ dataDirectory, show }: TokenTelling): { hash: Buffer; tokenFile: string | null } {
  const token = randomBytes(24).toString('base64url')
  const hash = tokenHash(token)
  if (show === null) return { hash, tokenFile: writeFirstRunFile(dataDirectory, 'token', token) }
  show(token)
  return { hash, tokenFile: null }
}
