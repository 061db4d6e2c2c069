import { expect, test } from 'vitest'
import { findVotingCode } from './voting-code.ts'

const code = '0049tk8nap6cx28k6nbqk0z1zw'

test.each([
  [code],
  ['0049-tk8n-ap6c-x28k-6nbq-k0z1-zw'],
  [' OO49 TK8N AP6C X28K 6NBQ KoZl ZW\n'],
  ['0049tk8nap6cx28k6nbqk0zIzw'],
  [`https://vote.example/p/1h7qk3v9m2x40000#code=${code}`],
  ['/p/1h7qk3v9m2x40000#code=0049-tk8n-ap6c-x28k-6nbq-k0z1-zw&x=1'],
  ['#x=1&code=0049%20tk8n%20ap6c%20x28k%206nbq%20k0z1%20zw'],
])('finds the code in %j', (typed) => {
  expect(findVotingCode(typed)).toBe(code)
})

test.each([
  '',
  'tea',
  code.slice(1),
  `${code}0`,
  code.replace('t', 'u'),
  'https://vote.example/p/1h7qk3v9m2x40000',
  '#code=%E0%A4%A',
  `#kode=${code}`,
])('finds none in %j', (typed) => {
  expect(findVotingCode(typed)).toBeNull()
})
