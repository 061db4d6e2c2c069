import type { ApiToken, ApiTokenRepository, AuditEntry, Permission, User } from '@urna/core'
import type { Kysely } from 'kysely'
import { AuditWriter, type AuditWriterOptions } from '../audit-writer.ts'
import { classified } from '../database-errors.ts'
import type { Primary } from '../primary.ts'
import type { Database } from '../schema.ts'
import { toUser, userColumns } from '../user-rows.ts'

export class SqlApiTokenRepository implements ApiTokenRepository {
  readonly #db: Kysely<Database>
  readonly #audited: AuditWriter

  constructor(primary: Primary, options: AuditWriterOptions) {
    this.#db = primary.db
    this.#audited = new AuditWriter(primary, options.auditHmac)
  }

  create({ hash, ...token }: ApiToken & { readonly hash: Uint8Array }, entry: AuditEntry, session?: Uint8Array): Promise<boolean> {
    return this.#audited.change(async (transaction, append) => {
      const user = await transaction
        .selectFrom('users')
        .select('user_id')
        .where('user_id', '=', token.userId)
        .$if(session !== undefined, (query) =>
          query.where(({ exists, selectFrom }) =>
            exists(
              selectFrom('sessions')
                .select('sessions.user_id')
                .whereRef('sessions.user_id', '=', 'users.user_id')
                .where('session_hash', '=', session as Uint8Array),
            ),
          ),
        )
        .executeTakeFirst()
      // Removed or signed out meanwhile.
      if (user === undefined) return false
      await transaction
        .insertInto('api_tokens')
        .values({
          token_hash: hash,
          token_id: token.id,
          user_id: token.userId,
          name: token.name,
          scopes: JSON.stringify(token.scopes),
          created_at_ms: token.createdAtMs,
          expires_at_ms: token.expiresAtMs,
          last_used_at_ms: token.lastUsedAtMs,
        })
        .execute()
      await append(entry)
      return true
    })
  }

  async find(hash: Uint8Array): Promise<{ token: ApiToken; user: User } | null> {
    const row = await classified(() =>
      this.#db
        .selectFrom('api_tokens')
        .innerJoin('users', 'users.user_id', 'api_tokens.user_id')
        .select(userColumns)
        .select([
          'token_id',
          'api_tokens.name as token_name',
          'scopes',
          'api_tokens.created_at_ms as made_at_ms',
          'expires_at_ms',
          'last_used_at_ms',
        ])
        .where('token_hash', '=', hash)
        .executeTakeFirst(),
    )
    if (row === undefined) return null
    return { token: toToken({ ...row, name: row.token_name, created_at_ms: row.made_at_ms }), user: toUser(row) }
  }

  async touch(id: string, atMs: number): Promise<void> {
    await classified(() =>
      this.#db
        .updateTable('api_tokens')
        .set({ last_used_at_ms: atMs })
        .where('token_id', '=', id)
        .where(({ eb, or }) => or([eb('last_used_at_ms', 'is', null), eb('last_used_at_ms', '<', atMs)]))
        .execute(),
    )
  }

  async list(userId: number): Promise<readonly ApiToken[]> {
    const rows = await classified(() =>
      this.#db
        .selectFrom('api_tokens')
        .select(['token_id', 'user_id', 'name', 'scopes', 'created_at_ms', 'expires_at_ms', 'last_used_at_ms'])
        .where('user_id', '=', userId)
        .orderBy('created_at_ms', 'desc')
        .orderBy('token_id')
        .execute(),
    )
    return rows.map(toToken)
  }

  remove(userId: number, id: string, entry: AuditEntry): Promise<boolean> {
    return this.#audited.change(async (transaction, append) => {
      const { numDeletedRows } = await transaction
        .deleteFrom('api_tokens')
        .where('user_id', '=', userId)
        .where('token_id', '=', id)
        .executeTakeFirst()
      if (numDeletedRows === 0n) return false
      await append(entry)
      return true
    })
  }
}

interface TokenRow {
  readonly token_id: string
  readonly user_id: number
  readonly name: string
  readonly scopes: string
  readonly created_at_ms: number
  readonly expires_at_ms: number
  readonly last_used_at_ms: number | null
}

function toToken(row: TokenRow): ApiToken {
  return {
    id: row.token_id,
    userId: row.user_id,
    name: row.name,
    scopes: JSON.parse(row.scopes) as Permission[],
    createdAtMs: row.created_at_ms,
    expiresAtMs: row.expires_at_ms,
    lastUsedAtMs: row.last_used_at_ms,
  }
}
