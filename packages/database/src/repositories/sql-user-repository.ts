import {
  type AuditEntry,
  asBuffer,
  foldedText,
  foldedUsername,
  type NewUser,
  type Role,
  searchedText,
  type User,
  type UserChange,
  type UserInput,
  type UserListing,
  type UserRepository,
  type VotingId,
} from '@urna/core'
import { type Kysely, sql, type Transaction } from 'kysely'
import { AuditWriter, type AuditWriterOptions } from '../audit-writer.ts'
import { classified, isUniqueViolation } from '../database-errors.ts'
import { inChunks, inOneStatementMax } from '../in-chunks.ts'
import type { Primary } from '../primary.ts'
import type { Database, UsersTable } from '../schema.ts'
import { toUser, userColumns } from '../user-rows.ts'

type EntryOfNewUsers = Omit<AuditEntry, 'subject'>

export class SqlUserRepository implements UserRepository {
  readonly #db: Kysely<Database>
  readonly #audited: AuditWriter

  constructor(primary: Primary, options: AuditWriterOptions) {
    this.#db = primary.db
    this.#audited = new AuditWriter(primary, options.auditHmac)
  }

  async create(user: NewUser, entry: EntryOfNewUsers): Promise<{ kind: 'done'; id: number } | { kind: 'username_taken' }> {
    const made = await this.createAll([user], entry)
    return made.kind === 'done' ? { kind: 'done', id: made.ids[0] as number } : { kind: 'username_taken' }
  }

