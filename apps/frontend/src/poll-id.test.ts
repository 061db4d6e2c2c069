import { expect, test } from 'vitest'
import { findPollId } from './poll-id.ts'

test('a poll id is found as typed, as read aloud, and inside a link', () => {
  const id = '1h7qk3v9m2x4c6d0'
  for (const typed of [
    id,
    ` ${id} `,
    '1H7QK3V9 M2X4C6D0',
    'lh7qk3v9m2x4c6do',
    `https://vote.example/p/${id}`,
    `http://h/p/${id}/results?x=1`,
  ]) {
    expect(findPollId(typed)).toBe(id)
  }
})

test('anything else is not one', () => {
  for (const typed of ['', 'abc', '1h7qk3v9m2x4c6d', '1h7qk3v9m2x4c6u0', 'https://vote.example/']) expect(findPollId(typed)).toBeNull()
})
