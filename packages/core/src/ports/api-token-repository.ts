import type { Permission } from '../users/permissions.ts'
import type { User } from '../users/user.ts'
import type { AuditEntry } from './audit-trail.ts'

export interface ApiToken {
  /** Names the token; no secret. 16 hexadecimal digits. */
  readonly id: string
  readonly userId: number
  readonly name: string
  /** It may do what both its user and these allow. */
  readonly scopes: readonly Permission[]
  readonly createdAtMs: number
  readonly expiresAtMs: number
  readonly lastUsedAtMs: number | null
}

/** API tokens, on the primary. Guarantee: only the hash of a token is stored. */
export interface ApiTokenRepository {
  /**
   * `session`: the hash of the one that makes it. False: nothing was made, because that session has ended or the user is gone, and with both all their
   * tokens.
   */
  create(token: ApiToken & { readonly hash: Uint8Array }, entry: AuditEntry, session?: Uint8Array): Promise<boolean>
  /** Expired ones too. */
  find(hash: Uint8Array): Promise<{ token: ApiToken; user: User } | null>
  touch(id: string, atMs: number): Promise<void>
  /** Of a user, newest first. */
  list(userId: number): Promise<readonly ApiToken[]>
  /** False: that user has no such token. */
  remove(userId: number, id: string, entry: AuditEntry): Promise<boolean>
}
