import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { DeleteQueueCommand, GetQueueUrlCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs'
import { Consumer, type ConsumerEvent, JudgedPolls } from '@urna/consumer'
import {
  compareSequences,
  epochOfSequence,
  openMasterKey,
  type Poll,
  type PublishableBallot,
  QueueUnavailableError,
  RetryableDatabaseError,
} from '@urna/core'
import { sampleDraft, voterKeyOf } from '@urna/core/testing/counting-samples'
import { InMemoryBallots } from '@urna/core/testing/in-memory-ballots'
import { InMemoryPolls } from '@urna/core/testing/in-memory-polls'
import type { SqsEvent } from '@urna/queue/sqs/sqs-events'
import { connectToSqs, type SqsQueueOptions } from '@urna/queue/sqs/sqs-queue'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { SqsServer, sqsName } from './support/sqs-server.ts'

const account = { region: 'us-east-1', credentials: { accessKeyId: 'tests', secretAccessKey: 'tests' } }
const all = { ballotsMax: 10_000, bytesMax: 100_000_000, waitMs: 0 }
const poll: Poll = sampleDraft({ version: { version: 2, opensAtMs: 0, closesAtMs: null } })

/** Shared machines pause; without any time limit it would be 30 s and more. */
const slowMachineMs = 2_000

let server: SqsServer
let queues = 0
const closing: (() => Promise<void> | void)[] = []

beforeAll(async () => {
  server = await SqsServer.start()
})
afterEach(async () => {
  server.thaw()
  for (const close of closing.splice(0).reverse()) await close()
})
afterAll(() => server.kill())

function ballot(voter: number, answer = '1'): PublishableBallot {
  return { pollId: poll.id, pollVersion: 2, voterKey: voterKeyOf(voter), answers: [answer] }
}

function setUp(kind: 'fifo' | 'standard', options: Partial<SqsQueueOptions> = {}) {
  const queueName = `failures-${++queues}${kind === 'fifo' ? '.fifo' : ''}`
  const database = new InMemoryBallots()
  const { epochs } = new InMemoryBallots()
  const events: SqsEvent[] = []
  const queue = connectToSqs({
    queueName,
    endpoint: server.endpoint,
    ...account,
    // In a database of its own: that of the ballots is made to fail.
    registerEpoch: (identity) => epochs.register(identity),
    onEvent: (event) => events.push(event),
    ...options,
  })
  const client = new SQSClient({ endpoint: server.endpoint, ...account })
  closing.push(
    () => queue.close(),
    () => client.destroy(),
  )
  return { queue, queueName, database, events, client, publisher: queue.publisher() }
}

async function consumerOf({ queue, database }: Pick<ReturnType<typeof setUp>, 'queue' | 'database'>) {
  const polls = new InMemoryPolls()
  await polls.create(poll)
  const events: ConsumerEvent[] = []
  const subscriber = queue.subscribe()
  const consumer = new Consumer({
    subscriber,
    ballots: database.repository,
    judgedPolls: new JudgedPolls(polls),
    masterKey: openMasterKey(randomBytes(32)),
    shard: 0,
    retryDelayMsMax: 50,
    onEvent: (event) => events.push(event),
  })
  closing.push(async () => {
    subscriber.abandon()
    await consumer.stop()
  })
  return { consumer, subscriber, events }
}

async function timed<Value>(work: () => Promise<Value>): Promise<{ value: Value; ms: number }> {
  const start = performance.now()
  const value = await work()
  return { value, ms: performance.now() - start }
}

const nameOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'receipt',
    (error: Error) => error.name,
  )

/** What the server knows of each message, without receiving it. */
async function receiveCounts(queueName: string): Promise<number[]> {
  const response = await fetch(`${server.endpoint}/_fauxqs/queues/${queueName}`)
  type Known = { approximateReceiveCount: number }
  const { messages } = (await response.json()) as { messages: { ready: Known[]; delayed: Known[]; inflight: { message: Known }[] } }
  return [...messages.ready, ...messages.inflight.map(({ message }) => message)].map((message) => message.approximateReceiveCount)
}

