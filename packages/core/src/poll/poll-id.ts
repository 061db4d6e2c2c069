import type { IdGenerator } from '../ports/id-generator.ts'
import type { PollId } from './poll.ts'

// Crockford's base 32: no i, l, o, u, so that an id read aloud or typed from paper is not mistaken.
const alphabet = '0123456789abcdefghjkmnpqrstvwxyz'
export const pollIdBytes = 10

export function newPollId(ids: IdGenerator): PollId {
  return pollIdFromBytes(ids.randomBytes(pollIdBytes))
}

/** 10 bytes -> 16 characters. */
export function pollIdFromBytes(bytes: Uint8Array): PollId {
  let text = ''
  let bits = 0
  let value = 0
  for (const byte of bytes) {
    value = (value << 8) | byte
    bits += 8
    while (bits >= 5) {
      bits -= 5
      text += alphabet[(value >> bits) & 31]
    }
  }
  return text as PollId
}

/** 16 characters -> 10 bytes; null if the text is no poll id. */
export function pollIdToBytes(id: string): Buffer | null {
  if (id.length !== 16) return null
  const bytes = Buffer.alloc(pollIdBytes)
  let bits = 0
  let value = 0
  let length = 0
  for (const character of id) {
    const digit = alphabet.indexOf(character)
    if (digit < 0) return null
    value = (value << 5) | digit
    bits += 5
    if (bits >= 8) {
      bits -= 8
      bytes[length++] = (value >> bits) & 255
    }
    value &= 0xff
  }
  return bytes
}

export function parsePollId(text: string): PollId | null {
  return pollIdToBytes(text) === null ? null : (text as PollId)
}
