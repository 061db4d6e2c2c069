import type { AuditEntry } from '../ports/audit-trail.ts'
import type { Clock } from '../ports/clock.ts'
import type { IdGenerator } from '../ports/id-generator.ts'
import type { NewUser, UserRepository } from '../ports/user-repository.ts'
import { failure, type Result, success } from '../result.ts'
import type { Actor } from './actor.ts'
import type { PasswordWork } from './password-work.ts'
import { type Role, type User, type UserInput, votingIdBytes } from './user.ts'

export type UserFault = { readonly kind: 'not_found' } | { readonly kind: 'username_taken' } | { readonly kind: 'last_administrator' }

export interface UserWithPassword extends UserInput {
  /** Null: cannot sign in until one is set. */
  readonly password: string | null
}

interface Dependencies {
  users: UserRepository
  passwords: Pick<PasswordWork, 'hash'>
  clock: Clock
  ids: IdGenerator
}

/** Passwords of an import that are hashed at the same time: signing in goes on beside it. */
const hashedAtOnce = 2

/** What administrators do to users, each change with its entry in the audit trail: numbers, never names. Reads and writes the primary. */
export function userAdministration({ users, passwords, clock, ids }: Dependencies) {
  function entryOf(actor: Actor, action: string, details: AuditEntry['details'] = {}): Omit<AuditEntry, 'subject'> {
    return { atMs: clock.nowMs(), actor, action, details }
  }

  async function newUser({ password, ...input }: UserWithPassword): Promise<NewUser> {
    const passwordHash = password === null ? null : await passwords.hash(password)
    return { ...input, passwordHash, votingId: ids.randomBytes(votingIdBytes), atMs: clock.nowMs() }
  }

  async function found(id: number): Promise<Result<User, UserFault>> {
    const user = await users.find(id)
    return user === null ? failure({ kind: 'not_found' }) : success(user)
  }

  async function create(input: UserWithPassword, actor: Actor): Promise<Result<User, UserFault>> {
    const created = await users.create(await newUser(input), entryOf(actor, 'user.created', { role: input.role }))
    return created.kind === 'done' ? found(created.id) : failure({ kind: 'username_taken' })
  }

  /** All or none. The usernames that are taken, where some are. */
  async function createAll(inputs: readonly UserWithPassword[], actor: Actor): Promise<Result<readonly number[], readonly string[]>> {
    const all: NewUser[] = []
    for (let start = 0; start < inputs.length; start += hashedAtOnce) {
      all.push(...(await Promise.all(inputs.slice(start, start + hashedAtOnce).map(newUser))))
    }
    const created = await users.createAll(all, entryOf(actor, 'users.imported', { count: all.length, ...countsOfRoles(all) }))
    return created.kind === 'done' ? success(created.ids) : failure(created.usernames)
  }

  /** Everything but the password. */
  async function replace(id: number, input: UserInput, actor: Actor): Promise<Result<User, UserFault>> {
    const entry = { ...entryOf(actor, 'user.changed', { role: input.role }), subject: `user ${id}` }
    const outcome = await users.update(id, { ...input, atMs: clock.nowMs() }, entry)
    return outcome === 'done' ? found(id) : failure({ kind: outcome })
  }

  async function remove(id: number, actor: Actor): Promise<Result<null, UserFault>> {
    const outcome = await users.remove(id, { ...entryOf(actor, 'user.deleted'), subject: `user ${id}` })
    return outcome === 'done' ? success(null) : failure({ kind: outcome })
  }

  /** The user’s sessions and API tokens end. */
  async function setPassword(id: number, password: string, actor: Actor): Promise<Result<null, UserFault>> {
    const passwordHash = await passwords.hash(password)
    const entry = { ...entryOf(actor, 'user.password-set'), subject: `user ${id}` }
    const outcome = await users.setPassword(id, { passwordHash, atMs: clock.nowMs() }, entry)
    return outcome === 'done' ? success(null) : failure({ kind: 'not_found' })
  }

  return { create, createAll, replace, remove, setPassword }
}

/** Role -> how many. Who was made an administrator, the trail must say. */
function countsOfRoles(users: readonly Pick<NewUser, 'role'>[]): Partial<Record<Role, number>> {
  const counts: Partial<Record<Role, number>> = {}
  for (const { role } of users) counts[role] = (counts[role] ?? 0) + 1
  return counts
}

export type UserAdministration = ReturnType<typeof userAdministration>
