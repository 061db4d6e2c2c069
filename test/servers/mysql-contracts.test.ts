import { ballotRepositoryContract } from '@urna/core/testing/ballot-repository-contract'
import { lowWaterContract } from '@urna/core/testing/low-water-contract'
import { peopleContracts } from '@urna/core/testing/people-contracts'
import { pollRepositoryContract } from '@urna/core/testing/poll-repository-contract'
import { queueEpochsContract } from '@urna/core/testing/queue-epochs-contract'
import { resultsReaderContract } from '@urna/core/testing/results-reader-contract'
import { SqlBallotRepository, SqlQueueEpochs, SqlResultsReader } from '@urna/database'
import { peopleSubject } from '@urna/database/testing/people-subject'
import { describeServers } from './support/mysql-suites.ts'

describeServers('contracts', (suite, { name }) => {
  const ballots = async () => {
    const { primary, second, replica, close } = await suite.databases.open()
    return {
      repository: new SqlBallotRepository(primary),
      second: new SqlBallotRepository(second),
      // Small pages, so that a recount has many.
      results: new SqlResultsReader(replica, { pageRows: 16 }),
      close,
    }
  }
  ballotRepositoryContract(name, ballots, { randomRuns: 30 })
  lowWaterContract(name, ballots)
  resultsReaderContract(name, ballots)
  pollRepositoryContract(name, async () => {
    const subject = await suite.databases.open()
    const { people, polls, secondPolls, close } = peopleSubject(subject)
    return { polls, second: secondPolls, people, close }
  })
  peopleContracts(name, async () => peopleSubject(await suite.databases.open()))
  queueEpochsContract(name, async () => {
    const { primary, second, close } = await suite.databases.open()
    return { epochs: new SqlQueueEpochs(primary), second: new SqlQueueEpochs(second), close }
  })
})