describe.each(['fifo', 'standard'] as const)(`when it is away: ${sqsName}, %s`, (kind) => {
  it('says so within 3 s to every voter, where it takes connections and answers nothing', async () => {
    const { publisher, queue } = setUp(kind)
    const subscriber = queue.subscribe()
    closing.push(() => subscriber.abandon())
    await publisher.publish(ballot(0))
    server.freeze()
    const { value, ms } = await timed(() =>
      Promise.all(Array.from({ length: 1_500 }, (_, voter) => nameOf(publisher.publish(ballot(voter))))),
    )
    const outcomes = ['receipt', 'QueueUnavailableError', 'QueueOverloadedError'].map(
      (name) => value.filter((each) => each === name).length,
    )
    expect(outcomes).toEqual([0, 640, 860]) // 64 batches of 10 were sent, the outcome is unknown; the rest was not sent
    expect(ms).toBeLessThan(3_000 + slowMachineMs)
    const checked = await timed(() => publisher.check())
    expect(checked.value).toBe(false)
    expect(checked.ms).toBeLessThan(3_000 + slowMachineMs)
    const received = await timed(() => nameOf(subscriber.receive(all)))
    expect(received.value).toBe('QueueUnavailableError')
    expect(received.ms).toBeLessThan(3_000 + slowMachineMs)
    server.thaw()
    expect((await publisher.publish(ballot(0))).seq).toHaveLength(16)
    expect(await publisher.check()).toBe(true)
  })

  it('says so at once where nothing listens, and goes on by itself', async () => {
    const { publisher, queue } = setUp(kind)
    await publisher.publish(ballot(0))
    await server.kill()
    const { value, ms } = await timed(() => nameOf(publisher.publish(ballot(1))))
    expect(value).toBe('QueueUnavailableError')
    expect(ms).toBeLessThan(3_000 + slowMachineMs)
    expect(await publisher.check()).toBe(false)
    await expect(queue.maintenance.depth()).rejects.toThrow()
    server = await server.restart()
    // This server forgot everything: the first call finds the queue gone, the next one makes it.
    await nameOf(publisher.publish(ballot(1)))
    expect((await publisher.publish(ballot(1))).seq).toHaveLength(16)
  })
})

describe.each(['fifo', 'standard'] as const)(`when the queue is deleted: ${sqsName}, %s`, (kind) => {
  it('makes it again under a new epoch, with an alarm; what is accepted then is newer than everything before', async () => {
    const { publisher, queue, queueName, events, client } = setUp(kind)
    const subscriber = queue.subscribe()
    closing.push(() => subscriber.close())
    const before = await publisher.publish(ballot(1))
    await delay(1_100) // a creation time has whole seconds; SQS itself would not allow the same name for a minute
    const { QueueUrl } = await client.send(new GetQueueUrlCommand({ QueueName: queueName }))
    await client.send(new DeleteQueueCommand({ QueueUrl }))
    await expect(publisher.publish(ballot(1))).rejects.toThrow(QueueUnavailableError)
    const after = await publisher.publish(ballot(1, '2'))
    expect([before, after].map(({ seq }) => epochOfSequence(seq))).toEqual([1, 2])
    expect(compareSequences(before.seq, after.seq)).toBeLessThan(0)
    expect(events.filter((event) => event.kind === 'queue')).toEqual([
      { kind: 'queue', name: queueName, epoch: 1, made: true, replaced: false },
      { kind: 'queue', name: queueName, epoch: 2, made: true, replaced: true },
    ])
    const [delivery] = await subscriber.receive(all)
    expect(delivery?.ballots[0]?.seq.equals(after.seq)).toBe(true)
  })
})

describe.each(['fifo', 'standard'] as const)(`what a consumer holds: ${sqsName}, %s`, (kind) => {
  it('stays hidden from others for as long as it lives, much longer than SQS would hide it', async () => {
    const { publisher, queue, queueName } = setUp(kind, { abandonedAfterMs: 1_000 })
    const [holds, waits] = [queue.subscribe(), queue.subscribe()]
    closing.push(
      () => holds.close(),
      () => waits.close(),
    )
    await Promise.all(Array.from({ length: 25 }, (_, voter) => publisher.publish(ballot(voter))))
    const held = await holds.receive(all)
    expect(held).toHaveLength(25)
    expect(await waits.receive({ ...all, waitMs: 3_000 })).toEqual([])
    expect(await receiveCounts(queueName)).toEqual(Array(25).fill(1))
    await holds.ack(held)
    expect(await queue.maintenance.depth()).toEqual({ ballots: 0, oldestAtMs: null })
  })

  it('is free for others as soon as it closes', async () => {
    const { publisher, queue } = setUp(kind, { abandonedAfterMs: 600_000 })
    const [leaves, stays] = [queue.subscribe(), queue.subscribe()]
    closing.push(() => stays.close())
    await Promise.all(Array.from({ length: 12 }, (_, voter) => publisher.publish(ballot(voter))))
    expect(await leaves.receive(all)).toHaveLength(12)
    await leaves.close()
    expect(await stays.receive(all)).toHaveLength(12)
  })

  it('is let go of when it was forgotten: held for long, not acked, and more is asked for', async () => {
    const { publisher, queue } = setUp(kind, { abandonedAfterMs: 1_000 })
    const forgetful = queue.subscribe()
    closing.push(() => forgetful.close())
    await publisher.publish(ballot(1))
    expect(await forgetful.receive(all)).toHaveLength(1)
    expect(await forgetful.receive(all)).toEqual([])
    await delay(1_100)
    expect(await forgetful.receive(all)).toHaveLength(1)
  })
})

