import { assertAuditEntry } from '../audit/audit-chain.ts'
import { foldedText } from '../folded-text.ts'
import type { PollId } from '../poll/poll.ts'
import type { ApiToken, ApiTokenRepository } from '../ports/api-token-repository.ts'
import type { AuditEntry } from '../ports/audit-trail.ts'
import type { Session, SessionRepository } from '../ports/session-repository.ts'
import type { SignInAttempts } from '../ports/sign-in-attempts.ts'
import type { NewUser, UserChange, UserListing, UserRepository } from '../ports/user-repository.ts'
import type { VoterRoll } from '../ports/voter-roll.ts'
import type { VotingCode, VotingCodeRepository } from '../ports/voting-code-repository.ts'
import { foldedUsername, type Role, searchedText, type User, type UserInput, type VotingId } from '../users/user.ts'
import { InMemoryAuditTrail } from './in-memory-audit-trail.ts'

interface StoredUser {
  user: User
  passwordHash: string | null
  readonly votingId: VotingId
}

const hex = (hash: Uint8Array) => Buffer.from(hash).toString('hex')

/**
 * Users, sessions, tokens, codes and rolls in memory, with what a database holds together: a removed user's sessions go, too. For tests; passes the
 * same contract suites as the real ones. Set `failure` to make every call throw it.
 */
export class InMemoryPeople {
  failure: Error | null = null
  readonly audit: InMemoryAuditTrail
  readonly #users = new Map<number, StoredUser>()
  readonly #sessions = new Map<string, Session>()
  readonly #tokens = new Map<string, ApiToken>()
  readonly #attempts = new Map<string, { key: Uint8Array; failures: number; lastAtMs: number }>()
  readonly #codes = new Map<PollId, Map<string, VotingCode>>()
  readonly #rolls = new Map<PollId, Set<number>>()
  readonly #onUserRemoved: (userId: number) => void
  #lastUserId = 0

  constructor(options: { audit?: InMemoryAuditTrail; onUserRemoved?: (userId: number) => void } = {}) {
    this.audit = options.audit ?? new InMemoryAuditTrail()
    this.#onUserRemoved = options.onUserRemoved ?? (() => {})
  }

