import { afterEach, describe, expect, it } from 'vitest'
import { permissionNames } from '../users/permissions.ts'
import {
  actionsOf,
  createdUser,
  entryOf,
  hashOf,
  hostileLines,
  opening,
  type PeopleSubject,
  sampleSession,
  sampleToken,
} from './people-samples.ts'

/** What ApiTokenRepository promises, for every database. */
export function apiTokenRepositoryContract(name: string, makeSubject: () => Promise<PeopleSubject>): void {
  describe(`API token repository contract: ${name}`, () => {
    const { subject, close } = opening(makeSubject)
    afterEach(close)

    it('finds a token and its user by the hash alone, and lists the newest first', async () => {
      const { people, second } = await subject()
      const user = await createdUser(people, 'ana', { name: 'Ana' })
      const other = await createdUser(people, 'bruno')
      await people.tokens.create(sampleToken(other.id, 'other'), entryOf('token.made'))
      const ids: string[] = []
      for (const [index, text] of hostileLines.entries()) {
        const { hash, ...token } = sampleToken(user.id, text, {
          name: text,
          scopes: permissionNames,
          createdAtMs: index,
          expiresAtMs: index + 1,
        })
        await people.tokens.create({ ...token, hash }, entryOf('token.made'))
        expect(await second.tokens.find(hash)).toEqual({ token, user })
        ids.unshift(token.id)
      }
      expect((await second.tokens.list(user.id)).map(({ id }) => id)).toEqual(ids)
      expect(await people.tokens.find(hashOf('unknown'))).toBeNull()
      expect(await people.tokens.list(99)).toEqual([])
    })

    it('is made for somebody who is there, by a session of theirs that has not ended', async () => {
      const { people } = await subject()
      const [user, other] = [await createdUser(people, 'ana'), await createdUser(people, 'bruno')]
      const begin = (userId: number, secret: string) =>
        people.sessions.create(sampleSession(userId, secret), { replaces: null, keep: 9 }, entryOf('session.began'))
      await begin(user.id, 'own')
      await begin(other.id, 'foreign')
      const make = (secret: string, session: string) =>
        people.tokens.create(sampleToken(user.id, secret), entryOf('token.made'), hashOf(session))
      expect(await make('first', 'own')).toBe(true)
      expect(await make('second', 'foreign')).toBe(false)
      await people.sessions.remove(user.id, sampleSession(user.id, 'own').id, entryOf('session.ended'))
      expect(await make('second', 'own')).toBe(false)
      expect(await people.tokens.create(sampleToken(99, 'second'), entryOf('token.made'))).toBe(false)
      expect(await people.tokens.find(hashOf('second'))).toBeNull()
      expect((await people.tokens.list(user.id)).length).toBe(1)
      expect((await actionsOf(people))['token.made']).toBe(1)
    })

    it('is used later and later, and never earlier', async () => {
      const { people, second } = await subject()
      const user = await createdUser(people, 'ana')
      const { id } = sampleToken(user.id, 'secret')
      await people.tokens.create(sampleToken(user.id, 'secret'), entryOf('token.made'))
      for (const atMs of [500, 400]) await second.tokens.touch(id, atMs)
      await people.tokens.touch('0123456789abcdef', 1)
      expect((await people.tokens.list(user.id)).map(({ lastUsedAtMs }) => lastUsedAtMs)).toEqual([500])
    })

    it("removes one's own, not another's, and says so once", async () => {
      const { people, second } = await subject()
      const [user, other] = [await createdUser(people, 'ana'), await createdUser(people, 'bruno')]
      const { id } = sampleToken(user.id, 'secret')
      await people.tokens.create(sampleToken(user.id, 'secret'), entryOf('token.made'))
      await people.tokens.create(sampleToken(99, 'nobody'), entryOf('token.made'))
      expect(await people.tokens.find(hashOf('nobody'))).toBeNull()
      expect(await people.tokens.remove(other.id, id, entryOf('token.removed'))).toBe(false)
      expect(await second.tokens.remove(user.id, id, entryOf('token.removed'))).toBe(true)
      expect(await people.tokens.remove(user.id, id, entryOf('token.removed'))).toBe(false)
      expect(await people.tokens.find(hashOf('secret'))).toBeNull()
      expect(await actionsOf(people)).toEqual({ 'user.created': 2, 'token.made': 1, 'token.removed': 1 })
    })
  })
}
