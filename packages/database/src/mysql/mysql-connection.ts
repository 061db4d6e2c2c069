import type { CompiledQuery, DatabaseConnection, QueryResult } from 'kysely'
import type { FieldPacket, PoolConnection, QueryError, ResultSetHeader } from 'mysql2'
import type { RepeatedQuery } from '../count-batch.ts'
import { type CodedError, codedError, connectionLostCode, hasCode, timedOutCode } from '../database-errors.ts'
import { asDriverError, isConnectionOver } from './mysql-errors.ts'
import { type Parameter, readLongNumbers, toParameter } from './mysql-values.ts'

interface Given {
  readonly answer: ResultSetHeader | Record<string, unknown>[]
  readonly fields: FieldPacket[]
}

// The server keeps no more statements, or forgets them as soon as they are made.
const cannotBePrepared = ['MYSQL_1461', 'MYSQL_1615']

export interface MysqlConnectionOptions {
  readonly queryTimeoutMs: number
  /** The connection is no more, for whatever reason. */
  onOver(): void
  onTimeOut(): void
}

interface Call {
  reject(error: CodedError): void
  readonly timer: NodeJS.Timeout
}

/**
 * One connection of the pool, for one at a time. Every call settles within its time limit. After a time limit or an error that leaves
 * the connection in doubt it is destroyed, with whatever transaction was open on it: the server rolls that back.
 */
export class MysqlConnection implements DatabaseConnection {
  readonly #raw: PoolConnection
  readonly #options: MysqlConnectionOptions
  readonly #calls = new Set<Call>()
  #over: CodedError | null = null

  constructor(raw: PoolConnection, options: MysqlConnectionOptions) {
    this.#raw = raw
    this.#options = options
    // mysql2 also emits what it has told the caller already; without a listener that would end the process.
    raw.on('error', (error: unknown) => this.#end(asDriverError(error)))
    raw.on('end', () => this.#end(codedError(connectionLostCode, 'the server closed the connection')))
  }

  async executeQuery<Row>(query: CompiledQuery | RepeatedQuery): Promise<QueryResult<Row>> {
    const isRead = query.query.kind === 'SelectQueryNode'
    const parameters = query.parameters.map((value) => toParameter(value, !isRead))
    const { answer, fields } = await ('isRepeated' in query
      ? this.#askPrepared(query.sql, parameters)
      : this.#ask('query', query.sql, parameters))
    if (Array.isArray(answer)) {
      readLongNumbers(answer, fields)
      return { rows: answer as Row[] }
    }
    const { affectedRows, insertId } = answer
    return { rows: [], numAffectedRows: BigInt(affectedRows), ...(insertId > 0 ? { insertId: BigInt(insertId) } : {}) }
  }

  /** A statement without parameters and without rows. */
  async run(sql: string): Promise<void> {
    await this.#ask('query', sql, [])
  }

  /** Repositories read in pages: a stream has no time limit. */
  streamQuery(): never {
    throw new Error('streaming is not supported: read in pages')
  }

  /** Back into the pool, unless it was destroyed. */
  release(): void {
    if (this.#over === null) this.#raw.release()
  }

  /** At once, whatever the server does: a call that is under way ends as one whose connection was lost. */
  destroy(): void {
    this.#end(codedError(connectionLostCode, 'the connection was destroyed'))
  }

  /**
   * Only what comes again and again is kept prepared: other texts are many, and each would occupy the server for as long as the connection
   * lives.
   */
  async #askPrepared(sql: string, values: Parameter[]): Promise<Given> {
    try {
      return await this.#ask('execute', sql, values)
    } catch (error) {
      if (!cannotBePrepared.some((code) => hasCode(error, code))) throw error
      return this.#ask('query', sql, values)
    }
  }

  #ask(how: 'query' | 'execute', sql: string, values: Parameter[]): Promise<Given> {
    if (this.#over !== null) return Promise.reject(this.#over)
    const { queryTimeoutMs, onTimeOut } = this.#options
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#end(codedError(timedOutCode, `the database did not answer within ${queryTimeoutMs} ms`))
        onTimeOut()
      }, queryTimeoutMs)
      const call: Call = { reject, timer }
      this.#calls.add(call)
      const settle = (error: QueryError | null, answer: unknown, fields: FieldPacket[]) => {
        if (!this.#calls.delete(call)) return
        clearTimeout(timer)
        if (error === null) {
          resolve({ answer: answer as Given['answer'], fields })
          return
        }
        const driverError = asDriverError(error)
        reject(driverError)
        if (isConnectionOver(driverError)) this.#end(driverError)
      }
      if (how === 'execute') this.#raw.execute(sql, values, settle)
      else this.#raw.query(sql, values, settle)
    })
  }

  #end(error: CodedError): void {
    if (this.#over !== null) return
    this.#over = error
    this.#raw.destroy()
    // mysql2 says goodbye and waits for the answer, which a server that stands still never sends.
    ;(this.#raw as unknown as { stream: { destroy(): void } }).stream.destroy()
    this.#options.onOver()
    for (const { reject, timer } of this.#calls) {
      clearTimeout(timer)
      reject(error)
    }
    this.#calls.clear()
  }
}
