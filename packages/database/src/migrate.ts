import { Migrator } from 'kysely/migration'
import { classified } from './database-errors.ts'
import { migrations } from './migrations/index.ts'
import type { Primary } from './primary.ts'

function migratorOf(primary: Primary): Migrator {
  const { columnTypes } = primary.dialect
  return new Migrator({
    db: primary.db,
    provider: {
      getMigrations: async () =>
        Object.fromEntries(Object.entries(migrations).map(([name, up]) => [name, { up: (db) => up(db, columnTypes) }])),
    },
  })
}

/**
 * Brings the tables up to date; returns the names of the migrations that this call ran. Idempotent, and safe when several processes
 * start at once: on SQLite everything happens in one immediate transaction, on MySQL and MariaDB under a lock of the server, and the
 * others wait for it. There each statement is final by itself: a run that was cut goes on where it was, when it is called again.
 */
export async function migrate(primary: Primary): Promise<string[]> {
  return classified(async () => {
    await primary.dialect.beforeMigrating?.(primary.db)
    const { error, results } = await migratorOf(primary).migrateToLatest()
    if (error !== undefined) throw error
    return (results ?? []).map((result) => result.migrationName)
  })
}

/** Name of the newest migration that was run; null on an empty database. */
export async function schemaVersion(primary: Primary): Promise<string | null> {
  const known = await classified(() => migratorOf(primary).getMigrations())
  return known.filter((migration) => migration.executedAt !== undefined).at(-1)?.name ?? null
}
