import { type Kysely, sql } from 'kysely'
import type { ColumnTypes } from './column-types.ts'

/** Texts of 100 characters may have 300 once they are in normal form C. */
const lineMax = 300

export async function createUsers(db: Kysely<unknown>, types: ColumnTypes): Promise<void> {
  await types.createTable(
    db,
    db.schema
      .createTable('users')
      // Not a plain row id: a number is never used again.
      .addColumn('user_id', types.u32, (column) => column.primaryKey().autoIncrement())
      .addColumn('username', types.line(lineMax), (column) => column.notNull())
      // Bytes: no database folds, or leaves out blanks at the end, by itself.
      .addColumn('username_folded', types.varBinary(1_024), (column) => column.notNull().unique())
      .addColumn('name', types.line(lineMax), (column) => column.notNull())
      .addColumn('second_name', types.line(lineMax), (column) => column.notNull())
      .addColumn('email', types.line(3 * 254), (column) => column.notNull())
      .addColumn('search_folded', types.varBinary(65_535), (column) => column.notNull())
      .addColumn('role', types.ascii(16), (column) => column.notNull())
      .addColumn('password_hash', types.ascii(255))
      .addColumn('voting_id', types.binary(16), (column) => column.notNull().check(sql`length(voting_id) = 16`))
      .addColumn('created_at_ms', types.i64, (column) => column.notNull())
      .addColumn('updated_at_ms', types.i64, (column) => column.notNull())
      .addColumn('last_sign_in_at_ms', types.i64),
    { clustered: false },
  )
}

export async function createPollOwners(db: Kysely<unknown>, types: ColumnTypes): Promise<void> {
  await types.createTable(
    db,
    db.schema
      .createTable('poll_owners')
      .addColumn('poll_id', types.ascii(16), (column) => column.notNull().primaryKey())
      .addColumn('user_id', types.u32, (column) => column.notNull()),
    { clustered: true },
  )
  await types.createIndex(db.schema.createIndex('poll_owners_by_user').on('poll_owners').columns(['user_id']))
}

export async function createSessions(db: Kysely<unknown>, types: ColumnTypes): Promise<void> {
  await types.createTable(
    db,
    db.schema
      .createTable('sessions')
      .addColumn('session_hash', types.binary(32), (column) => column.notNull().primaryKey().check(sql`length(session_hash) = 32`))
      .addColumn('session_id', types.ascii(16), (column) => column.notNull())
      .addColumn('user_id', types.u32, (column) => column.notNull())
      .addColumn('created_at_ms', types.i64, (column) => column.notNull())
      .addColumn('last_seen_at_ms', types.i64, (column) => column.notNull())
      .addColumn('label', types.text, (column) => column.notNull()),
    { clustered: true },
  )
  await types.createIndex(db.schema.createIndex('sessions_by_user').on('sessions').columns(['user_id']))
}

export async function createSignInAttempts(db: Kysely<unknown>, types: ColumnTypes): Promise<void> {
  await types.createTable(
    db,
    db.schema
      .createTable('sign_in_attempts')
      .addColumn('attempt_key', types.binary(32), (column) => column.notNull().primaryKey().check(sql`length(attempt_key) = 32`))
      .addColumn('failures', types.u32, (column) => column.notNull())
      .addColumn('last_at_ms', types.i64, (column) => column.notNull()),
    { clustered: true },
  )
}

export async function createApiTokens(db: Kysely<unknown>, types: ColumnTypes): Promise<void> {
  await types.createTable(
    db,
    db.schema
      .createTable('api_tokens')
      .addColumn('token_hash', types.binary(32), (column) => column.notNull().primaryKey().check(sql`length(token_hash) = 32`))
      .addColumn('token_id', types.ascii(16), (column) => column.notNull().unique())
      .addColumn('user_id', types.u32, (column) => column.notNull())
      .addColumn('name', types.line(lineMax), (column) => column.notNull())
      .addColumn('scopes', types.text, (column) => column.notNull())
      .addColumn('created_at_ms', types.i64, (column) => column.notNull())
      .addColumn('expires_at_ms', types.i64, (column) => column.notNull())
      .addColumn('last_used_at_ms', types.i64),
    { clustered: true },
  )
  await types.createIndex(db.schema.createIndex('api_tokens_by_user').on('api_tokens').columns(['user_id']))
}
