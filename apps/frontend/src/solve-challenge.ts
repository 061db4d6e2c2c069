import { sha256 } from '@noble/hashes/sha2.js'

/** What has to be solved: the `number` in 0..maxNumber for which SHA-256(salt + number) is `challenge`. */
export interface Work {
  readonly challenge: string
  readonly salt: string
  readonly maxNumber: number
}

/**
 * Looks in from..to, both included; null: it is not there. Not with `crypto.subtle`: browsers have that only on https and localhost, a home network is often
 * plain http; and a promise for each of so many short texts would be slower.
 */
export function solveBetween({ challenge, salt }: Work, from: number, to: number): number | null {
  const wanted = Uint8Array.from(challenge.match(/../g) ?? [], (digits) => Number.parseInt(digits, 16))
  const encoder = new TextEncoder()
  // The salt is hashed once; each number only adds its digits.
  const salted = sha256.create().update(encoder.encode(salt))
  const found = new Uint8Array(32)
  let work: typeof salted | undefined
  for (let number = from; number <= to; number++) {
    work = salted._cloneInto(work)
    work.update(encoder.encode(String(number))).digestInto(found)
    if (found[0] === wanted[0] && found[1] === wanted[1] && found.every((byte, index) => byte === wanted[index])) return number
  }
  return null
}
