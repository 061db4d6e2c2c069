/** Deeper than any body of ours is by far. */
export const jsonDepthMax = 32

const [quote, backslash, openBrace, closeBrace, openBracket, closeBracket] = [...Buffer.from('"\\{}[]')] as [
  number,
  number,
  number,
  number,
  number,
  number,
]

/**
 * Whether JSON in these bytes is nested deeper than that. Looks at each byte at most once and keeps nothing, so that it costs less than
 * the parsing that it comes before; for bytes that are no JSON the answer means nothing.
 */
export function isDeeperThan(depthMax: number, bytes: Uint8Array): boolean {
  let depth = 0
  let isInText = false
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]
    if (isInText) {
      if (byte === backslash) at++
      else if (byte === quote) isInText = false
    } else if (byte === quote) isInText = true
    else if (byte === openBracket || byte === openBrace) {
      if (++depth > depthMax) return true
    } else if (byte === closeBracket || byte === closeBrace) depth--
  }
  return false
}
