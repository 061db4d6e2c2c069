import { argon2Sync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { systemIds } from '../ports/id-generator.ts'
import { generatedPassword, hashPassword, needsRehash, verifyPassword } from './password.ts'

/** As another program would make it. */
function phc(password: string, { m = 19_456, t = 2, p = 1, salt = 'sixteen bytes ok', tagLength = 32, v = 19 } = {}): string {
  const parameters = { message: password, nonce: Buffer.from(salt), parallelism: p, tagLength, memory: m, passes: t }
  const [first, second] = [Buffer.from(salt), argon2Sync('argon2id', parameters)].map((bytes) => bytes.toString('base64').replace(/=/g, ''))
  return `$argon2id$v=${v}$m=${m},t=${t},p=${p}$${first}$${second}`
}

describe('a password', () => {
  it('is known again, and no other is, to the last byte', async () => {
    for (const password of ['correct horse battery', 'é 🗳️ ¿', 'x'.repeat(200), ' blanks at the ends ', 'nul\u0000inside']) {
      const hash = await hashPassword(password)
      expect(hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/)
      expect(hash).not.toBe(await hashPassword(password))
      expect(await verifyPassword(password, hash)).toBe(true)
      for (const other of [`${password}x`, password.slice(1), password.toUpperCase(), ''])
        expect(await verifyPassword(other, hash)).toBe(false)
      expect(needsRehash(hash)).toBe(false)
    }
    // Coded in another way it is another one.
    expect(await verifyPassword('e\u0301'.repeat(12), await hashPassword('\u00e9'.repeat(12)))).toBe(false)
  })

  it('is that of the standard: a known answer, and hashes of other costs', async () => {
    // RFC 9106 names argon2id; this one was made with the reference program: argon2 somesalt -id -t 2 -k 65536 -p 1
    const known = '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc'
    expect(await verifyPassword('password', known)).toBe(true)
    expect(await verifyPassword('Password', known)).toBe(false)
    expect(await verifyPassword('word', phc('word', { m: 64, t: 3, p: 4, tagLength: 16 }))).toBe(true)
  })

  it('of a hash that is none is wrong, and so is that of nobody, after the same work', async () => {
    const good = phc('word')
    const bad = [
      '',
      'word',
      good.replace('id', 'i'),
      good.replace('19$', '16$'),
      good.replace('m=19456', 'm=9999999'),
      good.replace('t=2', 't=0'),
    ]
    for (const hash of [...bad, good.replace('p=1', 'p=99'), `${good}=`, `${good}\n`, good.replace('m=19456', 'm=7'), null]) {
      expect(await verifyPassword('word', hash)).toBe(false)
      if (hash !== null) expect(needsRehash(hash)).toBe(true)
    }
    const millisecondsOf = async (hash: string | null) => {
      const startedMs = performance.now()
      for (let round = 0; round < 5; round++) await verifyPassword('word', hash)
      return performance.now() - startedMs
    }
    expect(await millisecondsOf(null)).toBeGreaterThan((await millisecondsOf(good)) / 4)
  })

  it('is hashed again where it was made with less', () => {
    expect(needsRehash(phc('word', { m: 19_455 }))).toBe(true)
    expect(needsRehash(phc('word', { t: 1 }))).toBe(true)
    expect(needsRehash(phc('word', { tagLength: 16 }))).toBe(true)
    expect(needsRehash(phc('word', { salt: 'eight by' }))).toBe(true)
    expect(needsRehash(phc('word', { m: 20_000, t: 3 }))).toBe(false)
  })

  it('that is generated can be typed, and is another each time', () => {
    const passwords = Array.from({ length: 200 }, () => generatedPassword(systemIds))
    for (const password of passwords) expect(password).toMatch(/^[0-9a-hjkmnp-tv-z]{5}(-[0-9a-hjkmnp-tv-z]{5}){4}$/)
    expect(new Set(passwords).size).toBe(200)
    // All 32 characters come: 5 bits each.
    expect(new Set(passwords.join('').replaceAll('-', '')).size).toBe(32)
  })
})
