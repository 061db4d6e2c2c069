import { type Kysely, sql } from 'kysely'
import { isUniqueViolation } from '../database-errors.ts'
import type { ColumnTypes } from './column-types.ts'

export async function createAuditTrail(db: Kysely<unknown>, types: ColumnTypes): Promise<void> {
  await types.createTable(
    db,
    db.schema
      .createTable('audit_trail')
      // Given by the head, without a gap: not by the database.
      .addColumn('number', types.u32, (column) => column.notNull().primaryKey())
      .addColumn('at_ms', types.i64, (column) => column.notNull())
      .addColumn('actor', types.ascii(64), (column) => column.notNull())
      .addColumn('action', types.ascii(64), (column) => column.notNull())
      .addColumn('subject', types.ascii(64), (column) => column.notNull())
      .addColumn('details', types.text, (column) => column.notNull())
      .addColumn('hash', types.binary(32), (column) => column.notNull().check(sql`length(hash) = 32`)),
    { clustered: true },
  )
}

/** One row, which every transaction that appends locks first. */
export async function createAuditHead(db: Kysely<unknown>, types: ColumnTypes): Promise<void> {
  await types.createTable(
    db,
    db.schema
      .createTable('audit_head')
      .addColumn('head', types.u32, (column) => column.notNull().primaryKey().check(sql`head = 1`))
      .addColumn('number', types.u32, (column) => column.notNull())
      .addColumn('hash', types.varBinary(32), (column) => column.notNull())
      .addColumn('broken_at', types.u32)
      .addColumn('mac', types.varBinary(32), (column) => column.notNull()),
    { clustered: true },
  )
  try {
    await sql`insert into audit_head (head, number, hash, mac) values (1, 0, ${Buffer.alloc(0)}, ${Buffer.alloc(0)})`.execute(db)
  } catch (error) {
    // Left by a run that was cut.
    if (!isUniqueViolation(error)) throw error
  }
}
