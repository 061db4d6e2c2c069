import { setTimeout as delay } from 'node:timers/promises'
import {
  type DatabaseConnection,
  type DatabaseIntrospector,
  type Dialect,
  type DialectAdapter,
  type Driver,
  type Kysely,
  MysqlAdapter,
  MysqlIntrospector,
  MysqlQueryCompiler,
  type QueryCompiler,
  sql,
  type TransactionSettings,
} from 'kysely'
import { codedError, timedOutCode } from '../database-errors.ts'
import type { MysqlConnection } from './mysql-connection.ts'
import type { MysqlPool } from './mysql-pool.ts'

/** MySQL and MariaDB for Kysely, over a pool whose every call has a time limit. */
export class MysqlPoolDialect implements Dialect {
  readonly #pool: MysqlPool

  constructor(pool: MysqlPool) {
    this.#pool = pool
  }

  createAdapter(): DialectAdapter {
    return new PatientMysqlAdapter()
  }

  createDriver(): Driver {
    return new MysqlPoolDriver(this.#pool)
  }

  createQueryCompiler(): QueryCompiler {
    return new MysqlQueryCompiler()
  }

  // biome-ignore lint/suspicious/noExplicitAny: Kysely's own signature
  createIntrospector(db: Kysely<any>): DatabaseIntrospector {
    return new MysqlIntrospector(db)
  }
}

/** Migrators ask again and again for the lock: Kysely's own adapter waits for it in one statement, for an hour, and goes on without it. */
class PatientMysqlAdapter extends MysqlAdapter {
  // biome-ignore lint/suspicious/noExplicitAny: Kysely's own signature
  override async acquireMigrationLock(db: Kysely<any>): Promise<void> {
    const untilMs = performance.now() + migrationLockTimeoutMs
    do {
      const { rows } = await sql<{ taken: number | null }>`select get_lock(${migrationLock}, 0) as taken`.execute(db)
      if (rows[0]?.taken === 1) return
      await delay(migrationLockPauseMs)
    } while (performance.now() < untilMs)
    throw codedError(timedOutCode, `another process has been migrating for ${migrationLockTimeoutMs} ms`)
  }

  // biome-ignore lint/suspicious/noExplicitAny: Kysely's own signature
  override async releaseMigrationLock(db: Kysely<any>): Promise<void> {
    // A connection that was lost has given its locks back, and its error must not hide the one that ended the migration.
    await sql`select release_lock(${migrationLock})`.execute(db).catch(() => {})
  }
}

// Locks are the server's, not the database's: two installations on one server must not wait for each other.
const migrationLock = sql`concat('urna-migrate-', left(sha2(database(), 256), 32))`

const migrationLockTimeoutMs = 10 * 60_000
const migrationLockPauseMs = 100

class MysqlPoolDriver implements Driver {
  readonly #pool: MysqlPool

  constructor(pool: MysqlPool) {
    this.#pool = pool
  }

  async init(): Promise<void> {}

  acquireConnection(): Promise<MysqlConnection> {
    return this.#pool.acquire()
  }

  /**
   * `begin` after `set transaction`: InnoDB makes the snapshot of a REPEATABLE READ transaction at its first read, and all reads that
   * follow see that one. So START TRANSACTION WITH CONSISTENT SNAPSHOT would add nothing but an earlier instant.
   */
  async beginTransaction(connection: DatabaseConnection, { isolationLevel, accessMode }: TransactionSettings): Promise<void> {
    const parts = [
      ...(isolationLevel === undefined ? [] : [`isolation level ${isolationLevel}`]),
      ...(accessMode === undefined ? [] : [accessMode]),
    ]
    await leavingNothing(connection, async (own) => {
      // Holds for the next transaction only.
      if (parts.length > 0) await own.run(`set transaction ${parts.join(', ')}`)
      await own.run('begin')
    })
  }

  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await (connection as MysqlConnection).run('commit')
  }

  /** Never fails: where there is no connection any more the server rolls back, and the error that led here is the one to see. */
  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    await leavingNothing(connection, (own) => own.run('rollback')).catch(() => {})
  }

  async releaseConnection(connection: DatabaseConnection): Promise<void> {
    this.#pool.release(connection as MysqlConnection)
  }

  destroy(): Promise<void> {
    return this.#pool.close()
  }
}

/** A connection on which this fails may have half a transaction open: it is destroyed. */
async function leavingNothing(connection: DatabaseConnection, work: (own: MysqlConnection) => Promise<void>): Promise<void> {
  const own = connection as MysqlConnection
  try {
    await work(own)
  } catch (error) {
    own.destroy()
    throw error
  }
}
