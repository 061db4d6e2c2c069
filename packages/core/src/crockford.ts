/** Crockford's base 32: no i, l, o, u, so that what is read aloud or typed from paper is not mistaken. */
export const crockfordAlphabet = '0123456789abcdefghjkmnpqrstvwxyz'

/** 5 bits a character; the spare bits of the last one are zero. */
export function crockfordOf(bytes: Uint8Array): string {
  let text = ''
  let bits = 0
  let value = 0
  for (const byte of bytes) {
    value = ((value << 8) | byte) & 0xfff
    bits += 8
    while (bits >= 5) {
      bits -= 5
      text += crockfordAlphabet[(value >> bits) & 31]
    }
  }
  return bits === 0 ? text : text + crockfordAlphabet[(value << (5 - bits)) & 31]
}

/** Null: a character that is none of the alphabet (lower case), or spare bits at the end that are not zero. So no two texts are the same bytes. */
export function bytesOfCrockford(text: string): Buffer | null {
  const bytes = Buffer.alloc(Math.floor((text.length * 5) / 8))
  let bits = 0
  let value = 0
  let length = 0
  for (const character of text) {
    const digit = crockfordAlphabet.indexOf(character)
    if (digit < 0) return null
    value = ((value << 5) | digit) & 0xfff
    bits += 5
    if (bits >= 8) {
      bits -= 8
      bytes[length++] = (value >> bits) & 255
    }
  }
  return bits < 5 && (value & ((1 << bits) - 1)) === 0 ? bytes : null
}
