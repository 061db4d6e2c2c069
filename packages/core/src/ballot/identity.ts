import { hash } from 'node:crypto'
import { hmacSha256 } from '../secrets/hmac-sha256.ts'

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
