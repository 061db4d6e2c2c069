import { join, resolve } from 'node:path'
import { ConfigError, type Environment, type JobsConfig, KeyFileError, loadConfig } from '@urna/runtime'
import { Command, CommanderError, InvalidArgumentError } from 'commander'
import { composeJobs, type Jobs, NetworkFileSystemError, NoDatabaseError, type Output } from './compose.ts'
import { WrongMasterKeyError } from './migrate.ts'
import { UnknownPollError } from './recount.ts'

/** A recount found a mismatch. */
const mismatchStatus = 1
/** The job did not run to its end. */
const failureStatus = 2

/** Faults that the person at the terminal can mend: said in words, without a stack. */
const mendable = [ConfigError, KeyFileError, NetworkFileSystemError, NoDatabaseError, UnknownPollError, WrongMasterKeyError]

/** Runs one job to its end; returns the exit status. `argumentsOf` are those behind the program's name. */
export async function runJobs(argumentsOf: readonly string[], environment: Environment, output: Output): Promise<number> {
  let status = 0
  const program = commands({
    // Only a job that runs reads settings: --help works everywhere.
    open({ needsNoMasterKey = false } = {}) {
      const config = loadConfig(environment, 'jobs', { needsNoMasterKey })
      return { config, jobs: composeJobs(config, output) }
    },
    output,
    finish: (outcome) => {
      status = outcome
    },
  })
  try {
    await program.parseAsync(argumentsOf, { from: 'user' })
    return status
  } catch (error) {
    // Said already.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : failureStatus
    const { message, stack } = error instanceof Error ? error : new Error(String(error))
    output.warn(mendable.some((kind) => error instanceof kind) ? message : (stack ?? message))
    return failureStatus
  }
}

interface Context {
  open(options?: { needsNoMasterKey?: boolean }): { config: JobsConfig; jobs: Jobs }
  readonly output: Output
  finish(status: number): void
}

function commands({ open, output, finish }: Context): Command {
  const { print } = output
  const program = new Command('urna-jobs').description('Jobs that run to completion. They may run beside a running Urna.')
  // Before the commands are made: they inherit what is set by then.
  program.exitOverride().configureOutput({ writeOut: (text) => print(text.trimEnd()), writeErr: (text) => output.warn(text.trimEnd()) })

  program
    .command('migrate')
    .description('bring the tables up to date, and give a fresh installation its demo polls (Urna does it by itself at every start)')
    .action(async () => {
      const migrations = await open().jobs.migrate()
      print(migrations.length === 0 ? 'nothing to migrate' : `migrated: ${migrations.join(', ')}`)
    })

  program
    .command('export-csv')
    .description('write the results of all polls into a new CSV file')
    .option('--folder <path>', 'where to (default: EXPORT_DIR)')
    .option('--bom', 'begin with a byte order mark (default: EXPORT_BOM)')
    .option('--keep <count>', 'how many of the newest exports stay (default: EXPORT_KEEP)', positiveInteger)
    .action(async (options: { folder?: string; bom?: true; keep?: number }) => {
      const { config, jobs } = open({ needsNoMasterKey: true })
      const folder = resolve(options.folder ?? config.exportDir)
      const { manifest, removed } = await jobs.exportCsv({
        folder,
        bom: options.bom ?? config.exportBom,
        keep: options.keep ?? config.exportKeep,
      })
      print(join(folder, manifest.file))
      print(
        `rows=${manifest.rows} bytes=${manifest.bytes} sha256=${manifest.sha256} as-of=${manifest.asOf ?? 'none'} removed=${removed.length}`,
      )
    })

  program
    .command('recount')
    .description(
      `count the ballots again and compare with the stored tallies; exit status ${mismatchStatus} if they differ. Repairs nothing`,
    )
    .argument('[poll]', 'a poll id or a survey id (default: all polls)')
    .action(async (poll: string | undefined) => {
      const { polls, mismatches } = await open({ needsNoMasterKey: true }).jobs.recount({ poll: poll ?? null })
      print(`${polls} polls, ${mismatches} mismatches`)
      finish(mismatches === 0 ? 0 : mismatchStatus)
    })

  return program
}

function positiveInteger(text: string): number {
  if (!/^[1-9]\d{0,6}$/.test(text)) throw new InvalidArgumentError('expected a whole number from 1')
  return Number(text)
}
