import { hash } from 'node:crypto'
import { describe, expect, it, vi } from 'vitest'
import { learnTokenHash } from './token-hash.ts'

const hashOf = (token: string) => hash('sha256', token, 'hex')

async function until(condition: () => boolean): Promise<void> {
  await vi.waitFor(() => expect(condition()).toBe(true), { timeout: 5_000, interval: 2 })
}

describe('the hash of the administrator’s token', () => {
  it('is that of the token that was given, and then nothing is read', () => {
    const read = vi.fn(async () => hashOf('stored'))
    const { current } = learnTokenHash({ configured: 'given', read, onMissing: () => {} })
    expect(current()?.toString('hex')).toBe(hashOf('given'))
    expect(read).not.toHaveBeenCalled()
  })

  it('is asked for until it is there', async () => {
    const answers = [() => Promise.reject(new Error('away')), async () => null, async () => 'not a hash', async () => hashOf('stored')]
    const onMissing = vi.fn()
    const { current } = learnTokenHash({
      configured: null,
      read: () => (answers.shift() as () => Promise<string | null>)(),
      onMissing,
      everyMs: 1,
    })
    expect(current()).toBeNull()
    await until(() => current() !== null)
    expect(current()?.toString('hex')).toBe(hashOf('stored'))
    // A primary that is away has not said that there is none; twice it said so, and it is told once.
    expect(onMissing).toHaveBeenCalledTimes(1)
  })

  it('is not asked for any more after the end', async () => {
    const read = vi.fn(async () => null)
    const tokenHash = learnTokenHash({ configured: null, read, onMissing: () => {}, everyMs: 1 })
    await until(() => read.mock.calls.length > 2)
    tokenHash.stop()
    const asked = read.mock.calls.length
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(read.mock.calls.length).toBeLessThanOrEqual(asked + 1)
  })
})
