import { randomBytes } from 'node:crypto'
import type { RedisOptions } from 'ioredis'
import type { StreamKeys } from './scripts.ts'

/** What an operator should hear of. Nothing of a ballot is ever in it. */
export type RedisStreamsEvent =
  /** A setting of Redis by which confirmed ballots can be lost, or one that could not be read. Once for each start of Redis. */
  | { readonly kind: 'settings'; readonly setting: string; readonly value: string | null; readonly message: string }
  /** This Redis cannot be used at all. */
  | { readonly kind: 'refused'; readonly message: string }
  /**
   * An alarm: what the queue held is gone, or is delivered again from the start. `missing`: what was not there any more; `another`: it
   * was noticed, and made anew, elsewhere.
   */
  | { readonly kind: 'wiped'; readonly stream: number; readonly missing: 'all' | 'stream' | 'group' | 'state' | 'another' }
  /** The epoch of this process' ballots from now on; `previous` is null at the start. */
  | { readonly kind: 'epoch'; readonly epoch: number; readonly previous: number | null }
  /** An alarm: something else than a trim of ours removed entries from the stream. Those that were not counted yet are lost. */
  | { readonly kind: 'removed'; readonly stream: number; readonly entries: number }
  /** An alarm: an entry whose id fits no sequence. It is left where it is. */
  | { readonly kind: 'unusable-entry'; readonly stream: number }
  /** The replay window was cut short, because Redis' memory is more than 40 % full. */
  | { readonly kind: 'replay-window-cut'; readonly stream: number; readonly entries: number }
  /** This machine's clock and that of Redis differ; positive: Redis is ahead. */
  | { readonly kind: 'clock'; readonly differenceMs: number }
  | { readonly kind: 'connected'; readonly role: ConnectionRole }
  | { readonly kind: 'disconnected'; readonly role: ConnectionRole; readonly error: Error }

export type ConnectionRole = 'intake' | 'counting'

export interface RedisStreamsOptions {
  readonly connection: Pick<RedisOptions, 'host' | 'port' | 'username' | 'password' | 'db' | 'tls' | 'sentinels' | 'name'>
  /**
   * Insert-ignores what the queue calls itself (at most 64 bytes) on the primary, and resolves with its epoch. Asked on every connection;
   * until it has answered nothing is sent.
   */
  readonly registerEpoch: (identity: Uint8Array) => Promise<number>
  readonly onEvent: (event: RedisStreamsEvent) => void
  readonly replayWindowMs: number
  /** An entry that a consumer has held this long is given to another. */
  readonly abandonedAfterMs?: number
  /** A flush that is not confirmed by then has an unknown outcome. */
  readonly publishTimeoutMs?: number
  /** Into how many streams voters are split: the same voter is always in the same one. Another number is another queue. */
  readonly streams?: number
  /** First part of every key. */
  readonly prefix?: string
}

export const group = 'consumers'

/** The hash tag in braces keeps both keys of one stream in one slot. */
export function keysOf(prefix: string, stream: number): StreamKeys {
  return { stream: `{${prefix}:${stream}}:ballots`, queue: `{${prefix}:${stream}}:queue` }
}

export function streamOfVoter(voterKey: Uint8Array, streams: number): number {
  return new DataView(voterKey.buffer, voterKey.byteOffset, voterKey.byteLength).getUint32(0) % streams
}

/** New at every start of deliveries from scratch: an ack of an earlier delivery names another one. */
export function newGeneration(): string {
  return randomBytes(8).toString('hex')
}

/** A Redis server as settings name it. */
export interface RedisAddress {
  readonly host: string
  readonly port: number
  readonly user: string | null
  readonly password: string | null
  /** Null: not encrypted. `ca`: the certificate (PEM) of the authority that signed the server's; null: one of those that everybody trusts. */
  readonly tls: { readonly ca: string | null } | null
}

/** For ioredis, which checks the server's certificate against its host. */
export function redisConnection({ host, port, user, password, tls }: RedisAddress): RedisOptions {
  return {
    host,
    port,
    ...(user !== null && { username: user }),
    ...(password !== null && { password }),
    ...(tls !== null && { tls: tls.ca === null ? {} : { ca: tls.ca } }),
  }
}
