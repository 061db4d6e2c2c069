import SqliteDatabase from 'better-sqlite3'
import { Kysely } from 'kysely'
import { sqliteColumnTypes } from '../migrations/column-types.ts'
import type { Primary, Replica, SqlDialect } from '../primary.ts'
import type { Database } from '../schema.ts'
import { refuseNetworkFileSystem } from './network-file-systems.ts'
import { sqliteCountStatements } from './sqlite-count-statements.ts'
import { SqliteConnectionDialect } from './sqlite-driver.ts'

export const sqliteDialect: SqlDialect = { name: 'sqlite', columnTypes: sqliteColumnTypes, countStatements: sqliteCountStatements }

// How long a statement waits for another process's transaction. The thread stands still meanwhile.
const busyTimeoutMs = 5_000

/**
 * Opens the file (and makes it) for the one thread that writes it. What is committed is on disk: WAL, synchronous=FULL. Throws
 * {@link refuseNetworkFileSystem}'s error, or better-sqlite3's. Loads the native module, so Node's version must have been checked before.
 */
export function openSqliteWriter(path: string): Primary {
  refuseNetworkFileSystem(path)
  const database = new SqliteDatabase(path, { timeout: busyTimeoutMs })
  return closingOnFailure(database, () => {
    switchToWal(database)
    database.pragma('synchronous = FULL')
    database.pragma('foreign_keys = ON')
    // Voter keys are random, so a batch touches about a page for each of its ballots: with the default (1,000 pages) every commit would
    // also copy the log into the file. 16,000 pages are 64 MiB; beyond that nothing was gained.
    database.pragma('wal_autocheckpoint = 16000')
    database.pragma('cache_size = -65536')
    const db = new Kysely<Database>({ dialect: new SqliteConnectionDialect(() => database, 'writer') })
    return { role: 'primary', db, dialect: sqliteDialect, close: () => closeBoth(db, database) }
  })
}

/** Opens an existing file to read it: a write is refused by SQLite itself. */
export function openSqliteReader(path: string): Replica {
  refuseNetworkFileSystem(path)
  const database = new SqliteDatabase(path, { timeout: busyTimeoutMs, fileMustExist: true })
  return closingOnFailure(database, () => {
    database.pragma('query_only = ON')
    const db = new Kysely<Database>({ dialect: new SqliteConnectionDialect(() => database, 'reader') })
    return { role: 'replica', db, dialect: sqliteDialect, close: () => closeBoth(db, database) }
  })
}

/**
 * Of several processes that start on a new file all but one get SQLITE_BUSY here at once: SQLite does not wait when it would have to
 * wait inside a lock.
 */
function switchToWal(database: SqliteDatabase.Database): void {
  const untilMs = performance.now() + busyTimeoutMs
  for (;;) {
    try {
      database.pragma('journal_mode = WAL')
      return
    } catch (error) {
      if ((error as { code?: string }).code !== 'SQLITE_BUSY' || performance.now() > untilMs) throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5 + Math.random() * 20)
    }
  }
}

function closingOnFailure<Value>(database: SqliteDatabase.Database, prepare: () => Value): Value {
  try {
    return prepare()
  } catch (error) {
    database.close()
    throw error
  }
}

/** Kysely closes only what it has used. */
async function closeBoth(db: Kysely<Database>, database: SqliteDatabase.Database): Promise<void> {
  await db.destroy()
  database.close()
}
