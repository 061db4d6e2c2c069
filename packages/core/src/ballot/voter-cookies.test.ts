import { hkdfSync, randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hmacSha256 } from '../secrets/hmac-sha256.ts'
import { openMasterKey } from '../secrets/master-key.ts'
import { identityOf } from './identity.ts'
import { voterCookies } from './voter-cookies.ts'

const keyBytes = randomBytes(32)
const masterKey = openMasterKey(keyBytes)
const identity = identityOf('voter', randomBytes(16))
const cookies = voterCookies(masterKey)
const cookie = cookies.write(identity)

describe('voter cookie', () => {
  it('gives back the identity it was made of', () => {
    expect(cookies.read(cookie)).toEqual({ identity, cookie })
  })

  it('of generation 1 is what it was before there were generations', () => {
    const hmac = hmacSha256(Buffer.from(hkdfSync('sha256', keyBytes, '', 'urna cookie v1', 32)))
    const signed = Buffer.concat([Buffer.from([1]), identity])
    expect(cookie).toBe(Buffer.concat([signed, hmac(signed).subarray(0, 16)]).toString('base64url'))
  })

  it('is ignored when a bit is flipped, or another key signed it', () => {
    const bytes = Buffer.from(cookie, 'base64url')
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const flipped = Buffer.from(bytes)
      flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7))
      expect(cookies.read(flipped.toString('base64url'))).toBeNull()
    }
    expect(voterCookies(openMasterKey(randomBytes(32))).read(cookie)).toBeNull()
  })

  it('is ignored when a bit of its text is flipped, also one that carries nothing', () => {
    const text = Buffer.from(cookie)
    for (let bit = 0; bit < text.length * 8; bit++) {
      const flipped = Buffer.from(text)
      flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7))
      expect(cookies.read(flipped.toString('latin1')), `bit ${bit}`).toBeNull()
    }
    // 49 bytes are 65 1/3 characters: four bits of the 66th are left over.
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    expect([...alphabet].filter((last) => cookies.read(cookie.slice(0, -1) + last) !== null)).toHaveLength(1)
  })

  it('is ignored when it is anything else', () => {
    fc.assert(fc.property(fc.string(), (text) => cookies.read(text) === null))
    for (const text of ['', cookie.slice(1), `${cookie}A`, 'A'.repeat(cookie.length), '='.repeat(cookie.length)]) {
      expect(cookies.read(text)).toBeNull()
    }
  })
})

describe('keys of voter cookies', () => {
  const newer = voterCookies(masterKey, { key: 2 })
  const retired = voterCookies(masterKey, { key: 2, oldestKey: 2 })

  it('sign each otherwise, and all say the same voter', () => {
    expect(newer.write(identity)).not.toBe(cookie)
    expect(newer.read(newer.write(identity))?.identity).toEqual(identity)
  })

  it('that are old are believed until they are retired, and replaced', () => {
    expect(newer.read(cookie)).toEqual({ identity, cookie: newer.write(identity) })
    expect(retired.read(cookie)).toBeNull()
  })

  it('that are newer are believed by a process that does not sign with them yet, and kept', () => {
    const fromNewer = newer.write(identity)
    expect(cookies.read(fromNewer)).toEqual({ identity, cookie: fromNewer })
  })

  it('cannot be chosen by whoever sends the cookie', () => {
    const bytes = Buffer.from(cookie, 'base64url')
    for (let generation = 0; generation <= 255; generation++) {
      if (generation === 1) continue
      bytes[0] = generation
      expect(newer.read(bytes.toString('base64url'))).toBeNull()
    }
  })

  it('have generations from 1 to 255, the oldest not newer than the one that signs', () => {
    for (const wrong of [{ key: 0 }, { key: 256 }, { key: 1, oldestKey: 2 }, { key: 2, oldestKey: 0 }]) {
      expect(() => voterCookies(masterKey, wrong)).toThrow(RangeError)
    }
  })
})
