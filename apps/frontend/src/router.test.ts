import { expect, test } from 'vitest'
import { matchRoute } from './router.tsx'

test('every address has its page', () => {
  expect(matchRoute('/')).toEqual({ page: 'home' })
  expect(matchRoute('/p/abc')).toEqual({ page: 'vote', pollId: 'abc' })
  expect(matchRoute('/p/abc/')).toEqual({ page: 'vote', pollId: 'abc' })
  expect(matchRoute('/p/abc/results')).toEqual({ page: 'results', pollId: 'abc' })
  expect(matchRoute('/receipts')).toEqual({ page: 'receipts' })
  for (const path of ['/p', '/p/abc/other', '/p/abc/results/more', '/receipts/x', '/other'])
    expect(matchRoute(path)).toEqual({ page: 'not-found' })
})
