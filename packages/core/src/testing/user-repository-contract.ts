import { afterEach, describe, expect, it } from 'vitest'
import type { UserListing } from '../ports/user-repository.ts'
import type { UserInput } from '../users/user.ts'
import { sampleDraft, untilDone } from './counting-samples.ts'
import {
  actionsOf,
  allRecords,
  createdUser,
  entryOf,
  hashOf,
  hostileLines,
  opening,
  type PeopleSubject,
  sampleSession,
  sampleToken,
  sampleUser,
  somePollId,
} from './people-samples.ts'

/** What UserRepository promises, for every database. */
export function userRepositoryContract(name: string, makeSubject: () => Promise<PeopleSubject>): void {
  describe(`user repository contract: ${name}`, () => {
    const { subject, close } = opening(makeSubject)
    afterEach(close)

    const administrator = { role: 'administrator', passwordHash: 'a hash' } as const
    const changed = (input: Partial<UserInput> & { username: string }) => ({
      name: '',
      secondName: '',
      email: '',
      role: 'voter' as const,
      atMs: 5_000,
      ...input,
    })

    it('finds a user as made, whatever the texts are, and never another', async () => {
      const { people, second } = await subject()
      for (const [index, text] of hostileLines.entries()) {
        const votingId = Buffer.alloc(16, index)
        const user = sampleUser(text, {
          name: text,
          secondName: text,
          email: text,
          role: 'organizer',
          votingId,
          atMs: 8_640_000_000_000_000,
        })
        const made = await people.users.create(user, entryOf('user.created'))
        expect(made).toEqual({ kind: 'done', id: index + 1 })
        const expected = {
          id: index + 1,
          username: text,
          name: text,
          secondName: text,
          email: text,
          role: 'organizer',
          hasPassword: false,
          createdAtMs: 8_640_000_000_000_000,
          updatedAtMs: 8_640_000_000_000_000,
          lastSignInAtMs: null,
        }
        expect(await second.users.find(index + 1)).toEqual(expected)
        expect(await second.users.findByUsername(text.toUpperCase())).toEqual(expected)
        expect(await second.users.findCredentials(text)).toEqual({ user: expected, passwordHash: null })
        expect(Buffer.from((await second.users.votingId(index + 1)) as Uint8Array).equals(votingId)).toBe(true)
      }
      expect(await people.users.find(99)).toBeNull()
      expect(await people.users.findByUsername('nobody')).toBeNull()
      expect(await people.users.findCredentials('nobody')).toBeNull()
      expect(await people.users.votingId(99)).toBeNull()
    })

    it('takes names that differ only in case, or in how accents are coded, for one', async () => {
      const { people, second } = await subject()
      const same = [
        ['Ana', 'ANA', 'aNa'],
        ['andre\u0301', 'ANDR\u00c9', 'andr\u00e9'],
        ['stra\u00dfe', 'STRASSE', 'strasse'],
        ['\u039f\u0394\u039f\u03a3', '\u03bf\u03b4\u03bf\u03c2', '\u03bf\u03b4\u03bf\u03c3'],
        ['\u0130da', 'i\u0307da', 'I\u0307DA'],
        ['\uff41\uff4e\uff41', '\uff21\uff2e\uff21'],
        ['\u0390', '\u03aa\u0301', '\u03b9\u0308\u0301'],
        ['\u1e9b\u0323', '\u1e9b\u0323'],
      ]
      for (const [first, ...others] of same as [string, ...string[]][]) {
        const user = await createdUser(people, first)
        for (const other of others) {
          expect(await second.users.create(sampleUser(other), entryOf('user.created'))).toEqual({ kind: 'username_taken' })
          expect((await second.users.findByUsername(other))?.id).toBe(user.id)
        }
      }
      for (const other of ['ida', 'andre', 'ana ', ' ana', 'ana\u0000', 'an', 'a_a', 'a%', 'an\u00e3', 'stras', '\u0131da\u0307', 'anaa']) {
        expect(await people.users.findByUsername(other)).toBeNull()
        expect(await second.users.create(sampleUser(other), entryOf('user.created'))).toMatchObject({ kind: 'done' })
      }
      const found = await people.users.findByUsernames(['STRASSE', 'nobody', 'ana', 'Ana', 'ana '])
      expect(found.map(({ username }) => username)).toEqual(['Ana', 'stra\u00dfe', 'ana '])
      expect(await people.users.findByUsernames([])).toEqual([])
    })

    it('gives a name to one of many who want it at once', async () => {
      const { people, second } = await subject()
      const names = Array.from({ length: 16 }, (_, index) => (index % 2 === 0 ? 'bruno' : 'BRUNO'))
      const made = await Promise.all(
        names.map((username, index) =>
          untilDone(() => (index % 3 === 0 ? people : second).users.create(sampleUser(username), entryOf('user.created'))),
        ),
      )
      expect(made.filter(({ kind }) => kind === 'done')).toHaveLength(1)
      expect(await actionsOf(people)).toEqual({ 'user.created': 1 })
    })

    it('makes all of a list or none, and says which names are taken', async () => {
      const { people } = await subject()
      await createdUser(people, 'id-700')
      const some = (numbers: number[]) => numbers.map((number) => sampleUser(`id-${number}`, { votingId: Buffer.alloc(16, number) }))
      const numbers = Array.from({ length: 1_203 }, (_, index) => index)
      expect(await people.users.createAll([...some(numbers), sampleUser('ID-3')], entryOf('users.imported'))).toEqual({
        kind: 'username_taken',
        usernames: ['id-700', 'ID-3'],
      })
      expect((await people.users.list({ search: null, role: null, limit: 1, after: null })).total).toBe(1)
      const made = await people.users.createAll(some(numbers.map((number) => 5_000 - number)), entryOf('users.imported'))
      if (made.kind !== 'done') throw new Error('names are taken')
      expect(made.ids).toHaveLength(1_203)
      for (const index of [0, 499, 500, 1_202]) {
        expect((await people.users.find(made.ids[index] as number))?.username).toBe(`id-${5_000 - index}`)
      }
      expect((await allRecords(people)).map(({ action, subject }) => [action, subject])).toEqual([
        ['user.created', 'user 1'],
        ['users.imported', `users ${made.ids[0]}-${made.ids.at(-1)}`],
      ])
      expect(await people.users.createAll([], entryOf('users.imported'))).toEqual({ kind: 'done', ids: [] })
    })

    it('makes 20,000 at once', async () => {
      const { people } = await subject()
      const users = Array.from({ length: 20_000 }, (_, index) => sampleUser(`id-${index}`, { name: 'x'.repeat(100) }))
      const made = await people.users.createAll(users, entryOf('users.imported'))
      expect(made.kind === 'done' && new Set(made.ids).size).toBe(20_000)
      expect((await people.users.list({ search: 'ID-1999', role: null, limit: 20, after: null })).total).toBe(11) // 1999, 19990..19999
    }, 60_000)

    it('never uses a number twice', async () => {
      const { people } = await subject()
      const { id } = await createdUser(people, 'ana')
      await people.users.remove(id, entryOf('user.removed'))
      expect((await createdUser(people, 'ana')).id).toBeGreaterThan(id)
    })

    it('lists by number, in pages, with how many there are', async () => {
      const { people, second } = await subject()
      for (let index = 1; index <= 7; index++) await createdUser(people, `id-${index}`, { role: index % 2 === 0 ? 'auditor' : 'voter' })
      const pages: UserListing[] = []
      let after: number | null = null
      do {
        const page: UserListing = await second.users.list({ search: null, role: 'voter', limit: 2, after })
        pages.push(page)
        after = page.next
      } while (after !== null)
      expect(pages.map(({ users, total }) => [users.map(({ username }) => username), total])).toEqual([
        [['id-1', 'id-3'], 4],
        [['id-5', 'id-7'], 4],
      ])
      expect((await people.users.list({ search: null, role: null, limit: 7, after: null })).next).toBeNull()
      expect((await people.users.list({ search: null, role: null, limit: 6, after: null })).next).toBe(6)
      expect(await people.users.list({ search: null, role: null, limit: 6, after: 99 })).toEqual({ users: [], next: null, total: 7 })
    })

    it('searches names as people write them, and nothing in a search is a sign of its own', async () => {
      const { people } = await subject()
      await createdUser(people, 'ana', { name: 'Jos\u00e9', secondName: 'da Concei\u00e7\u00e3o', email: 'ana@school.example' })
      await createdUser(people, 'bruno', { name: 'Stra\u00dfe', secondName: '100%_\\' })
      await createdUser(people, '\u0130da', { name: "o'neil" })
      const found = async (search: string) =>
        (await people.users.list({ search, role: null, limit: 10, after: null })).users.map(({ username }) => username)
      expect(await found('JOS\u00c9 DA CONCEI\u00c7')).toEqual(['ana'])
      expect(await found('jose\u0301')).toEqual(['ana'])
      expect(await found('jose')).toEqual([])
      expect(await found('SCHOOL.example')).toEqual(['ana'])
      expect(await found('strasse')).toEqual(['bruno'])
      expect(await found('0%_\\')).toEqual(['bruno'])
      for (const sign of ['a%a', 'a_a', 'b*', '\\a', '%%']) expect(await found(sign)).toEqual([])
      expect(await found("O'NEIL")).toEqual(['\u0130da'])
      expect(await found('i\u0307da')).toEqual(['\u0130da'])
      // Where one field ends the next does not go on.
      expect(await found('anajos\u00e9')).toEqual([])
      expect(await found('a')).toEqual(['ana', 'bruno', '\u0130da'])
    })

    it('changes a user, but for a name that somebody else has', async () => {
      const { people, second } = await subject()
      const user = await createdUser(people, 'ana', { passwordHash: 'a hash' })
      await createdUser(people, 'bruno')
      expect(await second.users.update(user.id, changed({ username: 'BRUNO' }), entryOf('user.changed'))).toBe('username_taken')
      const input = changed({ username: 'ANA', name: 'Ana', secondName: 'B', email: 'a@b.example', role: 'auditor' })
      expect(await second.users.update(user.id, input, entryOf('user.changed'))).toBe('done')
      const { atMs, ...fields } = input
      expect(await people.users.find(user.id)).toEqual({ ...user, ...fields, updatedAtMs: atMs })
      expect((await people.users.list({ search: 'ana b', role: 'auditor', limit: 1, after: null })).total).toBe(1)
      expect(await people.users.update(99, changed({ username: 'id-99' }), entryOf('user.changed'))).toBe('not_found')
      expect(await actionsOf(people)).toEqual({ 'user.created': 2, 'user.changed': 1 })
    })

    it('removes all that hangs on a user', async () => {
      const { people, second, polls } = await subject()
      const [user, other] = [await createdUser(people, 'ana'), await createdUser(people, 'bruno')]
      const poll = sampleDraft({ ownerId: user.id })
      const others = sampleDraft({ ownerId: other.id })
      await polls.create(poll, entryOf('poll.created'))
      await polls.create(others, entryOf('poll.created'))
      for (const { id } of [user, other]) {
        await people.sessions.create(sampleSession(id, `session ${id}`), { replaces: null, keep: 9 }, entryOf('session.began'))
        await people.tokens.create(sampleToken(id, `token ${id}`), entryOf('token.made'))
      }
      await people.roll.add(poll.id, [user.id, other.id], entryOf('roll.added'))
      expect(await second.users.remove(user.id, entryOf('user.removed'))).toBe('done')
      expect(await people.users.find(user.id)).toBeNull()
      expect(await people.sessions.find(hashOf(`session ${user.id}`))).toBeNull()
      expect(await people.sessions.list(user.id)).toEqual([])
      expect(await people.tokens.find(hashOf(`token ${user.id}`))).toBeNull()
      expect(await people.tokens.list(user.id)).toEqual([])
      expect((await people.roll.list(poll.id, { limit: 9, after: null })).users.map(({ id }) => id)).toEqual([other.id])
      expect(await people.roll.find(poll.id, user.id)).toBeNull()
      expect((await polls.find(poll.id))?.ownerId).toBeNull()
      expect((await polls.find(others.id))?.ownerId).toBe(other.id)
      expect(await people.sessions.find(hashOf(`session ${other.id}`))).not.toBeNull()
      expect(await people.tokens.find(hashOf(`token ${other.id}`))).not.toBeNull()
      expect(await second.users.remove(user.id, entryOf('user.removed'))).toBe('not_found')
    })

    it('keeps the last administrator who can sign in', async () => {
      const { people } = await subject()
      const [one, two] = [await createdUser(people, 'id-1', administrator), await createdUser(people, 'id-2', administrator)]
      const helpless = await createdUser(people, 'id-3', { role: 'administrator' })
      expect(await people.users.countAdministrators()).toBe(2)
      expect(await people.users.remove(two.id, entryOf('user.removed'))).toBe('done')
      expect(await people.users.remove(one.id, entryOf('user.removed'))).toBe('last_administrator')
      expect(await people.users.update(one.id, changed({ username: 'id-1', role: 'auditor' }), entryOf('user.changed'))).toBe(
        'last_administrator',
      )
      expect(await people.users.find(one.id)).toEqual(one)
      const renamed = changed({ username: 'id-9', role: 'administrator' })
      expect(await people.users.update(one.id, renamed, entryOf('user.changed'))).toBe('done')
      // Somebody without a password is none: can go, and can take over once there is one.
      expect(await people.users.setPassword(helpless.id, { passwordHash: 'h', atMs: 1 }, entryOf('user.password'))).toBe('done')
      expect(await people.users.countAdministrators()).toBe(2)
      expect(await people.users.remove(one.id, entryOf('user.removed'))).toBe('done')
      expect(await people.users.remove(helpless.id, entryOf('user.removed'))).toBe('last_administrator')
      const other = await createdUser(people, 'id-4', { role: 'administrator' })
      expect(await people.users.remove(other.id, entryOf('user.removed'))).toBe('done')
      expect(await people.users.countAdministrators()).toBe(1)
    })

    it('lets an administrator go who could not sign in, also where nobody else can', async () => {
      const { people } = await subject()
      const [one, two] = [
        await createdUser(people, 'id-1', { role: 'administrator' }),
        await createdUser(people, 'id-2', { role: 'administrator' }),
      ]
      expect(await people.users.countAdministrators()).toBe(0)
      expect(await people.users.update(one.id, changed({ username: 'id-1' }), entryOf('user.changed'))).toBe('done')
      expect(await people.users.remove(two.id, entryOf('user.removed'))).toBe('done')
    })

    it('keeps one of several administrators who remove or change each other at once', async () => {
      const { people, second } = await subject()
      for (let round = 0; round < 6; round++) {
        const ids: number[] = []
        for (let index = 0; index < 4; index++) ids.push((await createdUser(people, `id-${round}-${index}`, administrator)).id)
        // Of the rounds before one is left.
        await Promise.all(
          (await people.users.list({ search: null, role: 'administrator', limit: 50, after: null })).users.map(
            ({ id, username }, index) => {
              const { users } = index % 2 === 0 ? people : second
              return untilDone(() =>
                index % 3 === 0
                  ? users.update(id, changed({ username }), entryOf('user.changed'))
                  : users.remove(id, entryOf('user.removed')),
              )
            },
          ),
        )
        expect(await people.users.countAdministrators()).toBe(1)
      }
    })

    it('sets a password, and ends every other session and all tokens', async () => {
      const { people, second } = await subject()
      const [user, other] = [await createdUser(people, 'ana'), await createdUser(people, 'bruno')]
      for (const secret of ['one', 'two', 'three']) {
        await people.sessions.create(sampleSession(user.id, secret), { replaces: null, keep: 9 }, entryOf('session.began'))
      }
      await people.sessions.create(sampleSession(other.id, 'other'), { replaces: null, keep: 9 }, entryOf('session.began'))
      await people.tokens.create(sampleToken(user.id, 'token'), entryOf('token.made'))
      const change = { passwordHash: '$argon2id$1', atMs: 7_000 }
      expect(await second.users.setPassword(user.id, change, entryOf('user.password'))).toBe('done')
      expect(await people.sessions.list(user.id)).toEqual([])
      expect(await people.sessions.list(other.id)).toHaveLength(1)
      expect(await people.tokens.list(user.id)).toEqual([])
      const found = await people.users.findCredentials('ANA')
      expect(found).toMatchObject({ passwordHash: '$argon2id$1', user: { hasPassword: true, updatedAtMs: 7_000 } })
      await people.users.setPassword(user.id, { ...change }, entryOf('user.password'))
      expect(await people.sessions.list(user.id)).toEqual([])
      expect(await second.users.setPassword(99, change, entryOf('user.password'))).toBe('not_found')
    })

    it('hashes the same password anew, unless another one was set meanwhile, and ends nothing', async () => {
      const { people, second } = await subject()
      const [user, other] = [await createdUser(people, 'ana'), await createdUser(people, 'bruno')]
      const hashOfAna = async () => (await people.users.findCredentials('ana'))?.passwordHash
      for (const { id } of [user, other]) {
        await people.users.setPassword(id, { passwordHash: '$argon2id$1', atMs: 7_000 }, entryOf('user.password'))
      }
      await people.sessions.create(sampleSession(user.id, 'one'), { replaces: null, keep: 9 }, entryOf('session.began'))
      await second.users.rehash(user.id, { from: '$argon2id$0', to: '$argon2id$2' })
      expect(await hashOfAna()).toBe('$argon2id$1')
      await second.users.rehash(user.id, { from: '$argon2id$1', to: '$argon2id$2' })
      expect(await hashOfAna()).toBe('$argon2id$2')
      expect((await people.users.findCredentials('bruno'))?.passwordHash).toBe('$argon2id$1')
      expect(await people.sessions.list(user.id)).toHaveLength(1)
    })

    it('does nothing that cannot be recorded', async () => {
      const { people } = await subject()
      const { id } = await createdUser(people, 'ana', administrator)
      const bad = entryOf('x'.repeat(65))
      await expect(people.users.create(sampleUser('bruno'), bad)).rejects.toThrow(RangeError)
      await expect(people.users.createAll([sampleUser('bruno')], entryOf('é'))).rejects.toThrow(RangeError)
      await expect(people.users.update(id, changed({ username: 'other', role: 'administrator' }), bad)).rejects.toThrow(RangeError)
      await expect(people.users.setPassword(id, { passwordHash: 'b', atMs: 1 }, bad)).rejects.toThrow(RangeError)
      await expect(people.sessions.create(sampleSession(id, 's'), { replaces: null, keep: 1 }, bad)).rejects.toThrow(RangeError)
      await expect(people.tokens.create(sampleToken(id, 't'), bad)).rejects.toThrow(RangeError)
      await expect(people.roll.add(somePollId(), [id], bad)).rejects.toThrow(RangeError)
      expect((await people.users.list({ search: null, role: null, limit: 9, after: null })).users.map(({ username }) => username)).toEqual([
        'ana',
      ])
      expect(await people.users.findCredentials('ana')).toMatchObject({ passwordHash: 'a hash' })
      expect([await people.sessions.list(id), await people.tokens.list(id)]).toEqual([[], []])
      expect(await actionsOf(people)).toEqual({ 'user.created': 1 })
    })
  })
}
