import type { SendMessageBatchRequestEntry } from '@aws-sdk/client-sqs'
import { decodeEntry } from '@urna/contracts'
import {
  compareSequences,
  epochOfSequence,
  type PollId,
  type PublishableBallot,
  QueueOverloadedError,
  QueueUnavailableError,
} from '@urna/core'
import { describe, expect, it } from 'vitest'
import { SqsPublisher, type SqsPublisherOptions } from './sqs-publisher.ts'
import { fakeConnection, turn } from './testing/fake-sqs.ts'

function ballot(voter: number, answers: readonly string[] = ['1']): PublishableBallot {
  const voterKey = Buffer.alloc(16)
  voterKey.writeUInt32BE(voter)
  return { pollId: '0123456789abcdef' as PollId, pollVersion: 2, voterKey, answers }
}

const answersOf = ({ MessageBody = '' }: SendMessageBatchRequestEntry) =>
  decodeEntry(MessageBody).ballots.map((each) => ('answers' in each ? each.answers.join() : 'malformed'))

/** A publisher on a queue that answers only when it is told to. */
async function setUp(options: SqsPublisherOptions & { queueName?: string } = {}) {
  const { queueName = 'voting.fifo', ...more } = options
  const connected = fakeConnection({ queueName })
  const { fake, connection } = connected
  fake.make(queueName)
  await connection.place()
  fake.holds = true
  return { ...connected, publisher: new SqsPublisher(connection, { waitMsMax: 60_000, ...more }) }
}

/** What each promise became. */
async function outcomes(promises: readonly Promise<unknown>[]): Promise<string[]> {
  const settled = await Promise.allSettled(promises)
  return settled.map((result) => (result.status === 'fulfilled' ? 'receipt' : (result.reason as Error).name))
}

/** What SQS adds up for its limit. */
function bytesOf(entries: readonly SendMessageBatchRequestEntry[]): number {
  return entries.reduce((sum, { MessageBody = '', MessageAttributes = {} }) => {
    const attributes = Object.entries(MessageAttributes).map(([name, { DataType, StringValue }]) => `${name}${DataType}${StringValue}`)
    return sum + Buffer.byteLength(MessageBody + attributes.join(''))
  }, 0)
}

