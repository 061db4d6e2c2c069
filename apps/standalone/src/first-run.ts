import { createHash, randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { InstallationSettings } from '@urna/jobs'

const settingName = 'admin_token_hash'

export function tokenHash(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}

/**
 * The hash of the administrator's token. A token from the settings wins and is not stored; else the one that was made at the first run,
 * of which only the hash is kept. `tokenFile`: where a token that was made now stands, if not on the terminal.
 */
export async function administratorTokenHash(input: {
  configured: string | null
  settings: InstallationSettings
  dataDirectory: string
  /** Shows the token on the terminal; null where there is none. */
  show: ((token: string) => void) | null
}): Promise<{ hash: Buffer; tokenFile: string | null }> {
  if (input.configured !== null) return { hash: tokenHash(input.configured), tokenFile: null }
  const stored = await input.settings.get(settingName)
  if (stored !== null) return { hash: Buffer.from(stored, 'hex'), tokenFile: null }
  const token = randomBytes(24).toString('base64url')
  const hash = tokenHash(token)
  const path = join(input.dataDirectory, 'first-run.txt')
  // Told before the hash is stored: after a crash in between, the next run makes another token, and nobody is locked out.
  if (input.show !== null) input.show(token)
  else {
    writeFileSync(path, `Administrator's token (shown here only; delete this file once you have kept it):\n${token}\n`, { mode: 0o600 })
  }
  const kept = await input.settings.setIfAbsent(settingName, hash.toString('hex'))
  if (kept !== hash.toString('hex')) return { hash: Buffer.from(kept, 'hex'), tokenFile: null }
  return { hash, tokenFile: input.show === null ? path : null }
}
