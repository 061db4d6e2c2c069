import type { AdminConnection } from './admin-connection.ts'
import { ReplicationError } from './replication-error.ts'

export type Product = 'MySQL' | 'MariaDB'
export type Role = 'primary' | 'replica'

/** A setting that cannot be changed while the server runs, or not for good. */
export interface MissingSetting {
  readonly name: string
  readonly value: string
  /** What it must be. */
  readonly wanted: string
}

export interface ThreadError {
  readonly number: number
  readonly text: string
}

/** What a server says of the replication into it. */
export interface ReplicaState {
  readonly sourceHost: string
  readonly sourcePort: number
  readonly user: string
  /** It asks by GTID, not by file and position. */
  readonly byGtid: boolean
  readonly isEncrypted: boolean
  /** Reads from the primary. */
  readonly receiver: 'running' | 'connecting' | 'stopped'
  readonly receiverError: ThreadError | null
  /** Writes what was read. */
  readonly applier: 'running' | 'stopped'
  readonly applierError: ThreadError | null
  /** Null: not known, as while one of both does not run. */
  readonly lagSeconds: number | null
  /** It applies everything so much later, because somebody wants that. */
  readonly delaySeconds: number
}

export interface Source {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string
  readonly isEncrypted: boolean
}

/** From where a replica can go on. */
export type StartingPoint =
  /** Its data are an earlier state of the primary. */
  | { readonly kind: 'goes-on' }
  /** It is empty, and the primary's binary logs tell everything. */
  | { readonly kind: 'beginning' }
  /** The primary's binary logs do not go back far enough. */
  | { readonly kind: 'needs-copy'; readonly why: string }
  | { readonly kind: 'other-data'; readonly why: string }

export type SemiSync = 'was-on' | 'turned-on' | 'not-there'

/** What a primary says of its semi-synchronous replication. */
export interface SemiSyncState {
  /** AFTER_SYNC: nobody sees a commit before the replica has it, so none is lost with the primary. */
  readonly waitPoint: string
  /** How many replicas confirm to it what they have. */
  readonly confirmingReplicas: number
}

const systemSchemas = ['mysql', 'sys', 'performance_schema', 'information_schema']

/** How long a commit waits for a replica that has gone, before the primary goes on without it. Shorter than a consumer waits for its commit. */
export const semiSyncTimeoutMs = 1_000

/** Seconds between attempts of a replica to reach a primary that is away. It never gives up. */
export const reconnectSeconds = 5

/**
 * One server of a pair, spoken to by its administrator. The statements of MySQL and MariaDB stand in the classes below it; what is to be
 * done in which order stands in set-up-replication.ts.
 */
export abstract class ReplicationServer {
  abstract readonly product: Product
  readonly role: Role
  readonly connection: AdminConnection
  /** Numbers and dots. */
  readonly version: string

  constructor(role: Role, connection: AdminConnection, version: string) {
    this.role = role
    this.connection = connection
    this.version = version
  }

  get label(): string {
    return `the ${this.role} ${this.connection.address} (${this.product} ${this.version})`
  }

  abstract serverId(): Promise<number>
  /** What no other server has, also after a copy of its files was started beside it; null where the server has nothing like it. */
  abstract identity(): Promise<string | null>
  abstract missingSettings(otherServerId: number): Promise<MissingSetting[]>
  /** Whether it takes encrypted connections. */
  abstract encrypts(): Promise<boolean>
  /** On a primary: what it has written. On a replica: what it has applied. */
  abstract position(): Promise<string>
  /** Whether `applied` holds everything of `position`. */
  abstract includes(applied: string, position: string): Promise<boolean>
  /** Up to where the transactions are that its binary logs do not have; empty: they tell everything. */
  abstract logsBeginAfter(): Promise<string>
  abstract startingPoint(replica: ReplicationServer): Promise<StartingPoint>
  /** Null: it is nobody's replica. Throws if it has several sources. */
  abstract replicaState(): Promise<ReplicaState | null>
  abstract follow(source: Source, from: 'goes-on' | 'beginning'): Promise<void>
  abstract stopReplica(): Promise<void>
  abstract startReplica(): Promise<void>
  /** Leaves out the one transaction at which the applier has stopped. */
  abstract skipTransaction(error: ThreadError): Promise<void>
  /** Whether the server refuses writes, an administrator's too where it can. */
  abstract isReadOnly(): Promise<boolean>
  abstract setReadOnly(readOnly: boolean, connection?: AdminConnection): Promise<void>
  /** On both: a commit is answered when the replica has it too, or after {@link semiSyncTimeoutMs}. */
  abstract turnOnSemiSync(): Promise<SemiSync>
  /** On the replica, which reads on from where it was. A receiver takes semi-sync up when it connects, if the primary has it by then. */
  abstract restartReceiver(): Promise<void>
  /** Of a primary; null: the server has nothing like it. */
  abstract semiSyncState(): Promise<SemiSyncState | null>
  /** Settings that hold until the server's next start only, because it cannot keep them by itself. */
  abstract settingsToKeep(): Promise<MissingSetting[]>
  /** Statements that make this account on another server as it is here. */
  abstract accountStatements(user: string, host: string): Promise<string[]>
  /** How somebody copies the primary's data into this replica by hand. */
  abstract copyInstructions(primary: ReplicationServer, source: { host: string; port: number }): string[]

