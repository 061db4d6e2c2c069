import { AdminConnection, type AdminOptions, ServerError } from './admin-connection.ts'
import { ReplicationError } from './replication-error.ts'
import type { ReplicationServer } from './replication-server.ts'

export interface Account {
  readonly user: string
  readonly password: string
}

const accessDenied = new Set([1045, 1698])

/** Rights that are no more than reading from a primary, as either server writes them. */
const replicationRights = new Set(['USAGE', 'REPLICATION SLAVE', 'REPLICATION REPLICA'])

/**
 * Sees to it that the account exists on the primary with this password and may replicate. `change`: what was changed; null: nothing. An
 * account that may do more than replicate is somebody's: neither its password nor its rights are touched, and `advice` says so.
 */
export async function ensureReplicator(
  primary: ReplicationServer,
  { user, password }: Account,
  optionsOf: (account: Account) => AdminOptions,
): Promise<{ change: string | null; advice: string | null }> {
  const { connection } = primary
  if (!(await primary.hostsOf(user)).includes('%')) {
    await connection.run("create user ?@'%' identified by ?", [user, password], { secret: true })
    await connection.run("grant replication slave on *.* to ?@'%'", [user])
    return { change: `made the user ${user} on the primary, who may read its binary logs and nothing else`, advice: null }
  }
  const rights = await rightsOf(primary, user)
  const mayMore = rights.some((right) => !replicationRights.has(right))
  const mayReplicate = rights.some(
    (right) => right === 'REPLICATION SLAVE' || right === 'REPLICATION REPLICA' || right === 'ALL PRIVILEGES',
  )
  let change: string | null = null
  if (!(await takes(optionsOf({ user, password })))) {
    if (mayMore) {
      throw new ReplicationError(
        `The user ${user} is there already on ${primary.label}, has another password than REPLICATION_PASSWORD, and may do more than replicate. ` +
          'Give its password, or choose another name: REPLICATION_USER.',
      )
    }
    await connection.run("alter user ?@'%' identified by ?", [user, password], { secret: true })
    change = `gave the user ${user} on the primary the password that is set`
  }
  if (!mayReplicate) {
    await connection.run("grant replication slave on *.* to ?@'%'", [user])
    change ??= `gave the user ${user} on the primary the right to replicate`
  }
  const advice = mayMore
    ? `The user ${user} may do more on the primary than replicate, and its password lies on the replica. Better give REPLICATION_USER a name of its own.`
    : null
  return { change, advice }
}

async function takes(options: AdminOptions): Promise<boolean> {
  try {
    const connection = await AdminConnection.open(options)
    connection.close()
    return true
  } catch (error) {
    if (error instanceof ServerError && error.number !== null && accessDenied.has(error.number)) return false
    throw error
  }
}

async function rightsOf({ connection }: ReplicationServer, user: string): Promise<string[]> {
  const rows = await connection.rows("show grants for ?@'%'", [user])
  return rows
    .flatMap((row) => Object.values(row))
    .flatMap((grant) => {
      const [, rights] = /^GRANT (.+?) ON /.exec(String(grant)) ?? []
      // A role, or a proxy: more than replication.
      return rights === undefined ? [String(grant)] : rights.split(', ')
    })
}
