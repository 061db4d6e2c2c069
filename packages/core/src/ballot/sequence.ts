import { compareBytes } from '../bytes.ts'

/**
 * 16 bytes, big-endian: the place of a ballot in the order of all ballots, compared as bytes everywhere. It never fits a JavaScript
 * number, so it never becomes one. The first four bytes are the epoch of the queue.
 *
 * Embedded queue: epoch u32 | zero u16 | row id u64 | index in the row u16.
 * Redis Streams: epoch u32 | ms of the entry's id u48 | its second part u32 | stream u6 | index in the entry u10.
 * SQS FIFO: epoch u32 | the queue's SequenceNumber u80 | out of the voter's group u16. SQS standard: epoch u32 | hybrid logical clock (ms u48, counter u16, node u32).
 */
export type Sequence = Buffer

export const sequenceBytes = 16

export class SequenceOverflowError extends RangeError {
  override name = 'SequenceOverflowError'
}

/** A field that would overflow is an error, never a wrap: a wrapped sequence would let an old ballot win. */
function checked(name: string, value: number, max: number): number {
  if (!Number.isInteger(value) || value < 0 || value > max)
    throw new SequenceOverflowError(`sequence: ${name} ${value} is not in 0..${max}`)
  return value
}

export function rowSequence(place: { epoch: number; row: number; index: number }): Sequence {
  const sequence = Buffer.alloc(sequenceBytes)
  sequence.writeUInt32BE(checked('epoch', place.epoch, 0xffff_ffff), 0)
  sequence.writeBigUInt64BE(BigInt(checked('row', place.row, Number.MAX_SAFE_INTEGER)), 6)
  sequence.writeUInt16BE(checked('index', place.index, 0xffff), 14)
  return sequence
}

/** The row id of a sequence that {@link rowSequence} made. */
export function rowOfSequence(sequence: Uint8Array): number {
  return Number(Buffer.from(sequence).readBigUInt64BE(6))
}

/** What the last two bytes of {@link streamSequence} have room for: 6 bits and 10. */
export const streamsMax = 64
const streamIndexMax = 1_023

/**
 * The place in a Redis stream: an entry's id is `<ms>-<n>`, `index` is the ballot's in the entry. Two streams can give the same id, so
 * the stream is part of it: a sequence names one ballot.
 */
export function streamSequence(place: { epoch: number; ms: number; n: number; stream: number; index: number }): Sequence {
  const sequence = Buffer.alloc(sequenceBytes)
  sequence.writeUInt32BE(checked('epoch', place.epoch, 0xffff_ffff), 0)
  sequence.writeUIntBE(checked('ms', place.ms, 0xffff_ffff_ffff), 4, 6)
  sequence.writeUInt32BE(checked('n', place.n, 0xffff_ffff), 10)
  const stream = checked('stream', place.stream, streamsMax - 1)
  sequence.writeUInt16BE(stream * (streamIndexMax + 1) + checked('index', place.index, streamIndexMax), 14)
  return sequence
}

/** The entry's place of a sequence that {@link streamSequence} made. */
export function entryOfSequence(sequence: Uint8Array): { ms: number; n: number; stream: number } {
  const bytes = Buffer.from(sequence)
  return { ms: bytes.readUIntBE(4, 6), n: bytes.readUInt32BE(10), stream: bytes.readUInt16BE(14) >> 10 }
}

/** Greater than every sequence of this epoch that a queue gives; no ballot has it. As a low water it says that the epoch has ended. */
export function endOfEpoch(epoch: number): Sequence {
  const sequence = Buffer.alloc(sequenceBytes, 0xff)
  sequence.writeUInt32BE(checked('epoch', epoch, 0xffff_ffff), 0)
  return sequence
}

/**
 * The place in an SQS FIFO queue. `sequenceNumber` is the decimal text that SQS gives. It grows within a group (a voter in a poll), and
 * nothing is promised between groups: two may be given the same number, so some bits of the group (`groupBits`, u16) are part of it.
 */
export function fifoSequence(place: { epoch: number; sequenceNumber: string; groupBits: number }): Sequence {
  const { sequenceNumber } = place
  if (!/^\d{1,39}$/.test(sequenceNumber)) throw new SequenceOverflowError(`sequence: ${sequenceNumber} is not a sequence number`)
  const number = BigInt(sequenceNumber)
  if (number >= 1n << 80n) throw new SequenceOverflowError(`sequence: ${sequenceNumber} does not fit 80 bits`)
  const sequence = Buffer.alloc(sequenceBytes)
  sequence.writeUInt32BE(checked('epoch', place.epoch, 0xffff_ffff), 0)
  sequence.writeUInt16BE(Number(number >> 64n), 4)
  sequence.writeBigUInt64BE(number & 0xffff_ffff_ffff_ffffn, 6)
  sequence.writeUInt16BE(checked('group bits', place.groupBits, 0xffff), 14)
  return sequence
}

/** A hybrid logical clock's time, for a queue that has no order of its own. `node` tells processes apart. */
export function hybridClockSequence(place: { epoch: number; ms: number; counter: number; node: number }): Sequence {
  const sequence = Buffer.alloc(sequenceBytes)
  sequence.writeUInt32BE(checked('epoch', place.epoch, 0xffff_ffff), 0)
  sequence.writeUIntBE(checked('ms', place.ms, 0xffff_ffff_ffff), 4, 6)
  sequence.writeUInt16BE(checked('counter', place.counter, 0xffff), 10)
  sequence.writeUInt32BE(checked('node', place.node, 0xffff_ffff), 12)
  return sequence
}

export function epochOfSequence(sequence: Uint8Array): number {
  return Buffer.from(sequence).readUInt32BE(0)
}

/**
 * What the database compares: of two ballots of one voter the one with the greater rank counts. Where changes are allowed that is the
 * later sequence; where they are not, the complement, so that the earliest wins, whatever order consumers see.
 */
export function rankOf(sequence: Sequence, changesAllowed: boolean): Buffer {
  if (changesAllowed) return sequence
  const complement = Buffer.allocUnsafe(sequenceBytes)
  for (let index = 0; index < sequenceBytes; index++) complement[index] = ~(sequence[index] as number) & 0xff
  return complement
}

export function compareSequences(left: Uint8Array, right: Uint8Array): number {
  return compareBytes(left, right)
}
