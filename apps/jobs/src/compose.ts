import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type AuditVerdict, type MasterKey, openMasterKey, parsePollId, systemClock, systemIds } from '@urna/core'
import {
  awaitDatabase,
  type DatabaseOptions,
  grantText,
  migrate,
  mysqlEventLine,
  openMysqlPrimary,
  openMysqlReplica,
  openSqliteReader,
  openSqliteWriter,
  type Primary,
  pingDatabase,
  type Replica,
  type ReplicationReport,
  SqlAuditTrail,
  SqlPollRepository,
  SqlResultsReader,
  SqlSettings,
  SqlUserRepository,
  serverRole,
  setUpReplication,
  withServerLock,
} from '@urna/database'
import {
  createLogger,
  type JobsConfig,
  type MysqlConfig,
  type MysqlServer,
  openDataFolder,
  projectVersion,
  readOrCreateKeyFile,
} from '@urna/runtime'
import { administratorTokenHash, resetAdministratorToken } from './administrator-token.ts'
import { databaseWords, isDatabaseError } from './database-words.ts'
import { directoryExportStore } from './directory-export-store.ts'
import { type ExportOutcome, exportResults } from './export-csv.ts'
import { runExportService } from './export-service.ts'
import { makeFirstAdministrator } from './first-administrator.ts'
import { prepareInstallation, refuseForeignMasterKey } from './migrate.ts'
import { type RecountOutcome, recount, UnknownPollError } from './recount.ts'
import { resetPassword } from './reset-password.ts'

export { DatabaseUnusableError, NetworkFileSystemError, ReplicationError, ServerError } from '@urna/database'

/** The arguments and settings do not go together with what is there: starting it again would not help. */
export class WrongUseError extends Error {
  override name = 'WrongUseError'
}

/** A server of the database failed, in words. */
export class DatabaseFailedError extends Error {
  override name = 'DatabaseFailedError'
}

export interface Output {
  /** One line of the result. */
  print(line: string): void
  /** What goes on, and what went wrong. */
  warn(line: string): void
  /** What is printed is seen by a person, and kept by nobody. */
  readonly isTerminal: boolean
}

export interface ExportRequest {
  readonly folder: string
  readonly bom: boolean
  readonly keep: number
}

export interface Jobs {
  /**
   * Brings the tables up to date, gives a fresh installation its demo polls, an administrator's token and a first administrator; returns the migrations that
   * were run, and the files in which a token and a password that were made now stand.
   */
  migrate(): Promise<{ migrations: string[]; tokenFile: string | null; passwordFile: string | null }>
  /** Returns the new password: show it once. */
  resetPassword(username: string): Promise<{ username: string; password: string }>
  verifyAudit(): Promise<AuditVerdict>
  resetAdminToken(): Promise<{ tokenFile: string | null }>
  exportCsv(request: ExportRequest): Promise<ExportOutcome>
  /** Exports at these times until it is told to stop. */
  exportEvery(request: ExportRequest & { every: string }): Promise<void>
  /** `poll`: a poll id or a survey id; null: all. */
  recount(options: { poll: string | null; onReplica: boolean }): Promise<RecountOutcome>
  setUpReplication(options: { forceEmpty: string | null }): Promise<ReplicationReport>
}

/** A server, or a file, that is only read. */
interface Readable {
  readonly name: string
  open(): Replica
}

/** How long a statement of a migration may take: it may rebuild a large table. */
const migrationStatementMsMax = 3_600_000
/** How long another process that is migrating is waited for. */
const otherProcessMsMax = 600_000
const stillAtItMs = 10_000
const pingMsMax = 4_000

