import type { Kysely } from 'kysely'
import type { ColumnTypes } from './column-types.ts'

export async function createSettings(db: Kysely<unknown>, types: ColumnTypes): Promise<void> {
  await types.createTable(
    db,
    db.schema
      .createTable('settings')
      .addColumn('name', types.ascii(64), (column) => column.notNull().primaryKey())
      .addColumn('value', types.text, (column) => column.notNull()),
    { clustered: true },
  )
}
