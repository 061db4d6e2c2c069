import { sha256 } from '@noble/hashes/sha2.js'
import type { Voter } from './voter.ts'

/** Who votes with this code. Its name in storage is a hash: the code itself must not outlive the tab. */
export function codeVoter(pollId: string, code: string): Voter {
  const hash = sha256(new TextEncoder().encode(`urna code ${pollId} ${code}`)).slice(0, 8)
  const mark = Array.from(hash, (byte) => byte.toString(16).padStart(2, '0')).join('')
  return { pollId, level: 'code', name: `${pollId}:code-${mark}`, code }
}
