import { Kysely } from 'kysely'
import { mysqlColumnTypes } from '../migrations/column-types.ts'
import type { Primary, Replica, SqlDialect } from '../primary.ts'
import type { Database } from '../schema.ts'
import { mysqlCountStatements } from './mysql-count-statements.ts'
import { MysqlPoolDialect } from './mysql-driver.ts'
import type { MysqlOptions } from './mysql-options.ts'
import { MysqlPool } from './mysql-pool.ts'
import { prepareDatabase } from './prepare-database.ts'

export const mysqlDialect: SqlDialect = {
  name: 'mysql',
  columnTypes: mysqlColumnTypes,
  countStatements: mysqlCountStatements,
  beforeMigrating: prepareDatabase,
}

/**
 * A MySQL or MariaDB server that takes writes. Connects when it is first asked something, and again whenever a connection was lost: a
 * server that is away makes the call fail within the options' time limits, not the process.
 */
export function openMysqlPrimary(options: MysqlOptions): Primary {
  return { role: 'primary', ...open('primary', options) }
}

/** The same for a server that is only read: a write is refused by the server itself, also where it would take one. */
export function openMysqlReplica(options: MysqlOptions): Replica {
  return { role: 'replica', ...open('replica', options) }
}

function open(role: 'primary' | 'replica', options: MysqlOptions) {
  const pool = new MysqlPool(role, options)
  const db = new Kysely<Database>({ dialect: new MysqlPoolDialect(pool) })
  return {
    db,
    dialect: mysqlDialect,
    async close() {
      await db.destroy()
      // Kysely closes only what it has used.
      await pool.close()
    },
  }
}
