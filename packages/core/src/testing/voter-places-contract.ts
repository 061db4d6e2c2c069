import { describe, expect, it } from 'vitest'
import type { VoterPlaces } from '../ports/voter-places.ts'

/** What every implementation of {@link VoterPlaces} keeps. `open`: on the same data as often as it is asked, where there is any. */
export function voterPlacesContract(name: string, open: () => Promise<VoterPlaces>): void {
  describe(`voter places: ${name}`, () => {
    let addresses = 0
    const newAddress = () => `address ${name} ${++addresses}`

    it('counts the voters of an address from 0, and none twice', async () => {
      const places = await open()
      const address = newAddress()
      const come = (mark: string) => places.placeOf({ address, hour: 7, mark }, 100)
      expect([await come('a'), await come('b'), await come('a'), await come('c'), await come('b')]).toEqual([0, 1, 0, 2, 1])
    })

    it('counts each address for itself', async () => {
      const places = await open()
      const [one, other] = [newAddress(), newAddress()]
      await places.placeOf({ address: one, hour: 7, mark: 'a' }, 100)
      expect(await places.placeOf({ address: other, hour: 7, mark: 'b' }, 100)).toBe(0)
      expect(await places.placeOf({ address: one, hour: 7, mark: 'b' }, 100)).toBe(1)
    })

    it('begins anew with each hour', async () => {
      const places = await open()
      const address = newAddress()
      await places.placeOf({ address, hour: 7, mark: 'a' }, 100)
      expect(await places.placeOf({ address, hour: 8, mark: 'b' }, 100)).toBe(0)
    })

    it('tells nobody apart from the last place on, and still knows those before', async () => {
      const places = await open()
      const address = newAddress()
      const come = (mark: string) => places.placeOf({ address, hour: 7, mark }, 3)
      expect(await Promise.all(['a', 'b', 'c', 'd', 'e'].map(come))).toEqual([0, 1, 2, 3, 3])
      expect([await come('e'), await come('b')]).toEqual([3, 1])
    })

    it('gives every place once to many at a time', async () => {
      const places = await open()
      const address = newAddress()
      const given = await Promise.all(
        Array.from({ length: 300 }, (_, voter) => places.placeOf({ address, hour: 7, mark: `m${voter % 150}` }, 1_000)),
      )
      expect([...new Set(given)].sort((left, right) => left - right)).toEqual(Array.from({ length: 150 }, (_, place) => place))
    })
  })
}
