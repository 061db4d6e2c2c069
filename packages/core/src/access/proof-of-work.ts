import { hash, timingSafeEqual } from 'node:crypto'
import type { Identity } from '../ballot/identity.ts'
import type { PollId } from '../poll/poll.ts'
import type { IdGenerator } from '../ports/id-generator.ts'
import { failure, type Result, success } from '../result.ts'
import type { MasterKey } from '../secrets/master-key.ts'

/**
 * Proof of work in the form of ALTCHA: find the number for which SHA-256(salt + number) is `challenge`. The salt says for which voter of which poll
 * it is, until when, and how hard it is; the signature over `challenge` covers all of that and the number. So nothing is stored of a challenge, and
 * whoever sends a proof again is the same voter.
 *
 * Not altcha-lib: it wants its HMAC key as a text, and ours never leaves the master key; it waits for `crypto.subtle` at every hash; and whom a
 * challenge is for, it would leave to us. A test solves ours with its solver and verifies its own form against it.
 */
export interface Challenge {
  readonly algorithm: 'SHA-256'
  /** SHA-256(salt + number), hexadecimal. */
  readonly challenge: string
  readonly salt: string
  /** HMAC of `challenge`, hexadecimal. */
  readonly signature: string
  /** The number is in 0..maxNumber. */
  readonly maxNumber: number
  /** Epoch milliseconds, whole seconds. */
  readonly expiresAtMs: number
}

/** `invalid`: it is not one of ours for this voter in this poll, or not solved. `expired`: it was. */
export type ProofFault = 'invalid' | 'expired'

/** Long enough for a slow telephone, a lost connection and a second try; then a new one is asked for. */
export const challengeLifeMs = 600_000
/** The salt ends with a sign that no number begins with: else a digit could move from the one to the other. */
const saltPattern = /^[0-9a-f]{24}\?poll=([0-9a-z]{16})&voter=([0-9a-f]{32})&expires=(\d{10,12})&max=(\d{1,9})&$/
const hexPattern = /^[0-9a-f]{64}$/
/** A proof of ours has about 480 characters. */
const proofLengthMax = 1_024

type Signer = Pick<MasterKey, 'challengeHmac'>

/** For one voter in one poll. `maxNumber` 0: the number is 0, so there is no work; else it is 1..maxNumber, each as likely. */
export function makeChallenge(
  { masterKey, ids }: { masterKey: Signer; ids: IdGenerator },
  request: { pollId: PollId; identity: Identity; maxNumber: number; nowMs: number },
): Challenge {
  const { pollId, identity, maxNumber, nowMs } = request
  const expires = Math.ceil((nowMs + challengeLifeMs) / 1_000)
  const random = ids.randomBytes(18)
  const salt = `${random.toString('hex', 0, 12)}?poll=${pollId}&voter=${voterMark(identity)}&expires=${expires}&max=${maxNumber}&`
  const challenge = hash('sha256', `${salt}${secretNumber(random.subarray(12), maxNumber)}`, 'hex')
  return { algorithm: 'SHA-256', challenge, salt, signature: sign(masterKey, challenge), maxNumber, expiresAtMs: expires * 1_000 }
}

/** What a voter sends: base64 of the JSON {algorithm, challenge, number, salt, signature}. */
export function proofText({ algorithm, challenge, salt, signature }: Omit<Challenge, 'maxNumber' | 'expiresAtMs'>, number: number): string {
  return Buffer.from(JSON.stringify({ algorithm, challenge, number, salt, signature })).toString('base64')
}

/** Whether the text proves the work of this voter in this poll. Reads nothing but the text. */
export function checkProof(
  masterKey: Signer,
  text: string,
  expected: { pollId: PollId; identity: Identity; nowMs: number },
): Result<{ expiresAtMs: number }, ProofFault> {
  const proof = readProof(text)
  if (proof === null) return failure('invalid')
  const { challenge, number, salt, signature } = proof
  // First whether it is ours: nothing else of what a stranger wrote is looked at.
  if (!timingSafeEqual(Buffer.from(sign(masterKey, challenge), 'hex'), Buffer.from(signature, 'hex'))) return failure('invalid')
  if (hash('sha256', `${salt}${number}`, 'hex') !== challenge) return failure('invalid')
  const [, pollId, voter, expires = '', max = ''] = saltPattern.exec(salt) ?? []
  if (pollId !== expected.pollId || voter !== voterMark(expected.identity) || number > Number(max)) return failure('invalid')
  const expiresAtMs = Number(expires) * 1_000
  return expected.nowMs < expiresAtMs ? success({ expiresAtMs }) : failure('expired')
}

interface Proof {
  readonly challenge: string
  readonly number: number
  readonly salt: string
  readonly signature: string
}

/** Null: not in the form of a proof. */
function readProof(text: string): Proof | null {
  if (text.length > proofLengthMax) return null
  let parsed: unknown
  try {
    parsed = JSON.parse(Buffer.from(text, 'base64').toString())
  } catch {
    return null
  }
  if (typeof parsed !== 'object' || parsed === null) return null
  const { algorithm, challenge, number, salt, signature } = parsed as Record<string, unknown>
  if (algorithm !== 'SHA-256' || !Number.isSafeInteger(number) || (number as number) < 0) return null
  if (typeof challenge !== 'string' || !hexPattern.test(challenge) || typeof signature !== 'string' || !hexPattern.test(signature))
    return null
  if (typeof salt !== 'string' || !saltPattern.test(salt)) return null
  return { challenge, number: number as number, salt, signature }
}

/** The voter's identity is as good as the cookie: what stands in the salt is a hash of it. */
function voterMark(identity: Identity): string {
  return hash('sha256', identity, 'hex').slice(0, 32)
}

function sign({ challengeHmac }: Signer, challenge: string): string {
  return challengeHmac(Buffer.from(challenge)).toString('hex')
}

/** Never 0 where there is work to do: who does none would be right now and then. 48 bits of chance make the likeliest number 1 in 10^9 likelier. */
function secretNumber(random: Buffer, maxNumber: number): number {
  return maxNumber === 0 ? 0 : 1 + (random.readUIntBE(0, 6) % maxNumber)
}
