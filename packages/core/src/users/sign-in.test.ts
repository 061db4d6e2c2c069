import { argon2Sync, randomBytes } from 'node:crypto'
import { beforeEach, describe, expect, it } from 'vitest'
import { systemIds } from '../ports/id-generator.ts'
import { addressHashes } from '../secrets/address-hash.ts'
import { openMasterKey } from '../secrets/master-key.ts'
import { InMemoryPeople } from '../testing/in-memory-people.ts'
import { commandLine } from './actor.ts'
import { hashPassword } from './password.ts'
import { PasswordsOverloadedError, passwordWork } from './password-work.ts'
import { delayAfter, delayMsMax, freeFailures, type SignIn, sessionsPerUserMax, signIn } from './sign-in.ts'
import { secretHash } from './user.ts'

const password = 'correct horse battery'
const noonMs = Date.UTC(2026, 10, 21, 12)

let people: InMemoryPeople
let clock: { ms: number; nowMs(): number }
let door: SignIn
let stored: string

beforeEach(async () => {
  stored ??= await hashPassword(password)
  people = new InMemoryPeople()
  clock = {
    ms: noonMs,
    nowMs() {
      return this.ms
    },
  }
  door = newDoor()
  await addUser('ana', stored)
})

/** Another one is another process on the same database. */
function newDoor(passwords = passwordWork()): SignIn {
  const masterKey = openMasterKey(Buffer.alloc(32, 7))
  const hashAddress = addressHashes(masterKey, clock)
  return signIn({ ...people, passwords, signInHmac: masterKey.signInHmac, hashAddress, clock, ids: systemIds })
}

async function addUser(username: string, passwordHash: string | null): Promise<number> {
  const input = { username, name: '', secondName: '', email: '', role: 'voter' } as const
  const entry = { atMs: clock.ms, actor: commandLine, action: 'user.created', details: {} }
  const made = await people.users.create({ ...input, passwordHash, votingId: randomBytes(16), atMs: clock.ms }, entry)
  return made.kind === 'done' ? made.id : 0
}

/** What comes of it: `in`, `failed`, or the seconds to wait. */
async function attempt(given = password, username = 'ana', address = '192.0.2.1', at = door): Promise<'in' | 'failed' | number> {
  const checked = await at.check({ username, password: given, address })
  if (checked.ok) return 'in'
  return checked.failure.kind === 'failed' ? 'failed' : checked.failure.waitMs / 1_000
}

