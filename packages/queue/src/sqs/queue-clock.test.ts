import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { HybridClock, QueueClock } from './queue-clock.ts'
import { FakeTime } from './testing/fake-sqs.ts'

describe('queue clock', () => {
  it('is this machine at first, whatever is done to its clock later', () => {
    const time = new FakeTime()
    const start = time.wallMs
    expect(time.clock.nowMs()).toBe(start)
    time.pass(100)
    time.wallMs -= 3_600_000 // set back by an hour
    expect(time.clock.nowMs()).toBe(start + 100)
    expect(time.clock.wallBehindMs()).toBe(3_600_000)
  })

  it('does not change where the dates of SQS, whole seconds, allow its time', () => {
    const time = new FakeTime()
    const start = time.wallMs // a whole second
    time.pass(700)
    time.clock.observe(start, time.monotonicMs - 20, time.monotonicMs)
    expect(time.clock.nowMs()).toBe(start + 700)
  })

  it('goes to the nearest time that they allow', () => {
    const time = new FakeTime()
    const start = time.wallMs
    time.clock.observe(start + 10_000, time.monotonicMs - 20, time.monotonicMs)
    expect(time.clock.nowMs()).toBe(start + 10_000) // at least that late
    expect(time.clock.wallBehindMs()).toBe(10_000)
    time.clock.observe(start - 10_000, time.monotonicMs - 20, time.monotonicMs)
    expect(time.clock.nowMs()).toBe(start - 10_000 + 999 + 20) // the last of that second, 20 ms ago
    time.clock.observe(Number.NaN, 0, 0)
    expect(time.clock.nowMs()).toBe(start - 10_000 + 999 + 20)
  })

  it('is never further from the queue than a second and the time of the call', () => {
    const call = fc.record({ passes: fc.nat(5_000), takes: fc.nat(2_000), trueOffset: fc.integer({ min: -90_000, max: 90_000 }) })
    fc.assert(
      fc.property(fc.array(call, { minLength: 1, maxLength: 20 }), (calls) => {
        const time = new FakeTime()
        for (const { passes, takes, trueOffset } of calls) {
          time.pass(passes)
          const sentAtMs = time.monotonicMs
          const queueMs = time.wallMs + trueOffset
          time.pass(takes)
          time.clock.observe(Math.floor(queueMs / 1_000) * 1_000, sentAtMs, time.monotonicMs)
          expect(Math.abs(time.clock.nowMs() - (queueMs + takes))).toBeLessThanOrEqual(1_000 + takes)
        }
      }),
    )
  })
})

describe('hybrid logical clock', () => {
  it('never repeats, never goes back, and never runs behind, whatever its clock does', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -50, max: 50 }), { maxLength: 200 }), (jumps) => {
        let now = 1_000
        const clock = new HybridClock(() => now, 7)
        let last = { ms: 0, counter: 0 }
        for (const jump of jumps) {
          now += jump
          const next = clock.next()
          expect(next.ms > last.ms || (next.ms === last.ms && next.counter > last.counter)).toBe(true)
          expect(next.ms).toBeGreaterThanOrEqual(now)
          last = next
        }
      }),
    )
  })

  it('runs ahead when one millisecond has no counter left', () => {
    const clock = new HybridClock(() => 1_000, 7)
    for (let count = 0; count <= 0xffff; count++) clock.next()
    expect(clock.next()).toEqual({ ms: 1_001, counter: 0 }) // 65,536 of millisecond 1,000 were before it
  })

  it('reads the clock that it is given', () => {
    expect(new QueueClock().nowMs()).toBeGreaterThan(1_700_000_000_000)
  })
})
