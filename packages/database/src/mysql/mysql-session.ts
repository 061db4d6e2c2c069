import { CompiledQuery } from 'kysely'
import { codedError, wrongSettingCode } from '../database-errors.ts'
import type { MysqlConnection } from './mysql-connection.ts'
import type { MysqlEvent } from './mysql-options.ts'

/**
 * Strict: what does not fit is an error, never cut to fit. NO_BACKSLASH_ESCAPES must not be among them: mysql2 writes values into
 * the text with backslashes.
 */
const sqlModes = ['STRICT_ALL_TABLES', 'ONLY_FULL_GROUP_BY', 'NO_ENGINE_SUBSTITUTION']

const charsetVariables = ['character_set_client', 'character_set_connection', 'character_set_results']

/** A batch of 2,000 long ballots is cut into statements well below this; a single definition of a poll is not. */
const packetBytesMin = 4 * 1024 * 1024

/**
 * Makes a new connection ours, once: whatever the server's defaults are, texts are utf8mb4 compared by their bytes, nothing is cut to fit,
 * a statement sees what is committed when it begins, and a wait for a lock ends before we stop waiting for the statement. A
 * replica's connection takes no writes.
 */
export async function prepareSession(connection: MysqlConnection, role: 'primary' | 'replica', queryTimeoutMs: number): Promise<void> {
  const lockWaitSeconds = Math.max(1, Math.floor((queryTimeoutMs * 0.6) / 1_000))
  await connection.run(
    `set names utf8mb4 collate utf8mb4_bin, session sql_mode = '${sqlModes.join(',')}', session time_zone = '+00:00',
      session autocommit = 1, session innodb_lock_wait_timeout = ${lockWaitSeconds}, session lock_wait_timeout = ${lockWaitSeconds}`,
  )
  await connection.run(`set session transaction isolation level read committed, ${role === 'replica' ? 'read only' : 'read write'}`)
}

/**
 * Reads the settings back: something between us and the server may have kept them from it, and then a connection is not used at all.
 * Returns what the operator should be told of the server itself.
 */
export async function checkSession(connection: MysqlConnection, role: 'primary' | 'replica'): Promise<MysqlEvent[]> {
  const { rows } = await connection.executeQuery<{ Variable_name: string; Value: string }>(
    CompiledQuery.raw(
      `show session variables where variable_name in ('character_set_client', 'character_set_connection', 'character_set_results',
        'collation_connection', 'sql_mode', 'max_allowed_packet', 'innodb_flush_log_at_trx_commit', 'log_bin', 'sync_binlog',
        'binlog_format')`,
    ),
  )
  const settings = new Map(rows.map((row) => [row.Variable_name, row.Value]))
  const settingOf = (name: string) => settings.get(name) ?? 'not there'
  const refuse = (name: string) => {
    throw codedError(wrongSettingCode, `${name} of the connection is ${settingOf(name)}`)
  }
  for (const name of charsetVariables) if (settingOf(name) !== 'utf8mb4') refuse(name)
  if (settingOf('collation_connection') !== 'utf8mb4_bin') refuse('collation_connection')
  const modes = settingOf('sql_mode').split(',')
  if (!sqlModes.every((mode) => modes.includes(mode)) || modes.includes('NO_BACKSLASH_ESCAPES')) refuse('sql_mode')

  const events: MysqlEvent[] = []
  const advise = (name: string, wanted: string) => events.push({ kind: 'setting', name, value: settingOf(name), wanted })
  if (Number(settingOf('max_allowed_packet')) < packetBytesMin) advise('max_allowed_packet', `at least ${packetBytesMin}`)
  if (role === 'primary') {
    if (settingOf('innodb_flush_log_at_trx_commit') !== '1') advise('innodb_flush_log_at_trx_commit', '1')
    if (settingOf('log_bin') === 'ON' && settingOf('sync_binlog') !== '1') advise('sync_binlog', '1')
    // A MySQL that knows no other format any more has no such setting.
    if (settingOf('log_bin') === 'ON' && !['ROW', 'not there'].includes(settingOf('binlog_format'))) advise('binlog_format', 'ROW')
  }
  return events
}
