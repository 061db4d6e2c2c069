import type { User } from '../users/user.ts'
import type { AuditEntry } from './audit-trail.ts'

export interface Session {
  /** Names the session to its user; no secret. 16 hexadecimal digits. */
  readonly id: string
  readonly userId: number
  readonly createdAtMs: number
  readonly lastSeenAtMs: number
  /** What the browser called itself, shortened to 200 characters. */
  readonly label: string
}

/** Sessions, on the primary. Guarantee: only the hash of a session's secret is stored. */
export interface SessionRepository {
  /**
   * Ends `replaces` (a hash), keeps this one and the newest others of the user, `keep` in all, and notes the time of the sign-in. False: nothing began,
   * because the user is gone, or has another password than the one with `passwordHash` by now.
   */
  create(
    session: Session & { readonly hash: Uint8Array },
    options: { replaces: Uint8Array | null; keep: number; passwordHash?: string },
    entry: AuditEntry,
  ): Promise<boolean>
  find(hash: Uint8Array): Promise<{ session: Session; user: User } | null>
  touch(hash: Uint8Array, atMs: number): Promise<void>
  /** Of a user, newest first. */
  list(userId: number): Promise<readonly Session[]>
  /** False: that user has no such session. */
  remove(userId: number, id: string, entry: AuditEntry): Promise<boolean>
  /** Those begun or last seen before these; how many. */
  removeOlder(limits: { createdBeforeMs: number; lastSeenBeforeMs: number }): Promise<number>
}
