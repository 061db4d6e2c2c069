import { afterEach, describe, expect, it } from 'vitest'
import { untilDone } from './counting-samples.ts'
import { actionsOf, entryOf, hashOf, hostileLines, opening, type PeopleSubject, sampleCode, somePollId } from './people-samples.ts'

/** What VotingCodeRepository promises, for every database. */
export function votingCodeRepositoryContract(name: string, makeSubject: () => Promise<PeopleSubject>): void {
  describe(`voting code repository contract: ${name}`, () => {
    const { subject, close } = opening(makeSubject)
    afterEach(close)
    const made = entryOf('codes.made')
    const some = (prefix: string, count: number) => Array.from({ length: count }, (_, index) => sampleCode(`${prefix} ${index}`))

    it('finds a code of a poll by its hash, in that poll only', async () => {
      const { people, second } = await subject()
      const [poll, other] = [somePollId(), somePollId()]
      const codes = ['', ...hostileLines].map((label, index) => sampleCode(`${index}`, { label, createdAtMs: index }))
      expect(await people.codes.add(poll, codes, 100, made)).toBe(true)
      // The same code in another poll is another one.
      expect(await people.codes.add(other, codes.slice(0, 1), 100, made)).toBe(true)
      for (const { hash, ...code } of codes) expect(await second.codes.find(poll, hash)).toEqual(code)
      expect(await people.codes.find(other, hashOf('1'))).toBeNull()
      expect(await people.codes.find(poll, hashOf('unknown'))).toBeNull()
    })

    it('lists codes in the order in which they were made, in pages', async () => {
      const { people, second } = await subject()
      const poll = somePollId()
      const all = [...some('b', 3), ...some('a', 4)]
      await people.codes.add(poll, all.slice(0, 3), 100, made)
      await second.codes.add(poll, all.slice(3), 100, made)
      const expected = all.map(({ id }) => id)
      const pages: string[][] = []
      let after: string | null = null
      do {
        const page: Awaited<ReturnType<typeof people.codes.list>> = await people.codes.list(poll, { limit: 3, after })
        pages.push(page.codes.map(({ id }) => id))
        expect([page.total, page.revoked]).toEqual([7, 0])
        after = page.next
      } while (after !== null)
      expect(pages).toEqual([expected.slice(0, 3), expected.slice(3, 6), expected.slice(6)])
      expect((await people.codes.list(poll, { limit: 7, after: null })).next).toBeNull()
      expect(await people.codes.list(poll, { limit: 7, after: '0123456789abcdef' })).toEqual({
        codes: [],
        next: null,
        total: 7,
        revoked: 0,
      })
      expect(await people.codes.list(somePollId(), { limit: 7, after: null })).toEqual({ codes: [], next: null, total: 0, revoked: 0 })
    })

    it('makes no more than a poll may have: all or none, also of many at once', async () => {
      const { people, second } = await subject()
      const poll = somePollId()
      expect(await people.codes.add(poll, some('too many', 1_203), 1_202, made)).toBe(false)
      expect((await people.codes.list(poll, { limit: 1, after: null })).total).toBe(0)
      const outcomes = await Promise.all(
        Array.from({ length: 10 }, (_, index) =>
          untilDone(() => (index % 2 === 0 ? people : second).codes.add(poll, some(`${index}`, 201), 1_203, made)),
        ),
      )
      expect(outcomes.filter(Boolean)).toHaveLength(5) // 5 x 201 = 1,005; a sixth would make 1,206
      expect((await people.codes.list(poll, { limit: 1, after: null })).total).toBe(1_005)
      expect(await people.codes.add(poll, some('rest', 198), 1_203, made)).toBe(true)
      expect(await people.codes.add(poll, some('one more', 1), 1_203, made)).toBe(false)
      expect(await actionsOf(people)).toEqual({ 'codes.made': 6 })
    })

    it('revokes a code once, in its poll only', async () => {
      const { people, second } = await subject()
      const [poll, other] = [somePollId(), somePollId()]
      const [first, last] = some('code', 2) as [ReturnType<typeof sampleCode>, ReturnType<typeof sampleCode>]
      await people.codes.add(poll, [first, last], 100, made)
      const revoked = entryOf('code.revoked')
      expect(await people.codes.revoke(other, first.id, 5_000, revoked)).toBe(false)
      expect(await people.codes.revoke(poll, '0123456789abcdef', 5_000, revoked)).toBe(false)
      expect(await second.codes.revoke(poll, first.id, 5_000, revoked)).toBe(true)
      expect(await people.codes.revoke(poll, first.id, 6_000, revoked)).toBe(true)
      expect((await people.codes.find(poll, first.hash))?.revokedAtMs).toBe(5_000)
      expect((await people.codes.find(poll, last.hash))?.revokedAtMs).toBeNull()
      const { codes, ...counts } = await people.codes.list(poll, { limit: 9, after: null })
      expect([counts, codes.map(({ revokedAtMs }) => revokedAtMs)]).toEqual([{ next: null, total: 2, revoked: 1 }, [5_000, null]])
      expect((await actionsOf(people))['code.revoked']).toBe(1)
    })

    it('removes all of a poll, and of no other', async () => {
      const { people } = await subject()
      const [poll, other] = [somePollId(), somePollId()]
      for (const id of [poll, other]) await people.codes.add(id, some('code', 25), 100, made)
      await people.codes.removeAll(poll)
      await people.codes.removeAll(poll)
      expect((await people.codes.list(poll, { limit: 9, after: null })).total).toBe(0)
      expect((await people.codes.list(other, { limit: 9, after: null })).total).toBe(25)
    })
  })
}
