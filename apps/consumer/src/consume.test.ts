import { randomBytes } from 'node:crypto'
import {
  type CountBatch,
  type Delivery,
  openMasterKey,
  PermanentDatabaseError,
  type Poll,
  type PollDefinition,
  type PollId,
  type PollVersion,
  type QueuedBallot,
  RetryableDatabaseError,
  rowSequence,
} from '@urna/core'
import { describe, expect, it, vi } from 'vitest'
import { Consumer, type ConsumerEvent } from './consume.ts'
import { JudgedPolls } from './judged-polls.ts'

const pollId = '0123456789abcdef' as PollId
const poison = 66

const definition: PollDefinition = {
  title: 'test',
  description: '',
  questions: [
    {
      number: 1,
      text: 'q',
      method: 'single',
      required: true,
      min: 1,
      max: 1,
      options: [1, 2].map((number) => ({ number, text: String(number) })),
    },
  ],
  changesAllowed: true,
  resultsVisibility: 'always',
  access: 'open',
  listed: true,
}
const version: PollVersion = { version: 2, opensAtMs: 0, closesAtMs: null }
const poll = { id: pollId, definition, version, deletedAtMs: null } as Poll

function queued(row: number, index: number, voter: number, pollVersion = 2): QueuedBallot {
  return {
    seq: rowSequence({ epoch: 1, row, index }),
    atMs: 1_000,
    ballot: { pollId, pollVersion, voterKey: Buffer.alloc(16, voter), answers: ['1'] },
    raw: () => Buffer.from('["1"]'),
  }
}

/** Entries of the given voters; a database that refuses the poison voter for good, and fails as often as it is told to. */
function setUp(
  entries: readonly (readonly number[])[],
  options: { failures?: Error[]; queueFailures?: { receive?: number; ack?: number }; batchBallotsMax?: number; pollVersion?: number } = {},
) {
  const failures = [...(options.failures ?? [])]
  const log: string[] = []
  const counted = new Set<number>()
  const events: ConsumerEvent[] = []
  const deliveries: Delivery[] = entries.map((voters, entry) => ({
    id: `e${entry + 1}`,
    ballots: voters.map((voter, index) => queued(entry + 1, index, voter, options.pollVersion)),
  }))
  const waiting = [...deliveries]
  let receives = 0
  let acks = 0
  const reads: string[] = []
  const consumer = new Consumer({
    subscriber: {
      async receive() {
        if (++receives === options.queueFailures?.receive) throw new Error('the queue does not answer')
        // As a queue does: the consumer's loop would else leave no time for anything.
        await new Promise((resolve) => setImmediate(resolve))
        return waiting.splice(0)
      },
      ack: async (acked) => {
        if (++acks === options.queueFailures?.ack) throw new Error('the queue does not answer')
        log.push(`ack ${acked.map(({ id }) => id).join(' ')}`)
      },
      close: async () => {},
    },
    ballots: {
      async countBatch(batch: CountBatch) {
        const failure = failures.shift()
        if (failure !== undefined) throw failure
        const voters = batch.ballots.map((ballot) => ballot.voterKey[0] as number)
        if (voters.includes(poison)) throw new PermanentDatabaseError('no')
        for (const voter of voters) counted.add(voter)
        log.push(`commit ${voters.join(' ')}${batch.deadLetters.map((letter) => ` parked ${letter.reason}`).join('')}`)
        return { firstBallots: voters.length, changedBallots: 0, ignoredBallots: 0 }
      },
    },
    judgedPolls: new JudgedPolls({
      find: async (id) => {
        reads.push(`poll ${id}`)
        return id === pollId ? poll : null
      },
      findVersion: async (_id, number) => (number === 2 ? version : null),
    }),
    masterKey: openMasterKey(randomBytes(32)),
    shard: 0,
    retryDelayMsMax: 1,
    onEvent: (event) => events.push(event),
    ...(options.batchBallotsMax === undefined ? {} : { batchBallotsMax: options.batchBallotsMax }),
  })
  return { consumer, log, counted, events, reads }
}

