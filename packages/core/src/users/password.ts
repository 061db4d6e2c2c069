import { argon2, randomBytes, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { crockfordAlphabet } from '../crockford.ts'
import type { IdGenerator } from '../ports/id-generator.ts'

const argon2Async = promisify(argon2)

interface Cost {
  /** KiB. */
  readonly memory: number
  readonly passes: number
  readonly parallelism: number
}

/** What OWASP asks of argon2id at least: 19 MiB, twice through, in one lane. Some 30 ms of one core. */
const cost: Cost = { memory: 19_456, passes: 2, parallelism: 1 }
const saltBytes = 16
const tagBytes = 32

/** Of a stored hash at most: a row that somebody wrote must not take all memory. */
const costMax: Cost = { memory: 1_048_576, passes: 16, parallelism: 16 }

interface Parsed extends Cost {
  readonly salt: Buffer
  readonly tag: Buffer
}

const phcPattern = /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,86})$/

/**
 * argon2id, as a PHC string: `$argon2id$v=19$m=19456,t=2,p=1$salt$hash`, at most 255 characters of ASCII. The work is done in a thread of the pool. Every
 * character of the password counts; texts that look the same are the same password, however the keyboard coded their accents (NFC).
 */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(saltBytes)
  const tag = await derive(password, { ...cost, salt }, tagBytes)
  return `$argon2id$v=19$m=${cost.memory},t=${cost.passes},p=${cost.parallelism}$${base64(salt)}$${base64(tag)}`
}

/**
 * Whether this is the password. Null (there is no such user, or none with a password) takes as long as a wrong password: what comes back, and when, does not tell who
 * there is. False, too, for a hash that is none.
 */
export async function verifyPassword(password: string, hash: string | null): Promise<boolean> {
  const parsed = hash === null ? null : parse(hash)
  const { salt, tag, ...stored } = parsed ?? { ...cost, salt: Buffer.alloc(saltBytes), tag: Buffer.alloc(tagBytes) }
  const derived = await derive(password, { ...stored, salt }, tag.length)
  return timingSafeEqual(derived, tag) && parsed !== null
}

/** True if the hash was made with less than what is asked for today: make another one when the password is at hand. */
export function needsRehash(hash: string): boolean {
  const parsed = parse(hash)
  if (parsed === null) return true
  return parsed.memory < cost.memory || parsed.passes < cost.passes || parsed.salt.length < saltBytes || parsed.tag.length < tagBytes
}

/** A password for somebody who will choose another: 125 random bits as five groups of five characters. */
export function generatedPassword(ids: Pick<IdGenerator, 'randomBytes'>): string {
  const characters = [...ids.randomBytes(25)].map((byte) => crockfordAlphabet[byte & 31]).join('')
  return (characters.match(/.{5}/g) as string[]).join('-')
}

function parse(hash: string): Parsed | null {
  const [, memory, passes, parallelism, salt, tag] = phcPattern.exec(hash) ?? []
  if (salt === undefined || tag === undefined) return null
  const found = { memory: Number(memory), passes: Number(passes), parallelism: Number(parallelism) }
  const isSane =
    found.passes >= 1 &&
    found.passes <= costMax.passes &&
    found.parallelism >= 1 &&
    found.parallelism <= costMax.parallelism &&
    found.memory >= 8 * found.parallelism &&
    found.memory <= costMax.memory
  return isSane ? { ...found, salt: Buffer.from(salt, 'base64'), tag: Buffer.from(tag, 'base64') } : null
}

function derive(password: string, { memory, passes, parallelism, salt }: Cost & { salt: Buffer }, tagLength: number): Promise<Buffer> {
  return argon2Async('argon2id', { message: Buffer.from(password.normalize('NFC')), nonce: salt, parallelism, tagLength, memory, passes })
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64').replace(/=+$/, '')
}
