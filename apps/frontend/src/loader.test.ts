// @vitest-environment jsdom
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { ApiFailure } from './api.ts'
import { createLoader, type Loader, type LoaderOptions } from './loader.ts'
import { inFakeBrowser, look, pass } from './testing/pages.tsx'

inFakeBrowser()

let leave: (() => void) | undefined
/** What `load` answers from now on. */
let answer: () => Promise<number>
let loadedAt: number[]
let signals: AbortSignal[]
let begin: number

beforeEach(() => {
  begin = Date.now()
  loadedAt = []
  signals = []
  answer = async () => loadedAt.length
})
afterEach(() => leave?.())

async function listen(options: Partial<LoaderOptions<number>> = {}): Promise<Loader<number>> {
  const loader = createLoader({
    load(signal) {
      loadedAt.push(Date.now() - begin)
      signals.push(signal)
      return answer()
    },
    ...options,
  })
  leave = loader.subscribe(() => {})
  await pass(0)
  return loader
}

const fails =
  (reason: ApiFailure['reason'], status = 0, retryAfter: number | null = null) =>
  async () => {
    throw new ApiFailure(reason, status, null, retryAfter)
  }

test('loads once where nothing is said about the next time', async () => {
  const loader = await listen()
  await pass(3_600_000)
  expect(loader.state()).toEqual({ value: 1, failure: null })
  expect(loadedAt).toEqual([0])
})

test('loads again when it is told, with the answers counted', async () => {
  const again = vi.fn((_: number, times: number) => (times < 3 ? times * 1_000 : null))
  await listen({ again })
  await pass(60_000)
  expect(loadedAt).toEqual([0, 1_000, 3_000])
  expect(again.mock.calls).toEqual([
    [1, 1],
    [2, 2],
    [3, 3],
  ])
})

test('a failure keeps the value, and is tried again after a wait that grows and starts anew with the next answer', async () => {
  const loader = await listen({ again: () => 60_000 })
  answer = fails('busy', 503)
  await pass(60_000)
  expect(loader.state()).toMatchObject({ value: 1, failure: { status: 503 } })
  await pass(8_000)
  // Chance in the middle: three quarters of 1, 2 and 4 s.
  expect(loadedAt).toEqual([0, 60_000, 60_750, 62_250, 65_250])
  answer = async () => 7
  await pass(3_250) // six seconds after the fourth failure
  expect(loader.state()).toEqual({ value: 7, failure: null })
  answer = fails('no-connection')
  await pass(60_750)
  expect(loadedAt.slice(-3)).toEqual([71_250, 131_250, 132_000])
})

test.each([
  ['the server asks for time', fails('busy', 503, 9), 9_500], // and half of the second that chance may add
  ['the server hides it', fails('refused', 403), 30_000],
])('%s: the next try comes then', async (_, failing, nextMs) => {
  answer = failing
  await listen()
  await pass(nextMs - 1)
  expect(loadedAt).toEqual([0])
  await pass(1)
  expect(loadedAt).toEqual([0, nextMs])
})

test('what is refused is not tried again by itself, but on request', async () => {
  answer = fails('refused', 404)
  const loader = await listen({ again: () => 1_000 })
  await pass(3_600_000)
  expect(loadedAt).toEqual([0])
  answer = async () => 5
  loader.loadNow()
  await pass(0)
  expect(loader.state()).toEqual({ value: 5, failure: null })
})

test('nobody looks: what is due waits for the first look, and is loaded once', async () => {
  await listen({ again: () => 10_000 })
  look(false)
  await pass(600_000)
  expect(loadedAt).toEqual([0])
  look(true)
  await pass(0)
  look(false)
  look(true)
  await pass(0)
  expect(loadedAt).toEqual([0, 600_000])
})

test('a look before anything is due loads nothing', async () => {
  await listen({ again: () => 10_000 })
  look(false)
  await pass(9_000)
  look(true)
  await pass(999)
  expect(loadedAt).toEqual([0])
  await pass(1)
  expect(loadedAt).toEqual([0, 10_000])
})

test('of an older and a newer value the chosen one is shown', async () => {
  const loader = await listen({ again: () => 1_000, choose: Math.max })
  answer = async () => -1
  await pass(1_000)
  expect(loader.state().value).toBe(1)
})

test('who loads now does not hear the answer to what was asked before', async () => {
  let late: (value: number) => void = () => {}
  answer = () => new Promise((resolve) => (late = resolve))
  const loader = await listen()
  answer = async () => 2
  loader.loadNow()
  await pass(0)
  late(1)
  await pass(0)
  expect(loader.state().value).toBe(2)
  expect(signals.map(({ aborted }) => aborted)).toEqual([true, false])
})

test('the last listener ends it: what is under way is aborted and its answer ignored, nothing is loaded again', async () => {
  let late: (value: number) => void = () => {}
  answer = () => new Promise((resolve) => (late = resolve))
  const loader = await listen({ again: () => 1_000 })
  const leaveToo = loader.subscribe(() => {})
  leaveToo()
  expect(signals[0]?.aborted).toBe(false)
  leave?.()
  expect(signals[0]?.aborted).toBe(true)
  late(1)
  look(false)
  look(true)
  await pass(60_000)
  expect([loader.state().value, loadedAt]).toEqual([null, [0]])
})
