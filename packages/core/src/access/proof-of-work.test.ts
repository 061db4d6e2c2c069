import { createHmac, hkdfSync, randomBytes } from 'node:crypto'
import { createChallenge, solveChallenge, verifySolution } from 'altcha-lib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { identityOf } from '../ballot/identity.ts'
import { newPollId } from '../poll/poll-id.ts'
import { systemIds } from '../ports/id-generator.ts'
import { openMasterKey } from '../secrets/master-key.ts'
import { type Challenge, challengeLifeMs, checkProof, makeChallenge, proofText } from './proof-of-work.ts'

const key = randomBytes(32)
const masterKey = openMasterKey(key)
const pollId = newPollId(systemIds)
const identity = identityOf('key', 'a-key-of-somebody')
const nowMs = 1_795_262_400_123
const request = { pollId, identity, maxNumber: 300, nowMs }

function make(changes: Partial<typeof request> = {}): Challenge {
  return makeChallenge({ masterKey, ids: systemIds }, { ...request, ...changes })
}

async function solve({ challenge, salt, maxNumber }: Challenge): Promise<number> {
  const solution = await solveChallenge(challenge, salt, 'SHA-256', maxNumber).promise
  if (solution === null) throw new Error('there is no solution')
  return solution.number
}

const check = (text: string, changes: Partial<typeof request> = {}) => checkProof(masterKey, text, { ...request, ...changes })
const invalid = { ok: false, failure: 'invalid' }

describe('a challenge', () => {
  it('is solved by the solver of ALTCHA, and then proves the work', async () => {
    const challenge = make()
    const number = await solve(challenge)
    expect(number).toBeGreaterThanOrEqual(1)
    expect(number).toBeLessThanOrEqual(300)
    expect(check(proofText(challenge, number))).toEqual({ ok: true, value: { expiresAtMs: challenge.expiresAtMs } })
  })

  it('is signed as ALTCHA signs: who has the key can verify it with ALTCHA', async () => {
    const challenge = make({ nowMs: Date.now() })
    const proof = proofText(challenge, await solve(challenge))
    // ALTCHA takes a key as text; this is one whose HMAC is known.
    const hmacKey = 'a key as text'
    const signature = createHmac('sha256', hmacKey).update(challenge.challenge).digest('hex')
    expect(await verifySolution({ ...JSON.parse(Buffer.from(proof, 'base64').toString()), signature }, hmacKey)).toBe(true)
    const derived = Buffer.from(hkdfSync('sha256', key, '', 'urna challenge v1', 32))
    expect(challenge.signature).toBe(createHmac('sha256', derived).update(challenge.challenge).digest('hex'))
  })

  it('without work is solved by 0, and one with work never', async () => {
    const free = make({ maxNumber: 0 })
    expect(check(proofText(free, 0)).ok).toBe(true)
    for (let time = 0; time < 200; time++) expect(await solve(make({ maxNumber: 1 }))).toBe(1)
  })

  it('has numbers of the whole range', async () => {
    const numbers = await Promise.all(Array.from({ length: 400 }, () => solve(make({ maxNumber: 4 }))))
    // Each of 4 is missed by 400 draws with a chance of 0.75^400 = 1e-50.
    expect([...new Set(numbers)].sort()).toEqual([1, 2, 3, 4])
  })

  it('is another one each time', () => {
    expect(new Set(Array.from({ length: 100 }, () => make({ maxNumber: 0 }).salt)).size).toBe(100)
  })

  it('does not carry the identity', () => {
    const { salt } = make()
    for (const encoding of ['hex', 'base64', 'base64url'] as const) expect(salt).not.toContain(identity.toString(encoding).slice(0, 12))
  })
})

