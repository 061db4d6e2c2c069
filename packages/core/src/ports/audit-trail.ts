import type { Actor } from '../users/actor.ts'

/** What is kept of a change. No names of people, no secrets, no answers: ids and counts. */
export interface AuditEntry {
  readonly atMs: number
  readonly actor: Actor
  /** A stable word: `poll.opened`, `user.created`, `codes.made`, `session.began`. At most 64 ASCII characters. */
  readonly action: string
  /** What was changed: `poll 0123456789abcdef`, `user 7`. At most 64 ASCII characters. */
  readonly subject: string
  readonly details: Readonly<Record<string, string | number | boolean | null>>
}

export interface AuditRecord extends Omit<AuditEntry, 'actor'> {
  /** From 1, without a gap. */
  readonly number: number
  readonly actor: string
  /** 32 bytes: HMAC with a key from the master key over the hash of the record before and all that stands in this one. */
  readonly hash: Uint8Array
}

export type AuditVerdict =
  | { readonly whole: true; readonly records: number; readonly lastHash: Uint8Array | null }
  /** The first record that is not what was written, or does not follow the one before. */
  | { readonly whole: false; readonly brokenAt: number; readonly reason: string }

/**
 * Who changed what, when. Guarantee: records are only ever added, each in the transaction of the change that it tells of: neither is there without
 * the other. Repositories write them; this port reads.
 */
export interface AuditTrail {
  /** Newest first. `before`: a number; null: from the newest. */
  list(request: { limit: number; before: number | null }): Promise<{ records: readonly AuditRecord[]; next: number | null }>
  /**
   * Reads all of it. Who does not hold the master key cannot change, add or remove a record unnoticed; whoever puts back an earlier state of the whole database is found
   * out by a note of a later `lastHash`. Once broken, it stays so: records that are added later do not heal it.
   */
  verify(): Promise<AuditVerdict>
}
