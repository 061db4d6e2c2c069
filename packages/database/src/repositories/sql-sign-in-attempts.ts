import { asBuffer, compareBytes, type SignInAttempts } from '@urna/core'
import { sql } from 'kysely'
import { inTransaction } from '../audit-writer.ts'
import { classified } from '../database-errors.ts'
import { inOneStatementMax } from '../in-chunks.ts'
import type { Primary } from '../primary.ts'

export class SqlSignInAttempts implements SignInAttempts {
  readonly #primary: Primary

  constructor(primary: Primary) {
    this.#primary = primary
  }

  async read(keys: readonly Uint8Array[]): Promise<readonly { key: Uint8Array; failures: number; lastAtMs: number }[]> {
    if (keys.length === 0) return []
    const rows = await classified(() =>
      this.#primary.db.selectFrom('sign_in_attempts').selectAll().where('attempt_key', 'in', keys).execute(),
    )
    return rows.map((row) => ({ key: asBuffer(row.attempt_key), failures: row.failures, lastAtMs: row.last_at_ms }))
  }

  /** The database adds: nobody reads, and then writes what they have read plus one. */
  async addFailure(keys: readonly Uint8Array[], atMs: number): Promise<void> {
    if (keys.length === 0) return
    // In one order, so that two who count the same keys wait for each other, and not crosswise.
    const rows = [...keys].sort(compareBytes).map((key) => sql`(${key}, 1, ${atMs})`)
    const onConflict =
      this.#primary.dialect.name === 'sqlite'
        ? sql`on conflict (attempt_key) do update set failures = sign_in_attempts.failures + 1, last_at_ms = max(sign_in_attempts.last_at_ms, excluded.last_at_ms)`
        : sql`on duplicate key update failures = failures + 1, last_at_ms = greatest(last_at_ms, values(last_at_ms))`
    await inTransaction(this.#primary, (transaction) =>
      sql`insert into ${sql.table('sign_in_attempts')} (attempt_key, failures, last_at_ms) values ${sql.join(rows)} ${onConflict}`.execute(
        transaction,
      ),
    )
  }

  async clear(keys: readonly Uint8Array[]): Promise<void> {
    if (keys.length === 0) return
    await inTransaction(this.#primary, (transaction) =>
      transaction.deleteFrom('sign_in_attempts').where('attempt_key', 'in', keys).execute(),
    )
  }

  async removeOlder(beforeMs: number): Promise<number> {
    let removed = 0
    for (;;) {
      const rows = await classified(() =>
        this.#primary.db
          .selectFrom('sign_in_attempts')
          .select('attempt_key')
          .where('last_at_ms', '<', beforeMs)
          .limit(inOneStatementMax)
          .execute(),
      )
      if (rows.length === 0) return removed
      const keys = rows.map((row) => row.attempt_key)
      const { numDeletedRows } = await inTransaction(this.#primary, (transaction) =>
        // One that failed again meanwhile stays.
        transaction.deleteFrom('sign_in_attempts').where('attempt_key', 'in', keys).where('last_at_ms', '<', beforeMs).executeTakeFirst(),
      )
      removed += Number(numDeletedRows)
      if (rows.length < inOneStatementMax) return removed
    }
  }
}
