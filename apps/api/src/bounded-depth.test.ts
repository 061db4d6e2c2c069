import type { QueueDepth } from '@urna/core'
import { describe, expect, it, vi } from 'vitest'
import { boundedDepth } from './bounded-depth.ts'

describe('how much waits', () => {
  it('is what the queue says', async () => {
    expect(await boundedDepth(async () => ({ ballots: 7, oldestAtMs: 1 }))()).toEqual({ ballots: 7, oldestAtMs: 1 })
  })

  it('is not waited for longer than a second, and not asked again for another one', async () => {
    vi.useFakeTimers()
    try {
      let nowMs = 0
      let asked = 0
      let depth: () => Promise<QueueDepth> = () => new Promise(() => {})
      const ask = boundedDepth(
        () => {
          asked++
          return depth()
        },
        { monotonicMs: () => nowMs },
      )
      const first = ask()
      const refused = expect(first).rejects.toThrow('how much waits')
      await vi.advanceTimersByTimeAsync(1_000)
      await refused
      for (let round = 0; round < 10; round++) await expect(ask()).rejects.toThrow('a moment ago')
      expect(asked).toBe(1)
      nowMs += 1_000
      depth = async () => ({ ballots: 0, oldestAtMs: null })
      expect((await ask()).ballots).toBe(0)
    } finally {
      vi.useRealTimers()
    }
  })
})
