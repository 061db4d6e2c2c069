import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'
import { asBuffer } from '../bytes.ts'
import { type HmacSha256, hmacSha256 } from './hmac-sha256.ts'

export const masterKeyBytes = 32
const nonceBytes = 12
const tagBytes = 16

/**
 * Everything secret comes from one key of 32 bytes (HKDF-SHA-256, one purpose one key), so that one thing has to be kept and backed up.
 */
export interface MasterKey {
  /** Signs voter cookies. */
  cookieHmac: HmacSha256
  /** Signs receipts. */
  receiptHmac: HmacSha256
  /** Chains the audit trail. */
  auditHmac: HmacSha256
  /** Signs challenges of guarded polls. */
  challengeHmac: HmacSha256
  /** Stands in for usernames among the attempts to sign in. */
  signInHmac: HmacSha256
  /** The key by which addresses are hashed on one day (days since 1970, UTC). */
  addressKeyOf(day: number): Buffer
  /** 16 hexadecimal digits that tell two keys apart and reveal neither. */
  fingerprint: string
  /** AES-256-GCM: nonce (12 bytes), ciphertext, tag (16). `context` names what is sealed; opening with another context fails. */
  seal(plain: Uint8Array, context: string): Buffer
  /** Throws if the bytes were not sealed by this key for this context. */
  unseal(sealed: Uint8Array, context: string): Buffer
}

export function openMasterKey(key: Uint8Array): MasterKey {
  if (key.length !== masterKeyBytes) throw new RangeError(`expected a master key of ${masterKeyBytes} bytes, got ${key.length}`)
  const derive = (purpose: string) => Buffer.from(hkdfSync('sha256', key, '', `urna ${purpose} v1`, 32))
  const sealingKey = derive('sealing')
  return {
    cookieHmac: hmacSha256(derive('cookie')),
    receiptHmac: hmacSha256(derive('receipt')),
    auditHmac: hmacSha256(derive('audit')),
    challengeHmac: hmacSha256(derive('challenge')),
    signInHmac: hmacSha256(derive('sign-in')),
    addressKeyOf: (day) => derive(`address ${day}`),
    fingerprint: derive('fingerprint').toString('hex').slice(0, 16),
    seal(plain, context) {
      const nonce = randomBytes(nonceBytes)
      const cipher = createCipheriv('aes-256-gcm', sealingKey, nonce).setAAD(Buffer.from(context))
      return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()])
    },
    unseal(sealed, context) {
      const bytes = asBuffer(sealed)
      const decipher = createDecipheriv('aes-256-gcm', sealingKey, bytes.subarray(0, nonceBytes), { authTagLength: tagBytes })
      decipher.setAAD(Buffer.from(context)).setAuthTag(bytes.subarray(bytes.length - tagBytes))
      return Buffer.concat([decipher.update(bytes.subarray(nonceBytes, bytes.length - tagBytes)), decipher.final()])
    },
  }
}

/** Everything that is sealed in this installation was sealed with another key. The message is for the person at the terminal. */
export class ForeignMasterKeyError extends Error {
  override name = 'ForeignMasterKeyError'

  /** Two fingerprints. */
  constructor({ stored, given }: { readonly stored: string; readonly given: string }) {
    super(
      `This database was set up with another master key (fingerprint ${stored}; the key given now has ${given}). With this one no cookie, no ` +
        'receipt and no poll secret can be read. Put the right key back: MASTER_KEY or MASTER_KEY_FILE, or without them DATA_DIR/master.key.',
    )
  }
}

/** Seals and opens the secret of one poll (32 random bytes, made with the poll). */
export function sealPollSecret(masterKey: MasterKey, pollId: string, secret: Uint8Array): Buffer {
  return masterKey.seal(secret, `poll secret ${pollId}`)
}

export function unsealPollSecret(masterKey: MasterKey, pollId: string, sealed: Uint8Array): Buffer {
  return masterKey.unseal(sealed, `poll secret ${pollId}`)
}
