import { type Kysely, sql } from 'kysely'
import type { ColumnTypes } from './column-types.ts'

export async function createLowWater(db: Kysely<unknown>, types: ColumnTypes): Promise<void> {
  await types.createTable(
    db,
    db.schema
      .createTable('low_water')
      .addColumn('epoch', types.u32, (column) => column.notNull())
      .addColumn('stream', types.u32, (column) => column.notNull())
      .addColumn('below', types.binary(16), (column) => column.notNull().check(sql`length(below) = 16`))
      .addColumn('at_ms', types.i64, (column) => column.notNull())
      .addColumn('beat', types.i64, (column) => column.notNull())
      .addPrimaryKeyConstraint('low_water_primary_key', ['epoch', 'stream']),
    { clustered: true },
  )
}

export async function createQueueEpochs(db: Kysely<unknown>, types: ColumnTypes): Promise<void> {
  await types.createTable(
    db,
    db.schema
      .createTable('queue_epochs')
      // Not a plain row id: an epoch is never used again.
      .addColumn('epoch', types.u32, (column) => column.primaryKey().autoIncrement())
      .addColumn('identity', types.varBinary(64), (column) => column.notNull().unique().check(sql`length(identity) between 1 and 64`)),
    { clustered: false },
  )
}
