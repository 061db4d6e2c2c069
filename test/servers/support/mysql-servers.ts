import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { accessSync, constants, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type MysqlOptions, migrate, openMysqlPrimary, openMysqlReplica, type Primary, type Replica } from '@urna/database'
import mysql from 'mysql2'
import { freePort } from '../../support/free-port.ts'

/** Made for tests; nothing outside them knows it. */
const password = randomBytes(12).toString('hex')

/** A kind of server that may or may not be on this machine. */
export interface ServerKind {
  readonly product: 'MySQL' | 'MariaDB'
  /** Product and version, for titles: `MariaDB 10.11.19`. */
  readonly name: string
  /** What to do to have it here; null: it is here. */
  readonly missing: string | null
  /** `more`: settings of the server beside the usual ones, as on its command line. */
  start(more?: readonly string[]): Promise<MysqlServer>
}

function canRun(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

function found(name: string): string | null {
  // Where Debian keeps servers is not on everybody's PATH.
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin']
  return folders.map((folder) => join(folder, name)).find(canRun) ?? null
}

const isRoot = process.getuid?.() === 0
let kinds: readonly ServerKind[] | null = null

export function serverKinds(): readonly ServerKind[] {
  kinds ??= [mariadb(), mysql9()]
  return kinds
}

function versionOf([program = '', ...argumentsOf]: readonly string[]): string {
  return /Ver (\d[\d.]*)/.exec(spawnSync(program, [...argumentsOf, '--version'], { encoding: 'utf8' }).stdout)?.[1] ?? '?'
}

function mariadb(): ServerKind {
  const server = found('mariadbd')
  const install = found('mariadb-install-db')
  return {
    product: 'MariaDB',
    name: server === null ? 'MariaDB' : `MariaDB ${versionOf([server])}`,
    missing: server === null || install === null ? 'apt-get install mariadb-server' : null,
    start: (more = []) =>
      MysqlServer.start({
        more,
        product: 'MariaDB',
        root: '',
        command: [server as string],
        initialize: (folder) => [install as string, '--no-defaults', `--datadir=${folder}/data`, '--skip-test-db', ...asRoot],
      }),
  }
}

/** `SERVER_ROOT` names a root directory with MySQL 9 in it: Debian's stable release has none. */
function mysql9(): ServerKind {
  const root = process.env.SERVER_ROOT ?? ''
  const there = isRoot && root !== '' && canRun(join(root, 'usr/sbin/mysqld'))
  const inside = ['chroot', root, '/usr/sbin/mysqld']
  return {
    product: 'MySQL',
    name: there ? `MySQL ${versionOf(inside)}` : 'MySQL 9',
    missing: there ? null : 'as root, set SERVER_ROOT to a root directory that has MySQL 9 in /usr/sbin/mysqld',
    start: (more = []) =>
      MysqlServer.start({
        more,
        product: 'MySQL',
        root,
        command: inside,
        initialize: (folder) => [...inside, '--no-defaults', '--initialize-insecure', `--datadir=${folder}/data`, ...asRoot],
      }),
  }
}

const asRoot = isRoot ? ['--user=root'] : []

interface HowToStart {
  readonly product: 'MySQL' | 'MariaDB'
  /** Where the server sees `/`; empty: as we do. */
  readonly root: string
  readonly command: readonly string[]
  readonly more: readonly string[]
  /** The command that makes a data directory; `folder` as the server sees it. */
  initialize(folder: string): readonly string[]
}

export interface ConnectionOptions {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string
}

/** Data directories that no server ever used, by product, and how many were asked for in this process. */
const unused = new Map<string, { asked: number; folder: string | null }>()

/** Makes `folder`/data. MySQL takes three seconds for it: who asks a third time gets a copy, and so does everybody after them. */
function makeDataDirectory(how: HowToStart, folder: string): void {
  const known = unused.get(how.product) ?? { asked: 0, folder: null }
  unused.set(how.product, known)
  known.asked++
  if (how.product === 'MariaDB' || known.asked < 3) {
    initialize(how, folder)
    return
  }
  if (known.folder === null) {
    const template = `${folder}-unused`
    mkdirSync(join(template, 'tmp'), { recursive: true })
    process.once('exit', removeUnusedData)
    initialize(how, template)
    // The number that tells a server from its replica: each copy makes one of its own.
    rmSync(join(template, 'data/auto.cnf'), { force: true })
    known.folder = template
  }
  cpSync(join(known.folder, 'data'), join(folder, 'data'), { recursive: true })
}

/** Once no server is made any more. A worker of vitest ends without a chance to do it by itself. */
export function removeUnusedData(): void {
  for (const { folder } of unused.values()) if (folder !== null) rmSync(folder, { recursive: true, force: true })
  unused.clear()
}

function initialize(how: HowToStart, folder: string): void {
  mkdirSync(join(folder, 'data'))
  const serverFolder = folder.slice(how.root.length)
  const [program = '', ...argumentsOf] = how.initialize(serverFolder)
  const { status, stdout, stderr } = spawnSync(program, argumentsOf, {
    encoding: 'utf8',
    env: { ...process.env, TMPDIR: `${serverFolder}/tmp` },
  })
  if (status !== 0) throw new Error(`${how.product}: no data directory: ${stdout}${stderr}`)
}

/**
 * A real server on a free port of this machine, its data in a temporary folder. Small in memory, but as careful with commits as in
 * production: log and binary log are synced. Its default character set is latin1, because somebody's is.
 */
export class MysqlServer {
  readonly product: 'MySQL' | 'MariaDB'
  /** A user with no rights but on the databases of tests. */
  readonly connection: ConnectionOptions
  readonly #how: HowToStart
  /** As this process sees it, and as the server does. */
  readonly #folder: string
  readonly #serverFolder: string
  #child: ChildProcess | null = null
  #databases = 0

  private constructor(how: HowToStart, folder: string, port: number) {
    this.product = how.product
    this.#how = how
    this.#folder = folder
    this.#serverFolder = folder.slice(how.root.length)
    this.connection = { host: '127.0.0.1', port, user: 'urna', password }
  }

  static async start(how: HowToStart): Promise<MysqlServer> {
    const temporary = how.root === '' ? tmpdir() : join(how.root, 'tmp')
    const folder = mkdtempSync(join(temporary, 'urna-mysql-'))
    const server = new MysqlServer(how, folder, await freePort())
    process.once('exit', server.#removeAll)
    mkdirSync(join(folder, 'tmp'))
    makeDataDirectory(how, folder)
    writeFileSync(
      join(folder, 'init.sql'),
      [
        // The server's own: none of its replicas has them from here.
        'set sql_log_bin = 0;',
        `create user if not exists 'urna'@'%' identified by '${password}', 'administrator'@'%' identified by '${password}';`,
        "grant all on `urna\\_%`.* to 'urna'@'%';",
        "grant all on *.* to 'administrator'@'%' with grant option;",
        '',
      ].join('\n'),
    )
    writeFileSync(server.configurationFile, '', { mode: 0o600 })
    await server.run()
    // One that is only read could not do it again.
    writeFileSync(join(folder, 'init.sql'), 'select 1;\n')
    return server
  }

  /** Read at each start; empty at first. A setting of the command line wins over it. */
  get configurationFile(): string {
    return join(this.#folder, 'server.cnf')
  }

  /** Where the server finds what is at `path` for us. */
  pathAsServer(path: string): string {
    return path.slice(this.#how.root.length)
  }

  /** A server that starts removes temporary tables of others from the folder of temporary files: each one has its own. */
  get #environment(): NodeJS.ProcessEnv {
    return { ...process.env, TMPDIR: `${this.#serverFolder}/tmp` }
  }

  get pid(): number {
    return this.#child?.pid ?? 0
  }

  /** Starts the server on its data, also again after `kill`. */
  async run(): Promise<void> {
    const folder = this.#serverFolder
    const [program = '', ...rest] = this.#how.command
    const child = spawn(
      program,
      [
        ...rest,
        `--defaults-file=${folder}/server.cnf`,
        ...asRoot,
        `--datadir=${folder}/data`,
        `--init-file=${folder}/init.sql`,
        `--socket=${folder}/s.sock`,
        `--pid-file=${folder}/server.pid`,
        `--log-error=${folder}/error.log`,
        '--bind-address=127.0.0.1',
        `--port=${this.connection.port}`,
        '--skip-name-resolve',
        '--character-set-server=latin1',
        '--performance-schema=OFF',
        '--innodb-buffer-pool-size=128M',
        '--server-id=1',
        `--log-bin=${folder}/data/binlog`,
        '--binlog-format=ROW',
        '--sync-binlog=1',
        '--innodb-flush-log-at-trx-commit=1',
        ...(this.#how.product === 'MySQL' ? ['--mysqlx=OFF'] : []),
        ...this.#how.more,
      ],
      { stdio: 'ignore', env: this.#environment },
    )
    this.#child = child
    const until = Date.now() + 60_000
    for (;;) {
      if (child.exitCode !== null || child.signalCode !== null || Date.now() > until) {
        throw new Error(`${this.product} did not start:\n${this.#errorLog()}`)
      }
      try {
        await this.query('select 1')
        return
      } catch {
        await delay(50)
      }
    }
  }

  /** By the server's administrator, on a connection of its own. */
  async query<Row = Record<string, unknown>>(
    sql: string,
    parameters: (string | number | Buffer)[] = [],
    database?: string,
  ): Promise<Row[]> {
    const connection = mysql.createConnection({
      ...this.connection,
      user: 'administrator',
      charset: 'utf8mb4_bin',
      ...(database === undefined ? {} : { database }),
    })
    try {
      return await new Promise<Row[]>((resolve, reject) => {
        connection.on('error', reject)
        connection.query(sql, parameters, (error, rows) => (error === null ? resolve(rows as Row[]) : reject(error)))
      })
    } finally {
      connection.destroy()
    }
  }

  /** A new, empty database with the server's own defaults. */
  async createDatabase(): Promise<string> {
    const name = `urna_${++this.#databases}`
    await this.query(`create database ${name}`)
    return name
  }

  async dropDatabase(name: string): Promise<void> {
    await this.query(`drop database if exists ${name}`)
  }

  /** The server stands still, its connections open: resolves when it does. */
  async standStill(): Promise<void> {
    this.#child?.kill('SIGSTOP')
    const state = () => spawnSync('ps', ['-o', 'state=', '-p', String(this.pid)], { encoding: 'utf8' }).stdout
    for (let tries = 0; tries < 100 && !state().startsWith('T'); tries++) await delay(10)
  }

  goOn(): void {
    this.#child?.kill('SIGCONT')
  }

  get hasEnded(): boolean {
    return this.#child === null || this.#child.exitCode !== null || this.#child.signalCode !== null
  }

  /** As a crash: nothing is flushed that was not flushed before. */
  async kill(): Promise<void> {
    const child = this.#child
    if (child === null || this.hasEnded) return
    const exited = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGKILL')
    await exited
  }

  /** Ends the server and takes its data away. */
  async stop(): Promise<void> {
    await this.kill()
    process.removeListener('exit', this.#removeAll)
    this.#removeAll()
  }

  readonly #removeAll = (): void => {
    this.#child?.kill('SIGKILL')
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 3 })
  }

  #errorLog(): string {
    try {
      return readFileSync(join(this.#folder, 'error.log'), 'utf8').slice(-5_000)
    } catch {
      return ''
    }
  }
}

export interface MysqlSubject {
  readonly database: string
  readonly primary: Primary
  /** On the same database, with connections of its own: another process. */
  readonly second: Primary
  readonly replica: Replica
  close(): Promise<void>
}

/** The databases of one file's tests: making tables takes longer than most tests, so each database is emptied and used again. */
export class MysqlDatabases {
  readonly #server: MysqlServer
  readonly #free: MysqlSubject[] = []
  readonly #all: MysqlSubject[] = []

  constructor(server: MysqlServer) {
    this.#server = server
  }

  optionsOf(database: string, more: Partial<MysqlOptions> = {}): MysqlOptions {
    return { ...this.#server.connection, database, connectionsMax: 5, ...more }
  }

  async open(): Promise<MysqlSubject> {
    const subject = this.#free.pop() ?? (await this.#make())
    return { ...subject, close: () => this.#empty(subject) }
  }

  /** Ends all connections; the databases go with the server. */
  async close(): Promise<void> {
    for (const { primary, second, replica } of this.#all) await Promise.all([primary.close(), second.close(), replica.close()])
  }

  async #make(): Promise<MysqlSubject> {
    const database = await this.#server.createDatabase()
    const options = this.optionsOf(database)
    const subject: MysqlSubject = {
      database,
      primary: openMysqlPrimary(options),
      second: openMysqlPrimary(options),
      replica: openMysqlReplica(options),
      close: async () => {},
    }
    this.#all.push(subject)
    await migrate(subject.primary)
    return subject
  }

  async #empty(subject: MysqlSubject): Promise<void> {
    // Numbers that grow start at 1 again with the table.
    const emptied = ['surveys', 'queue_epochs', 'users'].map((table) => `truncate table ${table}`)
    const tables = [
      'poll_versions',
      'polls',
      'ballots',
      'tallies',
      'turnout',
      'dead_letters',
      'low_water',
      'settings',
      'poll_owners',
      'sessions',
      'sign_in_attempts',
      'api_tokens',
      'voting_codes',
      'voter_roll',
      'audit_trail',
      'audit_head',
      'poll_activity',
    ]
    const head = "insert into audit_head (head, number, hash, mac) values (1, 0, '', '')"
    for (const statement of [...emptied, ...tables.map((table) => `delete from ${table}`), head]) {
      await this.#server.query(statement, [], subject.database)
    }
    this.#free.push(subject)
  }
}
