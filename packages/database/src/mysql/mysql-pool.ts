import { setTimeout as delay } from 'node:timers/promises'
import { createPool, type Pool, type PoolConnection } from 'mysql2'
import { codedError, timedOutCode } from '../database-errors.ts'
import { ConnectionSlots } from './connection-slots.ts'
import { MysqlConnection } from './mysql-connection.ts'
import { asDriverError } from './mysql-errors.ts'
import { type MysqlEvent, type MysqlOptions, mysqlDefaults, sslOf } from './mysql-options.ts'
import { checkSession, prepareSession } from './mysql-session.ts'

// How long `close` waits for statements that are under way.
const closeTimeoutMs = 1_000

/** mysql2's pool, of which nobody waits without an end: not for a connection, not for an answer, not for it to close. */
export class MysqlPool {
  readonly #role: 'primary' | 'replica'
  readonly #pool: Pool
  readonly #slots: ConnectionSlots
  readonly #connections = new Map<PoolConnection, MysqlConnection>()
  readonly #connectTimeoutMs: number
  readonly #queryTimeoutMs: number
  readonly #onEvent: (event: MysqlEvent) => void
  #hasAdvised = false
  #closed = false

  constructor(role: 'primary' | 'replica', options: MysqlOptions) {
    const { host, port, user, password, database, tls = null } = options
    const { connectionsMax, waitingMax, connectTimeoutMs, queryTimeoutMs } = { ...mysqlDefaults, ...options }
    this.#role = role
    this.#connectTimeoutMs = connectTimeoutMs
    this.#queryTimeoutMs = queryTimeoutMs
    this.#onEvent = options.onEvent ?? (() => {})
    this.#slots = new ConnectionSlots(connectionsMax, waitingMax)
    this.#pool = createPool({
      host,
      port,
      user,
      password,
      database,
      ...(tls !== null && { ssl: sslOf(tls) }),
      connectionLimit: connectionsMax,
      connectTimeout: connectTimeoutMs,
      keepAliveInitialDelay: 10_000,
      // Counting has five kinds of statements, each for nine numbers of rows.
      maxPreparedStatements: 64,
      charset: 'UTF8MB4_BIN',
      timezone: 'Z',
      // 64-bit integers and sums as text: mysql2 would round them.
      supportBigNumbers: true,
      bigNumberStrings: true,
      // No server may ask for a file of ours.
      flags: ['-LOCAL_FILES'],
    })
  }

  async acquire(): Promise<MysqlConnection> {
    await this.#slots.take(this.#connectTimeoutMs)
    try {
      return await this.#ready()
    } catch (error) {
      this.#slots.give()
      throw error
    }
  }

  release(connection: MysqlConnection): void {
    connection.release()
    this.#slots.give()
  }

  /** Lets what is under way end, for a second; then ends it. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#slots.close()
    const ended = new Promise<void>((resolve) => this.#pool.end(() => resolve()))
    const giveUp = new AbortController()
    await Promise.race([ended, delay(closeTimeoutMs, undefined, { signal: giveUp.signal }).catch(() => {})])
    giveUp.abort()
    for (const connection of this.#connections.values()) connection.destroy()
  }

  /** What is not ready in time goes into the pool when it is, for somebody else. */
  #ready(): Promise<MysqlConnection> {
    return new Promise((resolve, reject) => {
      let isLate = false
      const timer = setTimeout(() => {
        isLate = true
        reject(codedError(timedOutCode, `no connection to the database was ready within ${this.#connectTimeoutMs} ms`))
        this.#onEvent({ kind: 'timed-out', waitingFor: 'connection', afterMs: this.#connectTimeoutMs })
      }, this.#connectTimeoutMs)
      this.#open().then(
        (connection) => {
          clearTimeout(timer)
          if (isLate) connection.release()
          else resolve(connection)
        },
        (error: unknown) => {
          clearTimeout(timer)
          reject(error)
        },
      )
    })
  }

  async #open(): Promise<MysqlConnection> {
    const raw = await new Promise<PoolConnection>((resolve, reject) => {
      this.#pool.getConnection((error, connection) => (error === null ? resolve(connection) : reject(asDriverError(error))))
    })
    const known = this.#connections.get(raw)
    if (known !== undefined) return known
    const connection = new MysqlConnection(raw, {
      queryTimeoutMs: this.#queryTimeoutMs,
      onOver: () => this.#connections.delete(raw),
      onTimeOut: () => this.#onEvent({ kind: 'timed-out', waitingFor: 'answer', afterMs: this.#queryTimeoutMs }),
    })
    this.#connections.set(raw, connection)
    try {
      await prepareSession(connection, this.#role, this.#queryTimeoutMs)
      const advice = await checkSession(connection, this.#role)
      if (!this.#hasAdvised) for (const event of advice) this.#onEvent(event)
      this.#hasAdvised = true
      return connection
    } catch (error) {
      connection.destroy()
      throw error
    }
  }
}
