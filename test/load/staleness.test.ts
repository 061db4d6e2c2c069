import { describe, expect, it } from 'vitest'
import { countBefore, type PageLog, stalenessOf } from './staleness.ts'

/** A page that was open from 0 on and showed these turnouts from these times on. */
function page(closedAtMs: number, ...shown: [atMs: number, turnout: number][]): PageLog {
  return { openedAtMs: 0, closedAtMs, events: shown.map(([atMs, turnout]) => ({ atMs, turnout })) }
}

describe('staleness of a page', () => {
  it('is that of the oldest acknowledgement it does not show', () => {
    // Two voters, at 1,000 and 1,100; the page shows both from 1,600 on: 600 ms after the first of them.
    expect(stalenessOf(page(5_000, [10, 0], [1_600, 2]), [1_000, 1_100]).worstMs).toBe(600)
    // It shows one of them only: the other one is missing from 1,100 until it closes.
    expect(stalenessOf(page(5_000, [10, 0], [1_600, 1]), [1_000, 1_100]).worstMs).toBe(3_900)
  })

  it('is none while the page shows what nobody was told yet', () => {
    expect(stalenessOf(page(5_000, [10, 1]), [4_000])).toMatchObject({ worstMs: 10, lateUntilMs: null })
  })

  it('of a page that shows nothing counts from its opening', () => {
    expect(stalenessOf(page(2_500), [])).toMatchObject({ worstMs: 2_500, lateUntilMs: 2_500 })
    expect(stalenessOf(page(3_000, [2_100, 0]), [])).toMatchObject({ worstMs: 2_100, lateUntilMs: 2_100 })
  })

  it('says when the page was late last, and at how many instants', () => {
    // Late from 3,000 (2,000 after the voter) until 3,500: at 3,100, 3,200, 3,300 and 3,400. At 3,000 it is just in time.
    expect(stalenessOf(page(5_000, [0, 0], [3_500, 1]), [1_000])).toEqual({
      worstMs: 2_500,
      lateUntilMs: 3_500,
      instants: 50,
      rightInstants: 46,
      backwards: 0,
    })
  })

  it('counts how often the turnout became less', () => {
    expect(stalenessOf(page(100, [10, 3], [20, 2], [30, 2], [40, 4], [50, 1]), []).backwards).toBe(2) // 3 to 2, 4 to 1
  })

  it('finds how many times are before another', () => {
    expect([5, 10, 11, 31].map((limit) => countBefore([10, 20, 30], limit))).toEqual([0, 0, 1, 3])
    expect(countBefore([], 5)).toBe(0)
  })
})