/** Puts the jobs together: the only place here that names concrete adapters. Nothing is opened before a job runs. */
export function composeJobs(config: JobsConfig, output: Output, signal: AbortSignal): Jobs {
  const { database } = config
  const databasePath = join(config.dataDir, 'urna.db')
  const say = (line: string) => output.warn(line)
  const tokenTelling = {
    dataDirectory: config.dataDir,
    show: output.isTerminal
      ? (token: string) => output.print(`\n  Administrator's token, shown only now. Keep it:\n\n    ${token}\n`)
      : null,
  }

  const passwordTelling = {
    dataDirectory: config.dataDir,
    show: output.isTerminal
      ? (password: string) =>
          output.print(`\n  Sign in at /admin as admin. The password, shown only now; change it there:\n\n    ${password}\n`)
      : null,
  }

  /** Of an installation that there is already: another key would break its audit trail. */
  async function masterKeyOf(settings: SqlSettings): Promise<MasterKey> {
    const path = join(config.dataDir, 'master.key')
    if (config.masterKey === null && !existsSync(path)) {
      throw new WrongUseError(`there is no master key: set MASTER_KEY, or DATA_DIR to the folder of master.key (now ${config.dataDir})`)
    }
    const masterKey = openMasterKey(config.masterKey ?? readOrCreateKeyFile(path, output).key)
    await refuseForeignMasterKey({ settings, masterKey })
    return masterKey
  }

  /** In the order in which they are tried: a replica first, where there is one. */
  function readables(): Readable[] {
    if (database.kind === 'mysql') {
      const { primary, replica } = database
      return [...(replica === null ? [] : [{ what: 'the replica', server: replica }]), { what: 'the primary', server: primary }].map(
        ({ what, server }) => ({
          name: replica === null ? `the database ${addressOf(server)}` : `${what} ${addressOf(server)}`,
          open: () => openMysqlReplica(mysqlOptions(database, server)),
        }),
      )
    }
    if (!existsSync(databasePath)) {
      throw new WrongUseError(
        `there is no database at ${databasePath}: start Urna there once, run migrate, or set DATA_DIR to where its data is`,
      )
    }
    return [{ name: databasePath, open: () => openSqliteReader(databasePath) }]
  }

  /** On the first of them that can do it. A read-only connection refuses every write, so a running process is never in its way. */
  async function reading<Value>(
    from: readonly Readable[],
    read: (polls: SqlPollRepository, results: SqlResultsReader, opened: Primary) => Promise<Value>,
    { tell = say, stop = signal }: { tell?: (line: string) => void; stop?: AbortSignal } = {},
  ): Promise<Value> {
    for (const [index, { name, open }] of from.entries()) {
      const replica = open()
      try {
        const readOnly: Primary = { ...replica, role: 'primary' }
        const work = () => read(new SqlPollRepository(readOnly), new SqlResultsReader(replica), readOnly)
        return await whileOpen(replica, work, stop)
      } catch (error) {
        stop.throwIfAborted()
        const words = databaseWords(error, name)
        if (words === null) throw error
        const next = from[index + 1]
        if (next === undefined) throw new DatabaseFailedError(words, { cause: error })
        tell(`${words}. Reading from ${next.name}`)
      }
    }
    throw new Error('nothing to read from')
  }

  /** Whoever stops the job need not wait for a statement. */
  async function whileOpen<Value>(opened: Primary | Replica, work: () => Promise<Value>, stop = signal): Promise<Value> {
    const close = () => void opened.close().catch(() => {})
    stop.addEventListener('abort', close)
    try {
      stop.throwIfAborted()
      return await work()
    } finally {
      stop.removeEventListener('abort', close)
      await opened.close()
    }
  }

  /** One process at a time, wherever they run. */
  function alone<Value>(work: () => Promise<Value>): Promise<Value> {
    const patience = { waitMs: otherProcessMsMax, say, signal }
    if (database.kind === 'sqlite') return withFileLock(join(config.dataDir, 'migration-lock.db'), patience, work)
    const { primary } = database
    return withServerLock(adminOptions(database, primary), `migration of ${primary.database}`, patience, work)
  }

  async function openPrimary(options: { queryTimeoutMs?: number } = {}): Promise<Primary> {
    if (database.kind === 'sqlite') {
      openDataFolder(config.dataDir)
      return openSqliteWriter(databasePath)
    }
    await awaitDatabase(adminOptions(database, database.primary), { waitMs: config.migrationWaitMs, say, signal })
    const onEvent = (event: Parameters<typeof mysqlEventLine>[0]) => say(mysqlEventLine(event).message)
    return openMysqlPrimary({ ...mysqlOptions(database, database.primary), onEvent, ...options })
  }

  const inWords = async <Value>(work: () => Promise<Value>): Promise<Value> => {
    try {
      return await work()
    } catch (error) {
      signal.throwIfAborted()
      if (database.kind !== 'mysql') throw error
      const words = databaseWords(error, `the database ${addressOf(database.primary)}`)
      if (words === null) throw error
      const mayNot = words.includes('does not let the user')
      throw new DatabaseFailedError(mayNot ? `${words}\n${grantText(database.primary)}` : words, { cause: error })
    }
  }

  function exportOnce({ folder, bom, keep }: ExportRequest, hooks: { tell?: (line: string) => void; stop?: AbortSignal } = {}) {
    const from = readables()
    const store = directoryExportStore(folder)
    const dependencies = { store, clock: systemClock, signal: hooks.stop ?? signal }
    return reading(from, (polls, results) => exportResults({ polls, results, ...dependencies }, { bom, keep }), hooks)
  }

  return {
    migrate: () =>
      inWords(async () => {
        const primary = await openPrimary({ queryTimeoutMs: migrationStatementMsMax })
        return whileOpen(primary, async () => {
          if (database.kind === 'mysql') await refuseReadOnly(primary, database.primary)
          const key = config.masterKey ?? readOrCreateKeyFile(join(config.dataDir, 'master.key'), output).key
          return alone(async () => {
            const migrations = await sayingStill(say, 'migrating', () => migrate(primary))
            const masterKey = openMasterKey(key)
            const [polls, settings] = [new SqlPollRepository(primary, { auditHmac: masterKey.auditHmac }), new SqlSettings(primary)]
            await prepareInstallation({ polls, settings, masterKey, clock: systemClock, ids: systemIds })
            const { tokenFile } = await administratorTokenHash({ configured: config.adminToken, settings, ...tokenTelling })
            const { passwordFile } = await makeFirstAdministrator({
              users: new SqlUserRepository(primary, masterKey),
              configured: config.adminPassword,
              clock: systemClock,
              ids: systemIds,
              say,
              ...passwordTelling,
            })
            return { migrations, tokenFile, passwordFile }
          })
        })
      }),

    resetPassword: (username) =>
      inWords(async () => {
        if (database.kind === 'sqlite') readables()
        const primary = await openPrimary()
        return whileOpen(primary, async () => {
          if (database.kind === 'mysql') await refuseReadOnly(primary, database.primary)
          const masterKey = await masterKeyOf(new SqlSettings(primary))
          const users = new SqlUserRepository(primary, masterKey)
          const { user, password } = await resetPassword({ users, clock: systemClock, ids: systemIds }, username)
          return { username: user.username, password }
        })
      }),

    verifyAudit: () =>
      reading(readables().slice(-1), async (_polls, _results, opened) => {
        const { auditHmac } = await masterKeyOf(new SqlSettings(opened))
        return new SqlAuditTrail(opened, { auditHmac }).verify()
      }),

    resetAdminToken: () =>
      inWords(async () => {
        if (database.kind === 'sqlite') readables()
        const primary = await openPrimary()
        return whileOpen(primary, async () => {
          const settings = new SqlSettings(primary)
          return resetAdministratorToken({
            ...tokenTelling,
            async replace(name, value) {
              await settings.setIfAbsent(name, value)
              await primary.db.updateTable('settings').set({ value }).where('name', '=', name).execute()
            },
          })
        })
      }),

    exportCsv: (request) => exportOnce(request),

    async exportEvery({ every, ...request }) {
      // Where there is none it is said at once, and not at midnight.
      readables()
      await runExportService({
        config,
        logger: createLogger({ service: 'jobs', version: projectVersion, level: config.logLevel }),
        every,
        folder: request.folder,
        exportOnce: (hooks) => exportOnce(request, hooks),
        databaseAnswers: () => answers(readables()),
        wordsOf: (error) => (error instanceof DatabaseFailedError ? error.message : null),
        signal,
      })
    },

    async recount({ poll, onReplica }) {
      const replica = database.kind === 'mysql' ? database.replica : null
      if (onReplica && replica === null) throw new WrongUseError('there is no replica to recount on: set DB_REPLICA_HOST')
      const all = readables()
      const from = onReplica ? all.slice(0, 1) : all.slice(-1)
      return reading(from, async (polls, results) => {
        const pollId = poll === null ? null : await pollIdOf(polls, poll)
        return recount({ polls, results, print: output.print, say, signal }, { pollId })
      })
    },

    async setUpReplication({ forceEmpty }) {
      const { replication } = config
      if (database.kind !== 'mysql' || database.replica === null || replication === null)
        throw new Error('the settings were checked before')
      const { primary, replica, tls, connectTimeoutMs } = database
      // The port too: both servers may be on one machine, and a mistake there empties the primary.
      if (forceEmpty !== null && forceEmpty !== addressOf(replica)) {
        throw new WrongUseError(
          `--force-empty: expected host and port of the replica, to be sure, as host:port, got ${JSON.stringify(forceEmpty)}`,
        )
      }
      return setUpReplication({
        primary,
        replica,
        ...replication,
        reader: primary,
        tls,
        connectTimeoutMs,
        waitMs: config.migrationWaitMs,
        forceEmpty: forceEmpty !== null,
        say,
        signal,
      })
    },
  }
}

