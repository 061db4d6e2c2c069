import { expect, test } from 'vitest'
import { nextPath } from './next-path.ts'

const origin = 'https://vote.example'

test.each([
  [undefined, '/admin'],
  ['', '/admin'],
  ['/admin/users?role=voter#x', '/admin/users?role=voter#x'],
  ['/p/1h7qk3v9m2x40001', '/p/1h7qk3v9m2x40001'],
  ['https://other.example/', '/admin'],
  ['//other.example/', '/admin'],
  ['/\\other.example/', '/admin'],
  ['/\t/other.example/', '/admin'],
  ['\\\\other.example', '/admin'],
  ['javascript:alert(1)', '/admin'],
  ['admin', '/admin'],
  ['/..//other.example', '/admin'],
  ['/p//other.example', '/p//other.example'],
])('%j leads to %s', (next, to) => {
  expect(nextPath(next, origin)).toBe(to)
})
