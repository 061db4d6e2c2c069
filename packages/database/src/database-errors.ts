import { PermanentDatabaseError, RetryableDatabaseError } from '@urna/core'

/** Codes of errors that are ours; like a driver's codes they cross a MessagePort. */
export const portClosedCode = 'URNA_PORT_CLOSED'
export const timedOutCode = 'URNA_TIMED_OUT'
export const transactionEndedCode = 'URNA_TRANSACTION_ENDED'

/**
 * What a database says of ITS DATA, and would say again of the same data. Nothing else is permanent: a ballot in a batch that fails
 * permanently becomes a dead letter, so in doubt (a full disk, a schema that is too old, a corrupt file) the batch is tried again, and
 * no ballot is lost while somebody mends the database.
 */
const permanentCodes = /^SQLITE_(CONSTRAINT|MISMATCH|TOOBIG)/

const uniqueViolationCodes = new Set(['SQLITE_CONSTRAINT_PRIMARYKEY', 'SQLITE_CONSTRAINT_UNIQUE'])

const driverCodes = /^(SQLITE|URNA)_/

function codeOf(error: unknown): string | null {
  const code = (error as { code?: unknown } | null | undefined)?.code
  return typeof code === 'string' ? code : null
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
