import type { Message } from '@aws-sdk/client-sqs'
import { encodeBallot } from '@urna/contracts'
import { type PollId, QueueUnavailableError } from '@urna/core'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { toEntry } from './ballot-message.ts'
import type { ReceiveRequest } from './sqs-calls.ts'
import { SqsSubscriber } from './sqs-subscriber.ts'
import { fakeConnection } from './testing/fake-sqs.ts'

const limits = { ballotsMax: 10_000, bytesMax: 100_000_000, waitMs: 0 }

function message(number: number, answer: string, sentAtMs: number): Message {
  const encoded = encodeBallot({
    pollId: '0123456789abcdef' as PollId,
    pollVersion: 2,
    voterKey: Buffer.alloc(16, number),
    answers: [answer],
  })
  const stamp = { ms: sentAtMs, counter: 0, node: 1 }
  const { MessageBody, MessageAttributes } = toEntry('fifo', { id: '0', epoch: 1, encoded, group: 'g', stamp, deduplicationId: 'd' })
  return {
    MessageId: `m-${number}`,
    ReceiptHandle: `r-${number}`,
    Body: MessageBody,
    MessageAttributes,
    Attributes: { SentTimestamp: String(sentAtMs), SequenceNumber: String(number), MessageGroupId: 'g' },
  }
}

afterEach(() => vi.useRealTimers())

/** A queue with so many messages, which it hands out in order. */
async function setUp(messages: number, answer = '1') {
  const connected = fakeConnection()
  const { fake, connection, time } = connected
  fake.make('voting.fifo')
  await connection.place()
  const waiting = Array.from({ length: messages }, (_, number) => message(number, answer, time.wallMs))
  const requests: ReceiveRequest[] = []
  const deletes: string[][] = []
  const visibilities: { handle: string | undefined; seconds: number | undefined }[][] = []
  connection.calls.receive = async (_url, request) => {
    requests.push(request)
    return waiting.splice(0, request.messagesMax)
  }
  connection.calls.delete = async (_url, entries) => {
    deletes.push(entries.map(({ ReceiptHandle }) => ReceiptHandle ?? ''))
    return { Successful: entries.map(({ Id }) => ({ Id })), Failed: [] }
  }
  connection.calls.changeVisibility = async (_url, entries) => {
    visibilities.push(entries.map(({ ReceiptHandle, VisibilityTimeout }) => ({ handle: ReceiptHandle, seconds: VisibilityTimeout })))
    return { Successful: entries.map(({ Id }) => ({ Id })), Failed: [] }
  }
  const subscriber = new SqsSubscriber(connection, { abandonedAfterMs: 30_000 })
  return { ...connected, waiting, requests, deletes, visibilities, subscriber }
}

describe('receiving from SQS', () => {
  it('lets one question wait, and several ask on while there are more', async () => {
    const { subscriber, requests } = await setUp(95)
    expect(await subscriber.receive({ ...limits, waitMs: 250 })).toHaveLength(95)
    expect(requests[0]).toEqual({ messagesMax: 10, waitSeconds: 1, visibilitySeconds: 30 })
    expect(new Set(requests.slice(1).map(({ waitSeconds }) => waitSeconds))).toEqual(new Set([0]))
    await subscriber.close()
  })

  it('asks an empty queue one question', async () => {
    const { subscriber, requests } = await setUp(0)
    expect(await subscriber.receive({ ...limits, waitMs: 60_000 })).toEqual([])
    expect(requests).toEqual([{ messagesMax: 10, waitSeconds: 20, visibilitySeconds: 30 }])
    await subscriber.close()
  })

  it('never takes more than it has room for', async () => {
    const { subscriber, waiting } = await setUp(95)
    expect(await subscriber.receive({ ...limits, ballotsMax: 33 })).toHaveLength(33)
    expect(waiting).toHaveLength(95 - 33)
    await subscriber.close()
  })

  it('stops when the bytes are there, counting those under way', async () => {
    const { subscriber, waiting } = await setUp(500, 'x'.repeat(10_000))
    const deliveries = await subscriber.receive({ ...limits, bytesMax: 500_000 })
    // 50 messages of 10 kB are 500 kB; the last question may bring nine more than were needed.
    expect(deliveries.length).toBeGreaterThanOrEqual(40)
    expect(deliveries.length).toBeLessThan(60)
    expect(waiting).toHaveLength(500 - deliveries.length)
    await subscriber.close()
  })

  it('gives what it has when a later question fails, and fails when the first one does', async () => {
    const { subscriber, connection, requests, waiting, events } = await setUp(30)
    const receive = connection.calls.receive
    connection.calls.receive = async (url, request) => {
      if (requests.length === 1) {
        requests.push(request)
        throw new Error('no answer')
      }
      return receive(url, request)
    }
    expect((await subscriber.receive(limits)).length + waiting.length).toBe(30)
    expect(events.at(-1)).toEqual({ kind: 'failed', call: 'receive', messages: 0, code: 'Error' })
    connection.calls.receive = async () => {
      throw new Error('no answer')
    }
    await expect(subscriber.receive(limits)).rejects.toThrow(QueueUnavailableError)
    await subscriber.close()
    await expect(subscriber.receive(limits)).rejects.toThrow('closed')
  })

  it('tells of a foreign epoch once', async () => {
    const { subscriber, waiting, events } = await setUp(3)
    for (const each of waiting) each.Body = each.Body?.replace('"e":1', '"e":7')
    const deliveries = await subscriber.receive(limits)
    expect(deliveries.map(({ ballots }) => ballots[0]?.seq.readUInt32BE())).toEqual([7, 7, 7])
    expect(events.filter(({ kind }) => kind === 'epoch')).toEqual([{ kind: 'epoch', expected: 1, got: 7 }])
    await subscriber.close()
  })
})