describe('publisher to SQS', () => {
  it('sends one ballot a message, up to ten messages a batch', async () => {
    const { publisher, fake } = await setUp()
    const publishing = Array.from({ length: 25 }, (_, voter) => publisher.publish(ballot(voter, [String(voter)])))
    await turn()
    expect(fake.pending.map(({ entries }) => entries.length)).toEqual([10, 10, 5])
    expect(fake.pending.flatMap(({ entries }) => entries.map(answersOf))).toEqual(Array.from({ length: 25 }, (_, voter) => [String(voter)]))
    for (const send of [...fake.pending]) send.answer()
    expect(await outcomes(publishing)).toEqual(Array(25).fill('receipt'))
  })

  it('has never two messages of one voter under way: the later one could be placed before the earlier one', async () => {
    const { publisher, fake } = await setUp()
    const publishing = ['A', 'B', 'C'].map((answer) => publisher.publish(ballot(1, [answer])))
    const others = [2, 3].map((voter) => publisher.publish(ballot(voter)))
    await turn()
    expect(fake.pending.map(({ entries }) => entries.map(answersOf).join(' '))).toEqual(['A 1 1'])
    fake.pending[0]?.answer()
    await turn()
    expect(fake.pending.map(({ entries }) => entries.map(answersOf).join(' '))).toEqual(['B'])
    // A new one waits behind C, which waits behind B.
    const last = publisher.publish(ballot(1, ['D']))
    await turn()
    expect(fake.pending).toHaveLength(1)
    fake.holds = false
    fake.pending[0]?.answer()
    const sequences = (await Promise.all([...publishing, last])).map(({ seq }) => seq.toString('hex'))
    expect([...sequences].sort()).toEqual(sequences)
    expect(await outcomes(others)).toEqual(['receipt', 'receipt'])
    expect(fake.sent.filter(({ MessageGroupId }) => MessageGroupId === fake.sent[0]?.MessageGroupId).flatMap(answersOf)).toEqual([
      'A',
      'B',
      'C',
      'D',
    ])
  })

  it('keeps voters of different polls apart, and one voter of a poll together', async () => {
    const { publisher, fake } = await setUp()
    const other = { ...ballot(1), pollId: 'zzzzzzzzzzzzzzzz' as PollId }
    publisher.publish(ballot(1)).catch(() => {})
    publisher.publish(other).catch(() => {})
    await turn()
    const groups = fake.pending.flatMap(({ entries }) => entries.map(({ MessageGroupId }) => MessageGroupId ?? ''))
    expect(new Set(groups).size).toBe(2)
    for (const group of groups) expect(group).toMatch(/^[0-9a-z]{16}\.[\w-]{22}$/)
  })

  it('gives every ballot a deduplication id of its own: A, B, A within five minutes are three ballots', async () => {
    const { publisher, fake } = await setUp()
    fake.holds = false
    await Promise.all(['A', 'B', 'A', 'A'].map((answer) => publisher.publish(ballot(1, [answer]))))
    expect(fake.sent.flatMap(answersOf)).toEqual(['A', 'B', 'A', 'A'])
    expect(new Set(fake.sent.map(({ MessageDeduplicationId }) => MessageDeduplicationId)).size).toBe(4)
  })

  it('tells the voter whose message was refused, and gives the others their receipts', async () => {
    const { publisher, fake, events } = await setUp()
    const publishing = [1, 2, 3, 4].map((voter) => publisher.publish(ballot(voter)))
    const behind = publisher.publish(ballot(2, ['again']))
    await turn()
    fake.pending[0]?.answer([1])
    expect(await outcomes(publishing)).toEqual(['receipt', 'QueueUnavailableError', 'receipt', 'receipt'])
    expect(events.at(-1)).toEqual({ kind: 'failed', call: 'send', messages: 1, code: 'InternalError' })
    await turn()
    fake.pending[0]?.answer()
    expect((await behind).atMs).toBeGreaterThan(0)
  })

  it('gives no receipt for what SQS says nothing of', async () => {
    const { publisher, connection } = await setUp()
    connection.calls.send = async (_url, entries) => ({
      Successful: entries.slice(1).map(({ Id }) => ({ Id, MessageId: 'm', MD5OfMessageBody: '', SequenceNumber: '5' })),
      Failed: [],
    })
    expect(await outcomes([1, 2].map((voter) => publisher.publish(ballot(voter))))).toEqual(['QueueUnavailableError', 'receipt'])
  })

  it('calls the outcome of a failed call unknown, for everybody in it and nobody else', async () => {
    const { publisher, fake } = await setUp()
    const first = Array.from({ length: 10 }, (_, voter) => publisher.publish(ballot(voter)))
    const second = Array.from({ length: 10 }, (_, voter) => publisher.publish(ballot(100 + voter)))
    await turn()
    fake.pending[0]?.fail(new Error('no answer'))
    fake.pending[0]?.answer()
    expect(await outcomes(first)).toEqual(Array(10).fill('QueueUnavailableError'))
    expect(await outcomes(second)).toEqual(Array(10).fill('receipt'))
    await expect(first[0]).rejects.toThrow(QueueUnavailableError)
  })

  it('has up to 64 batches under way', async () => {
    const { publisher, fake } = await setUp()
    const publishing = Array.from({ length: 1_000 }, (_, voter) => publisher.publish(ballot(voter)))
    await turn()
    expect(fake.pending).toHaveLength(64)
    fake.pending[0]?.answer()
    await turn()
    expect(fake.pending).toHaveLength(64)
    fake.holds = false
    for (const send of [...fake.pending]) send.answer()
    expect(new Set(await outcomes(publishing))).toEqual(new Set(['receipt']))
  })

  it('sends a single ballot at once, and lets batches fill when many come', async () => {
    const { publisher, fake } = await setUp()
    const publishing: Promise<unknown>[] = []
    for (let voter = 0; voter < 20; voter++) {
      publishing.push(publisher.publish(ballot(voter)))
      await turn()
    }
    // 4 alone, then ten together as soon as there are ten; 6 wait for one of the 4.
    expect(fake.pending.map(({ entries }) => entries.length)).toEqual([1, 1, 1, 1, 10])
    fake.holds = false
    for (const send of [...fake.pending]) send.answer()
    expect(new Set(await outcomes(publishing))).toEqual(new Set(['receipt']))
  })

  it.each(['voting.fifo', 'voting'])('keeps a batch within 256 KiB, also with the largest ballots (%s)', async (queueName) => {
    const { publisher, fake } = await setUp({ queueName })
    const publishing = Array.from({ length: 10 }, (_, voter) => publisher.publish(ballot(voter, ['ñ'.repeat(32_000)])))
    await expect(publisher.publish(ballot(11, ['x'.repeat(65_536)]))).rejects.toThrow(RangeError)
    await turn()
    expect(fake.pending.map(({ entries }) => entries.length)).toEqual([4, 4, 2])
    for (const { entries } of fake.pending) expect(bytesOf(entries)).toBeLessThanOrEqual(262_144)
    for (const send of [...fake.pending]) send.answer()
    expect(new Set(await outcomes(publishing))).toEqual(new Set(['receipt']))
  })

  it('refuses what waited too long, and what would wait as one too many: neither was sent', async () => {
    const { publisher, fake } = await setUp({ waitMsMax: 300, waitingMax: 2 })
    const first = publisher.publish(ballot(1))
    const second = publisher.publish(ballot(1))
    await expect(publisher.publish(ballot(2))).rejects.toThrow(QueueOverloadedError)
    await new Promise((resolve) => setTimeout(resolve, 350))
    fake.pending[0]?.answer()
    expect(await outcomes([first, second])).toEqual(['receipt', 'QueueOverloadedError'])
    expect(fake.sent).toHaveLength(1)
    await publisher.close()
  })

  it('answers with the time that the message carries: the count judges by the same one', async () => {
    for (const queueName of ['voting.fifo', 'voting']) {
      const { publisher, fake, time } = await setUp({ queueName })
      fake.holds = false
      const before = await publisher.publish(ballot(1))
      time.pass(250)
      const after = await publisher.publish(ballot(1))
      expect(fake.sent.map(({ MessageAttributes }) => MessageAttributes?.at?.StringValue)).toEqual([
        String(before.atMs),
        String(after.atMs),
      ])
      expect(after.atMs - before.atMs).toBe(250)
      expect(compareSequences(before.seq, after.seq)).toBeLessThan(0)
    }
  })

  it('stamps with the queue time, not with a clock that is wrong', async () => {
    const { publisher, fake, time, connection, events } = await setUp()
    time.wallMs -= 3_600_000
    await publisher.check()
    fake.holds = false
    const { atMs } = await publisher.publish(ballot(1))
    expect(atMs).toBe(1_700_000_000_000)
    expect(connection.clock.wallBehindMs()).toBe(3_600_000)
    expect(events.filter(({ kind }) => kind === 'clock')).toEqual([{ kind: 'clock', behindMs: 3_600_000 }]) // said once
  })

  it('gives no receipt where stamp and queue differ so much that the count might not believe the stamp', async () => {
    const { publisher, fake, time, connection } = await setUp()
    const publishing = publisher.publish(ballot(1))
    await turn()
    connection.clock.observe(time.wallMs + 31_000, time.monotonicMs, time.monotonicMs) // it was half a minute later than we had thought
    fake.pending[0]?.answer()
    expect(await outcomes([publishing])).toEqual(['QueueUnavailableError'])
  })

  it('gives no receipt for the epoch of a queue that is gone', async () => {
    const { publisher, fake, time, connection } = await setUp()
    const publishing = publisher.publish(ballot(1))
    await turn()
    fake.make('voting.fifo', { CreatedTimestamp: '2000' })
    time.pass(11_000)
    await connection.place()
    fake.pending[0]?.answer()
    expect(await outcomes([publishing])).toEqual(['QueueUnavailableError'])
    fake.holds = false
    const { seq } = await publisher.publish(ballot(1))
    expect(epochOfSequence(seq)).toBe(2)
  })

  it('closes when every ballot has its answer, and takes none meanwhile', async () => {
    const { publisher, fake } = await setUp()
    const publishing = ['A', 'B'].map((answer) => publisher.publish(ballot(1, [answer])))
    let closed = false
    const closing = publisher.close().then(() => {
      closed = true
    })
    await turn()
    await expect(publisher.publish(ballot(2))).rejects.toThrow(QueueOverloadedError)
    fake.pending[0]?.answer()
    await turn()
    expect(closed).toBe(false) // B is under way
    fake.pending[0]?.answer()
    await closing
    expect(await outcomes(publishing)).toEqual(['receipt', 'receipt'])
  })

  it('says whether the queue takes ballots, and never throws', async () => {
    const { publisher, fake } = await setUp()
    expect(await publisher.check()).toBe(true)
    fake.failure = new Error('down')
    expect(await publisher.check()).toBe(false)
  })
})
