import { hash } from 'node:crypto'

/** Where the hash of the administrator's token is kept. */
export const tokenHashSetting = 'admin_token_hash'

export interface TokenHash {
  /** SHA-256 of the administrator's token; null: not known yet. */
  readonly current: () => Buffer | null
  stop(): void
}

/**
 * The hash of the administrator's token: of the one that was given, else the one that the migration stored on the primary, asked for again and again until
 * it is there.
 */
export function learnTokenHash(options: {
  configured: string | null
  read: () => Promise<string | null>
  /** The primary answered, and has none. Told once. */
  onMissing: () => void
  everyMs?: number
}): TokenHash {
  const { configured, read, onMissing, everyMs = 1_000 } = options
  let known: Buffer | null = configured === null ? null : hash('sha256', configured, 'buffer')
  let timer: NodeJS.Timeout | undefined
  let stopped = false
  let told = false

  async function look(): Promise<void> {
    const stored = await read().catch(() => undefined)
    if (typeof stored === 'string' && /^[0-9a-f]{64}$/.test(stored)) known = Buffer.from(stored, 'hex')
    else if (stored !== undefined && !told) {
      told = true
      onMissing()
    }
    if (known === null && !stopped) timer = setTimeout(() => void look(), everyMs).unref()
  }

  if (known === null) void look()
  return {
    current: () => known,
    stop() {
      stopped = true
      clearTimeout(timer)
    },
  }
}
