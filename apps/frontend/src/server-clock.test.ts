import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { noteServerDate, serverNowMs } from './server-clock.ts'

const visitorMs = Date.parse('2026-11-21T20:00:00.400Z')

beforeEach(() => {
  vi.useFakeTimers({ now: visitorMs })
  noteServerDate('Sat, 21 Nov 2026 20:00:00 GMT')
})
afterEach(() => vi.useRealTimers())

function aheadMs(): number {
  return serverNowMs() - Date.now()
}

test.each([
  ['the same second', 'Sat, 21 Nov 2026 20:00:00 GMT', 0],
  ['a second that whole seconds and the way explain', 'Sat, 21 Nov 2026 20:00:01 GMT', 0], // 20:00:01.5 - 20:00:00.4 = 1,100 ms
  ['two seconds ahead', 'Sat, 21 Nov 2026 20:00:02 GMT', 2_100],
  ['nine minutes behind', 'Sat, 21 Nov 2026 19:51:00 GMT', -539_900],
  ['no header', null, 0],
  ['no date', 'tomorrow', 0],
])('%s', (_, header, expected) => {
  noteServerDate(header)
  expect(aheadMs()).toBe(expected)
})

test('what is known stays while answers agree with it within the tolerance, so that a countdown does not jitter', () => {
  noteServerDate('Sat, 21 Nov 2026 20:09:00 GMT')
  expect(aheadMs()).toBe(540_100)
  vi.setSystemTime(visitorMs + 1_300)
  noteServerDate('Sat, 21 Nov 2026 20:09:01 GMT')
  expect(aheadMs()).toBe(540_100)
})

test('a clock that was put right is believed again, and an answer without a date changes nothing', () => {
  noteServerDate('Sat, 21 Nov 2026 20:09:00 GMT')
  noteServerDate(null)
  expect(aheadMs()).toBe(540_100)
  vi.setSystemTime(visitorMs + 540_100)
  noteServerDate('Sat, 21 Nov 2026 20:09:00 GMT')
  expect(aheadMs()).toBe(0)
})
