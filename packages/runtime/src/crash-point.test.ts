import { spawnSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { armCrashPoint } from './crash-point.ts'

describe('crash points', () => {
  it('do nothing when they are not armed', () => {
    const crashPoint = armCrashPoint(undefined, () => expect.unreachable())
    crashPoint('after-read')
    armCrashPoint(null, () => expect.unreachable())('after-read')
  })

  it('kill once, at the hit that was asked for, of the point that was named', () => {
    const killedAfter: number[] = []
    let calls = 0
    const crashPoint = armCrashPoint({ point: 'before-commit', hit: 3 }, () => killedAfter.push(calls))
    for (calls = 1; calls <= 5; calls++) {
      crashPoint('after-read')
      crashPoint('before-commit')
    }
    expect(killedAfter).toEqual([3])
  })

  it('in a worker thread end the whole process, and nothing after the point runs', () => {
    const module = JSON.stringify(import.meta.resolve('./crash-point.ts'))
    const worker = `import(${module}).then(({ armCrashPoint }) => {
      const write = (text) => require('node:fs').writeSync(1, text)
      const crashPoint = armCrashPoint({ point: 'before-tally', hit: 2 })
      crashPoint('before-tally'); write('first'); crashPoint('before-tally'); write('second')
    })`
    const main = `new (require('node:worker_threads').Worker)(${JSON.stringify(worker)}, { eval: true }); setTimeout(() => {}, 20_000)`
    const ended = spawnSync(process.execPath, ['-e', main], { encoding: 'utf8' })
    expect({ signal: ended.signal, stdout: ended.stdout }).toEqual({ signal: 'SIGKILL', stdout: 'first' })
  })
})
