import { argon2, randomBytes, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'

/** What OWASP asks of argon2id: 19 MiB, twice over, one lane. About 20 ms on the machines of 2026. */
const memoryKiB = 19_456
const passes = 2
const lanes = 1
const saltBytes = 16
const tagBytes = 32

const derive = promisify(argon2)
const phcPattern = /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,3}),p=(\d{1,3})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,86})$/

const unpadded = (bytes: Buffer) => bytes.toString('base64').replaceAll('=', '')

function phc(salt: Buffer, tag: Buffer): string {
  return `$argon2id$v=19$m=${memoryKiB},t=${passes},p=${lanes}$${unpadded(salt)}$${unpadded(tag)}`
}

/** Texts that look the same are the same password, however the keyboard coded their accents. */
function bytesOf(password: string): Buffer {
  return Buffer.from(password.normalize('NFC'))
}

/** argon2id of the password with a new salt, as a PHC string. Works beside the main thread, for some tens of milliseconds. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(saltBytes)
  const tag = await derive('argon2id', {
    message: bytesOf(password),
    nonce: salt,
    memory: memoryKiB,
    passes,
    parallelism: lanes,
    tagLength: tagBytes,
  })
  return phc(salt, tag)
}

/** Whether this is the password. Takes as long for a wrong one as for the right one. Throws for what {@link hashPassword} did not make. */
export async function verifyPassword(password: string, stored: string): Promise<boolean> {
  const [, memory, time, parallelism, salt = '', tag = ''] = phcPattern.exec(stored) ?? []
  if (memory === undefined) throw new RangeError('expected a password hash of argon2id in PHC form')
  const expected = Buffer.from(tag, 'base64')
  const actual = await derive('argon2id', {
    message: bytesOf(password),
    nonce: Buffer.from(salt, 'base64'),
    memory: Number(memory),
    passes: Number(time),
    parallelism: Number(parallelism),
    tagLength: expected.length,
  })
  return timingSafeEqual(actual, expected)
}

/** It was made with other parameters than a new one would be. */
export function needsRehash(stored: string): boolean {
  return !stored.startsWith(`$argon2id$v=19$m=${memoryKiB},t=${passes},p=${lanes}$`)
}

/** A hash of no password: to check a guess at somebody who does not exist takes as long as at somebody who does. */
export function hashOfNoPassword(): string {
  return phc(randomBytes(saltBytes), randomBytes(tagBytes))
}
