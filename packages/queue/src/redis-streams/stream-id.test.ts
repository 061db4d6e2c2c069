import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatStreamId, idBefore, parseStreamId } from './stream-id.ts'

describe('the id of an entry', () => {
  it('is read as it is written', () => {
    const part = fc.nat(Number.MAX_SAFE_INTEGER)
    fc.assert(
      fc.property(part, part, (ms, n) => {
        expect(parseStreamId(formatStreamId({ ms, n }))).toEqual({ ms, n })
      }),
    )
  })

  it('is nothing else', () => {
    for (const text of ['', '1', '1-', '-1', '1-2-3', '1-x', ' 1-2', '1-2\n', '$', '+']) expect(() => parseStreamId(text)).toThrow()
  })

  it('has one right below it, but for the first', () => {
    expect(idBefore({ ms: 5, n: 3 })).toBe('5-2')
    expect(idBefore({ ms: 5, n: 0 })).toBe('4-18446744073709551615') // 2^64 - 1
    expect(idBefore({ ms: 0, n: 0 })).toBe('0-0')
  })
})
