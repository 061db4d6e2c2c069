import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { solveBetween } from './solve-challenge.ts'

function work(number: number, salt = 'a-salt-that-is-longer-than-one-block-of-the-hash?poll=1h7qk3v9m2x40000&voter=0123456789abcdef&') {
  return { challenge: createHash('sha256').update(`${salt}${number}`).digest('hex'), salt, maxNumber: 5_000 }
}

test.each([0, 1, 9, 10, 999, 1_000, 5_000])('finds %d', (number) => {
  expect(solveBetween(work(number), 0, 5_000)).toBe(number)
})

test('finds it for salts of every length, as a block of the hash ends anywhere', () => {
  for (let length = 0; length < 140; length++) expect(solveBetween(work(107, 'x'.repeat(length)), 100, 110)).toBe(107)
})

test('looks nowhere else than it is told', () => {
  expect(solveBetween(work(10), 0, 9)).toBeNull()
  expect(solveBetween(work(10), 11, 20)).toBeNull()
  expect(solveBetween(work(10), 10, 10)).toBe(10)
})
