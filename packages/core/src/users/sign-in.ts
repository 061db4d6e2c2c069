import { hash } from 'node:crypto'
import type { Clock } from '../ports/clock.ts'
import type { IdGenerator } from '../ports/id-generator.ts'
import type { Session, SessionRepository } from '../ports/session-repository.ts'
import type { SignInAttempts } from '../ports/sign-in-attempts.ts'
import type { UserRepository } from '../ports/user-repository.ts'
import { failure, type Result, success } from '../result.ts'
import type { HmacSha256 } from '../secrets/hmac-sha256.ts'
import { userActor } from './actor.ts'
import { hashPassword, needsRehash, verifyPassword } from './password.ts'
import type { PasswordWork } from './password-work.ts'
import { foldedUsername, secretHash, type User } from './user.ts'

/** After so many failures in a row each further guess has to wait. Of an address more: many people can be behind one. */
export const freeFailures = { username: 3, address: 20 } as const
/**
 * The longest delay. Of an address it is short: where a school votes by accounts, some mistype at every moment, and the others, who are right, wait with
 * them. Ten seconds still leave somebody who tries many usernames 8,640 guesses a day.
 */
export const delayMsMax = { username: 15 * 60_000, address: 10_000 } as const
/** Failures that are older count no more. */
export const failuresKeptMs = 24 * 3_600_000
/** The oldest sessions of a user end when there are more. */
export const sessionsPerUserMax = 20
export const sessionLabelLengthMax = 200

/** `failed`: nobody of that name has that password, and it is not said which of both is wrong. `delayed`: nothing was checked; wait. */
export type SignInRefusal = { readonly kind: 'failed' } | { readonly kind: 'delayed'; readonly waitMs: number }

interface Dependencies {
  users: Pick<UserRepository, 'findCredentials' | 'rehash'>
  sessions: Pick<SessionRepository, 'create'>
  signInAttempts: SignInAttempts
  passwords: PasswordWork
  /** Of the master key: what stands in for a username among the attempts. */
  signInHmac: HmacSha256
  /** See addressHashes. */
  hashAddress: (address: string) => string
  clock: Clock
  ids: IdGenerator
}

interface Guess {
  readonly username: string
  readonly password: string
  readonly address: string
}

/** How long after the last failure the next guess waits: 1 s, 2 s, 4 s ... up to {@link delayMsMax}. */
export function delayAfter(failures: number, by: 'username' | 'address'): number {
  const free = freeFailures[by]
  return failures < free ? 0 : Math.min(delayMsMax[by], 1_000 * 2 ** Math.min(failures - free, 30))
}

/**
 * Signing in. A guess that comes too early costs nothing, because nothing is checked, not even the right password. Guarantees: of many guesses at one
 * username at once, at several processes, no more are checked than one after the other would be; a username that nobody has costs the same
 * time as one that somebody has. Throws PasswordsOverloadedError.
 */
