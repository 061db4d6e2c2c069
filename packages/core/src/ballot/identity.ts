import { hash, timingSafeEqual } from 'node:crypto'
import { type HmacSha256, hmacSha256 } from '../secrets/hmac-sha256.ts'
import type { MasterKey } from '../secrets/master-key.ts'

/** Where an identity comes from. The kind is hashed in, so that two kinds can never meet (a userID "x" is not a code "x"). */
export type IdentityKind = 'voter' | 'key' | 'userid' | 'code' | 'user'

/** 32 bytes: SHA-256(kind, 0x00, value). */
export type Identity = Buffer

export const identityBytes = 32
export const voterKeyBytes = 16

export function identityOf(kind: IdentityKind, value: string | Uint8Array): Identity {
  const prefix = Buffer.from(`${kind}\0`)
  return hash('sha256', Buffer.concat([prefix, typeof value === 'string' ? Buffer.from(value) : value]), 'buffer')
}

/** Makes the voter key (16 bytes) of an identity in one poll. Nobody without the poll's secret can link it to a person or another poll. */
export type VoterKeys = (identity: Identity) => Buffer

export function voterKeysOf(pollSecret: Uint8Array): VoterKeys {
  const hmac = hmacSha256(pollSecret)
  return (identity) => hmac(identity).subarray(0, voterKeyBytes)
}

// The value of the voter cookie: format (1 byte) | identity (32) | signature (16), base64url.
const cookieFormat = 1
const signatureBytes = 16
const cookieBytes = 1 + identityBytes + signatureBytes
const cookieLength = Math.ceil((cookieBytes * 4) / 3)

function signature(cookieHmac: HmacSha256, signed: Buffer): Buffer {
  return cookieHmac(signed).subarray(0, signatureBytes)
}

/** The cookie carries the identity that was USED, so that a retry with or without it is the same voter. */
export function voterCookieOf(masterKey: Pick<MasterKey, 'cookieHmac'>, identity: Identity): string {
  const cookie = Buffer.allocUnsafe(cookieBytes)
  cookie[0] = cookieFormat
  cookie.set(identity, 1)
  signature(masterKey.cookieHmac, cookie.subarray(0, 1 + identityBytes)).copy(cookie, 1 + identityBytes)
  return cookie.toString('base64url')
}

/** The identity in a voter cookie, or null for anything we did not sign: a bad cookie is ignored, never taken for somebody else. */
export function identityOfVoterCookie(masterKey: Pick<MasterKey, 'cookieHmac'>, text: string): Identity | null {
  if (text.length !== cookieLength) return null
  const cookie = Buffer.from(text, 'base64url')
  if (cookie.length !== cookieBytes || cookie[0] !== cookieFormat) return null
  const signed = cookie.subarray(0, 1 + identityBytes)
  if (!timingSafeEqual(signature(masterKey.cookieHmac, signed), cookie.subarray(1 + identityBytes))) return null
  return cookie.subarray(1, 1 + identityBytes)
}
