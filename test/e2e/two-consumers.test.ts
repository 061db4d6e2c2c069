import { randomBytes, randomInt } from 'node:crypto'
import { join } from 'node:path'
import { Consumer, Janitor, JudgedPolls } from '@urna/consumer'
import {
  type BallotSubscriber,
  commandLine,
  type Delivery,
  openMasterKey,
  type Poll,
  pollAdministration,
  receiptStatus,
  systemClock,
  systemIds,
  tallyKeys,
} from '@urna/core'
import {
  migrate,
  openSqliteReader,
  openSqliteWriter,
  SqlBallotRepository,
  SqlPollRepository,
  SqlQueueEpochs,
  SqlResultsReader,
} from '@urna/database'
import { connectToEmbeddedQueue, startEmbeddedQueue } from '@urna/queue/embedded/embedded-queue'
import { describe, expect, it } from 'vitest'
import { temporaryDirectory } from '../support/standalone-process.ts'

function shuffled<Item>(items: readonly Item[]): Item[] {
  const copy = [...items]
  for (let index = copy.length - 1; index > 0; index--) {
    const other = randomInt(index + 1)
    const item = copy[index] as Item
    copy[index] = copy[other] as Item
    copy[other] = item
  }
  return copy
}

/** A queue at its worst, within what it promises: entries and ballots in any order, and every third entry once more later. */
function unruly(subscriber: BallotSubscriber): BallotSubscriber {
  const before: Delivery[] = []
  return {
    ...subscriber,
    async receive(limits) {
      const deliveries = (await subscriber.receive(limits)).map(({ id, ballots }) => ({ id, ballots: shuffled(ballots) }))
      const again = deliveries.length === 0 ? [] : before.splice(0, 2)
      before.push(...deliveries.filter((_delivery, index) => index % 3 === 0))
      return shuffled([...deliveries, ...again])
    },
  }
}

/** 1,000 voters send two ballots each; two consumers count them side by side, out of an unruly queue. */
async function run(changesAllowed: boolean) {
  const directory = temporaryDirectory()
  const masterKey = openMasterKey(randomBytes(32))
  const queue = await startEmbeddedQueue({ path: join(directory.path, 'queue.db'), replayWindowMs: 900_000, onFailure: () => {} })
  const primary = openSqliteWriter(join(directory.path, 'urna.db'))
  await migrate(primary)
  const polls = new SqlPollRepository(primary, { auditHmac: masterKey.auditHmac })
  const ballots = new SqlBallotRepository(primary)
  const administration = pollAdministration({
    polls,
    ballots,
    masterKey,
    clock: systemClock,
    ids: systemIds,
    countedUntilMs: async () => null,
  })
  const options = [1, 2].map((number) => ({ number, text: `option ${number}` }))
  const draft = await administration.create(
    {
      title: 'Two ballots each',
      description: '',
      questions: [{ number: 1, text: 'Which?', method: 'single', required: true, min: 1, max: 1, options }],
      changesAllowed,
      resultsVisibility: 'always',
      access: 'open',
      listed: true,
    },
    commandLine,
  )
  const opened = await administration.open(draft.id, { opensAtMs: null, closesAtMs: null }, commandLine)
  const poll = (opened as { ok: true; value: Poll }).value
  const epoch = await new SqlQueueEpochs(primary).register(queue.identity)
  const publisher = queue.publisher(epoch)
  const connections = await Promise.all([0, 1].map(async () => connectToEmbeddedQueue(await queue.connect(), epoch)))
  const consumers = await Promise.all(
    connections.map(
      async (connection, shard) =>
        new Consumer({
          subscriber: unruly(await connection.subscribe(`consumer ${shard}`)),
          ballots,
          judgedPolls: new JudgedPolls(polls),
          masterKey,
          shard,
          batchBallotsMax: 150,
          onEvent: () => {},
        }),
    ),
  )
  const running = consumers.map((consumer) => consumer.run())
  const publish = (voterKey: Buffer, option: string) =>
    publisher.publish({ pollId: poll.id, pollVersion: poll.version.version, voterKey, answers: [option] })
  const voters = await Promise.all(
    Array.from({ length: 1_000 }, async () => {
      const voterKey = randomBytes(16)
      await new Promise((resolve) => setTimeout(resolve, randomInt(300)))
      // Sent one after the other without waiting: the first one has the smaller sequence.
      const [first, second] = await Promise.all([publish(voterKey, '1'), publish(voterKey, '2')])
      return { voterKey, first: first.seq, second: second.seq }
    }),
  )
  while ((await queue.depth()).ballots > 0) await new Promise((resolve) => setTimeout(resolve, 10))
  const janitors = connections.map(({ maintenance }) => new Janitor({ ballots, queue: maintenance, onEvent: () => {} }))
  await Promise.all(janitors.map((janitor) => janitor.beatOnce()))
  const status = receiptStatus({ ballots })
  const statuses = new Map<string, number>()
  for (const { voterKey, first, second } of voters) {
    const statusOf = (seq: Buffer) => status({ pollId: poll.id, voterKey, seq }, { changesAllowed, version: poll.version })
    const both = `${await statusOf(first)}, ${await statusOf(second)}`
    statuses.set(both, (statuses.get(both) ?? 0) + 1)
  }
  const replica = openSqliteReader(join(directory.path, 'urna.db'))
  const { stored, counted } = await new SqlResultsReader(replica).recount(poll.id, (answers) => tallyKeys(poll.definition, answers))
  await Promise.all(consumers.map((consumer) => consumer.stop()))
  await Promise.all(running)
  for (const connection of connections) connection.close()
  await publisher.close()
  await queue.close()
  await replica.close()
  await primary.close()
  directory.remove()
  return { statuses: Object.fromEntries(statuses), stored, counted }
}

const tally = (key: string, count: number) => ({ question: 1, key, count })
const nonZero = (tallies: readonly { count: number; key: string }[]) =>
  tallies.filter(({ count }) => count !== 0).sort((left, right) => (left.key < right.key ? -1 : 1))

describe('two consumers and an unruly queue', () => {
  it('count the first ballot of each voter where changes are not allowed, and the second receipt says rejected', async () => {
    const { statuses, stored, counted } = await run(false)
    expect(statuses).toEqual({ 'counted, rejected': 1_000 })
    expect(stored.turnout).toBe(1_000)
    expect(nonZero(stored.tallies)).toEqual([tally('1', 1_000), tally('answered', 1_000)]) // option 2 came second, always
    expect(nonZero(counted.tallies)).toEqual(nonZero(stored.tallies))
  })

  it('count the second one where they are, and the first receipt says replaced', async () => {
    const { statuses, stored, counted } = await run(true)
    expect(statuses).toEqual({ 'replaced, counted': 1_000 })
    expect(stored.turnout).toBe(1_000)
    expect(nonZero(stored.tallies)).toEqual([tally('2', 1_000), tally('answered', 1_000)])
    expect(nonZero(counted.tallies)).toEqual(nonZero(stored.tallies))
  })
})
