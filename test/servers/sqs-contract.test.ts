import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ballotQueueContract, type QueueSubject, type QueueSubjectOptions } from '@urna/core/testing/ballot-queue-contract'
import { InMemoryBallots } from '@urna/core/testing/in-memory-ballots'
import { connectToSqs, type SqsQueue } from '@urna/queue/sqs/sqs-queue'
import type { SqsSubscriber } from '@urna/queue/sqs/sqs-subscriber'
import { afterAll, beforeAll } from 'vitest'
import { SqsServer, sqsName } from './support/sqs-server.ts'

const folder = mkdtempSync(join(tmpdir(), 'urna-sqs-'))
const credentials = { accessKeyId: 'tests', secretAccessKey: 'tests' }
let server: SqsServer
let queues = 0

beforeAll(async () => {
  server = await SqsServer.start({ dataDirectory: folder })
})
afterAll(async () => {
  await server.kill()
  rmSync(folder, { recursive: true })
})

async function subject(queueName: string, options: QueueSubjectOptions, database: InMemoryBallots): Promise<QueueSubject> {
  const queue: SqsQueue = connectToSqs({
    queueName,
    endpoint: server.endpoint,
    region: 'us-east-1',
    credentials,
    // A machine that does a lot beside this may be slow; how long voters wait is tested on its own.
    callMsMax: 10_000,
    registerEpoch: (identity) => database.epochs.register(identity),
    onEvent: () => {},
    // Whoever lives keeps what it holds, so this is only how long the dead are waited for: SQS's shortest, not the contract's minute.
    abandonedAfterMs: Math.min(options.abandonedAfterMs, 2_000),
  })
  const subscribers: SqsSubscriber[] = []
  const killAll = () => {
    for (const subscriber of subscribers) subscriber.abandon()
    queue.close()
  }
  return {
    publisher: queue.publisher({ waitMsMax: 20_000 }),
    maintenance: queue.maintenance,
    async subscribe() {
      const subscriber = queue.subscribe()
      subscribers.push(subscriber)
      return subscriber
    },
    async kill(subscriber) {
      ;(subscriber as SqsSubscriber).abandon()
    },
    async restart() {
      killAll()
      server = await server.restart()
      return subject(queueName, options, database)
    },
    async close() {
      killAll()
    },
  }
}

const traits = { replays: false, knowsConsumers: false }
ballotQueueContract(`${sqsName}, FIFO`, (options) => subject(`contract-${++queues}.fifo`, options, new InMemoryBallots()), traits)
ballotQueueContract(`${sqsName}, standard`, (options) => subject(`contract-${++queues}`, options, new InMemoryBallots()), traits)
