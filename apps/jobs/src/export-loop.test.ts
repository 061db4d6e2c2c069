import { describe, expect, it } from 'vitest'
import type { ExportOutcome } from './export-csv.ts'
import { createExportLoop } from './export-loop.ts'

const start = Date.UTC(2026, 10, 21, 9, 0, 30)
const minute = 60_000
const outcome: ExportOutcome = {
  manifest: { file: 'a.csv', rows: 1, bytes: 1, sha256: '', asOf: null, createdAt: '' },
  removed: [],
}

function subject(every = '*/5 * * * *') {
  const clock = { now: start }
  const told: string[] = []
  const exports: { signal: AbortSignal; done: PromiseWithResolvers<ExportOutcome> }[] = []
  const loop = createExportLoop({
    every,
    exportOnce(signal) {
      const done = Promise.withResolvers<ExportOutcome>()
      exports.push({ signal, done })
      signal.addEventListener('abort', () => done.reject(signal.reason))
      return done.promise
    },
    onDone: () => told.push('done'),
    onFailed: (error) => told.push((error as Error).message),
    onSkipped: () => told.push('skipped'),
    nowMs: () => clock.now,
  })
  const settled = () => new Promise((resolve) => setImmediate(resolve))
  return {
    loop,
    told,
    exports,
    /** Turns every second, as the process does. */
    run(ms: number) {
      for (const end = clock.now + ms; clock.now < end; clock.now += 1_000) loop.tick()
    },
    jump(ms: number) {
      clock.now += ms
      loop.tick()
    },
    async finish(index = exports.length - 1) {
      exports[index]?.done.resolve(outcome)
      await settled()
    },
    async fail(message: string) {
      exports.at(-1)?.done.reject(new Error(message))
      await settled()
    },
  }
}

describe('exports by the clock', () => {
  it('begin at their times, in UTC, and not before', async () => {
    const { loop, exports, run, finish } = subject()
    expect(new Date(loop.nextAtMs ?? 0).toISOString()).toBe('2026-11-21T09:05:00.000Z')
    run(4.5 * minute)
    expect(exports).toHaveLength(0)
    run(2_000)
    expect(exports).toHaveLength(1)
    expect(loop.report.running).toBe(true)
    await finish()
    run(10 * minute)
    expect(exports).toHaveLength(2)
    await finish()
    expect(loop.report).toMatchObject({ done: 2, failed: 0, running: false, lastDone: { outcome } })
  })

  it('never run two at a time: what would overrun is left out', async () => {
    const { loop, told, exports, run, finish } = subject()
    run(15 * minute) // 09:05, 09:10 and 09:15
    expect(exports).toHaveLength(1)
    expect([loop.report.skipped, told]).toEqual([2, ['skipped', 'skipped']])
    await finish()
    run(5 * minute)
    expect(exports).toHaveLength(2)
  })

  it('go on after a failure', async () => {
    const { loop, told, exports, run, fail } = subject()
    run(5 * minute)
    await fail('the disk is full')
    expect(told).toEqual(['the disk is full'])
    run(5 * minute)
    expect(exports).toHaveLength(2)
    expect(loop.report).toMatchObject({ done: 0, failed: 1, lastDone: null })
  })

  it('make up once for times that passed unseen, and are not stopped by a clock that is set back', async () => {
    const { loop, exports, jump, finish } = subject()
    jump(60 * minute)
    expect(exports).toHaveLength(1)
    await finish()
    jump(-24 * 60 * minute)
    expect(new Date(loop.nextAtMs ?? 0).toISOString()).toBe('2026-11-20T10:05:00.000Z')
    jump(5 * minute)
    expect(exports).toHaveLength(2)
  })

  it('end when they are stopped: what is being written gets its time, and is then given up', async () => {
    const quick = subject()
    quick.run(5 * minute)
    const stopped = quick.loop.stop(60_000)
    await quick.finish()
    await stopped
    expect([quick.told, quick.exports[0]?.signal.aborted]).toEqual([['done'], true])
    const slow = subject()
    slow.run(5 * minute)
    await slow.loop.stop(1)
    // Not a failure: it was told to end.
    expect([slow.exports[0]?.signal.aborted, slow.told]).toEqual([true, []])
    slow.run(10 * minute)
    expect(slow.exports).toHaveLength(1)
  })
})
