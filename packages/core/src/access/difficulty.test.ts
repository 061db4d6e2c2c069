import { expect, it } from 'vitest'
import { difficultyAt, hardestPlace, unitsMax, votersAUnit } from './difficulty.ts'

const scale = { free: 50, unit: 20_000 }

it('is none for the first of an address and hour, then one unit more for each 200 voters, and bounded', () => {
  const at = (place: number) => difficultyAt(place, scale)
  expect([0, 49, 50, 249, 250, 450, 2_849, 2_850, 1_000_000].map(at)).toEqual([
    ...[0, 0, 20_000, 20_000, 40_000, 60_000],
    280_000, // 1 + floor(2,799 / 200) = 14 units
    300_000, // 15 units
    300_000,
  ])
})

it('never falls, and is the hardest from the place on from which nobody is told apart', () => {
  const hardest = hardestPlace(scale)
  expect(hardest).toBe(50 + 14 * votersAUnit)
  for (let place = 1; place < hardest + 10; place++)
    expect(difficultyAt(place, scale)).toBeGreaterThanOrEqual(difficultyAt(place - 1, scale))
  expect(difficultyAt(hardest - 1, scale)).toBeLessThan(scale.unit * unitsMax)
  expect(difficultyAt(hardest, scale)).toBe(scale.unit * unitsMax)
})

it('begins with the first voter where none is free', () => {
  expect(difficultyAt(0, { free: 0, unit: 3 })).toBe(3)
})
