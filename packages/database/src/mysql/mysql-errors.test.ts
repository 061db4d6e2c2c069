import { describe, expect, it } from 'vitest'
import { classified, isUniqueViolation } from '../database-errors.ts'
import { asDriverError, isConnectionOver } from './mysql-errors.ts'

/** As mysql2 throws them. */
function serverError(errno: number, code: string, message: string): Error {
  const sql = "insert into ballots values ('a secret ballot')"
  return Object.assign(new Error(message), { errno, code, sqlState: 'HY000', sqlMessage: message, sql })
}

const lost = (code: string | undefined, message: string) =>
  Object.assign(new Error(message), code === undefined ? {} : { code, fatal: true })

describe('errors of MySQL and MariaDB', () => {
  it.each([
    [1020, 'record has changed since last read'],
    [1021, 'disk full'],
    [1030, 'error of the storage engine'],
    [1040, 'too many connections'],
    [1045, 'access denied'],
    [1053, 'server shutdown'],
    [1054, 'unknown column'],
    [1064, 'syntax'],
    [1146, 'no such table'],
    [1153, 'packet too large'],
    [1180, 'error during commit'],
    [1205, 'lock wait timeout'],
    [1213, 'deadlock'],
    [1243, 'unknown statement'],
    [1290, 'read only'],
    [1317, 'interrupted'],
    [1364, 'no default'],
    [1615, 'needs to be prepared again'],
    [1690, 'sum out of range'],
    [1792, 'read only transaction'],
    [1836, 'read only mode'],
    [1927, 'killed'],
    [2006, 'gone away'],
    [2013, 'lost during a query'],
    [9_999, 'nobody knows'],
  ])('%i (%s) is tried again', async (errno) => {
    const error = asDriverError(serverError(errno, 'ER_SOMETHING', 'why'))
    await expect(classified(() => Promise.reject(error))).rejects.toMatchObject({ name: 'RetryableDatabaseError', cause: error })
  })

  it.each([
    [1048, 'null'],
    [1062, 'there already'],
    [1264, 'out of range'],
    [1265, 'truncated'],
    [1292, 'incorrect value'],
    [1366, 'incorrect text'],
    [1406, 'too long'],
    [1452, 'no parent'],
    [3819, 'check violated, MySQL'],
    [4025, 'check violated, MariaDB'],
  ])('%i (%s) will never be taken', async (errno) => {
    const error = asDriverError(serverError(errno, 'ER_SOMETHING', 'why'))
    await expect(classified(() => Promise.reject(error))).rejects.toMatchObject({ name: 'PermanentDatabaseError', cause: error })
    expect(isUniqueViolation(error)).toBe(errno === 1062)
    expect(isConnectionOver(error)).toBe(false)
  })

  it.each([
    lost('ECONNREFUSED', 'connect ECONNREFUSED 127.0.0.1:3306'),
    lost('ECONNRESET', 'read ECONNRESET'),
    lost('ETIMEDOUT', 'connect ETIMEDOUT'),
    lost('ENOTFOUND', 'getaddrinfo ENOTFOUND database'),
    lost('EAI_AGAIN', 'getaddrinfo EAI_AGAIN database'),
    lost('EPIPE', 'write EPIPE'),
    lost('PROTOCOL_CONNECTION_LOST', 'Connection lost: The server closed the connection.'),
    lost(undefined, "Can't add new command when connection is in closed state"),
    lost(undefined, 'Pool is closed.'),
    Object.assign(lost('ECONNREFUSED', 'connect'), { errno: -111, syscall: 'connect' }),
  ])('a connection that is lost is tried again with another one: %s', async (cause) => {
    const error = asDriverError(cause)
    expect(isConnectionOver(error)).toBe(true)
    expect(error.message).toContain(cause.message)
    await expect(classified(() => Promise.reject(error))).rejects.toMatchObject({ name: 'RetryableDatabaseError' })
  })

  it('a server that has become one that takes no writes is left for another connection', () => {
    for (const errno of [1053, 1243, 1290, 1836, 1927]) {
      expect(isConnectionOver(asDriverError(serverError(errno, 'ER', 'why')))).toBe(true)
    }
    for (const errno of [1205, 1213, 1792]) expect(isConnectionOver(asDriverError(serverError(errno, 'ER', 'why')))).toBe(false)
  })

  it('say where, and nothing of the values', () => {
    const told = (error: Error) => {
      const driverError = asDriverError(error)
      return `${JSON.stringify(driverError)} ${driverError.message} ${driverError.stack} ${driverError.cause}`
    }
    const secrets = [
      serverError(1062, 'ER_DUP_ENTRY', "Duplicate entry 'a secret for key 'x'' for key 'ballots.PRIMARY'"),
      serverError(1366, 'ER_TRUNCATED_WRONG_VALUE_FOR_FIELD', "Incorrect string value: 'a secret' for column 'answers' at row 1"),
      serverError(1064, 'ER_PARSE_ERROR', "You have an error in your SQL syntax near 'a secret' at line 1"),
      serverError(9_999, 'ER_NEW', "Something about 'a secret'"),
    ]
    for (const error of secrets) expect(told(error)).not.toContain('secret')
    expect(secrets.map((error) => asDriverError(error).message)).toEqual([
      'ER_DUP_ENTRY (SQLSTATE HY000): ballots.PRIMARY',
      'ER_TRUNCATED_WRONG_VALUE_FOR_FIELD (SQLSTATE HY000): answers',
      'ER_PARSE_ERROR (SQLSTATE HY000)',
      'ER_NEW (SQLSTATE HY000)',
    ])
    const long = asDriverError(serverError(1406, 'ER_DATA_TOO_LONG', "Data too long for column 'voter_key' at row 1"))
    expect(long).toMatchObject({ code: 'MYSQL_1406', message: "ER_DATA_TOO_LONG: Data too long for column 'voter_key' at row 1" })
    expect(told(long)).not.toContain('secret')
  })
})
