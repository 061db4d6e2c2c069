import { type Kysely, sql } from 'kysely'
import { codedError, wrongSettingCode } from '../database-errors.ts'
import type { Database } from '../schema.ts'
import { serverVersion } from './server-role.ts'

/** As many as a fresh installation is given to look at. With them an installation is in use, and its table is left alone. */
const firstSurveys = 2

/** Older servers read a check of a column and forget it, or number their rows anew after a restart. */
const versionMin = { MySQL: [8, 0, 16], MariaDB: [10, 6, 0] }

/**
 * Refuses a server that is too old, and gives the database the character set of our texts where it has another one (MariaDB's default is
 * often latin1): for what is made in it without naming one. Takes back the number of a first survey whose making was cut short.
 */
export async function prepareDatabase(db: Kysely<Database>): Promise<void> {
  const { product, version } = await serverVersion(db)
  if (isOlder(version.split('.').map(Number), versionMin[product])) {
    throw codedError(wrongSettingCode, `${product} ${version} is too old: ${versionMin[product].join('.')} or newer is needed`)
  }
  if ((await collation(db)) !== 'utf8mb4_bin') {
    await sql`alter database character set utf8mb4 collate utf8mb4_bin`.execute(db)
    const now = await collation(db)
    if (now !== 'utf8mb4_bin') throw codedError(wrongSettingCode, `the database's collation is ${now}`)
  }
  await renumberFirstSurveys(db)
}

/**
 * A server does not give back the number of a row whose transaction ended without a commit, and the first survey must be number 1: that is
 * what DEFAULT_POLL says. To the server 1 means: after the last one that is there.
 */
async function renumberFirstSurveys(db: Kysely<Database>): Promise<void> {
  const { rows } = await sql`select 1 from information_schema.tables where table_schema = database() and table_name = 'surveys'`.execute(db)
  if (rows.length === 0) return
  const surveys = await db.selectFrom('surveys').select('survey_id').limit(firstSurveys).execute()
  if (surveys.length < firstSurveys) await sql`alter table surveys auto_increment = 1`.execute(db)
}

async function collation(db: Kysely<Database>): Promise<string | undefined> {
  const { rows } = await sql<{ name: string }>`select default_collation_name as name from information_schema.schemata
    where schema_name = database()`.execute(db)
  return rows[0]?.name
}

function isOlder(version: readonly number[], than: readonly number[]): boolean {
  for (const [index, least] of than.entries()) {
    const part = version[index] ?? 0
    if (part !== least) return part < least
  }
  return false
}
