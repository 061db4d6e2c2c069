import { join, resolve } from 'node:path'
import { ForeignMasterKeyError } from '@urna/core'
import { ConfigError, type Environment, type JobsConfig, KeyFileError, type LoadConfigOptions, loadConfig } from '@urna/runtime'
import { Command, CommanderError, InvalidArgumentError } from 'commander'
import { TokenFileError } from './administrator-token.ts'
import {
  composeJobs,
  DatabaseFailedError,
  DatabaseUnusableError,
  type Jobs,
  NetworkFileSystemError,
  type Output,
  ReplicationError,
  ServerError,
  WrongUseError,
} from './compose.ts'
import { makeSecrets, SecretFilesError } from './make-secrets.ts'
import { UnknownPollError } from './recount.ts'
import { UnknownUserError } from './reset-password.ts'
import { StoppedError } from './stopped.ts'

/** It did not do what it was to do: trying again may help. A recount that found a mismatch ends with this, too. */
const failedStatus = 1
/** Arguments or settings are wrong: trying again would not help. */
const wrongUseStatus = 2

/** Faults that the person at the terminal can mend: said in words, without a stack. */
const wrongUses = [
  ConfigError,
  ForeignMasterKeyError,
  KeyFileError,
  NetworkFileSystemError,
  SecretFilesError,
  TokenFileError,
  UnknownPollError,
  UnknownUserError,
  WrongUseError,
]
const failures = [DatabaseFailedError, DatabaseUnusableError, ReplicationError, ServerError, StoppedError]

const exitStatuses = `
Exit status: 0 done, ${failedStatus} failed, ${wrongUseStatus} wrong arguments or settings.
Settings are environment variables: docs/configuration.md. Results go to the standard output, everything else to the standard error.`

/**
 * Runs one job to its end, or until `signal` says to stop; returns the exit status. `argumentsOf` are those behind the program's name.
 */
export async function runJobs(
  argumentsOf: readonly string[],
  environment: Environment,
  output: Output,
  signal: AbortSignal = new AbortController().signal,
): Promise<number> {
  let status = 0
  const program = commands({
    // Only a job that runs reads settings: --help works everywhere.
    open(needs = {}) {
      const config = loadConfig(environment, 'jobs', needs)
      return { config, jobs: composeJobs(config, output, signal) }
    },
    output,
    finish: (outcome) => {
      status = outcome
    },
  })
  try {
    await program.parseAsync(argumentsOf, { from: 'user' })
    return status
  } catch (thrown) {
    // Said already.
    if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? 0 : wrongUseStatus
    // What fails because it was stopped says nothing of its own.
    const error = signal.aborted ? signal.reason : thrown
    output.warn(wordsOf(error))
    return wrongUses.some((kind) => error instanceof kind) ? wrongUseStatus : failedStatus
  }
}

function wordsOf(error: unknown): string {
  const { message, stack } = error instanceof Error ? error : new Error(String(error))
  if ([...wrongUses, ...failures].some((kind) => error instanceof kind)) return message
  const { code, port } = error as { code?: string; port?: number }
  if (code === 'EADDRINUSE') return `port ${port} is in use by another program: choose another one with PORT`
  return stack ?? message
}

interface Context {
  open(needs?: Pick<LoadConfigOptions, 'needsNoMasterKey' | 'needsReplication'>): { config: JobsConfig; jobs: Jobs }
  readonly output: Output
  finish(status: number): void
}

interface ExportArguments {
  readonly folder?: string
  readonly bom?: true
  readonly keep?: number
  readonly every?: true
}