  /** A change whose record cannot be kept does not happen. */
  #assertWorks(entry?: AuditEntry): void {
    if (this.failure !== null) throw this.failure
    if (entry !== undefined) assertAuditEntry(entry)
  }

  #all(): User[] {
    return [...this.#users.values()].map(({ user }) => user).sort((left, right) => left.id - right.id)
  }

  #storedOf(username: string): StoredUser | undefined {
    return [...this.#users.values()].find(({ user }) => foldedUsername(user.username) === foldedUsername(username))
  }

  /** Those who can sign in. */
  #administrators(): User[] {
    return this.#all().filter((user) => user.role === 'administrator' && user.hasPassword)
  }

  #isLastAdministrator(id: number): boolean {
    const administrators = this.#administrators()
    return administrators.length === 1 && administrators[0]?.id === id
  }

  #insert({ passwordHash, votingId, atMs, ...input }: NewUser): number {
    const id = ++this.#lastUserId
    const times = { createdAtMs: atMs, updatedAtMs: atMs, lastSignInAtMs: null }
    this.#users.set(id, { user: { ...input, id, hasPassword: passwordHash !== null, ...times }, passwordHash, votingId })
    return id
  }

  #endSessions(userId: number): void {
    for (const [hash, session] of this.#sessions) if (session.userId === userId) this.#sessions.delete(hash)
    for (const [hash, token] of this.#tokens) if (token.userId === userId) this.#tokens.delete(hash)
  }

  readonly users: UserRepository = {
    create: async (user: NewUser, entry: Omit<AuditEntry, 'subject'>) => {
      this.#assertWorks()
      assertAuditEntry({ ...entry, subject: 'user' })
      if (this.#storedOf(user.username) !== undefined) return { kind: 'username_taken' as const }
      const id = this.#insert(user)
      this.audit.append({ ...entry, subject: `user ${id}` })
      return { kind: 'done' as const, id }
    },
    createAll: async (users: readonly NewUser[], entry: Omit<AuditEntry, 'subject'>) => {
      this.#assertWorks()
      assertAuditEntry({ ...entry, subject: 'users' })
      if (users.length === 0) return { kind: 'done' as const, ids: [] }
      const seen = new Set([...this.#users.values()].map(({ user }) => foldedUsername(user.username)))
      const usernames = users
        .map(({ username }) => username)
        .filter((username) => {
          const folded = foldedUsername(username)
          const isTaken = seen.has(folded)
          seen.add(folded)
          return isTaken
        })
      if (usernames.length > 0) return { kind: 'username_taken' as const, usernames }
      const ids = users.map((user) => this.#insert(user))
      this.audit.append({ ...entry, subject: ids.length === 1 ? `user ${ids[0]}` : `users ${ids[0]}-${ids.at(-1)}` })
      return { kind: 'done' as const, ids }
    },
    find: async (id: number) => {
      this.#assertWorks()
      return this.#users.get(id)?.user ?? null
    },
    findByUsername: async (username: string) => {
      this.#assertWorks()
      return this.#storedOf(username)?.user ?? null
    },
    findByUsernames: async (usernames: readonly string[]) => {
      this.#assertWorks()
      const folded = new Set(usernames.map(foldedUsername))
      return this.#all().filter((user) => folded.has(foldedUsername(user.username)))
    },
    list: async (request: { search: string | null; role: Role | null; limit: number; after: number | null }): Promise<UserListing> => {
      this.#assertWorks()
      const search = foldedText(request.search ?? '')
      const matching = this.#all().filter(
        (user) => (request.role === null || user.role === request.role) && searchedText(user).includes(search),
      )
      const rest = matching.filter(({ id }) => request.after === null || id > request.after)
      const users = rest.slice(0, request.limit)
      return { users, next: rest.length > request.limit ? (users.at(-1)?.id ?? null) : null, total: matching.length }
    },
    update: async (id: number, { atMs, ...input }: UserInput & { atMs: number }, entry: AuditEntry): Promise<UserChange> => {
      this.#assertWorks(entry)
      const stored = this.#users.get(id)
      if (stored === undefined) return 'not_found'
      const other = this.#storedOf(input.username)
      if (other !== undefined && other !== stored) return 'username_taken'
      if (input.role !== 'administrator' && this.#isLastAdministrator(id)) return 'last_administrator'
      stored.user = { ...stored.user, ...input, updatedAtMs: atMs }
      this.audit.append(entry)
      return 'done'
    },
    remove: async (id: number, entry: AuditEntry): Promise<UserChange> => {
      this.#assertWorks(entry)
      if (!this.#users.has(id)) return 'not_found'
      if (this.#isLastAdministrator(id)) return 'last_administrator'
      this.#users.delete(id)
      this.#endSessions(id)
      for (const roll of this.#rolls.values()) roll.delete(id)
      this.#onUserRemoved(id)
      this.audit.append(entry)
      return 'done'
    },
    findCredentials: async (username: string) => {
      this.#assertWorks()
      const stored = this.#storedOf(username)
      return stored === undefined ? null : { user: stored.user, passwordHash: stored.passwordHash }
    },
    setPassword: async (id: number, change: { passwordHash: string; atMs: number }, entry: AuditEntry): Promise<'done' | 'not_found'> => {
      this.#assertWorks(entry)
      const stored = this.#users.get(id)
      if (stored === undefined) return 'not_found'
      stored.passwordHash = change.passwordHash
      stored.user = { ...stored.user, hasPassword: true, updatedAtMs: change.atMs }
      this.#endSessions(id)
      this.audit.append(entry)
      return 'done'
    },
    rehash: async (id: number, { from, to }: { from: string; to: string }) => {
      this.#assertWorks()
      const stored = this.#users.get(id)
      if (stored?.passwordHash === from) stored.passwordHash = to
    },
    votingId: async (id: number) => {
      this.#assertWorks()
      return this.#users.get(id)?.votingId ?? null
    },
    countAdministrators: async () => {
      this.#assertWorks()
      return this.#administrators().length
    },
  }

  readonly sessions: SessionRepository = {
    create: async (
      { hash, ...session }: Session & { readonly hash: Uint8Array },
      options: { replaces: Uint8Array | null; keep: number; passwordHash?: string },
      entry: AuditEntry,
    ) => {
      this.#assertWorks(entry)
      if (options.replaces !== null) this.#sessions.delete(hex(options.replaces))
      const stored = this.#users.get(session.userId)
      if (stored === undefined || (options.passwordHash ?? stored.passwordHash) !== stored.passwordHash) return false
      const others = [...this.#sessions].filter(([, { userId }]) => userId === session.userId)
      others.sort(([, left], [, right]) => right.createdAtMs - left.createdAtMs || (left.id < right.id ? -1 : 1))
      for (const [old] of others.slice(Math.max(0, options.keep - 1))) this.#sessions.delete(old)
      this.#sessions.set(hex(hash), session)
      stored.user = { ...stored.user, lastSignInAtMs: session.createdAtMs }
      this.audit.append(entry)
      return true
    },
    find: async (hash: Uint8Array) => {
      this.#assertWorks()
      const session = this.#sessions.get(hex(hash))
      const user = session === undefined ? undefined : this.#users.get(session.userId)?.user
      return session === undefined || user === undefined ? null : { session, user }
    },
    touch: async (hash: Uint8Array, atMs: number) => {
      this.#assertWorks()
      const session = this.#sessions.get(hex(hash))
      if (session !== undefined) this.#sessions.set(hex(hash), { ...session, lastSeenAtMs: Math.max(atMs, session.lastSeenAtMs) })
    },
    list: async (userId: number) => {
      this.#assertWorks()
      return [...this.#sessions.values()]
        .filter((session) => session.userId === userId)
        .sort((left, right) => right.createdAtMs - left.createdAtMs || (left.id < right.id ? -1 : 1))
    },
    remove: async (userId: number, id: string, entry: AuditEntry) => {
      this.#assertWorks(entry)
      for (const [hash, session] of this.#sessions) {
        if (session.userId !== userId || session.id !== id) continue
        this.#sessions.delete(hash)
        this.audit.append(entry)
        return true
      }
      return false
    },
    removeOlder: async (limits: { createdBeforeMs: number; lastSeenBeforeMs: number }) => {
      this.#assertWorks()
      const old = [...this.#sessions].filter(
        ([, { createdAtMs, lastSeenAtMs }]) => createdAtMs < limits.createdBeforeMs || lastSeenAtMs < limits.lastSeenBeforeMs,
      )
      for (const [hash] of old) this.#sessions.delete(hash)
      return old.length
    },
  }

  readonly tokens: ApiTokenRepository = {
    create: async ({ hash, ...token }: ApiToken & { readonly hash: Uint8Array }, entry: AuditEntry, session?: Uint8Array) => {
      this.#assertWorks(entry)
      if (!this.#users.has(token.userId)) return false
      if (session !== undefined && this.#sessions.get(hex(session))?.userId !== token.userId) return false
      this.#tokens.set(hex(hash), token)
      this.audit.append(entry)
      return true
    },
    find: async (hash: Uint8Array) => {
      this.#assertWorks()
      const token = this.#tokens.get(hex(hash))
      const user = token === undefined ? undefined : this.#users.get(token.userId)?.user
      return token === undefined || user === undefined ? null : { token, user }
    },
    touch: async (id: string, atMs: number) => {
      this.#assertWorks()
      for (const [hash, token] of this.#tokens)
        if (token.id === id) this.#tokens.set(hash, { ...token, lastUsedAtMs: Math.max(atMs, token.lastUsedAtMs ?? atMs) })
    },
    list: async (userId: number) => {
      this.#assertWorks()
      return [...this.#tokens.values()]
        .filter((token) => token.userId === userId)
        .sort((left, right) => right.createdAtMs - left.createdAtMs || (left.id < right.id ? -1 : 1))
    },
    remove: async (userId: number, id: string, entry: AuditEntry) => {
      this.#assertWorks(entry)
      for (const [hash, token] of this.#tokens) {
        if (token.userId !== userId || token.id !== id) continue
        this.#tokens.delete(hash)
        this.audit.append(entry)
        return true
      }
      return false
    },
  }

  readonly signInAttempts: SignInAttempts = {
    read: async (keys: readonly Uint8Array[]) => {
      this.#assertWorks()
      return keys.flatMap((key) => this.#attempts.get(hex(key)) ?? [])
    },
    addFailure: async (keys: readonly Uint8Array[], atMs: number) => {
      this.#assertWorks()
      for (const key of keys) {
        const before = this.#attempts.get(hex(key))
        this.#attempts.set(hex(key), { key, failures: (before?.failures ?? 0) + 1, lastAtMs: Math.max(atMs, before?.lastAtMs ?? atMs) })
      }
    },
    clear: async (keys: readonly Uint8Array[]) => {
      this.#assertWorks()
      for (const key of keys) this.#attempts.delete(hex(key))
    },
    removeOlder: async (beforeMs: number) => {
      this.#assertWorks()
      const old = [...this.#attempts].filter(([, { lastAtMs }]) => lastAtMs < beforeMs)
      for (const [key] of old) this.#attempts.delete(key)
      return old.length
    },
  }

  readonly codes: VotingCodeRepository = {
    add: async (pollId: PollId, codes: readonly (VotingCode & { readonly hash: Uint8Array })[], codesMax: number, entry: AuditEntry) => {
      this.#assertWorks(entry)
      const ofPoll = this.#codes.get(pollId) ?? new Map<string, VotingCode>()
      if (ofPoll.size + codes.length > codesMax) return false
      for (const { hash, ...code } of codes) ofPoll.set(hex(hash), code)
      this.#codes.set(pollId, ofPoll)
      this.audit.append(entry)
      return true
    },
    find: async (pollId: PollId, hash: Uint8Array) => {
      this.#assertWorks()
      return this.#codes.get(pollId)?.get(hex(hash)) ?? null
    },
    list: async (pollId: PollId, { limit, after }: { limit: number; after: string | null }) => {
      this.#assertWorks()
      const all = [...(this.#codes.get(pollId)?.values() ?? [])]
      const start = after === null ? 0 : all.findIndex(({ id }) => id === after) + 1
      const rest = after !== null && start === 0 ? [] : all.slice(start)
      const codes = rest.slice(0, limit)
      const revoked = all.filter(({ revokedAtMs }) => revokedAtMs !== null).length
      return { codes, next: rest.length > limit ? (codes.at(-1)?.id ?? null) : null, total: all.length, revoked }
    },
    revoke: async (pollId: PollId, id: string, atMs: number, entry: AuditEntry) => {
      this.#assertWorks(entry)
      for (const [hash, code] of this.#codes.get(pollId) ?? []) {
        if (code.id !== id) continue
        if (code.revokedAtMs === null) {
          this.#codes.get(pollId)?.set(hash, { ...code, revokedAtMs: atMs })
          this.audit.append(entry)
        }
        return true
      }
      return false
    },
    removeAll: async (pollId: PollId) => {
      this.#assertWorks()
      this.#codes.delete(pollId)
    },
  }

  readonly roll: VoterRoll = {
    add: async (pollId: PollId, userIds: readonly number[], entry: AuditEntry) => {
      this.#assertWorks(entry)
      const roll = this.#rolls.get(pollId) ?? new Set<number>()
      const added = new Set(userIds.filter((id) => this.#users.has(id) && !roll.has(id)))
      for (const id of added) roll.add(id)
      this.#rolls.set(pollId, roll)
      if (added.size > 0) this.audit.append(entry)
      return added.size
    },
    remove: async (pollId: PollId, userId: number, entry: AuditEntry) => {
      this.#assertWorks(entry)
      const removed = this.#rolls.get(pollId)?.delete(userId) ?? false
      if (removed) this.audit.append(entry)
      return removed
    },
    find: async (pollId: PollId, userId: number) => {
      this.#assertWorks()
      return this.#rolls.get(pollId)?.has(userId) === true ? (this.#users.get(userId)?.votingId ?? null) : null
    },
    list: async (pollId: PollId, { limit, after }: { limit: number; after: number | null }) => {
      this.#assertWorks()
      const roll = this.#rolls.get(pollId) ?? new Set<number>()
      const all = this.#all().filter(({ id }) => roll.has(id))
      const rest = all.filter(({ id }) => after === null || id > after)
      const users = rest.slice(0, limit)
      return { users, next: rest.length > limit ? (users.at(-1)?.id ?? null) : null, total: all.length }
    },
    removeAll: async (pollId: PollId) => {
      this.#assertWorks()
      this.#rolls.delete(pollId)
    },
  }
}
