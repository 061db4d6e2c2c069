import { PermanentDatabaseError, RetryableDatabaseError } from '@urna/core'

/** Codes of errors that are ours; like a driver's codes they cross a MessagePort. */
export const portClosedCode = 'URNA_PORT_CLOSED'
export const timedOutCode = 'URNA_TIMED_OUT'
export const transactionEndedCode = 'URNA_TRANSACTION_ENDED'
export const connectionLostCode = 'URNA_CONNECTION_LOST'
/** All our connections are in use: that says nothing of the server, unlike a time limit that is over. */
export const databaseBusyCode = 'URNA_DATABASE_BUSY'
export const databaseClosedCode = 'URNA_DATABASE_CLOSED'
export const wrongSettingCode = 'URNA_WRONG_SETTING'
/** A number that was to be stored, and one that was read. */
export const numberRefusedCode = 'URNA_NUMBER_REFUSED'
export const numberUnreadableCode = 'URNA_NUMBER_UNREADABLE'

export type CodedError = Error & { readonly code: string }

export function codedError(code: string, message: string): CodedError {
  return Object.assign(new Error(message), { code })
}

/**
 * What MySQL and MariaDB say of data: no NULL here, no such parent, a value that is there already, that is out of range, of the wrong kind or
 * too long, a check that failed (3819 MySQL's, 4025 MariaDB's). Deadlocks (1213), waits for locks (1205), servers that stop or take no writes
 * (1053, 1290, 1836) are not among them, nor is anything that is not known.
 */
const permanentMysqlErrors = [1048, 1062, 1216, 1217, 1264, 1265, 1292, 1366, 1406, 1451, 1452, 1586, 3819, 4025]

/**
 * What a database says of ITS DATA, and would say again of the same data. Nothing else is permanent: a ballot in a batch that fails
 * permanently becomes a dead letter, so in doubt (a full disk, a schema that is too old, a corrupt file) the batch is tried again, and
 * no ballot is lost while somebody mends the database.
 */
const permanentCodes = new RegExp(`^SQLITE_(CONSTRAINT|MISMATCH|TOOBIG)|^MYSQL_(${permanentMysqlErrors.join('|')})$|^${numberRefusedCode}$`)

const uniqueViolationCodes = new Set(['SQLITE_CONSTRAINT_PRIMARYKEY', 'SQLITE_CONSTRAINT_UNIQUE', 'MYSQL_1062', 'MYSQL_1586'])

const driverCodes = /^(SQLITE|MYSQL|URNA)_/

function codeOf(error: unknown): string | null {
  const code = (error as { code?: unknown } | null | undefined)?.code
  return typeof code === 'string' ? code : null
}

export function hasCode(error: unknown, code: string): boolean {
  return codeOf(error) === code
}

/** True if the database refused a row because there is one with this key. */
export function isUniqueViolation(error: unknown): boolean {
  const code = codeOf(error)
  return code !== null && uniqueViolationCodes.has(code)
}

/**
 * Runs `work`; what a driver throws becomes a {@link RetryableDatabaseError} or a {@link PermanentDatabaseError} with the driver's error
 * as its cause, also when the error came over a MessagePort. A programmer's error stays what it is.
 */
export async function classified<Value>(work: () => Promise<Value>): Promise<Value> {
  try {
    return await work()
  } catch (error) {
    const code = codeOf(error)
    if (code === null || !driverCodes.test(code)) throw error
    const message = `${code}: ${(error as Error).message}`
    if (permanentCodes.test(code)) throw new PermanentDatabaseError(message, { cause: error })
    throw new RetryableDatabaseError(message, { cause: error })
  }
}
