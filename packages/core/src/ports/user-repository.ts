import type { Role, User, UserInput, VotingId } from '../users/user.ts'
import type { AuditEntry } from './audit-trail.ts'

export interface NewUser extends UserInput {
  readonly passwordHash: string | null
  readonly votingId: VotingId
  readonly atMs: number
}

export interface UserListing {
  readonly users: readonly User[]
  /** Pass it as `after` to get the next page; null on the last. */
  readonly next: number | null
  /** How many match in all. */
  readonly total: number
}

/**
 * What a change of users can end with. `last_administrator`: it would leave nobody who can sign in as one; decided inside the transaction, so that
 * two at once cannot remove the last two.
 */
export type UserChange = 'done' | 'not_found' | 'username_taken' | 'last_administrator'

/**
 * The directory of people, on the primary. Guarantees: no two usernames are equal when folded (the database decides, never a read before a write);
 * an id is never used twice; a change and its audit entry are written together or not at all. The subject of an entry about a user who has no id
 * yet is filled in here.
 */
export interface UserRepository {
  create(user: NewUser, entry: Omit<AuditEntry, 'subject'>): Promise<{ kind: 'done'; id: number } | { kind: 'username_taken' }>
  /** All or none: the usernames that are taken, or the ids in the order given. */
  createAll(
    users: readonly NewUser[],
    entry: Omit<AuditEntry, 'subject'>,
  ): Promise<{ kind: 'done'; ids: number[] } | { kind: 'username_taken'; usernames: string[] }>
  find(id: number): Promise<User | null>
  /** Whatever the case. */
  findByUsername(username: string): Promise<User | null>
  findByUsernames(usernames: readonly string[]): Promise<readonly User[]>
  /** By id. `search`: what username, full name or email contain, whatever the case and the coding of accents; null: all. */
  list(request: { search: string | null; role: Role | null; limit: number; after: number | null }): Promise<UserListing>
  update(id: number, changes: UserInput & { atMs: number }, entry: AuditEntry): Promise<UserChange>
  /** With sessions, tokens and places on voter rolls; the user's polls have no owner then. Ballots stay, and nothing links them to anybody. */
  remove(id: number, entry: AuditEntry): Promise<UserChange>
  /** For signing in. Null: nobody of that name. */
  findCredentials(username: string): Promise<{ user: User; passwordHash: string | null } | null>
  /** The user’s sessions and API tokens end. */
  setPassword(id: number, change: { passwordHash: string; atMs: number }, entry: AuditEntry): Promise<'done' | 'not_found'>
  /** The same password, hashed anew: nothing ends. Nothing happens if `from` is not what is stored any more. */
  rehash(id: number, change: { from: string; to: string }): Promise<void>
  /** Who the user is on voter rolls. */
  votingId(id: number): Promise<VotingId | null>
  /** Those who can sign in: an administrator without a password is none. */
  countAdministrators(): Promise<number>
}
