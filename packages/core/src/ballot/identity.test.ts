import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type IdentityKind, identityOf, voterKeysOf } from './identity.ts'

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
