import { createHash, randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { InstallationSettings } from '@urna/jobs'

export type FirstRunNews =
  | { readonly kind: 'none' }
  /** Show it once, on the terminal. */
  | { readonly kind: 'show'; readonly token: string }
  /** There is no terminal: it stands in this file, for the owner alone. */
  | { readonly kind: 'file'; readonly path: string }

const settingName = 'admin_token_hash'

export function tokenHash(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}

/**
 * The hash of the administrator's token. A token from the settings wins and is not stored; else the one that was made at the first run,
 * of which only the hash is kept.
 */
export async function administratorTokenHash(input: {
  configured: string | null
  settings: InstallationSettings
  dataDirectory: string
  isTerminal: boolean
}): Promise<{ hash: Buffer; news: FirstRunNews }> {
  if (input.configured !== null) return { hash: tokenHash(input.configured), news: { kind: 'none' } }
  const stored = await input.settings.get(settingName)
  if (stored !== null) return { hash: Buffer.from(stored, 'hex'), news: { kind: 'none' } }
  const token = randomBytes(24).toString('base64url')
  const hash = tokenHash(token)
  const path = join(input.dataDirectory, 'first-run.txt')
  // The file before the hash: after a crash in between, the next run makes another token, and nobody is locked out.
  if (!input.isTerminal) {
    writeFileSync(path, `Administrator's token (shown here only; delete this file once you have kept it):\n${token}\n`, { mode: 0o600 })
  }
  const kept = await input.settings.setIfAbsent(settingName, hash.toString('hex'))
  if (kept !== hash.toString('hex')) return { hash: Buffer.from(kept, 'hex'), news: { kind: 'none' } }
  return { hash, news: input.isTerminal ? { kind: 'show', token } : { kind: 'file', path } }
}
