import { type Connection, createConnection, type QueryError } from 'mysql2'
import { type MysqlTls, sslOf } from '../mysql/mysql-options.ts'

export interface AdminAddress {
  readonly host: string
  readonly port: number
}

export interface AdminOptions extends AdminAddress {
  /** What messages call it; they say where it is, too. */
  readonly name: string
  readonly user: string
  readonly password: string
  /** Null: not encrypted. */
  readonly tls: MysqlTls | null
  readonly database?: string
  /** Longest wait until the server has taken the connection. */
  readonly connectTimeoutMs: number
  /** Longest wait for the answer to one statement. */
  readonly statementTimeoutMs: number
}

/** What a server of MySQL or MariaDB said, or why it said nothing. The message is for the person at the terminal, and holds no secret. */
export class ServerError extends Error {
  override name = 'ServerError'
  /** The server's own number; null: it did not answer. */
  readonly number: number | null
  /** It may be otherwise in a moment: the server is away, starts, or has no room. */
  readonly mayPass: boolean

  constructor(message: string, { number, mayPass }: { number: number | null; mayPass: boolean }) {
    super(message)
    this.number = number
    this.mayPass = mayPass
  }
}

interface Statement {
  /** It carries a password: then the server's text of a mistake in it is not shown. */
  readonly secret?: boolean
}

const refusesUser = new Set([1045, 1698, 1862, 3118, 3955])
const refusesHost = new Set([1129, 1130])
const isBusyOrStarting = new Set([1040, 1053, 1077, 1203, 1205, 1213, 1226, 3169])

/** One connection for an administrator's statements, one after the other. No call waits longer than its limit, `close` included. */
export class AdminConnection {
  readonly address: string
  readonly #called: string
  readonly #raw: Connection
  readonly #options: AdminOptions
  #ended: ServerError | null = null
  #abandon: (error: ServerError) => void = () => {}

  private constructor(options: AdminOptions) {
    const { name, host, port, user, password, database, tls, connectTimeoutMs } = options
    this.#options = options
    this.address = `${host}:${port}`
    this.#called = `${name} ${this.address}`
    this.#raw = createConnection({
      host,
      port,
      user,
      password,
      ...(database === undefined ? {} : { database }),
      ...(tls !== null && { ssl: sslOf(tls) }),
      connectTimeout: connectTimeoutMs,
      charset: 'UTF8MB4_BIN',
      timezone: 'Z',
      supportBigNumbers: true,
      bigNumberStrings: true,
      flags: ['-LOCAL_FILES'],
    })
    this.#raw.on('error', (error: unknown) => this.#end(this.#errorOf(error, {})))
  }

  /** Throws {@link ServerError}. */
  static async open(options: AdminOptions): Promise<AdminConnection> {
    const connection = new AdminConnection(options)
    try {
      await connection.#settle((done) => connection.#raw.connect(done), options.connectTimeoutMs)
      // Values are written into the text with backslashes, which NO_BACKSLASH_ESCAPES would take for letters.
      await connection.run("set session sql_mode = '', session autocommit = 1")
      return connection
    } catch (error) {
      connection.close()
      throw error
    }
  }

  /** To the same server, as the same user. Throws {@link ServerError}. */
  openAnother(): Promise<AdminConnection> {
    return AdminConnection.open(this.#options)
  }

  get user(): string {
    return this.#options.user
  }

  async rows<Row = Record<string, unknown>>(sql: string, values: readonly (string | number)[] = []): Promise<Row[]> {
    return (await this.#ask(sql, values, {})) as Row[]
  }

  /** The one value of the one row; null: no row, or NULL. */
  async value(sql: string, values: readonly (string | number)[] = []): Promise<string | null> {
    const [row] = await this.rows(sql, values)
    const [value] = row === undefined ? [] : Object.values(row)
    return value === null || value === undefined ? null : String(value)
  }

  async run(sql: string, values: readonly (string | number)[] = [], statement: Statement = {}): Promise<void> {
    await this.#ask(sql, values, statement)
  }

  /** Global variables by name; what a server does not know is missing. */
  async variables(names: readonly string[]): Promise<Map<string, string>> {
    const rows = await this.rows<{ Variable_name: string; Value: string }>(
      `show global variables where variable_name in (${names.map(() => '?').join(', ')})`,
      names,
    )
    return new Map(rows.map((row) => [row.Variable_name, row.Value]))
  }

  /** At once: a statement that is under way ends in an error, whatever the server makes of it. */
  close(): void {
    this.#end(new ServerError(`the connection to ${this.#called} was closed`, { number: null, mayPass: false }))
  }

  #ask(sql: string, values: readonly (string | number)[], statement: Statement): Promise<unknown> {
    return this.#settle((done) => this.#raw.query(sql, [...values], done), this.#options.statementTimeoutMs, statement)
  }

  #settle(
    start: (done: (error: QueryError | null, answer?: unknown) => void) => void,
    withinMs: number,
    statement: Statement = {},
  ): Promise<unknown> {
    if (this.#ended !== null) return Promise.reject(this.#ended)
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#end(new ServerError(`${this.#called} did not answer within ${withinMs / 1_000} s`, { number: null, mayPass: true }))
      }, withinMs)
      this.#abandon = (error) => {
        clearTimeout(timer)
        reject(error)
      }
      start((error, answer) => {
        clearTimeout(timer)
        this.#abandon = () => {}
        if (error === null) resolve(answer)
        else reject(this.#ended ?? this.#errorOf(error, statement))
      })
    })
  }

  #end(error: ServerError): void {
    if (this.#ended !== null) return
    this.#ended = error
    this.#raw.destroy()
    // mysql2 says goodbye and waits for the answer, which a server that stands still never sends.
    ;(this.#raw as unknown as { stream: { destroy(): void } }).stream.destroy()
    this.#abandon(error)
    this.#abandon = () => {}
  }

  #errorOf(error: unknown, { secret = false }: Statement): ServerError {
    const { code = 'unknown', errno, sqlState, message } = error as { code?: string; errno?: number; sqlState?: string; message: string }
    if (typeof errno !== 'number' || typeof sqlState !== 'string') {
      const mayPass = !/CERT|SSL|TLS|SELF_SIGNED|HANDSHAKE/i.test(`${code} ${message}`)
      return new ServerError(
        mayPass
          ? `${this.#called} cannot be reached (${code})`
          : `the encrypted connection to ${this.#called} failed: ${message || code} (DB_TLS)`,
        { number: null, mayPass },
      )
    }
    const because = secret ? `${code}, ${errno}` : `${errno}: ${message}`.replaceAll(this.#options.password, '...')
    const what = refusesUser.has(errno)
      ? `${this.#called} refuses the user ${this.#options.user}: wrong password, or no such user from here`
      : refusesHost.has(errno)
        ? `${this.#called} refuses connections from this machine`
        : `${this.#called} refuses`
    return new ServerError(`${what} (${because})`, { number: errno, mayPass: isBusyOrStarting.has(errno) })
  }
}
