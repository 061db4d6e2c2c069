import { type CreateIndexBuilder, type CreateTableBuilder, type Kysely, type RawBuilder, sql } from 'kysely'
import { hasCode } from '../database-errors.ts'

type ColumnType = RawBuilder<unknown>

/** What the migrations call a column, a table and an index, in the words of one database. */
export interface ColumnTypes {
  /** Exactly n bytes, compared as bytes. The column also needs a check of its length. */
  binary(bytes: number): ColumnType
  /** At most n bytes. */
  varBinary(bytesMax: number): ColumnType
  /** ASCII, compared as bytes. On some databases blanks at the end do not count: nothing that is kept here ends with one. */
  ascii(charactersMax: number): ColumnType
  /** Text of at most n characters, whatever they are. Never compared: blanks at the end count in some databases, in others they do not. */
  line(charactersMax: number): ColumnType
  /** Any text, of any length. */
  readonly text: ColumnType
  readonly u32: ColumnType
  /** Signed 64 bits. */
  readonly i64: ColumnType
  /**
   * `clustered`: the rows lie in the order of the primary key. Where schema changes are not part of a transaction, the table may be there
   * already, left by a run that was cut: then it must have these columns.
   */
  createTable<Table extends string, Column extends string>(
    db: Kysely<unknown>,
    table: CreateTableBuilder<Table, Column>,
    options: { clustered: boolean },
  ): Promise<void>
  /** The same for an index. */
  createIndex(index: CreateIndexBuilder): Promise<void>
}

/** STRICT tables know five types; a length is a check of the column. */
export const sqliteColumnTypes: ColumnTypes = {
  binary: () => sql`blob`,
  varBinary: () => sql`blob`,
  ascii: () => sql`text`,
  line: () => sql`text`,
  text: sql`text`,
  u32: sql`integer`,
  i64: sql`integer`,
  createTable: (_db, table, { clustered }) => table.modifyEnd(clustered ? sql`strict, without rowid` : sql`strict`).execute(),
  createIndex: (index) => index.execute(),
}

// A row's columns may have 65,535 bytes together, but those of BLOB and TEXT.
const inRowBytesMax = 1_024

/**
 * MySQL and MariaDB. BINARY(n) would fill a value that is too short with zeros, and two voters could be one: VARBINARY leaves it as it is,
 * and the column's check refuses it. In utf8mb4 ASCII takes a byte a character, too; a column in `ascii` would refuse to be compared with
 * other text, where nothing is to be found and all is well. InnoDB orders every table by its primary key.
 */
export const mysqlColumnTypes: ColumnTypes = {
  binary: (bytes) => sql`varbinary(${sql.lit(bytes)})`,
  varBinary: (bytesMax) =>
    bytesMax <= inRowBytesMax ? sql`varbinary(${sql.lit(bytesMax)})` : bytesMax <= 65_535 ? sql`blob` : sql`longblob`,
  ascii: (charactersMax) => sql`varchar(${sql.lit(charactersMax)}) character set utf8mb4 collate utf8mb4_bin`,
  line: (charactersMax) => sql`varchar(${sql.lit(charactersMax)}) character set utf8mb4 collate utf8mb4_bin`,
  text: sql`longtext character set utf8mb4 collate utf8mb4_bin`,
  u32: sql`int unsigned`,
  i64: sql`bigint`,
  async createTable(db, table) {
    try {
      await table.modifyEnd(sql`engine = InnoDB, default character set utf8mb4, collate utf8mb4_bin`).execute()
    } catch (error) {
      if (!hasCode(error, tableExists)) throw error
      const { table: node, columns } = table.toOperationNode()
      const wanted = columns.map(({ column }) => column.column.name)
      const there = await columnsOf(db, node.table.identifier.name)
      if (there.join() !== wanted.join()) throw error
    }
  },
  async createIndex(index) {
    try {
      await index.execute()
    } catch (error) {
      if (!hasCode(error, indexExists)) throw error
    }
  },
}

const tableExists = 'MYSQL_1050'
const indexExists = 'MYSQL_1061'

async function columnsOf(db: Kysely<unknown>, table: string): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`select column_name as name from information_schema.columns
    where table_schema = database() and table_name = ${table} order by ordinal_position`.execute(db)
  return rows.map(({ name }) => name)
}
