import type { Message, SendMessageBatchRequestEntry } from '@aws-sdk/client-sqs'
import { encodeBallot } from '@urna/contracts'
import { fifoSequence, hybridClockSequence, type PollId, type PublishableBallot } from '@urna/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { groupBitsOf, groupOf, toDelivery, toEntry } from './ballot-message.ts'
import type { SqsQueueKind } from './queue-attributes.ts'

const atMs = 1_700_000_000_000
const stamp = { ms: atMs, counter: 5, node: 0xfeed_beef }
const sent: PublishableBallot = {
  pollId: '0123456789abcdef' as PollId,
  pollVersion: 2,
  voterKey: Buffer.alloc(16, 7),
  answers: ['1,3', ''],
}

function entryOf(kind: SqsQueueKind, ballot = sent, epoch = 4): SendMessageBatchRequestEntry {
  return toEntry(kind, { id: '0', epoch, encoded: encodeBallot(ballot), group: groupOf(ballot), stamp, deduplicationId: 'd' })
}

/** The message that SQS makes of an entry. */
function messageOf({ MessageBody, MessageAttributes, MessageGroupId }: SendMessageBatchRequestEntry, more: Partial<Message> = {}): Message {
  const numbered = MessageGroupId === undefined ? {} : { SequenceNumber: '18849496460467696128', MessageGroupId }
  return {
    MessageId: 'm-1',
    ReceiptHandle: 'r-1',
    Body: MessageBody,
    MessageAttributes,
    Attributes: { SentTimestamp: String(atMs + 20), ...numbered },
    ...more,
  }
}

function only(kind: SqsQueueKind, message: Message, onOtherEpoch?: (got: number) => void) {
  const { id, ballots } = toDelivery(kind, message, 4, onOtherEpoch)
  expect(id).toBe('r-1')
  expect(ballots).toHaveLength(1) // whatever it is, it is one ballot
  return ballots[0]
}

const kinds: SqsQueueKind[] = ['fifo', 'standard']

describe('message with a ballot', () => {
  it('comes out as it went in', () => {
    const groupBits = groupBitsOf(groupOf(sent))
    const sequences = {
      fifo: fifoSequence({ epoch: 4, sequenceNumber: '18849496460467696128', groupBits }),
      standard: hybridClockSequence({ epoch: 4, ...stamp }),
    }
    for (const kind of kinds) {
      const queued = only(kind, messageOf(entryOf(kind)))
      expect(queued?.ballot).toEqual(sent)
      expect(queued?.atMs).toBe(atMs)
      expect(queued?.seq.toString('hex')).toBe(sequences[kind].toString('hex'))
    }
  })

  it('comes out as it went in, for all ballots', () => {
    const ballots = fc.record({
      pollId: fc.constant(sent.pollId),
      pollVersion: fc.integer({ min: 1, max: 0xffff_ffff }),
      voterKey: fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => Buffer.from(bytes)),
      answers: fc.array(fc.string(), { maxLength: 20 }),
    })
    fc.assert(
      fc.property(fc.constantFrom(...kinds), ballots, (kind, ballot) => {
        expect(only(kind, messageOf(entryOf(kind, ballot)))?.ballot).toEqual(ballot)
      }),
    )
  })

  it('tells two voters apart whom SQS gave the same number', () => {
    const [one, two] = [1, 2].map((voter) => only('fifo', messageOf(entryOf('fifo', { ...sent, voterKey: Buffer.alloc(16, voter) }))))
    expect(one?.seq.equals(two?.seq ?? Buffer.alloc(0))).toBe(false)
  })

  it('is in the epoch that the api wrote into it, and that is told if it is not the epoch of the queue', () => {
    const epochs: number[] = []
    const queued = only('fifo', messageOf(entryOf('fifo', sent, 3)), (got) => epochs.push(got))
    expect(queued?.seq.readUInt32BE()).toBe(3)
    expect(epochs).toEqual([3])
  })
})

describe('message that is not one of ours', () => {
  const changed = (kind: SqsQueueKind, more: Partial<Message>) => only(kind, messageOf(entryOf(kind), more))
  const at = (ms: number) => ({ DataType: 'Number', StringValue: String(ms) })

  it.each(kinds)('is one malformed ballot, with a sequence that is the same at every delivery (%s)', (kind) => {
    const body = entryOf(kind).MessageBody ?? ''
    const two = body.replace('"b":[', `"b":[${encodeBallot(sent)},`)
    const none = '{"v":1,"e":4,"b":[]}'
    const bad = '{"v":1,"e":4,"b":[["nothing"]]}'
    for (const Body of ['', 'hello', two, none, bad, '{"v":2,"e":4,"b":[]}']) {
      const queued = changed(kind, { Body })
      expect(queued?.ballot).toBeNull()
      expect(queued?.raw().toString()).toBe(Body)
      expect(queued?.atMs).toBe(atMs)
      expect(queued?.seq.readUInt32BE()).toBe(4)
      expect(queued?.seq.equals(changed(kind, { Body })?.seq ?? Buffer.alloc(0))).toBe(true)
    }
    // A body of tomorrow's format: the voter's receipt names this sequence.
    expect(changed(kind, { Body: '{"v":2}' })?.seq.equals(changed(kind, {})?.seq ?? Buffer.alloc(0))).toBe(true)
    expect(only(kind, { MessageId: 'm-1', ReceiptHandle: 'r-1' })?.ballot).toBeNull()
  })

  it('is one without its place in the order', () => {
    const noNumber = { Attributes: { SentTimestamp: String(atMs) } }
    expect(changed('fifo', noNumber)?.ballot).toBeNull()
    for (const clock of [undefined, { DataType: 'String', StringValue: '0005' }, { DataType: 'String', StringValue: 'x'.repeat(12) }]) {
      expect(changed('standard', { MessageAttributes: { at: at(atMs), ...(clock && { clock }) } })?.ballot).toBeNull()
    }
    const places = ['m-1', 'm-2'].map((MessageId) => changed('fifo', { ...noNumber, MessageId })?.seq.toString('hex'))
    expect(new Set(places).size).toBe(2) // they are parked apart
  })

  it.each(kinds)('is one whose stamp SQS contradicts: it was never answered, and is judged by no time of its own (%s)', (kind) => {
    const { MessageAttributes } = entryOf(kind)
    const stamped = (ms: number) => changed(kind, { MessageAttributes: { ...MessageAttributes, at: at(ms) } })
    const sentAtMs = atMs + 20
    for (const differenceMs of [-60_000, 60_000]) expect(stamped(sentAtMs + differenceMs)?.ballot).not.toBeNull()
    for (const differenceMs of [-60_001, 60_001]) {
      expect(stamped(sentAtMs + differenceMs)?.ballot).toBeNull()
      expect(stamped(sentAtMs + differenceMs)?.atMs).toBe(sentAtMs)
    }
    expect(changed(kind, { MessageAttributes: {} })?.ballot).toBeNull()
  })
})
