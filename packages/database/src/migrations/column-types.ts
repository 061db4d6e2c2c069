import { type CreateTableBuilder, type RawBuilder, sql } from 'kysely'

type ColumnType = RawBuilder<unknown>

/**
 * What the migrations call a column, in the words of one database. MySQL's and MariaDB's come with their adapter: BINARY(n), VARBINARY(n),
 * LONGTEXT in utf8mb4_bin, CHAR(n) in ascii_bin, BIGINT.
 */
export interface ColumnTypes {
  /** Exactly n bytes, compared as bytes. */
  binary(bytes: number): ColumnType
  /** At most n bytes. */
  varBinary(bytesMax: number): ColumnType
  /** ASCII, compared as bytes. */
  ascii(charactersMax: number): ColumnType
  /** Any text, of any length. */
  readonly text: ColumnType
  readonly u32: ColumnType
  /** Signed 64 bits. */
  readonly i64: ColumnType
  /** Ends a `create table`: engine, character set. `clustered`: the rows lie in the order of the primary key. */
  endTable<Table extends string, Column extends string>(
    table: CreateTableBuilder<Table, Column>,
    options: { clustered: boolean },
  ): CreateTableBuilder<Table, Column>
}

/** STRICT tables know five types; a length is a check of the column. */
export const sqliteColumnTypes: ColumnTypes = {
  binary: () => sql`blob`,
  varBinary: () => sql`blob`,
  ascii: () => sql`text`,
  text: sql`text`,
  u32: sql`integer`,
  i64: sql`integer`,
  endTable: (table, { clustered }) => table.modifyEnd(clustered ? sql`strict, without rowid` : sql`strict`),
}
