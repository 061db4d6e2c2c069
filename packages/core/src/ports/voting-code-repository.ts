import type { PollId } from '../poll/poll.ts'
import type { AuditEntry } from './audit-trail.ts'

export interface VotingCode {
  /** Names the code to organizers; no secret. 16 hexadecimal digits. */
  readonly id: string
  /** For whom it was made, as the organizer wrote it; empty: nobody in particular. At most 100 characters. */
  readonly label: string
  readonly createdAtMs: number
  readonly revokedAtMs: number | null
}

/** Codes that open one poll each, on the primary. Guarantee: only the hash of a code is stored, and never who used it. */
export interface VotingCodeRepository {
  /** All or none; false: the poll would have more than `codesMax`. */
  add(pollId: PollId, codes: readonly (VotingCode & { readonly hash: Uint8Array })[], codesMax: number, entry: AuditEntry): Promise<boolean>
  /** Null: no code of this poll. Revoked ones too. */
  find(pollId: PollId, hash: Uint8Array): Promise<VotingCode | null>
  /** In the order in which they were made. `after`: an id. */
  list(
    pollId: PollId,
    request: { limit: number; after: string | null },
  ): Promise<{ codes: readonly VotingCode[]; next: string | null; total: number; revoked: number }>
  /** False: the poll has no such code. A second time changes nothing. Ballots that were given with it stay. */
  revoke(pollId: PollId, id: string, atMs: number, entry: AuditEntry): Promise<boolean>
  /** When the poll is deleted. */
  removeAll(pollId: PollId): Promise<void>
}