  /** Whether others replicate from it at this moment. */
  async hasReplicas(): Promise<boolean> {
    const processes = await this.connection.rows<{ Command: string }>('show processlist')
    return processes.some(({ Command }) => Command.startsWith('Binlog Dump'))
  }

  /** Tables by database, of everything that is not the server's own. */
  async tables(): Promise<Map<string, string[]>> {
    const rows = await this.connection.rows<{ db: string; name: string }>(
      `select table_schema as db, table_name as name from information_schema.tables
        where table_type = 'BASE TABLE' and table_schema not in (${systemSchemas.map(() => '?').join(', ')}) order by 1, 2`,
      systemSchemas,
    )
    const tables = new Map<string, string[]>()
    for (const { db, name } of rows) tables.set(db, [...(tables.get(db) ?? []), name])
    return tables
  }

  /** Every database but the server's own, empty ones too. */
  async databases(): Promise<string[]> {
    const rows = await this.connection.rows<{ db: string }>(
      `select schema_name as db from information_schema.schemata where schema_name not in (${systemSchemas.map(() => '?').join(', ')})`,
      systemSchemas,
    )
    return rows.map(({ db }) => db)
  }

  /** Lifts the refusal of writes for as long as `work` takes; also when that ends because the connection was lost or closed (Ctrl-C). */
  async writable<Value>(work: () => Promise<Value>): Promise<Value> {
    if (!(await this.isReadOnly())) return work()
    try {
      await this.setReadOnly(false)
      return await work()
    } finally {
      await this.#refuseWritesAgain()
    }
  }

  async #refuseWritesAgain(): Promise<void> {
    try {
      return await this.setReadOnly(true)
    } catch {
      // The connection is gone, and the server may be there.
    }
    let fresh: AdminConnection | null = null
    try {
      fresh = await this.connection.openAnother()
      await this.setReadOnly(true, fresh)
    } catch (error) {
      throw new ReplicationError(
        `${this.label} may take writes now: it could not be told to refuse them again (${(error as Error).message}). Start this again.`,
      )
    } finally {
      fresh?.close()
    }
  }

  /** Nothing of what `work` does is a transaction that a replica of this server would get, or that counts as its own. */
  async unlogged<Value>(work: () => Promise<Value>): Promise<Value> {
    await this.connection.run('set session sql_log_bin = 0')
    try {
      return await work()
    } finally {
      await this.connection.run('set session sql_log_bin = 1')
    }
  }

  /** Removes every database but the server's own. */
  async dropDatabases(): Promise<void> {
    const databases = await this.databases()
    await this.writable(() =>
      this.unlogged(async () => {
        for (const database of databases) await this.connection.run(`drop database ${quoted(database)}`)
      }),
    )
  }

  /** Hosts of the accounts of this user. */
  async hostsOf(user: string): Promise<string[]> {
    const rows = await this.connection.rows<{ h: string }>('select host as h from mysql.user where user = ? order by host', [user])
    return rows.map(({ h }) => h)
  }
}

export function quoted(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``
}

export function threadError(number: unknown, text: unknown): ThreadError | null {
  return Number(number) === 0 || number === null || number === undefined ? null : { number: Number(number), text: String(text ?? '') }
}

export function isOn(value: string | undefined): boolean {
  return value === 'ON' || value === '1' || value === 'YES'
}
