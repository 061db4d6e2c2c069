import { afterEach, describe, expect, it } from 'vitest'
import { untilDone } from './counting-samples.ts'
import { actionsOf, createdUser, entryOf, opening, type PeopleSubject, sampleUser, somePollId } from './people-samples.ts'

/** What VoterRoll promises, for every database. */
export function voterRollContract(name: string, makeSubject: () => Promise<PeopleSubject>): void {
  describe(`voter roll contract: ${name}`, () => {
    const { subject, close } = opening(makeSubject)
    afterEach(close)
    const added = entryOf('roll.added')

    it('knows who is on a roll, and who they are there', async () => {
      const { people, second } = await subject()
      const [poll, other] = [somePollId(), somePollId()]
      const votingId = Buffer.alloc(16, 9)
      const user = await createdUser(people, 'ana', { votingId })
      await createdUser(people, 'bruno')
      expect(await people.roll.add(poll, [user.id, user.id, 99], added)).toBe(1)
      expect(await second.roll.add(poll, [user.id, 99], added)).toBe(0)
      expect(Buffer.from((await second.roll.find(poll, user.id)) as Uint8Array).equals(votingId)).toBe(true)
      expect(await second.roll.find(other, user.id)).toBeNull()
      expect(await second.roll.find(poll, 2)).toBeNull()
      expect(await second.roll.find(poll, 99)).toBeNull()
      expect(await people.roll.add(poll, [], added)).toBe(0)
      // What changed nothing is not recorded.
      expect((await actionsOf(people))['roll.added']).toBe(1)
    })

    it('lists users by number, in pages', async () => {
      const { people, second } = await subject()
      const poll = somePollId()
      const made = await people.users.createAll(
        Array.from({ length: 1_203 }, (_, index) => sampleUser(`id-${index}`)),
        entryOf('users.imported'),
      )
      const ids = made.kind === 'done' ? made.ids : []
      expect(await people.roll.add(poll, [...ids.slice(600), ...ids.slice(0, 600)], added)).toBe(1_203)
      const first = await second.roll.list(poll, { limit: 1_000, after: null })
      const rest = await second.roll.list(poll, { limit: 1_000, after: first.next })
      expect([...first.users, ...rest.users].map(({ id }) => id)).toEqual(ids)
      expect([first.total, rest.total, rest.next]).toEqual([1_203, 1_203, null])
      expect(first.users[0]).toEqual(await people.users.find(ids[0] as number))
      expect((await people.roll.list(poll, { limit: 1_203, after: null })).next).toBeNull()
      expect(await people.roll.list(somePollId(), { limit: 9, after: null })).toEqual({ users: [], next: null, total: 0 })
    })

    it('puts each on it once, of many at once', async () => {
      const { people, second } = await subject()
      const poll = somePollId()
      const ids: number[] = []
      for (let index = 0; index < 6; index++) ids.push((await createdUser(people, `id-${index}`)).id)
      const counts = await Promise.all(
        Array.from({ length: 12 }, (_, index) =>
          untilDone(() => (index % 2 === 0 ? people : second).roll.add(poll, index % 3 === 0 ? ids : [...ids].reverse(), added)),
        ),
      )
      expect(counts.reduce((sum, count) => sum + count)).toBe(6)
    })

    it('takes one off once, and all of a poll, and of no other', async () => {
      const { people, second } = await subject()
      const [poll, other] = [somePollId(), somePollId()]
      const ids: number[] = []
      for (let index = 0; index < 25; index++) ids.push((await createdUser(people, `id-${index}`)).id)
      for (const id of [poll, other]) await people.roll.add(id, ids, added)
      const [id] = ids as [number]
      expect(await second.roll.remove(poll, id, entryOf('roll.removed'))).toBe(true)
      expect(await people.roll.remove(poll, id, entryOf('roll.removed'))).toBe(false)
      expect([await people.roll.find(poll, id), (await people.roll.list(poll, { limit: 1, after: null })).total]).toEqual([null, 24])
      expect((await actionsOf(people))['roll.removed']).toBe(1)
      await people.roll.removeAll(poll)
      await people.roll.removeAll(poll)
      expect((await people.roll.list(poll, { limit: 1, after: null })).total).toBe(0)
      expect((await people.roll.list(other, { limit: 1, after: null })).total).toBe(25)
    })
  })
}
