import { PermanentDatabaseError, RetryableDatabaseError } from '@urna/core'

const cannotReach = new Set(['URNA_CONNECTION_LOST', 'URNA_TIMED_OUT', 'MYSQL_1040', 'MYSQL_1053', 'MYSQL_1203', 'MYSQL_1226'])
const takesNoWrites = new Set(['MYSQL_1290', 'MYSQL_1792', 'MYSQL_1836'])
const mayNot = new Set(['MYSQL_1044', 'MYSQL_1142', 'MYSQL_1143', 'MYSQL_1227'])
const hasNoTables = new Set(['MYSQL_1049', 'MYSQL_1146'])

/** What went wrong with a database server, for the person at the terminal; null: it was no database. `server`: which one was asked. */
export function databaseWords(error: unknown, server = 'the database'): string | null {
  if (!(error instanceof RetryableDatabaseError || error instanceof PermanentDatabaseError)) return null
  const code = (error.cause as { code?: string } | undefined)?.code ?? ''
  const detail = error.message.replace(`${code}: `, '')
  if (cannotReach.has(code)) return `${server} cannot be reached: ${detail}`
  if (code === 'MYSQL_1045') return `${server} refuses the user: ${detail} (DB_USER, DB_PASSWORD)`
  if (mayNot.has(code)) return `${server} does not let the user do this: ${detail}`
  if (takesNoWrites.has(code)) return `${server} takes no writes: ${detail} DB_HOST must be the primary`
  if (hasNoTables.has(code)) {
    return `${server} has no tables of Urna: ${detail}. Run migrate; if it is a replica, see that it follows its primary (set-up-replication)`
  }
  return `${server}: ${detail}`
}

/** True if another server may well do what this one could not. */
export function isDatabaseError(error: unknown): boolean {
  return error instanceof RetryableDatabaseError || error instanceof PermanentDatabaseError
}