  async createAll(
    users: readonly NewUser[],
    entry: EntryOfNewUsers,
  ): Promise<{ kind: 'done'; ids: number[] } | { kind: 'username_taken'; usernames: string[] }> {
    if (users.length === 0) return { kind: 'done', ids: [] }
    try {
      return await this.#audited.change(async (transaction, append) => {
        const usernames = await takenUsernames(transaction, users)
        if (usernames.length > 0) return { kind: 'username_taken' as const, usernames }
        for (const some of inChunks(users, inOneStatementMax)) await transaction.insertInto('users').values(some.map(toNewRow)).execute()
        const idsByName = await idsOf(transaction, users)
        const ids = users.map(({ username }) => idsByName.get(foldedUsername(username)) as number)
        await append({ ...entry, subject: ids.length === 1 ? `user ${ids[0]}` : `users ${ids[0]}-${ids.at(-1)}` })
        return { kind: 'done' as const, ids }
      })
    } catch (error) {
      // Somebody who writes without the lock that all of these changes take was in between: the database decides.
      if (!isUniqueViolation((error as Error).cause)) throw error
      return { kind: 'username_taken', usernames: await classified(() => takenUsernames(this.#db, users)) }
    }
  }

  async find(id: number): Promise<User | null> {
    const row = await classified(() => selectUsers(this.#db).where('user_id', '=', id).executeTakeFirst())
    return row === undefined ? null : toUser(row)
  }

  async findByUsername(username: string): Promise<User | null> {
    return (await this.findCredentials(username))?.user ?? null
  }

  async findByUsernames(usernames: readonly string[]): Promise<readonly User[]> {
    const found: User[] = []
    const folded = [...new Set(usernames.map(foldedUsername))].map((text) => Buffer.from(text))
    for (const some of inChunks(folded, inOneStatementMax)) {
      const rows = await classified(() => selectUsers(this.#db).where('username_folded', 'in', some).execute())
      found.push(...rows.map(toUser))
    }
    return found.sort((left, right) => left.id - right.id)
  }

  list(request: { search: string | null; role: Role | null; limit: number; after: number | null }): Promise<UserListing> {
    const { search, role, limit, after } = request
    return classified(async () => {
      // Both sides are bytes that were folded here: the databases have different ideas of case.
      const matching = this.#db
        .selectFrom('users')
        .$if(role !== null, (query) => query.where('role', '=', role as string))
        .$if(search !== null, (query) => query.where(sql<boolean>`instr(search_folded, ${Buffer.from(foldedText(search as string))}) > 0`))
      const count = await matching.select(({ fn }) => fn.countAll<number>().as('total')).executeTakeFirstOrThrow()
      const rows = await matching
        .select(userColumns)
        .$if(after !== null, (query) => query.where('user_id', '>', after as number))
        .orderBy('user_id')
        .limit(limit + 1)
        .execute()
      const users = rows.slice(0, limit).map(toUser)
      return { users, next: rows.length > limit ? (users.at(-1)?.id ?? null) : null, total: Number(count.total) }
    })
  }

  async update(id: number, { atMs, ...input }: UserInput & { atMs: number }, entry: AuditEntry): Promise<UserChange> {
    try {
      return await this.#audited.change(async (transaction, append) => {
        const found = await this.#forChange(transaction, id, input.role === 'administrator')
        if (found !== 'done') return found
        await transaction
          .updateTable('users')
          .set({ ...inputColumns(input), updated_at_ms: atMs })
          .where('user_id', '=', id)
          .execute()
        await append(entry)
        return 'done'
      })
    } catch (error) {
      if (!isUniqueViolation((error as Error).cause)) throw error
      return 'username_taken'
    }
  }

  remove(id: number, entry: AuditEntry): Promise<UserChange> {
    return this.#audited.change(async (transaction, append) => {
      const found = await this.#forChange(transaction, id, false)
      if (found !== 'done') return found
      await endSessions(transaction, id)
      await transaction.deleteFrom('voter_roll').where('user_id', '=', id).execute()
      await transaction.deleteFrom('poll_owners').where('user_id', '=', id).execute()
      await transaction.deleteFrom('users').where('user_id', '=', id).execute()
      await append(entry)
      return 'done'
    })
  }

  async findCredentials(username: string): Promise<{ user: User; passwordHash: string | null } | null> {
    const folded = Buffer.from(foldedUsername(username))
    const row = await classified(() => selectUsers(this.#db).where('username_folded', '=', folded).executeTakeFirst())
    return row === undefined ? null : { user: toUser(row), passwordHash: row.password_hash }
  }

  setPassword(id: number, change: { passwordHash: string; atMs: number }, entry: AuditEntry): Promise<'done' | 'not_found'> {
    return this.#audited.change(async (transaction, append) => {
      const { numUpdatedRows } = await transaction
        .updateTable('users')
        .set({ password_hash: change.passwordHash, updated_at_ms: change.atMs })
        .where('user_id', '=', id)
        .executeTakeFirst()
      if (numUpdatedRows === 0n) return 'not_found'
      await endSessions(transaction, id)
      await append(entry)
      return 'done'
    })
  }

  async rehash(id: number, { from, to }: { from: string; to: string }): Promise<void> {
    await classified(() =>
      this.#db.updateTable('users').set({ password_hash: to }).where('user_id', '=', id).where('password_hash', '=', from).execute(),
    )
  }

  async votingId(id: number): Promise<VotingId | null> {
    const row = await classified(() => this.#db.selectFrom('users').select('voting_id').where('user_id', '=', id).executeTakeFirst())
    return row === undefined ? null : asBuffer(row.voting_id)
  }

  async countAdministrators(): Promise<number> {
    const row = await classified(() => administrators(this.#db).executeTakeFirstOrThrow())
    return Number(row.total)
  }

  /** Under the lock that all changes of users take: what is read here stays so until the commit. */
  async #forChange(transaction: Transaction<Database>, id: number, staysAdministrator: boolean): Promise<UserChange> {
    const user = await selectUsers(transaction).where('user_id', '=', id).executeTakeFirst()
    if (user === undefined) return 'not_found'
    if (staysAdministrator || user.role !== 'administrator' || user.password_hash === null) return 'done'
    const others = await administrators(transaction).where('user_id', '<>', id).executeTakeFirstOrThrow()
    return Number(others.total) === 0 ? 'last_administrator' : 'done'
  }
}

function selectUsers(db: Kysely<Database>) {
  return db.selectFrom('users').select(userColumns)
}

/** Those who can sign in. */
function administrators(db: Kysely<Database>) {
  return db
    .selectFrom('users')
    .select(({ fn }) => fn.countAll<number>().as('total'))
    .where('role', '=', 'administrator')
    .where('password_hash', 'is not', null)
}

/** In the order given: those that somebody has, and those that come a second time. */
async function takenUsernames(db: Kysely<Database>, users: readonly NewUser[]): Promise<string[]> {
  const taken = new Set((await idsOf(db, users)).keys())
  return users
    .map(({ username }) => username)
    .filter((username) => {
      const folded = foldedUsername(username)
      const isTaken = taken.has(folded)
      taken.add(folded)
      return isTaken
    })
}

/** Folded username -> id, of those that exist. */
async function idsOf(db: Kysely<Database>, users: readonly NewUser[]): Promise<Map<string, number>> {
  const ids = new Map<string, number>()
  for (const some of inChunks(users, inOneStatementMax)) {
    const folded = some.map(({ username }) => Buffer.from(foldedUsername(username)))
    const rows = await db.selectFrom('users').select(['user_id', 'username_folded']).where('username_folded', 'in', folded).execute()
    for (const row of rows) ids.set(asBuffer(row.username_folded).toString(), row.user_id)
  }
  return ids
}

function inputColumns(input: UserInput) {
  return {
    username: input.username,
    username_folded: Buffer.from(foldedUsername(input.username)),
    name: input.name,
    second_name: input.secondName,
    email: input.email,
    search_folded: Buffer.from(searchedText(input)),
    role: input.role,
  }
}

function toNewRow({ passwordHash, votingId, atMs, ...input }: NewUser): Omit<UsersTable, 'user_id'> {
  return {
    ...inputColumns(input),
    password_hash: passwordHash,
    voting_id: votingId,
    created_at_ms: atMs,
    updated_at_ms: atMs,
    last_sign_in_at_ms: null,
  }
}

/** API tokens, too. */
async function endSessions(transaction: Transaction<Database>, userId: number): Promise<void> {
  await transaction.deleteFrom('sessions').where('user_id', '=', userId).execute()
  await transaction.deleteFrom('api_tokens').where('user_id', '=', userId).execute()
}