export function signIn(dependencies: Dependencies) {
  const { users, sessions, signInAttempts, passwords, clock, ids } = dependencies

  /** Whose password it is. */
  async function check(input: Guess): Promise<Result<User, SignInRefusal>> {
    const verified = await verify(input)
    return verified.ok ? success(verified.value.user) : verified
  }

  /** With the hash that is stored of the password from now on. */
  async function verify(input: Guess): Promise<Result<{ user: User; passwordHash: string }, SignInRefusal>> {
    const keys = {
      username: dependencies.signInHmac(Buffer.from(foldedUsername(input.username))),
      address: hash('sha256', dependencies.hashAddress(input.address), 'buffer'),
    }
    const early = waitOf(await failuresOf(keys))
    if (early > 0) return failure({ kind: 'delayed', waitMs: early })
    return passwords.inTurn(async () => {
      const before = await failuresOf(keys)
      const waitMs = waitOf(before)
      if (waitMs > 0) return failure({ kind: 'delayed', waitMs })
      // Counted before it is checked: of guesses at once each one sees the others.
      await signInAttempts.addFailure([keys.username], clock.nowMs())
      const counted = await failuresOf(keys)
      const others = counted.username.failures - 1
      if (others >= freeFailures.username && others > before.username.failures) {
        return failure({ kind: 'delayed', waitMs: Math.max(1, waitOf(counted)) })
      }
      const credentials = await users.findCredentials(input.username)
      // For nobody it takes as long.
      const isRight = await verifyPassword(input.password, credentials?.passwordHash ?? null)
      if (credentials === null || credentials.passwordHash === null || !isRight) {
        await signInAttempts.addFailure([keys.address], clock.nowMs())
        return failure({ kind: 'failed' })
      }
      // Not those of the address: who has a password of their own must not get new guesses at others by it.
      await signInAttempts.clear([keys.username])
      const { user, passwordHash } = credentials
      if (!needsRehash(passwordHash)) return success({ user, passwordHash })
      await users.rehash(user.id, { from: passwordHash, to: await hashPassword(input.password) })
      // Somebody else may have hashed it anew at the same moment, or changed it.
      const now = (await users.findCredentials(input.username))?.passwordHash ?? null
      if (now === null || !(await verifyPassword(input.password, now))) return failure({ kind: 'failed' })
      return success({ user, passwordHash: now })
    })
  }

  interface Failures {
    readonly failures: number
    readonly lastAtMs: number
  }

  async function failuresOf(keys: { username: Buffer; address: Buffer }): Promise<{ username: Failures; address: Failures }> {
    const stored = await signInAttempts.read([keys.username, keys.address])
    const sinceMs = clock.nowMs() - failuresKeptMs
    // Removed, or the next failure would be counted on top of them.
    if (stored.some(({ lastAtMs }) => lastAtMs <= sinceMs)) await signInAttempts.removeOlder(sinceMs + 1)
    const of = (key: Buffer): Failures => {
      const found = stored.find((one) => key.equals(one.key))
      return found === undefined || found.lastAtMs <= sinceMs ? { failures: 0, lastAtMs: 0 } : found
    }
    return { username: of(keys.username), address: of(keys.address) }
  }

  function waitOf({ username, address }: { username: Failures; address: Failures }): number {
    return Math.max(waitBy('username', username), waitBy('address', address))
  }

  function waitBy(by: 'username' | 'address', { failures, lastAtMs }: Failures): number {
    const left = lastAtMs + delayAfter(failures, by) - clock.nowMs()
    // A clock that was put back must not lock anybody out for longer than the longest delay.
    return Math.min(delayMsMax[by], Math.max(0, left))
  }

  /** A new session, always: the one that was presented (`replaces`: its hash) ends. `secret` is for the cookie, and is kept nowhere. */
  async function begin(
    input: { username: string; password: string; address: string; label: string },
    replaces: Uint8Array | null,
  ): Promise<Result<{ user: User; session: Session; secret: string }, SignInRefusal>> {
    const verified = await verify(input)
    if (!verified.ok) return verified
    const { user, passwordHash } = verified.value
    const atMs = clock.nowMs()
    const secret = ids.randomBytes(32).toString('base64url')
    const session: Session = {
      id: ids.randomBytes(8).toString('hex'),
      userId: user.id,
      createdAtMs: atMs,
      lastSeenAtMs: atMs,
      label: labelOf(input.label),
    }
    // The password was right a moment ago: whoever changed it since then ended all sessions, and this would be one more.
    const isBegun = await sessions.create(
      { ...session, hash: secretHash(secret) },
      { replaces, keep: sessionsPerUserMax, passwordHash },
      { atMs, actor: userActor(user.id), action: 'session.began', subject: `user ${user.id}`, details: { session: session.id } },
    )
    if (!isBegun) return failure({ kind: 'failed' })
    return success({ user: { ...user, lastSignInAtMs: atMs }, session, secret })
  }

  return { begin, check }
}

export type SignIn = ReturnType<typeof signIn>

function labelOf(text: string): string {
  return text
    .replaceAll(/[\p{Cc}\p{Cs}\u2028\u2029]/gu, '')
    .slice(0, sessionLabelLengthMax)
    .toWellFormed()
    .trim()
}