describe('guesses', () => {
  it('wait longer and longer after three failures, up to 15 minutes', () => {
    expect([0, 1, 2, 3, 4, 5, 12, 13, 1_000].map((failures) => delayAfter(failures, 'username') / 1_000)).toEqual([
      0, 0, 0, 1, 2, 4, 512, 900, 900,
    ])
  })

  it('are refused during the delay, the right one too, and that costs nothing', async () => {
    for (let failures = 0; failures < 3; failures++) expect(await attempt('wrong')).toBe('failed')
    const before = await people.signInAttempts.read([...(await allKeys())])
    expect(await attempt('wrong')).toBe(1)
    expect(await attempt()).toBe(1)
    expect(await people.signInAttempts.read([...(await allKeys())])).toEqual(before)
    clock.ms += 1_000
    expect(await attempt('wrong')).toBe('failed')
    expect(await attempt()).toBe(2)
    clock.ms += 1_999
    expect(await attempt()).toBe(0.001)
    clock.ms += 1
    expect(await attempt()).toBe('in')
    // A success forgets: three are free again.
    for (let failures = 0; failures < 3; failures++) expect(await attempt('wrong')).toBe('failed')
    expect(await attempt()).toBe(1)
  })

  it('are counted for a username whatever its case, whoever guesses from wherever', async () => {
    for (const [index, username] of ['ana', 'ANA', 'Ana'].entries())
      expect(await attempt('wrong', username, `192.0.2.${index}`)).toBe('failed')
    expect(await attempt(password, 'aNa', '203.0.113.9')).toBe(1)
    await addUser('bruno', stored)
    expect(await attempt(password, 'bruno', '192.0.2.0')).toBe('in')
  })

  it('are counted for an address after twenty, whatever the usernames', async () => {
    for (let index = 0; index < freeFailures.address; index++) expect(await attempt('wrong', `nobody-${index}`)).toBe('failed')
    expect(await attempt()).toBe(1)
    expect(await attempt(password, 'ana', '192.0.2.2')).toBe('in')
  })

  it('are counted for the 64 bits of IPv6 that a household has, not for each of its addresses', async () => {
    for (let turn = 0; turn < 20; turn++) expect(await attempt('wrong', `somebody ${turn}`, `2001:db8:1:2::${turn}`)).toBe('failed')
    expect(await attempt('wrong', 'somebody else', '2001:db8:1:2:f:f:f:f')).toBe(1)
    expect(await attempt('wrong', 'somebody else', '2001:db8:1:3::1')).toBe('failed')
  })

  it('are forgotten after a day', async () => {
    for (let failures = 0; failures < 3; failures++) await attempt('wrong')
    clock.ms += 24 * 3_600_000
    for (let failures = 0; failures < 3; failures++) expect(await attempt('wrong')).toBe('failed')
    expect(await attempt()).toBe(1)
  })

  it('never wait longer than 15 minutes, not even when the clock was put back', async () => {
    for (let failures = 0; failures < 3; failures++) await attempt('wrong')
    clock.ms -= 12 * 3_600_000
    expect(await attempt()).toBe(delayMsMax.username / 1_000)
  })

  it('at once, at two processes, are not checked more often than one after the other', async () => {
    const doors = [newDoor(), newDoor()]
    const outcomes = await Promise.all(
      Array.from({ length: 40 }, (_, index) => attempt('wrong', 'ana', `192.0.2.${index}`, doors[index % 2])),
    )
    expect(outcomes.filter((outcome) => outcome === 'failed').length).toBeLessThanOrEqual(freeFailures.username)
    clock.ms += delayMsMax.username
    expect(await attempt()).toBe('in')
  })

  it('that wait for their turn are asked again when it comes', async () => {
    const oneByOne = newDoor(passwordWork({ atOnceMax: 1 }))
    const outcomes = await Promise.all(Array.from({ length: 10 }, () => attempt('wrong', 'ana', '192.0.2.1', oneByOne)))
    // 3 are free; the fourth finds that it has to wait a second
    expect(outcomes).toEqual(['failed', 'failed', 'failed', ...Array.from({ length: 7 }, () => 1)])
  })

  it('of an address stay when somebody there gets in: an own password is no way to new guesses', async () => {
    for (let index = 0; index < freeFailures.address; index++) {
      expect(await attempt()).toBe('in')
      expect(await attempt('wrong', `nobody-${index}`)).toBe('failed')
    }
    expect(await attempt('wrong', 'nobody else')).toBe(1)
  })

  it('of an address keep the others behind it waiting for ten seconds at most, however many mistype', async () => {
    for (let index = 0; index < 100; index++) {
      clock.ms += delayMsMax.address
      expect(await attempt('wrong', `somebody ${index}`)).toBe('failed')
    }
    expect(await attempt()).toBe(10)
    clock.ms += 10_000
    expect(await attempt()).toBe('in')
  })

  it('at somebody who does not exist, or has no password, end and are counted like any other', async () => {
    await addUser('bruno', null)
    for (const username of ['nobody', 'bruno']) {
      for (let failures = 0; failures < 3; failures++) expect(await attempt(password, username, '192.0.2.7')).toBe('failed')
      expect(await attempt(password, username, '192.0.2.8')).toBe(1)
    }
  })

  it('take as long at somebody who does not exist', async () => {
    // The shortest of nine: whatever else a machine does makes some of them longer, none shorter.
    const timeOf = async (username: string) => {
      const times: number[] = []
      for (let round = 0; round < 9; round++) {
        const began = performance.now()
        await attempt('wrong', username, `198.51.100.${round}`)
        times.push(performance.now() - began)
        clock.ms += delayMsMax.username
      }
      return Math.min(...times)
    }
    const [known, unknown] = [await timeOf('ana'), await timeOf('nobody')]
    // Without the same work it is a hundredth.
    expect(unknown).toBeGreaterThan(known / 3)
    expect(known).toBeGreaterThan(unknown / 3)
  })

  it('leave neither username nor address among the attempts', async () => {
    await attempt('wrong', 'ana', '192.0.2.1')
    const kept = (await allKeys()).map((key) => Buffer.from(key).toString('latin1')).join()
    expect(await allKeys()).toHaveLength(2)
    for (const text of ['ana', '192.0.2.1']) {
      expect(kept).not.toContain(text)
      for (const hashed of [secretHash(text), secretHash(text).subarray(0, 16)]) expect(kept).not.toContain(hashed.toString('latin1'))
    }
  })
})

