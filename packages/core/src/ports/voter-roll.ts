import type { PollId } from '../poll/poll.ts'
import type { User, VotingId } from '../users/user.ts'
import type { AuditEntry } from './audit-trail.ts'

/** Which users may vote in a poll of access level `account`, on the primary. */
export interface VoterRoll {
  /** How many were not there yet. Unknown ids are left out. */
  add(pollId: PollId, userIds: readonly number[], entry: AuditEntry): Promise<number>
  /** False: the user was not there. A ballot that was given stays. */
  remove(pollId: PollId, userId: number, entry: AuditEntry): Promise<boolean>
  /** Null: not on this roll. */
  find(pollId: PollId, userId: number): Promise<VotingId | null>
  /** By id of the user. */
  list(
    pollId: PollId,
    request: { limit: number; after: number | null },
  ): Promise<{ users: readonly User[]; next: number | null; total: number }>
  /** When the poll is deleted. */
  removeAll(pollId: PollId): Promise<void>
}
