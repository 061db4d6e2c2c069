import { type Kysely, sql } from 'kysely'
import type { ColumnTypes } from './column-types.ts'

export async function createVotingCodes(db: Kysely<unknown>, types: ColumnTypes): Promise<void> {
  await types.createTable(
    db,
    db.schema
      .createTable('voting_codes')
      .addColumn('poll_id', types.ascii(16), (column) => column.notNull())
      .addColumn('code_hash', types.binary(32), (column) => column.notNull().check(sql`length(code_hash) = 32`))
      .addColumn('code_id', types.ascii(16), (column) => column.notNull())
      // From 1, in the order in which the poll's codes were made.
      .addColumn('place', types.u32, (column) => column.notNull())
      .addColumn('label', types.line(300), (column) => column.notNull())
      .addColumn('created_at_ms', types.i64, (column) => column.notNull())
      .addColumn('revoked_at_ms', types.i64)
      .addPrimaryKeyConstraint('voting_codes_primary_key', ['poll_id', 'code_hash'])
      .addUniqueConstraint('voting_codes_by_id', ['poll_id', 'code_id'])
      .addUniqueConstraint('voting_codes_by_place', ['poll_id', 'place']),
    { clustered: true },
  )
}

export async function createVoterRoll(db: Kysely<unknown>, types: ColumnTypes): Promise<void> {
  await types.createTable(
    db,
    db.schema
      .createTable('voter_roll')
      .addColumn('poll_id', types.ascii(16), (column) => column.notNull())
      .addColumn('user_id', types.u32, (column) => column.notNull())
      .addPrimaryKeyConstraint('voter_roll_primary_key', ['poll_id', 'user_id']),
    { clustered: true },
  )
  await types.createIndex(db.schema.createIndex('voter_roll_by_user').on('voter_roll').columns(['user_id']))
}

/** When the last ballot that was counted came, by the queue's time. */
export async function createPollActivity(db: Kysely<unknown>, types: ColumnTypes): Promise<void> {
  await types.createTable(
    db,
    db.schema
      .createTable('poll_activity')
      .addColumn('poll_id', types.ascii(16), (column) => column.notNull())
      .addColumn('shard', types.u32, (column) => column.notNull())
      .addColumn('last_at_ms', types.i64, (column) => column.notNull())
      .addPrimaryKeyConstraint('poll_activity_primary_key', ['poll_id', 'shard']),
    { clustered: true },
  )
}
