import { ballotRepositoryContract } from '@urna/core/testing/ballot-repository-contract'
import { lowWaterContract } from '@urna/core/testing/low-water-contract'
import { peopleContracts } from '@urna/core/testing/people-contracts'
import { pollRepositoryContract } from '@urna/core/testing/poll-repository-contract'
import { queueEpochsContract } from '@urna/core/testing/queue-epochs-contract'
import { resultsReaderContract } from '@urna/core/testing/results-reader-contract'
import Sqlite from 'better-sqlite3'
import { afterAll } from 'vitest'
import { SqlBallotRepository } from '../repositories/sql-ballot-repository.ts'
import { SqlQueueEpochs } from '../repositories/sql-queue-epochs.ts'
import { SqlResultsReader } from '../repositories/sql-results-reader.ts'
import { peopleSubject } from '../testing/people-subject.ts'
import { directSubject, overPortSubject, PrimaryThread, type SqliteSubject } from '../testing/sqlite-subjects.ts'

const threads = [new PrimaryThread(), new PrimaryThread()] as const
afterAll(async () => {
  for (const thread of threads) await thread.terminate()
})

function contracts(name: string, open: () => Promise<SqliteSubject>): void {
  const ballots = async () => {
    const { primary, second, replica, close } = await open()
    return {
      repository: new SqlBallotRepository(primary),
      second: new SqlBallotRepository(second),
      // Small pages, so that a recount has many.
      results: new SqlResultsReader(replica, { pageRows: 16 }),
      close,
    }
  }
  ballotRepositoryContract(name, ballots, { randomRuns: 100 })
  lowWaterContract(name, ballots)
  resultsReaderContract(name, ballots)
  pollRepositoryContract(name, async () => {
    const subject = await open()
    const { people, polls, secondPolls, close } = peopleSubject(subject)
    return { polls, second: secondPolls, people, close }
  })
  peopleContracts(name, async () => peopleSubject(await open()))
  queueEpochsContract(name, async () => {
    const { primary, second, close } = await open()
    return { epochs: new SqlQueueEpochs(primary), second: new SqlQueueEpochs(second), close }
  })
}

const name = `SQLite ${new Sqlite(':memory:').prepare('select sqlite_version()').pluck().get()}`
contracts(name, directSubject)
contracts(`${name} in two threads, over a MessagePort`, () => overPortSubject(threads))
