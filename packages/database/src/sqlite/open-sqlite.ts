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
    database.pragma('page_size = ' + (process.env.PS ?? 4096))
    database.pragma('journal_mode = WAL')
    database.pragma('synchronous = FULL')
    database.pragma('foreign_keys = ON')
    // A batch touches a page for nearly every voter: with the default (4 MB) each commit would copy the whole log back.
    database.pragma('wal_autocheckpoint = ' + (process.env.CK ?? 8000))
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