function commands({ open, output, finish }: Context): Command {
  const { print } = output
  const program = new Command('urna-jobs')
    .description('Jobs that run to completion. They may run beside a running Urna.')
    .addHelpText('after', exitStatuses)
  // Before the commands are made: they inherit what is set by then.
  program.exitOverride().configureOutput({ writeOut: (text) => print(text.trimEnd()), writeErr: (text) => output.warn(text.trimEnd()) })

  program
    .command('migrate')
    .description(
      "bring the tables up to date; give a fresh installation its demo polls, an administrator's token and a first administrator",
    )
    .addHelpText(
      'after',
      `
Run it before every start of a new version, as often as you like and several at once: one migrates, the others wait. It waits up to
MIGRATION_WAIT_SECONDS for the database server, and makes the database DB_DATABASE where it is missing and DB_USER may. Without DB_HOST:
the SQLite file in DATA_DIR (standalone does this by itself at every start). Needs MASTER_KEY where there is DB_HOST. The administrator's token
and the password of the user admin are shown on the terminal; where there is none they are written to DATA_DIR/first-run.txt; with ADMIN_TOKEN
and ADMIN_PASSWORD none is made up. admin is made where nobody can sign in as an administrator.
${exitStatuses}`,
    )
    .action(async () => {
      const { migrations, tokenFile, passwordFile } = await open().jobs.migrate()
      print(migrations.length === 0 ? 'nothing to migrate' : `migrated: ${migrations.join(', ')}`)
      if (tokenFile !== null) print(`the administrator's token is in ${tokenFile}`)
      if (passwordFile !== null) print(`the password of the user admin is in ${passwordFile}`)
    })

  program
    .command('reset-admin-token')
    .description("make another administrator's token; the old one is refused by every process that is started afterwards")
    .addHelpText('after', exitStatuses)
    .action(async () => {
      const { config, jobs } = open({ needsNoMasterKey: true })
      if (config.adminToken !== null) {
        throw new WrongUseError('ADMIN_TOKEN is set, and wins over any other token: change it there, or unset it')
      }
      const { tokenFile } = await jobs.resetAdminToken()
      if (tokenFile !== null) print(`the administrator's token is in ${tokenFile}`)
      print('it counts from the next start of api or standalone on')
    })

  program
    .command('reset-password')
    .description('give a user a new password, which is printed once; all sessions and API tokens of the user end')
    .argument('<username>', 'whose')
    .addHelpText(
      'after',
      `
It may run beside a running Urna, and counts at once. Needs the master key: the change is recorded in the audit trail.
${exitStatuses}`,
    )
    .action(async (username: string) => {
      const { jobs } = open({ needsNoMasterKey: true })
      const changed = await jobs.resetPassword(username)
      print(`the new password of ${changed.username}, shown only now: ${changed.password}`)
    })

  program
    .command('verify-audit')
    .description(`check that nobody has changed the audit trail; exit status ${failedStatus} if somebody has`)
    .addHelpText(
      'after',
      `
Reads all records, on DB_HOST. Note the last hash elsewhere: a trail that has been put back to an earlier state is whole, but does not hold it.
${exitStatuses}`,
    )
    .action(async () => {
      const { jobs } = open({ needsNoMasterKey: true })
      const verdict = await jobs.verifyAudit()
      if (verdict.whole) {
        print(`records        ${verdict.records}`)
        print(`last hash      ${verdict.lastHash === null ? 'none' : Buffer.from(verdict.lastHash).toString('hex')}`)
        return
      }
      print(`BROKEN at record ${verdict.brokenAt}: ${verdict.reason}`)
      finish(failedStatus)
    })

  program
    .command('export-csv')
    .description('write the results of all polls into a new CSV file')
    .option('--folder <path>', 'where to (default: EXPORT_DIR)')
    .option('--bom', 'begin with a byte order mark (default: EXPORT_BOM)')
    .option('--keep <count>', 'how many of the newest exports stay (default: EXPORT_KEEP)', positiveInteger)
    .option('--every', 'go on, and write one at each of the times EXPORT_EVERY; health and metrics on PORT (8083)')
    .addHelpText(
      'after',
      `
Reads DB_REPLICA_HOST where it is set, and DB_HOST while that does not answer. A file appears whole or not at all; beside it a manifest
says until when everything accepted is in it (asOf): on a replica that lags, that is earlier. When it fails, the files before stay.
${exitStatuses}`,
    )
    .action(async (options: ExportArguments) => {
      const { config, jobs } = open({ needsNoMasterKey: true })
      const folder = resolve(options.folder ?? config.exportDir)
      const request = { folder, bom: options.bom ?? config.exportBom, keep: options.keep ?? config.exportKeep }
      if (options.every !== undefined) {
        if (config.exportEvery === null) throw new WrongUseError('--every: EXPORT_EVERY is off, there is no time at which to export')
        await jobs.exportEvery({ ...request, every: config.exportEvery })
        return
      }
      const { manifest, removed } = await jobs.exportCsv(request)
      print(join(folder, manifest.file))
      print(
        `rows=${manifest.rows} bytes=${manifest.bytes} sha256=${manifest.sha256} as-of=${manifest.asOf ?? 'none'} removed=${removed.length}`,
      )
    })

  program
    .command('recount')
    .description(`count the ballots again and compare with the stored tallies; exit status ${failedStatus} if they differ. Repairs nothing`)
    .argument('[poll]', 'a poll id or a survey id (default: all polls)')
    .option('--replica', 'on DB_REPLICA_HOST (default: on DB_HOST)')
    .addHelpText(
      'after',
      `
Each poll is counted in one snapshot, so it may run while ballots are counted. The first number is the stored one, the second the recounted.
${exitStatuses}`,
    )
    .action(async (poll: string | undefined, options: { replica?: true }) => {
      const { jobs } = open({ needsNoMasterKey: true })
      const { polls, mismatches } = await jobs.recount({ poll: poll ?? null, onReplica: options.replica ?? false })
      print(`${polls} polls, ${mismatches} mismatches`)
      finish(mismatches === 0 ? 0 : failedStatus)
    })

  program
    .command('set-up-replication')
    .description('make DB_REPLICA_HOST the replica of DB_HOST, or see that it is; a second run changes nothing')
    .option(
      '--force-empty <host:port>',
      "remove ALL databases of a replica that has other data than the primary's; to be sure: DB_REPLICA_HOST:DB_REPLICA_PORT",
    )
    .addHelpText(
      'after',
      `
Both are MySQL 8.4 or newer, or both MariaDB 10.5 or newer. Needs DB_REPLICA_HOST, REPLICATION_ADMIN_PASSWORD (of REPLICATION_ADMIN_USER, by default
root, on both) and REPLICATION_PASSWORD (of REPLICATION_USER, which is made); REPLICATION_SOURCE_HOST where the replica reaches the
primary under another address than DB_HOST. Makes the replica refuse writes, and turns on semi-synchronous replication where the servers have it.
Says which settings a server lacks, for those that only its configuration can change. Ends by showing both, and with status ${failedStatus} if
replication does not run.
${exitStatuses}`,
    )
    .action(async (options: { forceEmpty?: string }) => {
      const { jobs } = open({ needsNoMasterKey: true, needsReplication: true })
      const { runs, lines, changes, advice } = await jobs.setUpReplication({ forceEmpty: options.forceEmpty ?? null })
      if (changes.length === 0) print('nothing to change')
      for (const [name, value] of lines) print(`${name.padEnd(14)}${value}`)
      for (const text of advice) output.warn(text)
      finish(runs ? 0 : failedStatus)
    })

  program
    .command('make-secrets')
    .description('write the secrets of an installation with servers into a folder: those that are missing, never over one that is there')
    .argument('<folder>', 'where to')
    .addHelpText(
      'after',
      `
The files are master-key, admin-token, admin-password, database-password, database-root-password, replication-password, redis-password and
redis.conf, which everybody who gets to the folder may read: it is meant for a volume that only containers of the installation mount. Each is what a
setting NAME_FILE takes. Keep a copy of master-key: without it no receipt can be read. Needs no setting.
${exitStatuses}`,
    )
    .action((folder: string) => {
      const { made, warnings } = makeSecrets(resolve(folder))
      for (const name of made) print(`made ${join(resolve(folder), name)}`)
      if (made.length === 0) print('nothing to make')
      for (const text of warnings) output.warn(text)
      finish(warnings.length === 0 ? 0 : failedStatus)
    })

  return program
}

function positiveInteger(text: string): number {
  if (!/^[1-9]\d{0,6}$/.test(text)) throw new InvalidArgumentError('expected a whole number from 1')
  return Number(text)
}
