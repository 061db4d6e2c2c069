import { ballotRepositoryContract } from '@urna/core/testing/ballot-repository-contract'
import { lowWaterContract } from '@urna/core/testing/low-water-contract'
import { pollRepositoryContract } from '@urna/core/testing/poll-repository-contract'
import { queueEpochsContract } from '@urna/core/testing/queue-epochs-contract'
import { resultsReaderContract } from '@urna/core/testing/results-reader-contract'
import { SqlBallotRepository, SqlPollRepository, SqlQueueEpochs, SqlResultsReader } from '@urna/database'
import { afterAll, beforeAll, describe } from 'vitest'
import { MysqlDatabases, type MysqlServer, mariadb, mysql9, suiteName } from './support/mysql-servers.ts'

for (const kind of [mariadb(), mysql9()]) {
  describe.skipIf(kind.missing !== null)(suiteName(kind), () => {
    let server: MysqlServer
    let databases: MysqlDatabases
    beforeAll(async () => {
      server = await kind.start()
      databases = new MysqlDatabases(server)
    }, 120_000)
    afterAll(async () => {
      await databases?.close()
      await server?.stop()
    })

    const ballots = async () => {
      const { primary, second, replica, close } = await databases.open()
      return {
        repository: new SqlBallotRepository(primary),
        second: new SqlBallotRepository(second),
        // Small pages, so that a recount has many.
        results: new SqlResultsReader(replica, { pageRows: 16 }),
        close,
      }
    }
    ballotRepositoryContract(kind.product, ballots, { randomRuns: 30 })
    lowWaterContract(kind.product, ballots)
    resultsReaderContract(kind.product, ballots)
    pollRepositoryContract(kind.product, async () => {
      const { primary, second, close } = await databases.open()
      return { polls: new SqlPollRepository(primary), second: new SqlPollRepository(second), close }
    })
    queueEpochsContract(kind.product, async () => {
      const { primary, second, close } = await databases.open()
      return { epochs: new SqlQueueEpochs(primary), second: new SqlQueueEpochs(second), close }
    })
  })
}
