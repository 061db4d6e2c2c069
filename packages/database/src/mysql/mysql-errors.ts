import { type CodedError, codedError, connectionLostCode } from '../database-errors.ts'

interface MysqlError extends Error {
  readonly code?: unknown
  readonly errno?: unknown
  readonly sqlState?: unknown
}

/**
 * What a server says with these numbers names tables, columns, hosts and limits, never a value. Of every other error only the number is
 * kept: errors are logged, and no ballot may be in a log.
 */
const speaksOfNoValue = new Set([
  1005, 1020, 1021, 1030, 1040, 1041, 1044, 1045, 1048, 1049, 1050, 1053, 1054, 1061, 1071, 1114, 1118, 1129, 1130, 1142, 1146, 1153, 1158,
  1159, 1160, 1161, 1180, 1203, 1205, 1213, 1226, 1227, 1243, 1264, 1290, 1317, 1364, 1406, 1461, 1615, 1665, 1792, 1836, 1927, 3024, 3819,
  4025, 4031,
])

/**
 * After these the connection is of no use: the server goes away, or has become one that takes no writes, as after a failover behind
 * one name; or it has forgotten what was prepared.
 */
const endsConnection = new Set([1053, 1243, 1290, 1836, 1927, 4031])

/**
 * An error of mysql2 as this package knows errors: `MYSQL_` and the number for what a server answered, else `URNA_CONNECTION_LOST`.
 * mysql2's own carries the statement with all its values, so it is not kept as a cause.
 */
export function asDriverError(error: unknown): CodedError {
  const { code, errno, sqlState, message } = error as MysqlError
  if (typeof errno === 'number' && typeof sqlState === 'string') {
    const name = typeof code === 'string' ? code : 'unknown'
    return codedError(
      `MYSQL_${errno}`,
      speaksOfNoValue.has(errno) ? `${name}: ${message}` : `${name} (SQLSTATE ${sqlState})${placeOf(message)}`,
    )
  }
  return codedError(connectionLostCode, typeof code === 'string' ? `${code}: ${message}` : message)
}

/** True if the connection must not be used again. */
export function isConnectionOver({ code }: CodedError): boolean {
  const number = /^MYSQL_(\d+)$/.exec(code)?.[1]
  return number === undefined || endsConnection.has(Number(number))
}

/** The column or key that an error ends with. */
function placeOf(message: string): string {
  const place = / for (?:column|key) [`']([A-Za-z_.]{1,128})[`'](?: at row \d+)?$/.exec(message)
  return place === null ? '' : `: ${place[1]}`
}
