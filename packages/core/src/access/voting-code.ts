import { bytesOfCrockford, crockfordOf } from '../crockford.ts'
import type { IdGenerator } from '../ports/id-generator.ts'

/** 16 random bytes: who has them is one voter of one poll. Nobody guesses them, so a plain hash is enough to keep. */
export type VotingCodeSecret = Buffer

export const votingCodeBytes = 16
/** 26 characters hold 130 bits; the two spare ones are zero. */
const characters = 26
const groupLength = 4

export function newVotingCode(ids: IdGenerator): VotingCodeSecret {
  return ids.randomBytes(votingCodeBytes)
}

/** As it is shown: lower case, in groups of four. */
export function votingCodeText(code: Uint8Array): string {
  const text = crockfordOf(code)
  return (text.match(new RegExp(`.{1,${groupLength}}`, 'g')) ?? []).join('-')
}

/**
 * What somebody typed, pasted or scanned. Case, blanks and dashes do not count; i and l are read as 1, o as 0. Null: no code at all. Two
 * texts that differ in anything else are never the same code.
 */
export function parseVotingCode(text: string): VotingCodeSecret | null {
  // Longer than any way to write one: nothing is done with it.
  if (text.length > 4 * characters) return null
  const read = text.replaceAll(/[\s-]/g, '').toLowerCase().replaceAll('o', '0').replaceAll(/[il]/g, '1')
  return read.length === characters ? bytesOfCrockford(read) : null
}
