import { createHash } from 'node:crypto'
import type { Message, SendMessageBatchRequestEntry } from '@aws-sdk/client-sqs'
import { encodeEntry } from '@urna/contracts'
import { type Delivery, fifoSequence, hybridClockSequence, type PublishableBallot, type QueuedBallot, type Sequence } from '@urna/core'
import { queuedBallots } from '../queued-ballots.ts'
import type { SqsQueueKind } from './queue-attributes.ts'

/**
 * One ballot, one message. Its body is an entry of one ballot; beside it:
 *
 * - `at` (both kinds): the api's stamp, epoch milliseconds. It decides lateness, in the api's answer and in the count.
 * - `clock` (standard): counter and node of the hybrid clock, 12 hexadecimal digits; with `at` they are the sequence.
 */

/**
 * A stamp is believed when it differs from SQS's own SentTimestamp by no more than this. The publisher keeps to half of it and answers
 * no ballot beyond, so that whatever was answered is believed.
 */
export const stampDifferenceMsMax = 60_000

/** What a message has beside the ballot's own text, at most: the rest of the entry, attributes with their names and types. */
export const messageOverheadBytes = 128

export interface Stamp {
  readonly ms: number
  readonly counter: number
  readonly node: number
}

/** A ballot's voter in its poll: what is ordered among itself. Within the characters and the length of a message group. */
export function groupOf(ballot: Pick<PublishableBallot, 'pollId' | 'voterKey'>): string {
  const { buffer, byteOffset, byteLength } = ballot.voterKey
  return `${ballot.pollId}.${Buffer.from(buffer, byteOffset, byteLength).toString('base64url')}`
}

/** Some bits of a group, so that a sequence names one ballot: SQS may number two groups alike. */
export function groupBitsOf(group: string): number {
  return createHash('sha256').update(group).digest().readUInt16BE()
}

/** `deduplicationId`: a new one for every ballot that is published, the same one for every try of the SDK to send it. */
export function toEntry(
  kind: SqsQueueKind,
  message: { id: string; epoch: number; encoded: string; group: string; stamp: Stamp; deduplicationId: string },
): SendMessageBatchRequestEntry {
  const { stamp } = message
  const at = { DataType: 'Number', StringValue: String(stamp.ms) }
  const common = { Id: message.id, MessageBody: encodeEntry(message.epoch, [message.encoded]) }
  if (kind === 'fifo') {
    const { group: MessageGroupId, deduplicationId: MessageDeduplicationId } = message
    return { ...common, MessageGroupId, MessageDeduplicationId, MessageAttributes: { at } }
  }
  const clock = stamp.counter.toString(16).padStart(4, '0') + stamp.node.toString(16).padStart(8, '0')
  return { ...common, MessageAttributes: { at, clock: { DataType: 'String', StringValue: clock } } }
}

/**
 * A message -> its one ballot. Whatever cannot be read, or is not one of ours, is one malformed ballot. `epoch`: of the queue, for what
 * does not say its own. `onOtherEpoch` hears of an entry that says another one.
 */
export function toDelivery(kind: SqsQueueKind, message: Message, epoch: number, onOtherEpoch: (got: number) => void = () => {}): Delivery {
  const sentAtMs = integerOf(message.Attributes?.SentTimestamp)
  const stampMs = integerOf(message.MessageAttributes?.at?.StringValue)
  const believed = stampMs !== null && sentAtMs !== null && Math.abs(stampMs - sentAtMs) <= stampDifferenceMsMax
  const atMs = believed ? stampMs : (sentAtMs ?? 0)
  const body = message.Body ?? ''
  const place = placeOf(kind, message, stampMs)
  const ballots = queuedBallots(body, atMs, epoch, (entryEpoch) => {
    if (entryEpoch !== epoch) onOtherEpoch(entryEpoch)
    return place?.(entryEpoch) ?? unreadableSequence(epoch, message)
  })
  const [only] = ballots
  const readable = only !== undefined && ballots.length === 1 && place !== null && believed
  return {
    id: message.ReceiptHandle ?? '',
    ballots: [readable ? only : malformed(only?.seq ?? unreadableSequence(epoch, message), atMs, body)],
  }
}

/** Null: the message does not say its place in the order. */
function placeOf(kind: SqsQueueKind, message: Message, stampMs: number | null): ((epoch: number) => Sequence) | null {
  const place = (epoch: number): Sequence => {
    if (kind === 'fifo') {
      const { SequenceNumber = '', MessageGroupId = '' } = message.Attributes ?? {}
      return fifoSequence({ epoch, sequenceNumber: SequenceNumber, groupBits: groupBitsOf(MessageGroupId) })
    }
    const [, counter, node] = /^([0-9a-f]{4})([0-9a-f]{8})$/.exec(message.MessageAttributes?.clock?.StringValue ?? '') ?? []
    return hybridClockSequence({
      epoch,
      ms: stampMs ?? Number.NaN,
      counter: Number.parseInt(counter ?? '', 16),
      node: Number.parseInt(node ?? '', 16),
    })
  }
  try {
    place(1)
    return place
  } catch {
    return null
  }
}

/** The same at every delivery of the message, so that it is parked once. */
function unreadableSequence(epoch: number, message: Message): Sequence {
  const digest = createHash('sha256')
    .update(message.MessageId ?? '')
    .digest()
  return hybridClockSequence({ epoch, ms: digest.readUIntBE(0, 6), counter: digest.readUInt16BE(6), node: digest.readUInt32BE(8) })
}

function malformed(seq: Sequence, atMs: number, body: string): QueuedBallot {
  return { seq, atMs, ballot: null, raw: () => Buffer.from(body) }
}

function integerOf(text: string | undefined): number | null {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : null
}
