import { ballotRepositoryContract } from './ballot-repository-contract.ts'
import { InMemoryBallots } from './in-memory-ballots.ts'
import { InMemoryPolls } from './in-memory-polls.ts'
import { lowWaterContract } from './low-water-contract.ts'
import { pollRepositoryContract } from './poll-repository-contract.ts'
import { queueEpochsContract } from './queue-epochs-contract.ts'
import { resultsReaderContract } from './results-reader-contract.ts'

const close = async () => {}

async function ballots() {
  const { repository, results } = new InMemoryBallots()
  return { repository, second: repository, results, close }
}

ballotRepositoryContract('in memory', ballots, { randomRuns: 300 })
lowWaterContract('in memory', ballots)
resultsReaderContract('in memory', ballots)
queueEpochsContract('in memory', async () => {
  const { epochs } = new InMemoryBallots()
  return { epochs, second: epochs, close }
})
pollRepositoryContract('in memory', async () => {
  const polls = new InMemoryPolls()
  return { polls, second: polls, close }
})
