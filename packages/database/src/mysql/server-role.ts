import { type Kysely, sql } from 'kysely'
import { classified } from '../database-errors.ts'
import type { Primary, Replica } from '../primary.ts'
import type { Database } from '../schema.ts'

export interface ServerVersion {
  readonly product: 'MySQL' | 'MariaDB'
  /** Numbers and dots. */
  readonly version: string
}

export interface ServerRole extends ServerVersion {
  /** The server takes no writes but its administrators': a replica, as a rule. */
  readonly isReadOnly: boolean
}

/** Asks a MySQL or MariaDB server what it is. Throws what the repositories throw. */
export async function serverRole(database: Primary | Replica): Promise<ServerRole> {
  return classified(async () => {
    const { product, version } = await serverVersion(database.db)
    // Alone: beside an aggregate it read 0 on a replica.
    const { rows } = await sql<{ read_only: number | string }>`select @@global.read_only as read_only`.execute(database.db)
    return { product, version, isReadOnly: !['0', 'OFF'].includes(String(rows[0]?.read_only)) }
  })
}

export async function serverVersion(db: Kysely<Database>): Promise<ServerVersion> {
  const { rows } = await sql<{ version: string }>`select version() as version`.execute(db)
  const text = rows[0]?.version ?? ''
  return { product: /mariadb/i.test(text) ? 'MariaDB' : 'MySQL', version: /^[\d.]+/.exec(text)?.[0] ?? text }
}
