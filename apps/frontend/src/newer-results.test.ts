import type { Results } from '@urna/contracts'
import { expect, test } from 'vitest'
import { newerResults } from './newer-results.ts'

function results(asOf: string | null, turnout: number): Results {
  return { asOf, turnout } as Results
}

test('numbers never go back in time', () => {
  const earlier = results('2026-11-21T20:00:00.000Z', 1)
  const later = results('2026-11-21T20:00:01.000Z', 2)
  expect(newerResults(earlier, later)).toBe(later)
  expect(newerResults(later, earlier)).toBe(later)
  expect(newerResults(earlier, results(null, 0))).toBe(earlier)
  expect(newerResults(results(null, 0), earlier)).toBe(earlier)
})

test('of two with the same instant the fresh one is shown: waiting may have changed', () => {
  const fresh = results('2026-11-21T20:00:00.000Z', 1)
  expect(newerResults(results('2026-11-21T20:00:00.000Z', 1), fresh)).toBe(fresh)
})
