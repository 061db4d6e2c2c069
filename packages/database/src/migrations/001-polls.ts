import type { Kysely } from 'kysely'
import type { ColumnTypes } from './column-types.ts'

export async function createPolls(db: Kysely<unknown>, types: ColumnTypes): Promise<void> {
  await types.createTable(
    db,
    db.schema
      .createTable('polls')
      .addColumn('poll_id', types.ascii(16), (column) => column.notNull().primaryKey())
      .addColumn('definition', types.text, (column) => column.notNull())
      .addColumn('listed', types.u32, (column) => column.notNull())
      .addColumn('revision', types.u32, (column) => column.notNull())
      .addColumn('secret_sealed', types.varBinary(255), (column) => column.notNull())
      .addColumn('created_at_ms', types.i64, (column) => column.notNull())
      .addColumn('deleted_at_ms', types.i64),
    { clustered: false },
  )
  await types.createIndex(db.schema.createIndex('polls_by_age').on('polls').columns(['created_at_ms', 'poll_id']))
}

export async function createPollVersions(db: Kysely<unknown>, types: ColumnTypes): Promise<void> {
  await types.createTable(
    db,
    db.schema
      .createTable('poll_versions')
      .addColumn('poll_id', types.ascii(16), (column) => column.notNull())
      .addColumn('version', types.u32, (column) => column.notNull())
      .addColumn('opens_at_ms', types.i64)
      .addColumn('closes_at_ms', types.i64)
      .addColumn('created_at_ms', types.i64, (column) => column.notNull())
      .addPrimaryKeyConstraint('poll_versions_primary_key', ['poll_id', 'version'])
      .addForeignKeyConstraint('poll_versions_of_poll', ['poll_id'], 'polls', ['poll_id']),
    { clustered: true },
  )
}

export async function createSurveys(db: Kysely<unknown>, types: ColumnTypes): Promise<void> {
  await types.createTable(
    db,
    db.schema
      .createTable('surveys')
      // Not a plain row id: a number is never used again.
      .addColumn('survey_id', types.u32, (column) => column.primaryKey().autoIncrement())
      .addColumn('poll_id', types.ascii(16), (column) => column.notNull().unique())
      .addForeignKeyConstraint('surveys_of_poll', ['poll_id'], 'polls', ['poll_id']),
    { clustered: false },
  )
}
