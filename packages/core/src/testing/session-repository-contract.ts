import { afterEach, describe, expect, it } from 'vitest'
import { untilDone } from './counting-samples.ts'
import { actionsOf, createdUser, entryOf, hashOf, hostileLines, opening, type PeopleSubject, sampleSession } from './people-samples.ts'

/** What SessionRepository promises, for every database. */
export function sessionRepositoryContract(name: string, makeSubject: () => Promise<PeopleSubject>): void {
  describe(`session repository contract: ${name}`, () => {
    const { subject, close } = opening(makeSubject)
    afterEach(close)
    const began = entryOf('session.began')
    const alone = { replaces: null, keep: 20 }

    it('finds a session and its user by the hash alone, and notes the sign-in', async () => {
      const { people, second } = await subject()
      const user = await createdUser(people, 'ana', { passwordHash: 'a hash' })
      for (const [index, label] of ['', ...hostileLines, 'x'.repeat(200)].entries()) {
        const { hash, ...session } = sampleSession(user.id, `${index}`, { label, createdAtMs: 3_000 + index, lastSeenAtMs: 4_000 + index })
        await people.sessions.create({ ...session, hash }, alone, began)
        expect(await second.sessions.find(hash)).toEqual({ session, user: { ...user, lastSignInAtMs: 3_000 + index } })
      }
      expect(await people.sessions.find(hashOf('unknown'))).toBeNull()
      expect(await people.sessions.find(Buffer.alloc(0))).toBeNull()
    })

    it('keeps the newest of a user, and ends the one that is replaced', async () => {
      const { people } = await subject()
      const [user, other] = [await createdUser(people, 'ana'), await createdUser(people, 'bruno')]
      await people.sessions.create(sampleSession(other.id, 'other'), alone, began)
      for (let index = 0; index < 5; index++) {
        await people.sessions.create(sampleSession(user.id, `${index}`, { createdAtMs: index }), { replaces: null, keep: 3 }, began)
      }
      const ids = async () => (await people.sessions.list(user.id)).map(({ createdAtMs }) => createdAtMs)
      expect(await ids()).toEqual([4, 3, 2])
      await people.sessions.create(sampleSession(user.id, 'six', { createdAtMs: 6 }), { replaces: hashOf('3'), keep: 9 }, began)
      expect(await ids()).toEqual([6, 4, 2])
      // The one that begins stays, also where the clock went back.
      await people.sessions.create(sampleSession(user.id, 'past', { createdAtMs: 1 }), { replaces: null, keep: 1 }, began)
      expect(await ids()).toEqual([1])
      expect(await people.sessions.list(other.id)).toHaveLength(1)
    })

    it('of many that begin at once keeps as many as it should', async () => {
      const { people, second } = await subject()
      const user = await createdUser(people, 'ana')
      await Promise.all(
        Array.from({ length: 24 }, (_, index) =>
          untilDone(() =>
            (index % 2 === 0 ? people : second).sessions.create(sampleSession(user.id, `${index}`), { replaces: null, keep: 5 }, began),
          ),
        ),
      )
      expect(await people.sessions.list(user.id)).toHaveLength(5)
      expect(await actionsOf(people)).toEqual({ 'user.created': 1, 'session.began': 24 })
    })

    it('begins none for somebody who is gone', async () => {
      const { people } = await subject()
      expect(await people.sessions.create(sampleSession(7, 'secret'), alone, began)).toBe(false)
      expect(await people.sessions.find(hashOf('secret'))).toBeNull()
      expect(await people.sessions.list(7)).toEqual([])
      expect(await actionsOf(people)).toEqual({})
    })

    it('begins none with a password that was changed meanwhile', async () => {
      const { people } = await subject()
      const user = await createdUser(people, 'ana', { passwordHash: '$argon2id$one' })
      const begin = (secret: string, passwordHash: string) =>
        people.sessions.create(sampleSession(user.id, secret), { ...alone, passwordHash }, began)
      expect(await begin('first', '$argon2id$one')).toBe(true)
      expect(await begin('second', '$ARGON2ID$one')).toBe(false)
      expect(await begin('second', '$argon2id$two')).toBe(false)
      expect(await people.sessions.find(hashOf('second'))).toBeNull()
      expect(await people.sessions.find(hashOf('first'))).not.toBeNull()
      expect((await actionsOf(people))['session.began']).toBe(1)
    })

    it('is seen later and later, and never earlier', async () => {
      const { people, second } = await subject()
      const user = await createdUser(people, 'ana')
      await people.sessions.create(sampleSession(user.id, 'secret', { lastSeenAtMs: 100 }), alone, began)
      await second.sessions.touch(hashOf('secret'), 300)
      await people.sessions.touch(hashOf('secret'), 200)
      await people.sessions.touch(hashOf('unknown'), 200)
      expect((await people.sessions.list(user.id)).map(({ lastSeenAtMs }) => lastSeenAtMs)).toEqual([300])
    })

    it("ends one's own, not another's, and says so once", async () => {
      const { people, second } = await subject()
      const [user, other] = [await createdUser(people, 'ana'), await createdUser(people, 'bruno')]
      const { id } = sampleSession(user.id, 'secret')
      await people.sessions.create(sampleSession(user.id, 'secret'), alone, began)
      expect(await people.sessions.remove(other.id, id, entryOf('session.ended'))).toBe(false)
      expect(await second.sessions.remove(user.id, id, entryOf('session.ended'))).toBe(true)
      expect(await people.sessions.remove(user.id, id, entryOf('session.ended'))).toBe(false)
      expect(await people.sessions.find(hashOf('secret'))).toBeNull()
      expect((await actionsOf(people))['session.ended']).toBe(1)
    })

    it('removes what is old by either measure, however much it is', async () => {
      const { people } = await subject()
      const user = await createdUser(people, 'ana')
      const make = (secret: string, createdAtMs: number, lastSeenAtMs: number) =>
        people.sessions.create(sampleSession(user.id, secret, { createdAtMs, lastSeenAtMs }), { replaces: null, keep: 999 }, began)
      for (let index = 0; index < 20; index++) await make(`old ${index}`, index % 2 === 0 ? 10 : 100, index % 2 === 0 ? 100 : 20)
      await make('edge', 50, 60)
      expect(await people.sessions.removeOlder({ createdBeforeMs: 50, lastSeenBeforeMs: 60 })).toBe(20)
      expect(await people.sessions.removeOlder({ createdBeforeMs: 50, lastSeenBeforeMs: 60 })).toBe(0)
      expect(await people.sessions.list(user.id)).toHaveLength(1)
    })
  })
}
