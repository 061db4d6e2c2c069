import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compareSequences, epochOfSequence, fifoSequence, hybridClockSequence, SequenceOverflowError } from './sequence.ts'

describe('sequence of an SQS FIFO queue', () => {
  it('is the epoch, the 80 bits of the SequenceNumber, 16 bits of the group', () => {
    // A number as SQS gives it: more than 64 bits.
    const large = fifoSequence({ epoch: 7, sequenceNumber: '18849496460467696128', groupBits: 0xabcd })
    expect(large.toString('hex')).toBe(`00000007${18849496460467696128n.toString(16).padStart(20, '0')}abcd`)
    const small = fifoSequence({ epoch: 0xffff_ffff, sequenceNumber: '00000000000000000012', groupBits: 1 })
    expect(small.toString('hex')).toBe(`ffffffff${'c'.padStart(20, '0')}0001`)
    expect(epochOfSequence(small)).toBe(0xffff_ffff)
  })

  it('is ordered as epochs, then as numbers are, also where the texts are not', () => {
    const number = fc.bigInt({ min: 0n, max: (1n << 80n) - 1n })
    const place = fc.record({ epoch: fc.nat({ max: 0xffff_ffff }), number, groupBits: fc.nat({ max: 0xffff }) })
    fc.assert(
      fc.property(place, place, (left, right) => {
        const bytes = [left, right].map(({ epoch, number, groupBits }) =>
          fifoSequence({ epoch, sequenceNumber: String(number), groupBits }),
        )
        const numbers = Number(left.number > right.number) - Number(left.number < right.number)
        const expected = Math.sign(left.epoch - right.epoch) || numbers || Math.sign(left.groupBits - right.groupBits)
        expect(Math.sign(compareSequences(bytes[0] as Buffer, bytes[1] as Buffer))).toBe(expected)
      }),
    )
  })

  it('is an error where it does not fit, and where it is no number', () => {
    const fits = { epoch: 1, sequenceNumber: String((1n << 80n) - 1n), groupBits: 0xffff }
    expect(() => fifoSequence(fits)).not.toThrow()
    expect(() => fifoSequence({ ...fits, sequenceNumber: String(1n << 80n) })).toThrow(SequenceOverflowError)
    expect(() => fifoSequence({ ...fits, epoch: 2 ** 32 })).toThrow(SequenceOverflowError)
    expect(() => fifoSequence({ ...fits, groupBits: 2 ** 16 })).toThrow(SequenceOverflowError)
    for (const sequenceNumber of ['', '-1', '1.5', '0x10', '1e3', '9'.repeat(40)]) {
      expect(() => fifoSequence({ ...fits, sequenceNumber })).toThrow(SequenceOverflowError)
    }
  })
})

describe('sequence of a hybrid logical clock', () => {
  it('is epoch, milliseconds, counter, node', () => {
    const sequence = hybridClockSequence({ epoch: 1, ms: 0x0102_0304_0506, counter: 0x0708, node: 0x090a_0b0c })
    expect(sequence.toString('hex')).toBe('000000010102030405060708090a0b0c')
  })

  it('is ordered by epoch, then time, then counter, then node', () => {
    const place = fc.tuple(fc.nat({ max: 3 }), fc.nat({ max: 0xffff_ffff_ffff }), fc.nat({ max: 0xffff }), fc.nat({ max: 0xffff_ffff }))
    fc.assert(
      fc.property(place, place, (left, right) => {
        const [first, second] = [left, right].map(([epoch, ms, counter, node]) => hybridClockSequence({ epoch, ms, counter, node }))
        const difference = left.map((field, index) => Math.sign(field - (right[index] as number))).find((sign) => sign !== 0) ?? 0
        expect(Math.sign(compareSequences(first as Buffer, second as Buffer))).toBe(difference)
      }),
    )
  })

  it('is an error where a field does not fit', () => {
    const fits = { epoch: 1, ms: 0xffff_ffff_ffff, counter: 0xffff, node: 0xffff_ffff }
    expect(() => hybridClockSequence(fits)).not.toThrow()
    for (const [field, value] of Object.entries(fits).filter(([field]) => field !== 'epoch')) {
      expect(() => hybridClockSequence({ ...fits, [field]: value + 1 })).toThrow(SequenceOverflowError)
      expect(() => hybridClockSequence({ ...fits, [field]: -1 })).toThrow(SequenceOverflowError)
      expect(() => hybridClockSequence({ ...fits, [field]: 0.5 })).toThrow(SequenceOverflowError)
    }
  })
})
