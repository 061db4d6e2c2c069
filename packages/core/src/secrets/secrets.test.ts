import { createHmac, randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hmacSha256 } from './hmac-sha256.ts'
import { ForeignMasterKeyError, openMasterKey, sealPollSecret, unsealPollSecret } from './master-key.ts'

describe('hmacSha256', () => {
  it('is what createHmac computes, for every key and message length', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.uint8Array({ maxLength: 300 }), (key, message) => {
        const hmac = hmacSha256(key)
        hmac(new Uint8Array([1, 2, 3])) // an earlier message must leave nothing behind
        expect(hmac(message).equals(createHmac('sha256', key).update(message).digest())).toBe(true)
      }),
    )
  })

  it('gives the published answer (RFC 4231, test case 2)', () => {
    const digest = hmacSha256(Buffer.from('Jefe'))(Buffer.from('what do ya want for nothing?'))
    expect(digest.toString('hex')).toBe('5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843')
  })
})

describe('master key', () => {
  const key = randomBytes(32)

  it('must be 32 bytes', () => {
    expect(() => openMasterKey(randomBytes(31))).toThrow('32 bytes')
  })

  it('opens what it sealed, for the same context only, and not with another key', () => {
    const secret = randomBytes(32)
    const sealed = sealPollSecret(openMasterKey(key), '0123456789abcdef', secret)
    expect(sealed).toHaveLength(60) // nonce 12 + text 32 + tag 16
    expect(unsealPollSecret(openMasterKey(key), '0123456789abcdef', sealed).equals(secret)).toBe(true)
    expect(() => unsealPollSecret(openMasterKey(key), '0123456789abcdeg', sealed)).toThrow()
    expect(() => unsealPollSecret(openMasterKey(randomBytes(32)), '0123456789abcdef', sealed)).toThrow()
  })

  it('refuses sealed bytes of which one bit was flipped', () => {
    const masterKey = openMasterKey(key)
    const sealed = masterKey.seal(randomBytes(32), 'x')
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const flipped = Buffer.from(sealed)
      flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7))
      expect(() => masterKey.unseal(flipped, 'x')).toThrow()
    }
  })

  it('has a fingerprint that tells keys apart', () => {
    expect(openMasterKey(key).fingerprint).toBe(openMasterKey(key).fingerprint)
    expect(openMasterKey(key).fingerprint).not.toBe(openMasterKey(randomBytes(32)).fingerprint)
  })

  it('is told from another one by both fingerprints, and where to put the right one', () => {
    const { message } = new ForeignMasterKeyError({ stored: '0123456789abcdef', given: 'fedcba9876543210' })
    expect(message).toContain('(fingerprint 0123456789abcdef; the key given now has fedcba9876543210)')
    expect(message).toMatch(/MASTER_KEY .*MASTER_KEY_FILE.*DATA_DIR\/master\.key\.$/)
  })
})
