import { spawnSync } from 'node:child_process'
import { chownSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import mysql from 'mysql2'
import { ClusterError } from './errors.ts'
import type { ClusterFolder, Secrets, SystemUser } from './folder.ts'
import type { DatabaseProgram } from './programs.ts'
import type { ProcessPlan } from './supervised.ts'

export const databaseName = 'voteapp'
export const databaseUser = 'urna'
export const databaseAdministrator = 'administrator'
export const replicationUser = 'replication'

export interface MysqlServerOptions {
  readonly role: 'primary' | 'replica'
  readonly port: number
  readonly folder: ClusterFolder
  readonly program: DatabaseProgram
  readonly secrets: Secrets
  /** Whom the server runs as, where that is not us. It refuses to be root unless it is told so. */
  readonly user: SystemUser | null
  readonly environment: Readonly<Record<string, string>>
}

/** Makes the data folder if there is none, and says how the server is started. */
export function planMysqlServer(options: MysqlServerOptions): ProcessPlan {
  const { role, port, folder, program, secrets, environment } = options
  const home = folder.subfolder(role)
  // Its own: a server that starts removes what it takes for temporary tables of an earlier life, also those of another one that runs.
  const temporary = folder.subfolder(`${role}/tmp`)
  for (const path of [home, temporary]) ownedByServer(path, options.user)
  const environmentOfServer = { ...environment, TMPDIR: temporary }
  if (!existsSync(join(home, 'data'))) makeData(home, { ...options, environment: environmentOfServer })
  // Read at every start; the server's own user must be able to, and nobody else.
  const initFile = join(home, 'users.sql')
  writeFileSync(initFile, usersOf(options), { mode: 0o600 })
  ownedByServer(initFile, options.user)
  return {
    name: role,
    command: [program.server, ...settingsOf(home, initFile, options)],
    environment: environmentOfServer,
    workingDirectory: home,
    isReady: () => answers(port, secrets.databaseAdministratorPassword),
    readyWithinMs: 60_000,
    stopSignal: 'SIGTERM',
    stopWithinMs: 30_000,
    shows: (line) => (/\[ERROR\]/.test(line) ? line.replace(/^.*\[ERROR\]\s*/, 'ERROR ') : null),
  }
}

/** Beside it first: what is there under its own name is whole. */
function makeData(home: string, options: MysqlServerOptions): void {
  const { server, installer, product } = options.program
  const data = join(home, 'data.new')
  rmSync(data, { recursive: true, force: true })
  mkdirSync(data, { mode: 0o700 })
  ownedByServer(data, options.user)
  const [program, ...argumentsOf] =
    product === 'MariaDB'
      ? [installer ?? '', '--no-defaults', `--datadir=${data}`, '--skip-test-db', ...userOption(options)]
      : [server, '--no-defaults', '--initialize-insecure', `--datadir=${data}`, ...userOption(options)]
  const { status, stdout, stderr } = spawnSync(program as string, argumentsOf, { encoding: 'utf8', cwd: home, env: options.environment })
  if (status !== 0) throw new ClusterError(`${product} could not make its data folder:\n${`${stdout}${stderr}`.trim()}`)
  renameSync(data, join(home, 'data'))
}

/** As careful with commits as in production, small in memory. */
function settingsOf(home: string, initFile: string, options: MysqlServerOptions): string[] {
  const { role, port, program } = options
  const isMysql = program.product === 'MySQL'
  return [
    '--no-defaults',
    ...userOption(options),
    `--datadir=${home}/data`,
    `--init-file=${initFile}`,
    `--socket=${home}/server.sock`,
    `--pid-file=${home}/server.pid`,
    '--bind-address=127.0.0.1',
    `--port=${port}`,
    '--skip-name-resolve',
    '--character-set-server=utf8mb4',
    '--collation-server=utf8mb4_bin',
    '--performance-schema=OFF',
    '--innodb-buffer-pool-size=128M',
    '--innodb-flush-log-at-trx-commit=1',
    '--sync-binlog=1',
    `--server-id=${role === 'primary' ? 1 : 2}`,
    `--log-bin=${home}/data/binlog`,
    '--binlog-format=ROW',
    '--binlog-expire-logs-seconds=604800',
    '--max-binlog-size=67108864',
    ...(isMysql ? ['--mysqlx=OFF', '--gtid-mode=ON', '--enforce-gtid-consistency=ON'] : []),
    ...(role === 'primary' ? [] : [`--relay-log=${home}/data/relay`, '--relay-log-recovery=1', '--read-only=1']),
    ...(isMysql ? [] : semiSynchronous[role]),
  ]
}

/** What `jobs set-up-replication` turns on, and a restart would turn off. On MySQL it is a plugin, which that job installs. */
const semiSynchronous = {
  primary: ['--rpl-semi-sync-master-enabled=ON', '--rpl-semi-sync-master-wait-point=AFTER_SYNC', '--rpl-semi-sync-master-timeout=1000'],
  replica: ['--rpl-semi-sync-slave-enabled=ON'],
} as const

/** Each server's own users: not in the binary log, or the replica would be told of users that it has. */
function usersOf({ role, secrets }: MysqlServerOptions): string {
  return [
    'set sql_log_bin = 0;',
    `create user if not exists '${databaseUser}'@'%' identified by '${secrets.databasePassword}';`,
    `create user if not exists '${databaseAdministrator}'@'%' identified by '${secrets.databaseAdministratorPassword}';`,
    `grant all on ${databaseName}.* to '${databaseUser}'@'%';`,
    `grant all on *.* to '${databaseAdministrator}'@'%' with grant option;`,
    'set sql_log_bin = 1;',
    ...(role === 'primary' ? [`create database if not exists ${databaseName} character set utf8mb4 collate utf8mb4_bin;`] : []),
    '',
  ].join('\n')
}

function userOption({ user }: MysqlServerOptions): string[] {
  if (user !== null) return [`--user=${user.name}`]
  return process.getuid?.() === 0 ? ['--user=root'] : []
}

function ownedByServer(path: string, user: SystemUser | null): void {
  if (user !== null) chownSync(path, user.uid, user.gid)
}

function answers(port: number, password: string): Promise<boolean> {
  const connection = mysql.createConnection({ host: '127.0.0.1', port, user: databaseAdministrator, password, connectTimeout: 2_000 })
  return new Promise<boolean>((resolve) => {
    connection.on('error', () => resolve(false))
    connection.query('select 1', (error) => resolve(error === null))
  }).finally(() => connection.destroy())
}
