import { AdminConnection, type AdminOptions, ServerError } from './admin-connection.ts'
import { openPatiently, type Patience } from './open-patiently.ts'
import { quoted } from './replication-server.ts'

/** The server answers, and what is missing can be mended by somebody: the message says how. */
export class DatabaseUnusableError extends Error {
  override name = 'DatabaseUnusableError'
}

export type DatabaseOptions = AdminOptions & { readonly database: string }

const databaseDenied = 1044
const unknownDatabase = 1049
/** MySQL and MariaDB say each in a different case that a statement needs a right. */
const deniedNumbers = new Set([1044, 1142, 1227])

/** What each of our processes does: the migration all of it, the others the first four. */
const rights = 'SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, DROP, INDEX, REFERENCES'

/**
 * Resolves when the server answers and has the database, which is made where it is missing and the user may. Throws {@link DatabaseUnusableError}
 * and {@link ServerError}, whose messages are for the person at the terminal.
 */
export async function awaitDatabase(options: DatabaseOptions, patience: Patience): Promise<void> {
  try {
    const connection = await openPatiently(options, patience)
    connection.close()
  } catch (error) {
    if (!(error instanceof ServerError)) throw error
    if (error.number !== unknownDatabase && error.number !== databaseDenied) throw error
    await makeDatabase(options, patience, error.number)
  }
}

async function makeDatabase(options: DatabaseOptions, { say }: Patience, number: number): Promise<void> {
  const { database: name, ...server } = options
  const connection = await AdminConnection.open(server)
  try {
    // The server says "denied" to a user with no right on a database, whether there is one or not.
    await connection.run(`create database if not exists ${quoted(name)} character set utf8mb4 collate utf8mb4_bin`)
    say(`made the database ${name} on ${connection.address}`)
  } catch (error) {
    if (!(error instanceof ServerError) || error.number === null || !deniedNumbers.has(error.number)) throw error
    const what = number === databaseDenied ? 'may not use the database' : 'may not make the missing database'
    throw new DatabaseUnusableError(`The user ${options.user} ${what} ${name} on ${connection.address}.\n${grantText(options)}`)
  } finally {
    connection.close()
  }
}

/** What an administrator must do so that the migration can work. */
export function grantText({ user, database }: { readonly user: string; readonly database: string }): string {
  // In a grant these two stand for other letters.
  const pattern = quoted(database.replace(/[_%]/g, '\\$&'))
  return [
    'An administrator of the server must say there:',
    `  CREATE DATABASE IF NOT EXISTS ${quoted(database)} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;`,
    `  GRANT ${rights} ON ${pattern}.* TO '${user.replaceAll("'", "''")}'@'%';`,
  ].join('\n')
}
