import { expect, test } from 'vitest'
import { retryDelay } from './retry.ts'

test('the wait doubles up to 20 s', () => {
  const longest = [1, 2, 3, 4, 5, 6, 100].map((failures) => retryDelay(failures, null, () => 1))
  expect(longest).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 20_000, 20_000])
  expect(retryDelay(3, null, () => 0)).toBe(2_000)
})

test('Retry-After is never undercut, and never obeyed for hours', () => {
  expect(retryDelay(1, 5, () => 0)).toBe(5_000)
  expect(retryDelay(1, 5, () => 1)).toBe(6_000)
  expect(retryDelay(1, 86_400, () => 0)).toBe(60_000)
})
