import { ForeignMasterKeyError, RetryableDatabaseError } from '@urna/core'
import { sql } from 'kysely'
import { classified, hasCode } from './database-errors.ts'
import { migrations } from './migrations/index.ts'
import { serverRole } from './mysql/server-role.ts'
import type { Primary, Replica } from './primary.ts'

/** The database answers, and is not (or not yet) one that this version can work with. */
export class NotPreparedError extends RetryableDatabaseError {
  override name = 'NotPreparedError'
}

const noSuchTable = 'MYSQL_1146'
const fingerprintSetting = 'master_key_fingerprint'

/**
 * Resolves when this MySQL or MariaDB server can be worked with: it has every migration that this version knows (newer ones do no harm: a
 * migration only ever adds until nobody needs what it replaces), and it was set up with the master key of this `fingerprint`. Tells whether it takes writes.
 * Throws {@link NotPreparedError}, {@link ForeignMasterKeyError}, and what the repositories throw.
 */
export async function readInstallation(
  database: Primary | Replica,
  { fingerprint }: { fingerprint: string },
): Promise<{ isReadOnly: boolean }> {
  const missing = await missingMigrations(database)
  if (missing.length > 0) {
    throw new NotPreparedError(`the database lacks ${missing.length} of our migrations, from ${missing[0]} on: run the migration`)
  }
  const stored = await classified(() =>
    database.db.selectFrom('settings').select('value').where('name', '=', fingerprintSetting).executeTakeFirst(),
  )
  if (stored === undefined) throw new NotPreparedError('the migration has not finished: it did not store the fingerprint of the master key')
  if (stored.value !== fingerprint) throw new ForeignMasterKeyError({ stored: stored.value, given: fingerprint })
  const { isReadOnly } = await serverRole(database)
  return { isReadOnly }
}

async function missingMigrations(database: Primary | Replica): Promise<string[]> {
  const known = Object.keys(migrations)
  try {
    const { rows } = await sql<{ name: string }>`select name from kysely_migration`.execute(database.db)
    const run = new Set(rows.map(({ name }) => name))
    return known.filter((name) => !run.has(name))
  } catch (error) {
    if (hasCode(error, noSuchTable)) return known
    return classified(() => Promise.reject(error))
  }
}
