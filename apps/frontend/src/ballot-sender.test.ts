import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type BallotSender, createBallotSender } from './ballot-sender.ts'
import { readPending, readSent, savePending, saveSent } from './ballot-storage.ts'
import { anybody } from './voter.ts'

const answers = [{ question: 1, options: [2] }]
const fetchMock = vi.fn<typeof fetch>()
let pollId = ''
let polls = 0

beforeEach(() => {
  polls += 1
  pollId = `poll-${polls}`
  vi.useFakeTimers()
  vi.stubGlobal('fetch', fetchMock)
})

afterEach(() => {
  fetchMock.mockReset()
  vi.unstubAllGlobals()
  vi.useRealTimers()
})

function json(status: number, body: unknown, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify(body), { status, headers: { 'Content-Type': 'application/problem+json', ...headers } })
}

function received(receipt = 'the-receipt'): Response {
  return json(202, { receipt, status: 'received', receivedAt: '2026-11-21T20:00:00Z' })
}

function keysSent(): unknown[] {
  return fetchMock.mock.calls.map(([, init]) => new Headers(init?.headers).get('Idempotency-Key'))
}

async function stepAfterAll(sender: BallotSender): Promise<string> {
  await vi.advanceTimersByTimeAsync(0)
  return sender.state().step
}

test('a 202 ends the sending, and forgets the key', async () => {
  fetchMock.mockResolvedValueOnce(received())
  const sender = createBallotSender(anybody(pollId))
  sender.send(answers)
  expect(sender.state().step).toBe('sending')
  expect(await stepAfterAll(sender)).toBe('received')
  expect(readSent(pollId)).toMatchObject({ receipt: 'the-receipt', answers })
  expect(readPending(pollId)).toBeNull()
})

test('every try carries the same key, and none comes before Retry-After', async () => {
  fetchMock
    .mockRejectedValueOnce(new TypeError('network'))
    .mockResolvedValueOnce(json(503, { title: 'busy' }, { 'Retry-After': '5' }))
    .mockResolvedValueOnce(received())
  const sender = createBallotSender(anybody(pollId))
  sender.send(answers)
  await vi.advanceTimersByTimeAsync(0)
  expect(sender.state()).toMatchObject({ step: 'waiting', failure: { reason: 'no-connection' } })
  await vi.advanceTimersByTimeAsync(1_000)
  expect(sender.state()).toMatchObject({ step: 'waiting', failure: { reason: 'busy' } })
  // The second try came after 500 to 1,000 ms, so the third comes after 5,500 ms at the earliest.
  await vi.advanceTimersByTimeAsync(4_400)
  expect(fetchMock).toHaveBeenCalledTimes(2)
  await vi.advanceTimersByTimeAsync(3_700)
  expect(sender.state().step).toBe('received')
  expect(new Set(keysSent()).size).toBe(1)
})

test('a page that answers 200 in place of the server is no confirmation', async () => {
  fetchMock.mockResolvedValueOnce(new Response('<html>sign in to the wifi</html>'))
  const sender = createBallotSender(anybody(pollId))
  sender.send(answers)
  expect(await stepAfterAll(sender)).toBe('waiting')
})

test('a refusal is not tried again; answers and key stay for the next one', async () => {
  fetchMock.mockResolvedValueOnce(json(422, { title: 'An answer does not fit the poll' })).mockResolvedValueOnce(received())
  const sender = createBallotSender(anybody(pollId))
  sender.send(answers)
  expect(await stepAfterAll(sender)).toBe('refused')
  expect(readPending(pollId)).toMatchObject({ answers, send: false, mayHaveArrived: false })
  await vi.advanceTimersByTimeAsync(120_000)
  expect(fetchMock).toHaveBeenCalledTimes(1)
  sender.send(answers)
  expect(await stepAfterAll(sender)).toBe('received')
  expect(new Set(keysSent()).size).toBe(1)
})

test('a reload sends again what was not confirmed, with its key', async () => {
  savePending(pollId, { key: 'key-of-the-first-visit', answers, send: true, mayHaveArrived: true })
  fetchMock.mockResolvedValueOnce(received())
  const sender = createBallotSender(anybody(pollId))
  sender.resume()
  expect(await stepAfterAll(sender)).toBe('received')
  expect(keysSent()).toEqual(['key-of-the-first-visit'])
})

test('what the voter went back to edit is not sent by a reload', async () => {
  savePending(pollId, { key: 'key-of-the-first-visit', answers, send: false, mayHaveArrived: true })
  const sender = createBallotSender(anybody(pollId))
  sender.resume()
  expect(await stepAfterAll(sender)).toBe('editing')
  expect(fetchMock).not.toHaveBeenCalled()
})

test('an older ballot that waits for its next try gives way to one another tab has sent', async () => {
  fetchMock.mockRejectedValueOnce(new TypeError('network'))
  const sender = createBallotSender(anybody(pollId))
  sender.send(answers)
  await vi.advanceTimersByTimeAsync(0)
  saveSent(pollId, { receipt: 'of-the-other-tab', receivedAt: '2026-11-21T20:00:00Z', answers: [{ question: 1, options: [1] }] })
  await vi.advanceTimersByTimeAsync(60_000)
  expect(fetchMock).toHaveBeenCalledTimes(1)
  expect(sender.state()).toMatchObject({ step: 'received', ballot: { receipt: 'of-the-other-tab' } })
})

test('one browser has one key, in every poll: with two, a lost answer and a cookie would make two voters of one', async () => {
  fetchMock.mockImplementation(async () => received())
  createBallotSender(anybody(pollId)).send(answers)
  createBallotSender(anybody(`${pollId}-other`)).send(answers)
  await vi.advanceTimersByTimeAsync(0)
  expect(keysSent()).toHaveLength(2)
  expect(new Set(keysSent()).size).toBe(1)
})

test('a try under way is stopped when the voter goes back to change the answers', async () => {
  fetchMock.mockImplementationOnce(() => new Promise(() => {}))
  const sender = createBallotSender(anybody(pollId))
  sender.send(answers)
  await vi.advanceTimersByTimeAsync(0)
  expect(fetchMock.mock.calls[0]?.[1]?.signal?.aborted).toBe(false)
  sender.edit()
  expect(fetchMock.mock.calls[0]?.[1]?.signal?.aborted).toBe(true)
})

test('leaving is warned of as long as any poll has a ballot that is not confirmed', async () => {
  const listeners = new Set<unknown>()
  vi.stubGlobal('addEventListener', (name: string, listener: unknown) => name === 'beforeunload' && listeners.add(listener))
  vi.stubGlobal('removeEventListener', (name: string, listener: unknown) => name === 'beforeunload' && listeners.delete(listener))
  fetchMock.mockRejectedValueOnce(new TypeError('network')).mockResolvedValueOnce(received()).mockResolvedValueOnce(received())
  // What other tests left unconfirmed would be warned of too.
  vi.resetModules()
  const fresh = await import('./ballot-sender.ts')
  fresh.createBallotSender(anybody(pollId)).send(answers)
  await vi.advanceTimersByTimeAsync(0)
  fresh.createBallotSender(anybody(`${pollId}-other`)).send(answers)
  await vi.advanceTimersByTimeAsync(0)
  expect(listeners.size).toBe(1)
  await vi.advanceTimersByTimeAsync(2_000)
  expect(listeners.size).toBe(0)
})