describe('acking to SQS', () => {
  it('tries again what was refused without a fault of ours, three times at most', async () => {
    const { subscriber, connection, deletes, events } = await setUp(3)
    const deliveries = await subscriber.receive(limits)
    connection.calls.delete = async (_url, entries) => {
      deletes.push(entries.map(({ ReceiptHandle }) => ReceiptHandle ?? ''))
      const Failed = entries.flatMap(({ Id, ReceiptHandle }) => {
        if (ReceiptHandle === 'r-0') return []
        return [{ Id, Code: ReceiptHandle === 'r-1' ? 'ReceiptHandleIsInvalid' : 'InternalError', SenderFault: ReceiptHandle === 'r-1' }]
      })
      return { Successful: [], Failed }
    }
    await subscriber.ack(deliveries)
    expect(deletes).toEqual([['r-0', 'r-1', 'r-2'], ['r-2'], ['r-2']])
    expect(events.filter(({ kind }) => kind === 'failed')).toHaveLength(4)
    await subscriber.close()
  })

  it('fails where the call fails, after having tried for all the others', async () => {
    const { subscriber, connection, deletes } = await setUp(25)
    const deliveries = await subscriber.receive(limits)
    const remove = connection.calls.delete
    connection.calls.delete = async (url, entries) => {
      if (entries.some(({ ReceiptHandle }) => ReceiptHandle === 'r-0')) throw new Error('no answer')
      return remove(url, entries)
    }
    await expect(subscriber.ack(deliveries)).rejects.toThrow(QueueUnavailableError)
    expect(deletes.flat()).toHaveLength(15)
    await subscriber.close()
  })

  it('asks nothing for nothing', async () => {
    const { subscriber, deletes, visibilities } = await setUp(0)
    await subscriber.ack([])
    await subscriber.close()
    expect([...deletes, ...visibilities]).toEqual([])
  })
})

describe('holding messages of SQS', () => {
  it('keeps hidden what is held and not acked, in tens, and sets it free when it closes', async () => {
    vi.useFakeTimers()
    const { subscriber, visibilities } = await setUp(25)
    const deliveries = await subscriber.receive(limits)
    await subscriber.ack(deliveries.slice(0, 10))
    await vi.advanceTimersByTimeAsync(10_000)
    expect(visibilities.map((batch) => batch.length)).toEqual([10, 5])
    expect(new Set(visibilities.flat().map(({ seconds }) => seconds))).toEqual(new Set([30]))
    await vi.advanceTimersByTimeAsync(10_000)
    expect(visibilities).toHaveLength(4)
    await subscriber.close()
    expect(visibilities.slice(4).flat()).toEqual(deliveries.slice(10).map(({ id }) => ({ handle: id, seconds: 0 })))
    await vi.advanceTimersByTimeAsync(60_000)
    expect(visibilities).toHaveLength(6)
  })

  it('gives up what SQS says it holds no more, and tells so once', async () => {
    vi.useFakeTimers()
    const { subscriber, connection, visibilities, events } = await setUp(2)
    await subscriber.receive(limits)
    connection.calls.changeVisibility = async (_url, entries) => {
      visibilities.push(entries.map(({ ReceiptHandle, VisibilityTimeout }) => ({ handle: ReceiptHandle, seconds: VisibilityTimeout })))
      const Failed = entries
        .filter(({ ReceiptHandle }) => ReceiptHandle === 'r-0')
        .map(({ Id }) => ({ Id, Code: 'gone', SenderFault: true }))
      return { Successful: [], Failed }
    }
    await vi.advanceTimersByTimeAsync(20_000)
    expect(visibilities.map((batch) => batch.map(({ handle }) => handle))).toEqual([['r-0', 'r-1'], ['r-1']])
    expect(events.filter(({ kind }) => kind === 'failed')).toEqual([{ kind: 'failed', call: 'visibility', messages: 1, code: 'gone' }])
    await subscriber.close()
  })
})
