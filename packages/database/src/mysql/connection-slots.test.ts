import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ConnectionSlots } from './connection-slots.ts'

describe('slots for connections', () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  it('are given to so many at a time, first come first served', async () => {
    const slots = new ConnectionSlots(2, 5)
    const got: number[] = []
    const take = (who: number) => slots.take(1_000).then(() => got.push(who))
    const all = [1, 2, 3, 4].map(take)
    await Promise.all(all.slice(0, 2))
    expect(got).toEqual([1, 2])
    slots.give()
    await all[2]
    expect(got).toEqual([1, 2, 3])
    slots.give()
    await all[3]
    // Both are out again: nobody else gets one before one comes back.
    slots.give()
    slots.give()
    await Promise.all([take(5), take(6)])
    const seventh = take(7)
    await vi.advanceTimersByTimeAsync(999)
    expect(got).toEqual([1, 2, 3, 4, 5, 6])
    slots.give()
    await seventh
  })

  it('are not waited for by more than may wait, nor longer, and who gave up is out of the line', async () => {
    const slots = new ConnectionSlots(1, 2)
    await slots.take(100)
    const [one, two] = [slots.take(100), slots.take(300)]
    await expect(slots.take(100)).rejects.toMatchObject({ code: 'URNA_DATABASE_BUSY' })
    const failed = expect(one).rejects.toMatchObject({ code: 'URNA_DATABASE_BUSY' })
    await vi.advanceTimersByTimeAsync(100)
    await failed
    const three = slots.take(300)
    slots.give()
    await two
    slots.give()
    await three
  })

  it('are no more once closed', async () => {
    const slots = new ConnectionSlots(1, 2)
    await slots.take(100)
    const waiting = expect(slots.take(100)).rejects.toMatchObject({ code: 'URNA_DATABASE_CLOSED' })
    slots.close()
    await waiting
    await expect(slots.take(100)).rejects.toMatchObject({ code: 'URNA_DATABASE_CLOSED' })
    slots.give()
    expect(vi.getTimerCount()).toBe(0)
  })
})