/** Every key that was ever counted. */
async function allKeys(): Promise<Uint8Array[]> {
  const keys: Uint8Array[] = []
  const recorded = new InMemoryPeople()
  const record = {
    ...people,
    signInAttempts: { ...recorded.signInAttempts, addFailure: async (some: readonly Uint8Array[]) => void keys.push(...some) },
  }
  const masterKey = openMasterKey(Buffer.alloc(32, 7))
  const passwords = passwordWork()
  const recording = signIn({
    ...record,
    passwords,
    signInHmac: masterKey.signInHmac,
    hashAddress: addressHashes(masterKey, clock),
    clock,
    ids: systemIds,
  })
  await recording.check({ username: 'ana', password: 'wrong', address: '192.0.2.1' })
  return keys
}

/** Of the password, made with less than is asked for today. */
function cheapHash(): string {
  const parameters = { message: password, nonce: Buffer.from('sixteen bytes ok'), parallelism: 1, tagLength: 32, memory: 64, passes: 1 }
  return `$argon2id$v=19$m=64,t=1,p=1$c2l4dGVlbiBieXRlcyBvaw$${argon2Sync('argon2id', parameters).toString('base64').replace(/=/g, '')}`
}

describe('a session', () => {
  const begin = (replaces: Uint8Array | null = null, label = 'Browser') =>
    door.begin({ username: 'ana', password, address: '192.0.2.1', label }, replaces)

  it('is a new one each time, and ends the one that was presented', async () => {
    const first = await begin()
    if (!first.ok) throw new Error('not in')
    const second = await begin(secretHash(first.value.secret))
    if (!second.ok) throw new Error('not in')
    expect(second.value.secret).not.toBe(first.value.secret)
    expect(second.value.secret).toMatch(/^[\w-]{43}$/)
    expect(await people.sessions.find(secretHash(first.value.secret))).toBeNull()
    expect((await people.sessions.find(secretHash(second.value.secret)))?.session).toEqual(second.value.session)
    expect((await people.users.findByUsername('ana'))?.lastSignInAtMs).toBe(noonMs)
  })

  it('is one of twenty at most: the oldest end', async () => {
    for (let index = 0; index < sessionsPerUserMax + 3; index++) {
      clock.ms += 1
      await begin(null, `Browser ${index}`)
    }
    const labels = (await people.sessions.list(1)).map(({ label }) => label)
    expect(labels).toHaveLength(20)
    // 0, 1 and 2 ended
    expect(labels.at(-1)).toBe('Browser 3')
  })

  it('does not begin with a password that is changed while it is checked, nor for somebody who is removed then', async () => {
    const { setPassword, remove, findCredentials } = people.users
    const id = (await findCredentials('ana'))?.user.id as number
    const entry = { atMs: clock.ms, actor: commandLine, action: 'user.changed', subject: `user ${id}`, details: {} }
    const set = (passwordHash: string) => setPassword(id, { passwordHash, atMs: clock.ms }, entry)
    const { clear } = people.signInAttempts
    for (const meanwhile of [() => set(`${stored}another`), () => remove(id, entry)]) {
      await set(stored)
      // The last thing that is done before the session begins.
      people.signInAttempts.clear = async (keys) => {
        await clear(keys)
        await meanwhile()
      }
      const begun = await door.begin({ username: 'ana', password, address: '192.0.2.1', label: '' }, null)
      expect(begun).toEqual({ ok: false, failure: { kind: 'failed' } })
      expect(await people.sessions.list(id)).toEqual([])
    }
  })

  it('is noted in the audit trail by numbers, and its label is short and harmless', async () => {
    await begin(null, `${'x'.repeat(198)}\r\n\u2028🗳️${'y'.repeat(500)}`)
    const { label, id } = (await people.sessions.list(1))[0] ?? { label: '', id: '' }
    expect(label).toMatch(/^x{198}[^\r\n\u2028]{1,2}$/u)
    expect(label.isWellFormed()).toBe(true)
    const record = people.audit.records.at(-1)
    expect(record).toMatchObject({ actor: 'user 1', action: 'session.began', subject: 'user 1', details: { session: id } })
  })

  it('of a hash that was made with less gets a better one, and nothing ends by it', async () => {
    await addUser('bruno', cheapHash())
    const outcomes = [await attempt(password, 'bruno'), await attempt(password, 'bruno'), await attempt('wrong', 'bruno')]
    expect(outcomes).toEqual(['in', 'in', 'failed'])
    expect((await people.users.findCredentials('bruno'))?.passwordHash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
  })

  it('of a hash that two make better at the same moment begins for both', async () => {
    await addUser('bruno', cheapHash())
    const { rehash } = people.users
    // The other one was faster.
    people.users.rehash = async (id, { from, to }) => {
      await rehash(id, { from, to: stored })
      await rehash(id, { from, to })
    }
    const begun = await door.begin({ username: 'bruno', password, address: '192.0.2.1', label: '' }, null)
    expect(begun.ok).toBe(true)
  })
})

describe('work with passwords', () => {
  it('is done few at a time, and refused when too many wait', async () => {
    const work = passwordWork({ atOnceMax: 2, waitingMax: 3 })
    let running = 0
    let most = 0
    const ends: (() => void)[] = []
    const one = () =>
      work.inTurn(async () => {
        most = Math.max(most, ++running)
        await new Promise<void>((resolve) => ends.push(resolve))
        running--
      })
    const begun = Array.from({ length: 5 }, one)
    await expect(one()).rejects.toThrow(PasswordsOverloadedError)
    for (let round = 0; round < 5; round++) {
      await new Promise((resolve) => setImmediate(resolve))
      ends.shift()?.()
    }
    await Promise.all(begun)
    expect([most, running]).toEqual([2, 0])
    // A place is given back by work that fails, too.
    for (let round = 0; round < 3; round++) await expect(work.inTurn(() => Promise.reject(new Error('broken')))).rejects.toThrow('broken')
    expect(await work.inTurn(async () => 'done')).toBe('done')
  })

  it('that is refused is no failure of anybody', async () => {
    const busy = passwordWork({ atOnceMax: 1, waitingMax: 0 })
    const overloaded = newDoor(busy)
    let end: () => void = () => {}
    const holding = busy.inTurn(() => new Promise<void>((resolve) => (end = resolve)))
    for (let round = 0; round < 5; round++)
      await expect(attempt(password, 'ana', '192.0.2.1', overloaded)).rejects.toThrow(PasswordsOverloadedError)
    end()
    await holding
    expect(await attempt(password, 'ana', '192.0.2.1', overloaded)).toBe('in')
  })
})
