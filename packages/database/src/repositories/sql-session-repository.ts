import type { AuditEntry, Session, SessionRepository, User } from '@urna/core'
import type { Kysely } from 'kysely'
import { AuditWriter, type AuditWriterOptions } from '../audit-writer.ts'
import { classified } from '../database-errors.ts'
import { inOneStatementMax } from '../in-chunks.ts'
import type { Primary } from '../primary.ts'
import type { Database } from '../schema.ts'
import { toUser, userColumns } from '../user-rows.ts'

export class SqlSessionRepository implements SessionRepository {
  readonly #db: Kysely<Database>
  readonly #audited: AuditWriter

  constructor(primary: Primary, options: AuditWriterOptions) {
    this.#db = primary.db
    this.#audited = new AuditWriter(primary, options.auditHmac)
  }

  create(
    session: Session & { readonly hash: Uint8Array },
    { replaces, keep, passwordHash }: { replaces: Uint8Array | null; keep: number; passwordHash?: string },
    entry: AuditEntry,
  ): Promise<boolean> {
    const { userId, hash } = session
    return this.#audited.change(async (transaction, append) => {
      if (replaces !== null) await transaction.deleteFrom('sessions').where('session_hash', '=', replaces).execute()
      const { numUpdatedRows } = await transaction
        .updateTable('users')
        .set({ last_sign_in_at_ms: session.createdAtMs })
        .where('user_id', '=', userId)
        .$if(passwordHash !== undefined, (query) => query.where('password_hash', '=', passwordHash as string))
        .executeTakeFirst()
      // Removed while they signed in, or given another password, with which all sessions ended.
      if (numUpdatedRows === 0n) return false
      await transaction
        .insertInto('sessions')
        .values({
          session_hash: hash,
          session_id: session.id,
          user_id: userId,
          created_at_ms: session.createdAtMs,
          last_seen_at_ms: session.lastSeenAtMs,
          label: session.label,
        })
        .execute()
      const others = await transaction
        .selectFrom('sessions')
        .select('session_hash')
        .where('user_id', '=', userId)
        .where('session_hash', '<>', hash)
        .orderBy('created_at_ms', 'desc')
        .orderBy('session_id')
        .execute()
      const old = others.slice(Math.max(0, keep - 1)).map((row) => row.session_hash)
      if (old.length > 0) await transaction.deleteFrom('sessions').where('session_hash', 'in', old).execute()
      await append(entry)
      return true
    })
  }

  async find(hash: Uint8Array): Promise<{ session: Session; user: User } | null> {
    const row = await classified(() =>
      this.#db
        .selectFrom('sessions')
        .innerJoin('users', 'users.user_id', 'sessions.user_id')
        .select(userColumns)
        .select(['session_id', 'sessions.created_at_ms as begun_at_ms', 'last_seen_at_ms', 'label'])
        .where('session_hash', '=', hash)
        .executeTakeFirst(),
    )
    if (row === undefined) return null
    return { session: toSession({ ...row, created_at_ms: row.begun_at_ms }), user: toUser(row) }
  }

  async touch(hash: Uint8Array, atMs: number): Promise<void> {
    await classified(() =>
      this.#db
        .updateTable('sessions')
        .set({ last_seen_at_ms: atMs })
        .where('session_hash', '=', hash)
        .where('last_seen_at_ms', '<', atMs)
        .execute(),
    )
  }

  async list(userId: number): Promise<readonly Session[]> {
    const rows = await classified(() =>
      this.#db
        .selectFrom('sessions')
        .select(['session_id', 'user_id', 'created_at_ms', 'last_seen_at_ms', 'label'])
        .where('user_id', '=', userId)
        .orderBy('created_at_ms', 'desc')
        .orderBy('session_id')
        .execute(),
    )
    return rows.map(toSession)
  }

  remove(userId: number, id: string, entry: AuditEntry): Promise<boolean> {
    return this.#audited.change(async (transaction, append) => {
      const { numDeletedRows } = await transaction
        .deleteFrom('sessions')
        .where('user_id', '=', userId)
        .where('session_id', '=', id)
        .executeTakeFirst()
      if (numDeletedRows === 0n) return false
      await append(entry)
      return true
    })
  }

  async removeOlder({ createdBeforeMs, lastSeenBeforeMs }: { createdBeforeMs: number; lastSeenBeforeMs: number }): Promise<number> {
    let removed = 0
    for (;;) {
      const rows = await classified(() =>
        this.#db
          .selectFrom('sessions')
          .select('session_hash')
          .where(({ eb, or }) => or([eb('created_at_ms', '<', createdBeforeMs), eb('last_seen_at_ms', '<', lastSeenBeforeMs)]))
          .limit(inOneStatementMax)
          .execute(),
      )
      if (rows.length === 0) return removed
      const { numDeletedRows } = await classified(() =>
        this.#db
          .deleteFrom('sessions')
          .where(
            'session_hash',
            'in',
            rows.map((row) => row.session_hash),
          )
          // One that was seen meanwhile stays.
          .where(({ eb, or }) => or([eb('created_at_ms', '<', createdBeforeMs), eb('last_seen_at_ms', '<', lastSeenBeforeMs)]))
          .executeTakeFirst(),
      )
      removed += Number(numDeletedRows)
      if (rows.length < inOneStatementMax) return removed
    }
  }
}

interface SessionRow {
  readonly session_id: string
  readonly user_id: number
  readonly created_at_ms: number
  readonly last_seen_at_ms: number
  readonly label: string
}

function toSession(row: SessionRow): Session {
  return {
    id: row.session_id,
    userId: row.user_id,
    createdAtMs: row.created_at_ms,
    lastSeenAtMs: row.last_seen_at_ms,
    label: row.label,
  }
}
