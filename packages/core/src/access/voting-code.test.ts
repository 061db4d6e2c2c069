import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bytesEqual } from '../bytes.ts'
import { systemIds } from '../ports/id-generator.ts'
import { newVotingCode, parseVotingCode, votingCodeText } from './voting-code.ts'

const bytes16 = fc.uint8Array({ minLength: 16, maxLength: 16 })
const alphabet = '0123456789abcdefghjkmnpqrstvwxyz'

describe('a voting code', () => {
  it('is 16 random bytes, shown as 26 characters in groups of four', () => {
    const code = newVotingCode(systemIds)
    expect(code).toHaveLength(16)
    expect(votingCodeText(code)).toMatch(/^([0-9a-hjkmnp-tv-z]{4}-){6}[0-9a-hjkmnp-tv-z]{2}$/)
    expect(votingCodeText(Buffer.from('00112233445566778899aabbccddeeff', 'hex'))).toBe(shown())
  })

  it('reads back as the same bytes, for all of them', () => {
    fc.assert(fc.property(bytes16, (bytes) => bytesEqual(parseVotingCode(votingCodeText(bytes)) ?? Buffer.alloc(0), bytes)))
  })

  it('is read however it is written: case, blanks, dashes, i and l for 1, o for 0', () => {
    fc.assert(
      fc.property(bytes16, fc.infiniteStream(fc.integer({ min: 0, max: 5 })), (bytes, choices) => {
        const written = [...votingCodeText(bytes).replaceAll('-', '')]
          .map((character) => {
            const { value: choice } = choices.next()
            if (choice === 0) return ` ${character}`
            if (choice === 1) return `${character}-`
            if (choice === 2) return character.toUpperCase()
            if (character === '1') return choice === 3 ? 'l' : 'I'
            return character === '0' ? 'O' : character
          })
          .join('')
        return bytesEqual(parseVotingCode(written) ?? Buffer.alloc(0), bytes)
      }),
    )
  })

  it('has no second text: of the 32 last characters 8 are a code, and every one another', () => {
    const body = '7'.repeat(25)
    const read = [...alphabet].map((last) => parseVotingCode(body + last)).filter((code) => code !== null)
    // 5 bits, of which the last 2 must be zero: 2^3.
    expect(read).toHaveLength(8)
    expect(new Set(read.map((code) => code.toString('hex'))).size).toBe(8)
  })

  it.each([
    ['nothing', ''],
    ['too short', `${'7'.repeat(24)}0`],
    ['too long', `${'7'.repeat(26)}0`],
    ['a letter that is none', `${'u'.repeat(25)}0`],
    ['spare bits', `${'7'.repeat(25)}1`],
    ['another script', `${'７'.repeat(25)}0`],
    ['very long', `${' '.repeat(1_000_000) + '7'.repeat(25)}0`],
  ])('is not %s', (_, text) => {
    expect(parseVotingCode(text)).toBeNull()
  })
})

/** Computed another way: the bits, five by five. */
function shown(): string {
  const bits = `${[...'00112233445566778899aabbccddeeff'].map((digit) => Number.parseInt(digit, 16).toString(2).padStart(4, '0')).join('')}00`
  const characters = (bits.match(/.{5}/g) ?? []).map((five) => alphabet[Number.parseInt(five, 2)])
  return characters.join('').replace(/(.{4})(?=.)/g, '$1-')
}
