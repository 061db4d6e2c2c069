import { ballotRepositoryContract } from './ballot-repository-contract.ts'
import { InMemoryBallots } from './in-memory-ballots.ts'
import { InMemoryPeople } from './in-memory-people.ts'
import { InMemoryPolls } from './in-memory-polls.ts'
import { lowWaterContract } from './low-water-contract.ts'
import { peopleContracts } from './people-contracts.ts'
import type { KeptTrail } from './people-samples.ts'
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
async function people() {
  const inMemory = new InMemoryPeople({ onUserRemoved: (userId) => polls.removeOwner(userId) })
  const polls = new InMemoryPolls(inMemory.audit)
  const { kept } = inMemory.audit
  return {
    people: inMemory,
    second: inMemory,
    polls,
    trail: {
      read: async () => structuredClone(kept),
      write: async ({ records, head }: KeptTrail) => {
        kept.records = [...records]
        kept.head = head
      },
    },
    close,
  }
}
peopleContracts('in memory', people)
pollRepositoryContract('in memory', async () => {
  const subject = await people()
  return { polls: subject.polls, second: subject.polls, people: subject.people, close }
})
