export interface MysqlOptions {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string
  readonly database: string
  /** Connections at a time. */
  readonly connectionsMax?: number
  /** Calls that wait for one of them; more are refused at once. */
  readonly waitingMax?: number
  /** Longest wait for a connection, be it for a free one or for a new one that is ready. */
  readonly connectTimeoutMs?: number
  /** Longest wait for the answer to one statement. A job that alters large tables opens its own, with a longer one. */
  readonly queryTimeoutMs?: number
  readonly onEvent?: (event: MysqlEvent) => void
}

export type MysqlEvent =
  /** Told once, with the first connection: a server's setting is not what counting needs. What is committed may be lost in a power cut, say. */
  | { readonly kind: 'setting'; readonly name: string; readonly value: string; readonly wanted: string }
  /** A server, or the way to it, stands still. The connection was given up. */
  | { readonly kind: 'timed-out'; readonly waitingFor: 'connection' | 'answer'; readonly afterMs: number }

export const mysqlDefaults = { connectionsMax: 10, waitingMax: 1_000, connectTimeoutMs: 3_000, queryTimeoutMs: 5_000 }
