import type { MessagePort } from 'node:worker_threads'
import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type DialectAdapter,
  type Driver,
  Kysely,
  type QueryResult,
  type TransactionSettings,
} from 'kysely'
import { codedError, portClosedCode, timedOutCode } from '../database-errors.ts'
import type { Primary } from '../primary.ts'
import type { Database } from '../schema.ts'
import { sqliteDialect } from './open-sqlite.ts'
import { cloneable, mapRow, type PrimaryAnswer, type PrimaryOrder, type PrimaryRequest, received } from './primary-messages.ts'
import { SqliteSpeakingDialect, TransactionalSqliteAdapter } from './sqlite-driver.ts'

export interface ConnectPrimaryOptions {
  /** Longest wait for one answer. What was asked may still be done: as with a lost connection, the outcome is unknown. */
  readonly timeoutMs?: number
}

/**
 * The primary whose file another thread owns and serves (`servePrimary`). Queries and transactions travel as messages; errors keep
 * their code. When the port closes, everything outstanding and everything later is rejected. Closing it ends the conversation,
 * not the owner.
 */
export function connectPrimary(port: MessagePort, options: ConnectPrimaryOptions = {}): Primary {
  const calls = new PrimaryCalls(port, options.timeoutMs ?? 15_000)
  const db = new Kysely<Database>({ dialect: new MessagePortDialect(calls) })
  return {
    role: 'primary',
    db,
    dialect: sqliteDialect,
    async close() {
      await db.destroy()
      calls.close()
    },
  }
}

type Result = QueryResult<Record<string, unknown>> | null

interface OpenCall {
  resolve(result: Result): void
  reject(error: Error): void
  readonly timer: NodeJS.Timeout
}

/** Every call settles: with its answer, at its time limit, or when the port closes. */
class PrimaryCalls {
  readonly #port: MessagePort
  readonly #timeoutMs: number
  readonly #open = new Map<number, OpenCall>()
  #lastId = 0
  #closed: Error | null = null

  constructor(port: MessagePort, timeoutMs: number) {
    this.#port = port
    this.#timeoutMs = timeoutMs
    port.on('message', (answer: PrimaryAnswer) => this.#settle(answer))
    port.on('close', () => this.#rejectAll('the thread that owns the database has ended'))
    port.on('messageerror', () => this.#rejectAll('an answer of the thread that owns the database could not be read'))
  }

  call(order: PrimaryOrder): Promise<Result> {
    if (this.#closed !== null) return Promise.reject(this.#closed)
    const id = ++this.#lastId
    return new Promise((resolve, reject) => {
      // Throws if a parameter cannot be cloned: then nothing was sent, and the promise rejects.
      this.#port.postMessage({ id, ...order } satisfies PrimaryRequest)
      const timer = setTimeout(() => {
        this.#open.delete(id)
        reject(codedError(timedOutCode, `the database did not answer within ${this.#timeoutMs} ms`))
      }, this.#timeoutMs)
      this.#open.set(id, { resolve, reject, timer })
    })
  }

  close(): void {
    this.#rejectAll('the connection to the database was closed')
    this.#port.close()
  }

  #settle(answer: PrimaryAnswer): void {
    const call = this.#open.get(answer.id)
    if (call === undefined) return
    this.#open.delete(answer.id)
    clearTimeout(call.timer)
    if ('failure' in answer) {
      const { name, message, code } = answer.failure
      call.reject(Object.assign(new Error(message), { name }, code === undefined ? {} : { code }))
    } else call.resolve(answer.result)
  }

  #rejectAll(message: string): void {
    this.#closed ??= codedError(portClosedCode, message)
    for (const call of this.#open.values()) {
      clearTimeout(call.timer)
      call.reject(this.#closed)
    }
    this.#open.clear()
  }
}

/** The owner's side lets one at a time at the file, so here any number may wait. */
class MessagePortAdapter extends TransactionalSqliteAdapter {
  override get supportsMultipleConnections(): boolean {
    return true
  }
}

class MessagePortDialect extends SqliteSpeakingDialect implements Dialect {
  readonly #calls: PrimaryCalls

  constructor(calls: PrimaryCalls) {
    super()
    this.#calls = calls
  }

  override createAdapter(): DialectAdapter {
    return new MessagePortAdapter()
  }

  createDriver(): Driver {
    return new MessagePortDriver(this.#calls)
  }
}

/** A connection costs no message: the owner's is taken when a transaction begins, or for one statement. */
class MessagePortDriver implements Driver {
  readonly #calls: PrimaryCalls
  #lastTransaction = 0

  constructor(calls: PrimaryCalls) {
    this.#calls = calls
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<DatabaseConnection> {
    return new MessagePortConnection(this.#calls)
  }

  async beginTransaction(connection: DatabaseConnection, settings: TransactionSettings): Promise<void> {
    await (connection as MessagePortConnection).begin(++this.#lastTransaction, settings.accessMode === 'read only')
  }

  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await (connection as MessagePortConnection).end('commit')
  }

  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    await (connection as MessagePortConnection).end('rollback')
  }

  async releaseConnection(): Promise<void> {}

  async destroy(): Promise<void> {}
}

class MessagePortConnection implements DatabaseConnection {
  readonly #calls: PrimaryCalls
  #transaction: number | null = null

  constructor(calls: PrimaryCalls) {
    this.#calls = calls
  }

  async begin(transaction: number, readOnly: boolean): Promise<void> {
    try {
      await this.#calls.call({ kind: 'begin', transaction, readOnly })
      this.#transaction = transaction
    } catch (error) {
      // It may begin after all, later: nobody would end it.
      this.#calls.call({ kind: 'rollback', transaction }).catch(() => {})
      throw error
    }
  }

  async end(kind: 'commit' | 'rollback'): Promise<void> {
    const transaction = this.#transaction
    if (transaction === null) return
    try {
      await this.#calls.call({ kind, transaction })
      this.#transaction = null
    } catch (error) {
      // Kysely would throw this instead of what went wrong before. The owner rolls back by itself: when the port closes, or in time.
      if (kind === 'commit') throw error
    }
  }

  async executeQuery<Row>({ sql, parameters }: CompiledQuery): Promise<QueryResult<Row>> {
    const result = await this.#calls.call({ kind: 'run', transaction: this.#transaction, sql, parameters: parameters.map(cloneable) })
    if (result === null) throw new Error('a statement was answered without a result')
    for (const row of result.rows) mapRow(row, received)
    return result as QueryResult<Row>
  }

  streamQuery(): never {
    throw new Error('streaming is not supported: read in pages')
  }
}
