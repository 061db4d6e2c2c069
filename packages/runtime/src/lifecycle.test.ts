import { describe, expect, it } from 'vitest'
import { createLifecycle } from './lifecycle.ts'

function subject(deadlineMs?: number) {
  const errors: object[] = []
  const logger = { info: () => {}, error: (fields: object) => void errors.push(fields) }
  return { errors, lifecycle: createLifecycle(deadlineMs === undefined ? { logger } : { logger, deadlineMs }) }
}

describe('lifecycle', () => {
  it('stops in reverse order, each after the one before is done, and once', async () => {
    const { lifecycle, errors } = subject()
    const calls: string[] = []
    for (const name of ['database', 'queue', 'server']) {
      lifecycle.onStop(name, async () => {
        calls.push(`${name} begins`)
        await Promise.resolve()
        calls.push(`${name} stopped`)
      })
    }
    const [first, second] = await Promise.all([lifecycle.stop('SIGTERM'), lifecycle.stop('SIGINT')])
    expect(calls).toEqual(['server begins', 'server stopped', 'queue begins', 'queue stopped', 'database begins', 'database stopped'])
    expect(first).toEqual({ stopped: ['server', 'queue', 'database'], unfinished: [], skipped: [] })
    expect(second).toBe(first)
    expect(errors).toEqual([])
  })

  it('goes on after one that fails, and says which', async () => {
    const { lifecycle, errors } = subject()
    lifecycle.onStop('database', () => {})
    lifecycle.onStop('queue', () => {
      throw new Error('broken')
    })
    expect(await lifecycle.stop('SIGTERM')).toEqual({ stopped: ['database'], unfinished: ['queue'], skipped: [] })
    expect(errors[0]).toMatchObject({ part: 'queue', err: { message: 'broken' } })
  })

  it('gives up at the deadline of all together, and names what hangs and what was not reached', async () => {
    const { lifecycle, errors } = subject(20)
    lifecycle.onStop('database', () => expect.unreachable())
    lifecycle.onStop('server', () => new Promise(() => {}))
    lifecycle.onStop('schedule', () => {})
    const report = await lifecycle.stop('SIGTERM')
    expect(report).toEqual({ stopped: ['schedule'], unfinished: ['server'], skipped: ['database'] })
    expect(errors).toEqual([{ unfinished: ['server'], skipped: ['database'], deadlineMs: 20 }])
  })
})
