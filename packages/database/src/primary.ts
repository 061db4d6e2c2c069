import { type Kysely, sql } from 'kysely'
import type { CountStatements } from './count-batch.ts'
import { classified } from './database-errors.ts'
import type { ColumnTypes } from './migrations/column-types.ts'
import type { Database } from './schema.ts'

/** What differs between the databases. */
export interface SqlDialect {
  readonly name: 'sqlite' | 'mysql'
  readonly columnTypes: ColumnTypes
  readonly countStatements: CountStatements
  /** Brings the database itself into the state that migrations need; throws if it cannot be. Idempotent. */
  beforeMigrating?(db: Kysely<Database>): Promise<void>
}

interface Connected {
  readonly db: Kysely<Database>
  readonly dialect: SqlDialect
  close(): Promise<void>
}

/** The database that takes writes. Another type than {@link Replica}: what is meant for one cannot be given the other. */
export interface Primary extends Connected {
  readonly role: 'primary'
}

/** A database that is only read, and may lag behind the primary. */
export interface Replica extends Connected {
  readonly role: 'replica'
}

/** Resolves when the database answers; throws what the repositories throw. */
export async function pingDatabase(database: Primary | Replica): Promise<void> {
  await classified(() => sql`select 1`.execute(database.db))
}
