import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { Consumer, JudgedPolls } from '@urna/consumer'
import { openMasterKey, type Poll, type Published, receiptStatus, tallyKeys } from '@urna/core'
import { sampleDefinition, sampleDraft, voterKeyOf } from '@urna/core/testing/counting-samples'
import { InMemoryBallots } from '@urna/core/testing/in-memory-ballots'
import { InMemoryPolls } from '@urna/core/testing/in-memory-polls'
import { connectToSqs } from '@urna/queue/sqs/sqs-queue'
import { type Shakiness, ShakySqs, seededRandom } from '@urna/queue/sqs/testing/shaky-sqs'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SqsServer, sqsName } from './support/sqs-server.ts'

let server: SqsServer
let runs = 0

beforeAll(async () => {
  server = await SqsServer.start()
})
afterAll(() => server.kill())

/** What a voter sent that was accepted, oldest first. */
interface Voter {
  readonly key: Buffer
  readonly accepted: { readonly published: Published; readonly answer: string }[]
}

interface Schedule {
  readonly seed: number
  readonly shakiness: Shakiness
}

const voters = 1_000

/** Two apis, two consumers, and 1,000 voters of whom each votes one to three times, each time again and again until it is accepted. */
async function run(kind: 'fifo' | 'standard', changesAllowed: boolean, { seed, shakiness }: Schedule) {
  const random = seededRandom(seed)
  const database = new InMemoryBallots()
  const polls = new InMemoryPolls()
  const poll: Poll = sampleDraft({
    definition: sampleDefinition({ changesAllowed }),
    version: { version: 2, opensAtMs: 0, closesAtMs: null },
  })
  await polls.create(poll)
  const shaky: ShakySqs[] = []
  const connect = () =>
    connectToSqs({
      queueName: `schedule-${process.pid}-${runs}${kind === 'fifo' ? '.fifo' : ''}`,
      endpoint: server.endpoint,
      region: 'us-east-1',
      credentials: { accessKeyId: 'tests', secretAccessKey: 'tests' },
      callMsMax: 20_000,
      abandonedAfterMs: 1_000,
      registerEpoch: (identity) => database.epochs.register(identity),
      onEvent: () => {},
      around(calls) {
        const around = new ShakySqs(calls, random, shakiness)
        shaky.push(around)
        return around.sqs
      },
    })
  runs++
  const queues = [connect(), connect()]
  const publishers = queues.map((queue) => queue.publisher({ waitMsMax: 60_000 }))
  const subscribers = queues.map((queue) => queue.subscribe())
  const consumers = subscribers.map(
    (subscriber, shard) =>
      new Consumer({
        subscriber,
        ballots: database.repository,
        judgedPolls: new JudgedPolls(polls),
        masterKey: openMasterKey(randomBytes(32)),
        shard,
        batchBallotsMax: 150,
        retryDelayMsMax: 20,
        onEvent: () => {},
      }),
  )
  const counting = consumers.map((consumer) => consumer.run())

  const vote = async (index: number): Promise<Voter> => {
    const voter: Voter = { key: voterKeyOf(index), accepted: [] }
    // Nobody orders what one voter sends through two apis into a standard queue within a millisecond.
    const apis = kind === 'fifo' ? publishers : [publishers[index % 2]]
    const answers = Array.from({ length: 1 + Math.floor(random() * 3) }, () => String(1 + Math.floor(random() * 3)))
    for (const answer of answers) {
      for (;;) {
        const publisher = apis[Math.floor(random() * apis.length)]
        const published = await publisher
          ?.publish({ pollId: poll.id, pollVersion: 2, voterKey: voter.key, answers: [answer] })
          .catch(() => undefined)
        if (published === undefined) continue
        voter.accepted.push({ published, answer })
        break
      }
    }
    return voter
  }
  const all = await Promise.all(Array.from({ length: voters }, (_, index) => vote(index)))

  const isDrained = async () => {
    const depths = await Promise.all(queues.map((queue) => queue.maintenance.depth().catch(() => ({ ballots: 1 }))))
    return depths.every(({ ballots }) => ballots === 0) && shaky.every(({ heldBack }) => heldBack === 0)
  }
  const until = Date.now() + 120_000
  while (!(await isDrained())) {
    if (Date.now() > until) throw new Error('the queue does not drain')
    await delay(50)
  }
  await Promise.all(consumers.map((consumer) => consumer.stop()))
  await Promise.all(counting)
  await Promise.all([...publishers, ...subscribers].map((end) => end.close()))
  for (const queue of queues) queue.close()
  return { all, database, poll, happened: shaky.map(({ happened }) => happened) }
}

const often = fc.double({ min: 0, max: 0.15, noNaN: true })
const schedules: fc.Arbitrary<Schedule> = fc.record({
  seed: fc.nat(),
  shakiness: fc.record({
    unheard: often,
    unanswered: often,
    sentTwice: often,
    refused: often,
    heldBack: often,
    deliveredTwice: often,
    deleteLost: often,
    delayMsMax: fc.nat(15),
  }),
})

describe.each(['fifo', 'standard'] as const)(`any schedule: ${sqsName}, %s`, (kind) => {
  it('counts the last accepted ballot of each voter, exactly once', { timeout: 300_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(schedules, async (schedule) => {
        const { all, database, poll } = await run(kind, true, schedule)
        const { stored, counted } = await database.results.recount(poll.id, (answers) => tallyKeys(poll.definition, answers))
        expect(stored.turnout).toBe(voters)
        expect(counted).toEqual(stored)
        const statusOf = receiptStatus({ ballots: database.repository })
        const expected = new Map<string, number>([['answered', voters]])
        for (const { key, accepted } of all) {
          const last = accepted.at(-1)
          const row = await database.repository.find(poll.id, key)
          expect(row?.seq.toString('hex')).toBe(last?.published.seq.toString('hex'))
          expect(row?.answers).toEqual([last?.answer])
          expected.set(last?.answer ?? '', (expected.get(last?.answer ?? '') ?? 0) + 1)
          for (const { published } of accepted) {
            const status = await statusOf(
              { pollId: poll.id, voterKey: key, seq: published.seq },
              { changesAllowed: true, version: poll.version },
            )
            expect(status).toBe(published === last?.published ? 'counted' : 'replaced')
          }
        }
        expect(new Map(stored.tallies.map(({ key, count }) => [key, count]))).toEqual(expected)
        expect(database.deadLetters).toEqual([])
      }),
      { numRuns: 2 },
    )
  })

  it('counts the first one, where the poll allows no changes', { timeout: 300_000 }, async () => {
    const shakiness = {
      unheard: 0.05,
      unanswered: 0.05,
      sentTwice: 0.1,
      refused: 0.05,
      heldBack: 0.15,
      deliveredTwice: 0.1,
      deleteLost: 0.05,
    }
    const { all, database, poll, happened } = await run(kind, false, { seed: 20_261_121, shakiness: { ...shakiness, delayMsMax: 5 } })
    for (const { key, accepted } of all) {
      // Not always the sequence of the first receipt: a try before it, of the same ballot, may have arrived without an answer.
      expect((await database.repository.find(poll.id, key))?.answers).toEqual([accepted[0]?.answer])
    }
    expect((await database.results.snapshot(poll.id)).turnout).toBe(voters)
    expect(database.deadLetters).toEqual([])
    // All of it did happen.
    const kinds = new Set(happened.flatMap((each) => Object.keys(each)))
    expect([...kinds].sort()).toEqual(Object.keys(shakiness).sort())
  })
})
