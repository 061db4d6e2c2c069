import type { SslOptions } from 'mysql2'

/** `ca`: the certificate (PEM) of the authority that signed the server's; null: one of those that everybody trusts. */
export interface MysqlTls {
  readonly ca: string | null
}

export interface MysqlOptions {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string
  readonly database: string
  /** Null: what goes to the server and comes from it can be read on the way. */
  readonly tls?: MysqlTls | null
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

/**
 * For mysql2. The certificate must be made out to the server's name: an authority signs for many. mysql2 hands no address to that check, so a
 * server that is called by its address is refused, whatever its certificate says.
 */
export function sslOf({ ca }: MysqlTls): SslOptions {
  return { ...(ca !== null && { ca }), minVersion: 'TLSv1.2', verifyIdentity: true }
}