describe('consumer', () => {
  it('acks after the commit, never before', async () => {
    const { consumer, log } = setUp([[1, 2], [3]])
    expect(await consumer.processAll()).toBe(3)
    expect(log).toEqual(['commit 1 2 3', 'ack e1 e2'])
  })

  it('may end a transaction inside an entry, and acks an entry when all of it is committed', async () => {
    const { consumer, log } = setUp([[1], [2, 3, 4], [5]], { batchBallotsMax: 2 })
    await consumer.processAll()
    expect(log).toEqual(['commit 1 2', 'ack e1', 'commit 3 4', 'ack e2', 'commit 5', 'ack e3'])
  })

  it('counts what it holds when the queue goes away while it waits for more', async () => {
    const { consumer, events, log } = setUp([[1, 2]], { queueFailures: { receive: 2 } })
    const running = consumer.run()
    await vi.waitFor(() => expect(log).toEqual(['commit 1 2', 'ack e1']), { timeout: 5_000, interval: 2 })
    await consumer.stop()
    await running
    expect(events.map(({ kind }) => kind)).toEqual(['retry', 'counted'])
  })

  it('counts the rest of what it holds when the queue does not take an ack, and tells', async () => {
    const { consumer, log } = setUp([[1], [2, 3, 4], [5]], { batchBallotsMax: 2, queueFailures: { ack: 1 } })
    await expect(consumer.processAll()).rejects.toThrow('the queue does not answer')
    expect(log).toEqual(['commit 1 2', 'commit 3 4', 'ack e2', 'commit 5', 'ack e3'])
  })

  it('acks an entry without any ballots too', async () => {
    const { consumer, log } = setUp([[], [1], []])
    await consumer.processAll()
    expect(log).toEqual(['commit 1', 'ack e1 e2 e3'])
  })

  it('tries again as long as the database fails, and neither parks nor acks meanwhile', async () => {
    const failures = Array.from({ length: 30 }, () => new RetryableDatabaseError('down'))
    const { consumer, log, events } = setUp([[1, 2]], { failures })
    await consumer.processAll()
    expect(log).toEqual(['commit 1 2', 'ack e1'])
    expect(events.filter((event) => event.kind === 'retry')).toHaveLength(30)
  })

  it('parks the one ballot that can never be stored, and counts its neighbours', async () => {
    const voters = Array.from({ length: 40 }, (_, index) => index + 50) // 50..89, among them the poison
    const { consumer, log, counted, events } = setUp([voters.slice(0, 20), voters.slice(20)])
    await consumer.processAll()
    expect([...counted].sort((left, right) => left - right)).toEqual(voters.filter((voter) => voter !== poison))
    expect(events.filter((event) => event.kind === 'parked')).toMatchObject([{ reason: 'rejected' }])
    expect(log.at(-1)).toBe('ack e1 e2')
  })

  it('parks what no poll knows, and reads a poll version once', async () => {
    const unknown = setUp([[1]], { pollVersion: 7 })
    await unknown.consumer.processAll()
    expect(unknown.log).toEqual(['commit  parked rejected', 'ack e1'])
    const known = setUp([Array.from({ length: 30 }, (_, index) => index + 1)], { batchBallotsMax: 10 })
    await known.consumer.processAll()
    expect(known.reads).toHaveLength(1)
  })

  it('loses none of the versions that a batch needs when its memory of them is full', async () => {
    const find = async (id: PollId) => ({ ...poll, id })
    const judgedPolls = new JudgedPolls({ find, findVersion: async (_id, number) => ({ ...version, version: number }) }, 5)
    const versions = (...numbers: number[]) => numbers.map((number, index) => queued(1, index, index, number))
    await judgedPolls.load(versions(1, 2, 3, 4))
    await judgedPolls.load(versions(1, 20, 21))
    expect([1, 20, 21].map((number) => judgedPolls.find(pollId, number)?.pollVersion.version)).toEqual([1, 20, 21])
  })

  it('stops in the middle of an outage, without an ack', async () => {
    const failures = Array.from({ length: 10_000 }, () => new RetryableDatabaseError('down'))
    const { consumer, log } = setUp([[1]], { failures })
    const running = consumer.run()
    await new Promise((resolve) => setTimeout(resolve, 20))
    await consumer.stop()
    await running
    expect(log).toEqual([])
  })
})
