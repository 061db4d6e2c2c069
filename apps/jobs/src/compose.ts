import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { openMasterKey, parsePollId, systemClock, systemIds } from '@urna/core'
import { migrate, openSqliteReader, openSqliteWriter, type Primary, SqlPollRepository, SqlResultsReader, SqlSettings } from '@urna/database'
import { type JobsConfig, readOrCreateKeyFile } from '@urna/runtime'
import { directoryExportStore } from './directory-export-store.ts'
import { type ExportOutcome, exportResults } from './export-csv.ts'
import { prepareInstallation } from './migrate.ts'
import { type RecountOutcome, recount, UnknownPollError } from './recount.ts'

export { NetworkFileSystemError } from '@urna/database'

export class NoDatabaseError extends Error {
  override name = 'NoDatabaseError'
}

export interface Output {
  /** One line of the result. */
  print(line: string): void
  warn(line: string): void
}

export interface Jobs {
  /** Brings the tables up to date and gives a fresh installation its demo polls; returns the migrations that were run. */
  migrate(): Promise<string[]>
  exportCsv(options: { folder: string; bom: boolean; keep: number }): Promise<ExportOutcome>
  /** `poll`: a poll id or a survey id; null: all. */
  recount(options: { poll: string | null }): Promise<RecountOutcome>
}

/** Puts the jobs together: the only place here that names concrete adapters. Nothing is opened before a job runs. */
export function composeJobs(config: JobsConfig, output: Output): Jobs {
  if (config.database.kind !== 'sqlite') throw new NoDatabaseError('jobs do not reach a database server yet: unset DB_HOST')
  const databasePath = join(config.dataDir, 'urna.db')

  async function reading<Value>(read: (polls: SqlPollRepository, results: SqlResultsReader) => Promise<Value>): Promise<Value> {
    if (!existsSync(databasePath)) {
      throw new NoDatabaseError(
        `there is no database at ${databasePath}: start Urna there once, run migrate, or set DATA_DIR to where its data is`,
      )
    }
    const replica = openSqliteReader(databasePath)
    // With SQLite both are one file. SQLite refuses any write through this connection, so a running process is never in its way.
    const primary: Primary = { ...replica, role: 'primary' }
    try {
      return await read(new SqlPollRepository(primary), new SqlResultsReader(replica))
    } finally {
      await replica.close()
    }
  }

  return {
    async migrate() {
      mkdirSync(config.dataDir, { recursive: true, mode: 0o700 })
      const key = config.masterKey ?? readOrCreateKeyFile(join(config.dataDir, 'master.key'), output).key
      const primary = openSqliteWriter(databasePath)
      try {
        const migrations = await migrate(primary)
        const [polls, settings] = [new SqlPollRepository(primary), new SqlSettings(primary)]
        await prepareInstallation({ polls, settings, masterKey: openMasterKey(key), clock: systemClock, ids: systemIds })
        return migrations
      } finally {
        await primary.close()
      }
    },

    exportCsv({ folder, bom, keep }) {
      return reading((polls, results) =>
        exportResults({ polls, results, store: directoryExportStore(folder), clock: systemClock }, { bom, keep }),
      )
    },

    recount({ poll }) {
      return reading(async (polls, results) => {
        const pollId = poll === null ? null : await pollIdOf(polls, poll)
        return recount({ polls, results, print: output.print }, { pollId })
      })
    },
  }
}

async function pollIdOf(polls: SqlPollRepository, text: string) {
  const pollId = /^\d{1,9}$/.test(text) ? (await polls.findBySurveyId(Number(text)))?.id : parsePollId(text)
  if (pollId === null || pollId === undefined) throw new UnknownPollError(`expected a poll id or a survey id, got ${JSON.stringify(text)}`)
  return pollId
}
