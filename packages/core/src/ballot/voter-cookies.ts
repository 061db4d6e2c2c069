import { timingSafeEqual } from 'node:crypto'
import type { HmacSha256 } from '../secrets/hmac-sha256.ts'
import type { MasterKey } from '../secrets/master-key.ts'
import { type Identity, identityBytes } from './identity.ts'

/** The key's generation is one byte of the cookie. */
export const cookieKeyMax = 255

// The value of the voter cookie: generation of the key (1 byte) | identity (32) | signature (16), base64url.
const signatureBytes = 16
const signedBytes = 1 + identityBytes
const cookieBytes = signedBytes + signatureBytes
const cookieLength = Math.ceil((cookieBytes * 4) / 3)

export interface CookieVoter {
  readonly identity: Identity
  /** What the voter's next answer should set: the cookie that was read, or the same signed anew where its key is old. */
  readonly cookie: string
}

export interface VoterCookies {
  /** The cookie carries the identity that was USED, so that a retry with or without it is the same voter. */
  write(identity: Identity): string
  /** Null for anything we did not sign, down to the last bit, and for a key that is retired: ignored, never taken for somebody else. */
  read(text: string): CookieVoter | null
}

/**
 * Signed voter cookies. `key`: the generation that signs; `oldestKey`: the oldest that is still believed. A newer one than `key` is believed
 * too: while processes are restarted one by one, some sign with the new key already.
 */
export function voterCookies(
  masterKey: Pick<MasterKey, 'cookieKey'>,
  { key = 1, oldestKey = 1 }: { readonly key?: number; readonly oldestKey?: number } = {},
): VoterCookies {
  if (!(oldestKey >= 1 && oldestKey <= key && key <= cookieKeyMax)) {
    throw new RangeError(`expected generations with 1 <= oldest <= key <= ${cookieKeyMax}, got ${oldestKey} and ${key}`)
  }
  const signing = masterKey.cookieKey(key)

  function write(identity: Identity): string {
    const cookie = Buffer.allocUnsafe(cookieBytes)
    cookie[0] = key
    cookie.set(identity, 1)
    signature(signing, cookie).copy(cookie, signedBytes)
    return cookie.toString('base64url')
  }

  return {
    write,
    read(text) {
      if (text.length !== cookieLength) return null
      const cookie = Buffer.from(text, 'base64url')
      // Of the last character four bits mean nothing, and Node reads two alphabets: only the one text that we wrote is ours.
      if (cookie.length !== cookieBytes || cookie.toString('base64url') !== text) return null
      const generation = cookie[0] as number
      if (generation < oldestKey) return null
      const hmac = generation === key ? signing : masterKey.cookieKey(generation)
      if (!timingSafeEqual(signature(hmac, cookie), cookie.subarray(signedBytes))) return null
      const identity = cookie.subarray(1, signedBytes)
      return { identity, cookie: generation < key ? write(identity) : text }
    },
  }
}

function signature(hmac: HmacSha256, cookie: Buffer): Buffer {
  return hmac(cookie.subarray(0, signedBytes)).subarray(0, signatureBytes)
}
