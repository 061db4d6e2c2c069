import type SqliteDatabase from 'better-sqlite3'
import {
  type CompiledQuery,
  type DatabaseConnection,
  type DatabaseIntrospector,
  type Dialect,
  type DialectAdapter,
  type Driver,
  type Kysely,
  type QueryCompiler,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
  type TransactionSettings,
} from 'kysely'
import { transactionEndedCode } from '../database-errors.ts'

/** Schema changes are part of a transaction on SQLite: the migrator then runs all of them in one, or none. */
export class TransactionalSqliteAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true
  }
}

/** What Kysely needs to speak SQLite, but for the driver. */
export abstract class SqliteSpeakingDialect implements Dialect {
  abstract createDriver(): Driver
  createAdapter(): DialectAdapter {
    return new TransactionalSqliteAdapter()
  }
  createQueryCompiler(): QueryCompiler {
    return new SqliteQueryCompiler()
  }
  // biome-ignore lint/suspicious/noExplicitAny: Kysely's own signature
  createIntrospector(db: Kysely<any>): DatabaseIntrospector {
    return new SqliteIntrospector(db)
  }
}

/**
 * One better-sqlite3 connection for Kysely, which hands it out to one at a time. It differs from Kysely's own driver in three points:
 *
 * - a writer's transaction takes the write lock when it begins. One that reads first and writes later would get SQLITE_BUSY at once,
 *   without waiting, when another writer was in between;
 * - SQLite ends a transaction by itself on some errors (disk full, I/O error). A rollback is then not an error that hides the true one,
 *   and a statement that would fall outside the transaction is refused;
 * - prepared statements are kept.
 */
export class SqliteConnectionDialect extends SqliteSpeakingDialect {
  readonly #open: () => SqliteDatabase.Database
  readonly #begin: 'begin' | 'begin immediate'

  constructor(open: () => SqliteDatabase.Database, role: 'writer' | 'reader') {
    super()
    this.#open = open
    this.#begin = role === 'writer' ? 'begin immediate' : 'begin'
  }

  createDriver(): Driver {
    return new SqliteConnectionDriver(this.#open, this.#begin)
  }
}

class SqliteConnectionDriver implements Driver {
  readonly #open: () => SqliteDatabase.Database
  readonly #begin: string
  #database: SqliteDatabase.Database | null = null
  #connection: SqliteConnection | null = null

  constructor(open: () => SqliteDatabase.Database, begin: string) {
    this.#open = open
    this.#begin = begin
  }

  async init(): Promise<void> {
    this.#database = this.#open()
    this.#connection = new SqliteConnection(this.#database)
  }

  async acquireConnection(): Promise<DatabaseConnection> {
    if (this.#connection === null) throw new Error('the database is not open')
    return this.#connection
  }

  async beginTransaction(connection: DatabaseConnection, settings: TransactionSettings): Promise<void> {
    // SQLite has one isolation level, serializable, which is more than any that is asked for.
    ;(connection as SqliteConnection).begin(settings.accessMode === 'read only' ? 'begin' : this.#begin)
  }

  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    ;(connection as SqliteConnection).commit()
  }

  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    ;(connection as SqliteConnection).rollback()
  }

  async releaseConnection(): Promise<void> {}

  async destroy(): Promise<void> {
    this.#database?.close()
  }
}

class SqliteConnection implements DatabaseConnection {
  readonly #database: SqliteDatabase.Database
  readonly #statements: StatementCache
  #inTransaction = false

  constructor(database: SqliteDatabase.Database) {
    this.#database = database
    this.#statements = new StatementCache(database)
  }

  begin(sql: string): void {
    this.#statements.get(sql).run()
    this.#inTransaction = true
  }

  commit(): void {
    this.#assertInTransaction()
    this.#statements.get('commit').run()
    this.#inTransaction = false
  }

  rollback(): void {
    this.#inTransaction = false
    if (this.#database.inTransaction) this.#statements.get('rollback').run()
  }

  async executeQuery<Row>({ sql, parameters }: CompiledQuery): Promise<QueryResult<Row>> {
    if (this.#inTransaction) this.#assertInTransaction()
    const statement = this.#statements.get(sql)
    if (statement.reader) return { rows: statement.all(parameters) as Row[] }
    const { changes, lastInsertRowid } = statement.run(parameters)
    return { rows: [], numAffectedRows: BigInt(changes), insertId: BigInt(lastInsertRowid) }
  }

  // Repositories read in pages: an open cursor would keep this connection, the only one, from everybody else.
  streamQuery(): never {
    throw new Error('streaming is not supported: read in pages')
  }

  #assertInTransaction(): void {
    if (this.#database.inTransaction) return
    throw Object.assign(new Error('SQLite ended the transaction after an error'), { code: transactionEndedCode })
  }
}

/** Prepared statements by their text, the least recently used go first. Preparing a statement of 64 rows costs more than running it. */
class StatementCache {
  static readonly #statementsMax = 200
  readonly #database: SqliteDatabase.Database
  readonly #statements = new Map<string, SqliteDatabase.Statement>()

  constructor(database: SqliteDatabase.Database) {
    this.#database = database
  }

  get(sql: string): SqliteDatabase.Statement {
    let statement = this.#statements.get(sql)
    if (statement === undefined) {
      statement = this.#database.prepare(sql)
      const [oldest] = this.#statements.keys()
      if (oldest !== undefined && this.#statements.size >= StatementCache.#statementsMax) this.#statements.delete(oldest)
    } else {
      this.#statements.delete(sql)
    }
    this.#statements.set(sql, statement)
    return statement
  }
}
