import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compareSequences, endOfEpoch, entryOfSequence, epochOfSequence, SequenceOverflowError, streamSequence } from './sequence.ts'

const place = fc.record({
  epoch: fc.nat(0xffff_ffff),
  ms: fc.oneof(fc.integer({ min: 0, max: 0xffff_ffff_ffff }), fc.constantFrom(0, 0xffff_ffff, 0x1_0000_0000, 0xffff_ffff_ffff)),
  n: fc.oneof(fc.nat(3), fc.integer({ min: 0, max: 0xffff_ffff })),
  stream: fc.nat(63),
  index: fc.nat(1_023),
})

describe('the sequence of a stream entry', () => {
  it('is epoch, milliseconds, number in the millisecond, stream and index, in this order', () => {
    const sequence = streamSequence({ epoch: 0x01020304, ms: 0x05060708090a, n: 0x0b0c0d0e, stream: 3, index: 0x310 })
    expect(sequence.toString('hex')).toBe('0102030405060708090a0b0c0d0e0f10') // 3 * 1,024 + 0x310 = 0x0f10
    expect(entryOfSequence(sequence)).toEqual({ ms: 0x05060708090a, n: 0x0b0c0d0e, stream: 3 })
    expect(epochOfSequence(sequence)).toBe(0x01020304)
  })

  it('orders as its fields do', () => {
    fc.assert(
      fc.property(place, place, (left, right) => {
        const byFields =
          left.epoch - right.epoch || left.ms - right.ms || left.n - right.n || left.stream - right.stream || left.index - right.index
        expect(Math.sign(compareSequences(streamSequence(left), streamSequence(right)))).toBe(Math.sign(byFields))
      }),
      { numRuns: 2_000 },
    )
  })

  it('is an error where a field does not fit, never a wrap', () => {
    const good = { epoch: 1, ms: 1, n: 1, stream: 1, index: 1 }
    const tooMuch = { epoch: 2 ** 32, ms: 2 ** 48, n: 2 ** 32, stream: 64, index: 1_024 }
    for (const [field, value] of Object.entries(tooMuch)) {
      expect(() => streamSequence({ ...good, [field]: value })).toThrow(SequenceOverflowError)
      expect(() => streamSequence({ ...good, [field]: value - 1 })).not.toThrow()
      for (const wrong of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY])
        expect(() => streamSequence({ ...good, [field]: wrong })).toThrow(SequenceOverflowError)
    }
  })

  it('lies below the end of its epoch, and above the end of every earlier one', () => {
    fc.assert(
      fc.property(place, (one) => {
        fc.pre(one.index < 1_023 && one.epoch > 0)
        expect(compareSequences(streamSequence(one), endOfEpoch(one.epoch))).toBeLessThan(0)
        expect(compareSequences(streamSequence(one), endOfEpoch(one.epoch - 1))).toBeGreaterThan(0)
      }),
    )
  })
})
