import { hash } from 'node:crypto'
import { asBuffer } from '../bytes.ts'

const blockBytes = 64
const digestBytes = 32

export type HmacSha256 = (message: Uint8Array) => Buffer

/**
 * HMAC-SHA-256 (RFC 2104) with the key prepared once. Returns 32 bytes.
 *
 * Built from two one-shot hashes: `createHmac` looks its algorithm up at every call and costs six times as much (12 us against 2 us
 * where it was measured), and a ballot needs three of these. A test compares it with `createHmac` on random keys and messages.
 */
export function hmacSha256(key: Uint8Array): HmacSha256 {
  const shortKey = key.length > blockBytes ? hash('sha256', key, 'buffer') : asBuffer(key)
  const inner = Buffer.alloc(blockBytes, 0x36)
  const outer = Buffer.alloc(blockBytes + digestBytes, 0x5c)
  shortKey.forEach((byte, index) => {
    inner[index] = byte ^ 0x36
    outer[index] = byte ^ 0x5c
  })
  return (message) => {
    const innerMessage = Buffer.allocUnsafe(blockBytes + message.length)
    inner.copy(innerMessage)
    innerMessage.set(message, blockBytes)
    hash('sha256', innerMessage, 'buffer').copy(outer, blockBytes)
    return hash('sha256', outer, 'buffer')
  }
}
