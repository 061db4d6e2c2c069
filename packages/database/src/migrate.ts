import { type Kysely, sql } from 'kysely'
import { Migrator } from 'kysely/migration'
import { classified } from './database-errors.ts'
import { migrations } from './migrations/index.ts'
import type { Primary } from './primary.ts'

/** `newer`: asked for beforehand, for while it runs there is no other connection to a file. */
function migratorOf(primary: Primary, newer: readonly string[]): Migrator {
  const { columnTypes } = primary.dialect
  const known = Object.entries(migrations).map(([name, up]) => [name, { up: (db: Kysely<unknown>) => up(db, columnTypes) }] as const)
  const run = newer.map((name) => [name, { up: runAlready }] as const)
  return new Migrator({ db: primary.db, provider: { getMigrations: async () => Object.fromEntries([...known, ...run]) } })
}

const table = 'kysely_migration'

/**
 * Migrations of a newer version, from which somebody has come back to this one: what they added does this one no harm. Kysely by itself
 * takes a migration that it does not know for a broken installation.
 */
async function newerMigrations({ db }: Primary): Promise<string[]> {
  const tables = await db.introspection.getTables({ withInternalKyselyTables: true })
  if (!tables.some(({ name }) => name === table)) return []
  const { rows } = await sql<{ name: string }>`select name from ${sql.table(table)}`.execute(db)
  return rows.map(({ name }) => name).filter((name) => !(name in migrations))
}

async function runAlready(): Promise<void> {}

/**
 * Brings the tables up to date; returns the names of the migrations that this call ran. Idempotent, and safe when several processes
 * start at once: on SQLite everything happens in one immediate transaction, on MySQL and MariaDB under a lock of the server, and the
 * others wait for it. There each statement is final by itself: a run that was cut goes on where it was, when it is called again.
 */
export async function migrate(primary: Primary): Promise<string[]> {
  return classified(async () => {
    await primary.dialect.beforeMigrating?.(primary.db)
    const { error, results } = await migratorOf(primary, await newerMigrations(primary)).migrateToLatest()
    if (error !== undefined) throw error
    return (results ?? []).map((result) => result.migrationName)
  })
}

/** Name of the newest migration that was run; null on an empty database. */
export async function schemaVersion(primary: Primary): Promise<string | null> {
  const known = await classified(async () => migratorOf(primary, await newerMigrations(primary)).getMigrations())
  return known.filter((migration) => migration.executedAt !== undefined).at(-1)?.name ?? null
}