describe('a proof is refused', () => {
  it('for another poll or another voter', async () => {
    const challenge = make()
    const proof = proofText(challenge, await solve(challenge))
    expect(check(proof, { pollId: newPollId(systemIds) })).toEqual(invalid)
    expect(check(proof, { identity: identityOf('key', 'a-key-of-another') })).toEqual(invalid)
    expect(check(proof, { identity: identityOf('voter', 'a-key-of-somebody') })).toEqual(invalid)
    expect(check(proof).ok).toBe(true)
  })

  it('ten minutes after it was asked for, and says so', async () => {
    const challenge = make()
    const proof = proofText(challenge, await solve(challenge))
    expect(challenge.expiresAtMs).toBe(Math.ceil((nowMs + challengeLifeMs) / 1_000) * 1_000)
    expect(check(proof, { nowMs: challenge.expiresAtMs - 1 }).ok).toBe(true)
    expect(check(proof, { nowMs: challenge.expiresAtMs })).toEqual({ ok: false, failure: 'expired' })
    // Whose it is counts before how old it is.
    expect(check(proof, { nowMs: challenge.expiresAtMs, identity: identityOf('key', 'a-key-of-another') })).toEqual(invalid)
  })

  it('with the signature of another challenge, or signed by another key', async () => {
    const [one, other] = [make(), make()]
    const number = await solve(one)
    expect(check(proofText({ ...one, signature: other.signature }, number))).toEqual(invalid)
    expect(check(proofText({ ...other, salt: one.salt }, number))).toEqual(invalid)
    expect(check(proofText({ ...one, salt: other.salt }, number))).toEqual(invalid)
    const foreign = makeChallenge({ masterKey: openMasterKey(randomBytes(32)), ids: systemIds }, { ...request, maxNumber: 0 })
    expect(check(proofText(foreign, 0))).toEqual(invalid)
  })

  it('when a digit moves from the number into the salt, as a challenge of ALTCHA itself would allow without its last sign', async () => {
    const { signature, ...rest } = await createChallenge({ hmacKey: 'k', salt: 'abc', number: 123 })
    expect(rest.salt).toBe('abc&')
    let challenge = make({ maxNumber: 5_000 })
    let number = await solve(challenge)
    while (number < 10) {
      challenge = make({ maxNumber: 5_000 })
      number = await solve(challenge)
    }
    const [first, ...digits] = String(number)
    expect(check(proofText({ ...challenge, salt: challenge.salt + first }, Number(digits.join(''))))).toEqual(invalid)
  })

  it('with another number', async () => {
    const challenge = make()
    const number = await solve(challenge)
    for (const other of [number - 1, number + 1, 0, -number, number + 0.5, 1e21, Number.NaN]) {
      if (other !== number) expect(check(proofText(challenge, other))).toEqual(invalid)
    }
  })

  it.each([
    ['', 'nothing'],
    ['%%%', 'no base64'],
    [btoa('{"algorithm":'), 'no JSON'],
    [btoa('null'), 'null'],
    [btoa('[]'), 'a list'],
    [btoa('{}'), 'an empty object'],
    ['A'.repeat(100_000), 'a long text'],
  ])('that is %j (%s)', (text) => {
    expect(check(text)).toEqual(invalid)
  })

  it('of another algorithm', async () => {
    const challenge = make()
    const proof = { ...challenge, algorithm: 'SHA-1', number: await solve(challenge) }
    expect(check(Buffer.from(JSON.stringify(proof)).toString('base64'))).toEqual(invalid)
  })

  it('after any change of a field, whatever it is', async () => {
    const challenge = make()
    const good = {
      algorithm: 'SHA-256',
      challenge: challenge.challenge,
      number: await solve(challenge),
      salt: challenge.salt,
      signature: challenge.signature,
    }
    const encode = (proof: object) => Buffer.from(JSON.stringify(proof)).toString('base64')
    expect(check(encode(good)).ok).toBe(true)
    const fields = Object.keys(good) as (keyof typeof good)[]
    const changed = fc.oneof(
      // A character of one field is another one, is gone, or stands there twice.
      fc
        .tuple(fc.constantFrom(...fields), fc.nat(), fc.constantFrom('other', 'gone', 'twice'), fc.constantFrom(...'0123456789abcdefz&=?'))
        .map(([field, at, what, character]) => {
          const text = String(good[field])
          const place = at % text.length
          const middle = what === 'other' ? character : what === 'gone' ? '' : text.charAt(place).repeat(2)
          const value = text.slice(0, place) + middle + text.slice(place + 1)
          return { ...good, [field]: field === 'number' ? Number(value) : value }
        }),
      // A field is anything, or missing.
      fc.tuple(fc.constantFrom(...fields), fc.jsonValue()).map(([field, value]) => ({ ...good, [field]: value })),
      fc.constantFrom(...fields).map((field) => ({ ...good, [field]: undefined })),
    )
    fc.assert(
      fc.property(changed, (proof) => {
        fc.pre(JSON.stringify(proof) !== JSON.stringify(good))
        expect(check(encode(proof))).toEqual(invalid)
      }),
      { numRuns: 5_000 },
    )
  })

  it('after any change of its bytes that changes what it says', async () => {
    const challenge = make()
    const proof = Buffer.from(proofText(challenge, await solve(challenge)), 'base64')
    const said = JSON.stringify(JSON.parse(proof.toString()))
    fc.assert(
      fc.property(fc.nat(proof.length - 1), fc.integer({ min: 0, max: 255 }), (at, byte) => {
        const changed = Buffer.from(proof)
        changed[at] = byte
        const result = check(changed.toString('base64'))
        if (!result.ok) return
        // White space, or the like.
        expect(JSON.stringify(JSON.parse(changed.toString()))).toBe(said)
      }),
      { numRuns: 5_000 },
    )
  })
})
