import { hashPassword, verifyPassword } from './password.ts'

/** So many passwords wait to be hashed or checked already. Nothing was done: try again in a moment. */
export class PasswordsOverloadedError extends Error {
  override name = 'PasswordsOverloadedError'
}

export interface PasswordWork {
  hash(password: string): Promise<string>
  verify(password: string, stored: string): Promise<boolean>
  /** `work` in the place of one hash or check. Throws PasswordsOverloadedError. */
  inTurn<Value>(work: () => Promise<Value>): Promise<Value>
}

/**
 * Hashes and checks passwords, few at a time: each holds 19 MiB and a thread that files and names need, too. Who comes when `waitingMax` wait gets
 * PasswordsOverloadedError.
 */
export function passwordWork({ atOnceMax = 2, waitingMax = 100 }: { atOnceMax?: number; waitingMax?: number } = {}): PasswordWork {
  let running = 0
  const waiting: (() => void)[] = []

  async function inTurn<Value>(work: () => Promise<Value>): Promise<Value> {
    if (running < atOnceMax) running++
    else {
      if (waiting.length >= waitingMax) throw new PasswordsOverloadedError('too many passwords wait to be checked')
      // Who is woken takes over the place of the one that woke it.
      await new Promise<void>((resolve) => waiting.push(resolve))
    }
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next === undefined) running--
      else next()
    }
  }

  return {
    hash: (password) => inTurn(() => hashPassword(password)),
    verify: (password, stored) => inTurn(() => verifyPassword(password, stored)),
    inTurn,
  }
}
