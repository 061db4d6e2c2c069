import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { openMasterKey } from '../secrets/master-key.ts'
import { type IdentityKind, identityOf, identityOfVoterCookie, voterCookieOf, voterKeysOf } from './identity.ts'

const masterKey = openMasterKey(randomBytes(32))
const kinds: IdentityKind[] = ['voter', 'key', 'userid', 'code', 'user']

describe('identity', () => {
  it('is another one for each kind, whatever the value', () => {
    fc.assert(
      fc.property(fc.string(), (value) => {
        expect(new Set(kinds.map((kind) => identityOf(kind, value).toString('hex'))).size).toBe(kinds.length)
      }),
    )
  })

  it('gives one voter key a poll: the same voter, and nobody can link two polls', () => {
    const identity = identityOf('userid', 'id-1')
    const [first, second] = [voterKeysOf(randomBytes(32)), voterKeysOf(randomBytes(32))]
    expect(first(identity)).toHaveLength(16)
    expect(first(identity).equals(first(identity))).toBe(true)
    expect(first(identity).equals(second(identity))).toBe(false)
  })
})

describe('voter cookie', () => {
  const identity = identityOf('voter', randomBytes(16))
  const cookie = voterCookieOf(masterKey, identity)

  it('gives back the identity it was made of', () => {
    expect(identityOfVoterCookie(masterKey, cookie)?.equals(identity)).toBe(true)
  })

  it('is ignored when a bit is flipped, or another key signed it', () => {
    const bytes = Buffer.from(cookie, 'base64url')
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const flipped = Buffer.from(bytes)
      flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7))
      expect(identityOfVoterCookie(masterKey, flipped.toString('base64url'))).toBeNull()
    }
    expect(identityOfVoterCookie(openMasterKey(randomBytes(32)), cookie)).toBeNull()
  })

  it('is ignored when it is anything else', () => {
    fc.assert(fc.property(fc.string(), (text) => identityOfVoterCookie(masterKey, text) === null))
    for (const text of ['', cookie.slice(1), `${cookie}A`, 'A'.repeat(cookie.length), '='.repeat(cookie.length)]) {
      expect(identityOfVoterCookie(masterKey, text)).toBeNull()
    }
  })
})
