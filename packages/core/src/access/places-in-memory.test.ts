import { expect, it } from 'vitest'
import { voterPlacesContract } from '../testing/voter-places-contract.ts'
import { PlacesInMemory } from './places-in-memory.ts'

voterPlacesContract('in memory', async () => new PlacesInMemory())

it('holds no more than it may: the address counted longest ago is forgotten', async () => {
  const places = new PlacesInMemory({ votersMax: 10 })
  const come = (address: string, mark: string) => places.placeOf({ address, hour: 1, mark }, 100)
  for (let voter = 0; voter < 6; voter++) await come('a', String(voter))
  for (let voter = 0; voter < 4; voter++) await come('b', String(voter))
  expect(places.size).toBe(10)
  expect(await come('a', '6')).toBe(6) // b is forgotten: a was counted last
  expect(places.size).toBe(7)
  expect(await come('b', 'again')).toBe(0)
  for (let address = 0; address < 1_000; address++) {
    await come(`c${address}`, 'x')
    expect(places.size).toBeLessThanOrEqual(10)
  }
})

it('holds one hour, and a clock that goes back a little frees nobody', async () => {
  const places = new PlacesInMemory()
  for (let voter = 0; voter < 3; voter++) await places.placeOf({ address: 'a', hour: 7, mark: String(voter) }, 100)
  expect(await places.placeOf({ address: 'a', hour: 6, mark: 'new' }, 100)).toBe(3)
  expect(await places.placeOf({ address: 'a', hour: 8, mark: 'new' }, 100)).toBe(0)
  expect(places.size).toBe(1)
})