describe.each(['fifo', 'standard'] as const)(`counting out of the queue: ${sqsName}, %s`, (kind) => {
  it('loses nothing that a consumer had received and not committed when it was killed', async () => {
    const set = setUp(kind, { abandonedAfterMs: 1_000 })
    const { publisher, database, queue } = set
    const published = await Promise.all([1, 2].map((voter) => publisher.publish(ballot(voter))))
    const { consumer, subscriber, events } = await consumerOf(set)
    database.failure = new RetryableDatabaseError('down')
    const running = consumer.run()
    while (!events.some((event) => event.kind === 'retry')) await delay(20)
    subscriber.abandon()
    await consumer.stop()
    await running
    database.failure = null
    const next = await consumerOf(set)
    while ((await queue.maintenance.depth()).ballots > 0) await next.consumer.processAll()
    expect((await database.repository.find(poll.id, voterKeyOf(1)))?.seq.equals(published[0]?.seq ?? Buffer.alloc(0))).toBe(true)
    expect((await database.results.snapshot(poll.id)).turnout).toBe(2)
  })

  it('takes no deliveries while the database is down: an outage brings no message nearer to any limit', async () => {
    const set = setUp(kind, { abandonedAfterMs: 1_000 })
    const { publisher, database, queue, queueName } = set
    await Promise.all(Array.from({ length: 40 }, (_, voter) => publisher.publish(ballot(voter))))
    database.failure = new RetryableDatabaseError('down')
    const { consumer, subscriber } = await consumerOf(set)
    const running = consumer.run()
    await delay(3_000)
    const counts = await receiveCounts(queueName)
    database.failure = null
    while ((await queue.maintenance.depth()).ballots > 0) await delay(20)
    await consumer.stop()
    await running
    await subscriber.close()
    expect(counts).toHaveLength(40)
    expect(Math.max(...counts)).toBe(1)
    expect((await database.results.snapshot(poll.id)).turnout).toBe(40)
  })

  it('counts the last of A, B, A', async () => {
    const set = setUp(kind)
    const published = []
    for (const answer of ['1', '2', '1']) published.push(await set.publisher.publish(ballot(1, answer)))
    const { consumer } = await consumerOf(set)
    await consumer.processAll()
    await consumer.processAll()
    const row = await set.database.repository.find(poll.id, voterKeyOf(1))
    expect(row?.seq.equals(published[2]?.seq ?? Buffer.alloc(0))).toBe(true)
    expect(row?.answers).toEqual(['1'])
    expect((await set.database.results.snapshot(poll.id)).turnout).toBe(1)
  })

  it('parks a message that nobody can read, once, and counts its neighbours', async () => {
    const set = setUp(kind)
    const { publisher, client, queueName, database, queue } = set
    await publisher.publish(ballot(1))
    const { QueueUrl } = await client.send(new GetQueueUrlCommand({ QueueName: queueName }))
    const grouped = kind === 'fifo' ? { MessageGroupId: 'other', MessageDeduplicationId: 'other' } : {}
    await client.send(new SendMessageCommand({ QueueUrl, MessageBody: '{"what":"is this"}', ...grouped }))
    await publisher.publish(ballot(2))
    const { consumer } = await consumerOf(set)
    while ((await queue.maintenance.depth()).ballots > 0) await consumer.processAll()
    expect(database.deadLetters).toMatchObject([{ reason: 'rejected', detail: 'malformed ballot' }])
    expect((await database.results.snapshot(poll.id)).turnout).toBe(2)
  })
})