function addressOf({ host, port }: MysqlServer): string {
  return `${host}:${port}`
}

function mysqlOptions({ connectTimeoutMs, queryTimeoutMs, tls }: MysqlConfig, server: MysqlServer) {
  return { ...server, tls, connectionsMax: 3, connectTimeoutMs, queryTimeoutMs }
}

function adminOptions({ connectTimeoutMs, queryTimeoutMs, tls }: MysqlConfig, server: MysqlServer): DatabaseOptions {
  return { name: 'the database', ...server, tls, connectTimeoutMs, statementTimeoutMs: queryTimeoutMs }
}

async function refuseReadOnly(primary: Primary, server: MysqlServer): Promise<void> {
  const { isReadOnly, product, version } = await serverRole(primary)
  if (!isReadOnly) return
  throw new DatabaseFailedError(
    `the database ${addressOf(server)} (${product} ${version}) takes no writes (read_only): it is a replica. Set DB_HOST to the primary`,
  )
}

/** A lock on a file of its own, which is gone with the process however that ends. */
async function withFileLock<Value>(
  path: string,
  { waitMs, say, signal }: { waitMs: number; say: (line: string) => void; signal: AbortSignal },
  work: () => Promise<Value>,
): Promise<Value> {
  const startedMs = performance.now()
  for (;;) {
    signal.throwIfAborted()
    const lock = openSqliteWriter(path)
    let isMine = false
    try {
      return await lock.db.transaction().execute(() => {
        isMine = true
        return work()
      })
    } catch (error) {
      if (isMine || (error as { code?: string }).code !== 'SQLITE_BUSY' || performance.now() - startedMs > waitMs) throw error
    } finally {
      await lock.close()
    }
    say('another process is at work on the database: waiting until it is done')
    await delay(100, undefined, { signal })
  }
}

async function sayingStill<Value>(say: (line: string) => void, what: string, work: () => Promise<Value>): Promise<Value> {
  const startedMs = performance.now()
  const timer = setInterval(() => say(`still ${what} (${Math.round((performance.now() - startedMs) / 1_000)} s)`), stillAtItMs)
  try {
    return await work()
  } finally {
    clearInterval(timer)
  }
}

/** Whether one of them answers in time. */
async function answers(readables: readonly Readable[]): Promise<boolean> {
  for (const { open } of readables) {
    const replica = open()
    try {
      const late = new Promise<never>((_resolve, reject) => setTimeout(reject, pingMsMax, new Error('late')).unref())
      await Promise.race([pingDatabase(replica), late])
      return true
    } catch (error) {
      if (!isDatabaseError(error) && (error as Error).message !== 'late') throw error
    } finally {
      await replica.close()
    }
  }
  return false
}

async function pollIdOf(polls: SqlPollRepository, text: string) {
  const pollId = /^\d{1,9}$/.test(text) ? (await polls.findBySurveyId(Number(text)))?.id : parsePollId(text)
  if (pollId === null || pollId === undefined) throw new UnknownPollError(`expected a poll id or a survey id, got ${JSON.stringify(text)}`)
  return pollId
}
