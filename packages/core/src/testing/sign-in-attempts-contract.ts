import { afterEach, describe, expect, it } from 'vitest'
import { untilDone } from './counting-samples.ts'
import { hashOf, opening, type PeopleSubject } from './people-samples.ts'

/** What SignInAttempts promises, for every database. */
export function signInAttemptsContract(name: string, makeSubject: () => Promise<PeopleSubject>): void {
  describe(`sign-in attempts contract: ${name}`, () => {
    const { subject, close } = opening(makeSubject)
    afterEach(close)
    const [one, two, three] = [hashOf('1'), hashOf('2'), hashOf('3')]

    it('counts the failures of each key, and forgets them at a success', async () => {
      const { people, second } = await subject()
      const { signInAttempts } = people
      expect(await signInAttempts.read([one, two])).toEqual([])
      await signInAttempts.addFailure([one, two], 100)
      await second.signInAttempts.addFailure([two, three], 300)
      await signInAttempts.addFailure([two], 200)
      const read = async () =>
        new Map(
          (await signInAttempts.read([one, two, three])).map((row) => [Buffer.from(row.key).toString('hex'), [row.failures, row.lastAtMs]]),
        )
      expect(await read()).toEqual(
        new Map([
          [one.toString('hex'), [1, 100]],
          [two.toString('hex'), [3, 300]],
          [three.toString('hex'), [1, 300]],
        ]),
      )
      await second.signInAttempts.clear([two, hashOf('unknown')])
      expect([...(await read()).keys()].sort()).toEqual([one, three].map((key) => key.toString('hex')).sort())
      await signInAttempts.addFailure([], 1)
      await signInAttempts.clear([])
      expect(await signInAttempts.read([])).toEqual([])
    })

    it('counts each of many failures at once, whatever the order of their keys', async () => {
      const { people, second } = await subject()
      await Promise.all(
        Array.from({ length: 40 }, (_, index) =>
          untilDone(() => (index % 2 === 0 ? people : second).signInAttempts.addFailure(index % 3 === 0 ? [one, two] : [two, one], index)),
        ),
      )
      expect((await people.signInAttempts.read([one, two])).map(({ failures, lastAtMs }) => [failures, lastAtMs])).toEqual([
        [40, 39],
        [40, 39],
      ])
    })

    it('forgets what is old, however much it is', async () => {
      const { people } = await subject()
      const keys = Array.from({ length: 1_203 }, (_, index) => hashOf(`${index}`))
      for (let start = 0; start < keys.length; start += 400) await people.signInAttempts.addFailure(keys.slice(start, start + 400), 10)
      await people.signInAttempts.addFailure([keys[0] as Buffer], 20)
      expect(await people.signInAttempts.removeOlder(20)).toBe(1_202)
      expect(await people.signInAttempts.removeOlder(20)).toBe(0)
      expect((await people.signInAttempts.read([keys[0] as Buffer])).map(({ failures }) => failures)).toEqual([2])
    })
  })
}
