// @vitest-environment jsdom
import { afterEach, expect, test, vi } from 'vitest'
import { createLiveResults, type LiveResults } from './live-results.ts'
import { type Answer, elsewhere, json, noConnection, problem, silence } from './testing/fake-api.ts'
import { eventBytes, type FakeLive, giveLive } from './testing/fake-live.ts'
import { inFakeBrowser, look, pass } from './testing/pages.tsx'
import { newPoll, newResults, routes } from './testing/samples.ts'

const browser = inFakeBrowser()
const poll = newPoll({ title: 'Chá, café ou água? 🗳️' })
const first = newResults(poll, [[3, 1, 1]])
const leave = new Set<() => void>()

afterEach(() => {
  for (const one of leave) one()
  leave.clear()
})

/** Somebody looks at the results of the poll. */
async function follow(receipt: string | null = null): Promise<LiveResults> {
  const results = createLiveResults(poll.id, () => receipt)
  leave.add(results.subscribe(() => {}))
  await pass(0)
  return results
}

function inPieces(bytes: Uint8Array<ArrayBuffer>, size: number): Uint8Array<ArrayBuffer>[] {
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, piece) => bytes.slice(piece * size, (piece + 1) * size))
}

// One byte at a time cuts every line, and every character that has several bytes, at every place.
test.each([1, 2, 3, 7, 1_000_000])('an event that comes in pieces of %d bytes is the same event', async (size) => {
  const live = giveLive(browser.api, poll.id)
  const results = await follow()
  for (const piece of inPieces(eventBytes('results', first), size)) live.stream.bytes(piece)
  await pass(0)
  expect(results.state()).toEqual({ results: first, link: 'live', failure: null })
})

test('other line ends, comments, ids, data of several lines and unknown events are understood or skipped', async () => {
  const live = giveLive(browser.api, poll.id)
  const results = await follow()
  const [head, tail] = [JSON.stringify(first).slice(0, 1), JSON.stringify(first).slice(1)]
  live.stream.text(`: hello\r\n\r\nevent: news\r\ndata: nothing for us\r\n\r\n`)
  live.stream.text(`event: results\r\nid: 7\r\ndata: ${head}\r\ndata: ${tail}\r\n\r\n`)
  await pass(0)
  expect(results.state().results).toEqual(first)
})

const noStreams: [string, Answer, number, string][] = [
  ['there is no connection', noConnection, 0, 'no-connection'],
  ['the server does not answer', silence, 10_000, 'no-answer'],
  ['what answers is no event stream', elsewhere(200), 0, 'no-answer'],
  ['the plain results answer in its place', json(first), 0, 'no-answer'],
  ['the server is too busy', problem('too-many-readers'), 0, 'busy'],
  ['a proxy finds no server', elsewhere(502), 0, 'busy'],
  ['what answers knows no streams', elsewhere(404), 0, 'busy'],
]
test.each(noStreams)('no stream, as %s: waits, and tries again', async (_, answer, afterMs, reason) => {
  browser.api.on(routes.live(poll.id), answer)
  browser.api.on(routes.results(poll.id), silence)
  const results = await follow()
  await pass(afterMs)
  expect(results.state()).toMatchObject({ results: null, link: 'waiting', failure: { reason } })
  giveLive(browser.api, poll.id, first)
  await pass(2_500)
  expect(results.state()).toEqual({ results: first, link: 'live', failure: null })
})

test('a stream that holds its events back is none: the results are asked for the plain way', async () => {
  const live = giveLive(browser.api, poll.id)
  browser.api.on(routes.results(poll.id), json(first))
  const results = await follow()
  await pass(9_999)
  expect([results.state().link, live.open]).toEqual(['connecting', 1])
  await pass(1)
  expect(live.open).toBe(0)
  expect(results.state()).toMatchObject({ results: first, link: 'waiting', failure: { reason: 'no-answer' } })
})

test('silence ends a stream after 40 s; comments break it', async () => {
  const live = giveLive(browser.api, poll.id, first)
  const results = await follow()
  for (let comments = 0; comments < 20; comments += 1) {
    await pass(15_000)
    live.stream.text(':\n\n')
  }
  await pass(39_999)
  expect([results.state().link, live.streams.length]).toEqual(['live', 1])
  browser.api.on(routes.results(poll.id), silence)
  await pass(1)
  expect([results.state().link, live.open]).toEqual(['waiting', 0])
  expect(results.state().failure?.reason).toBe('no-answer')
  // The time that the server asked for, 2.5 s.
  await pass(2_499)
  expect(live.streams).toHaveLength(1)
  await pass(1)
  expect([results.state().link, live.streams.length]).toEqual(['live', 2])
})

const endings: [string, (live: FakeLive) => void][] = [
  ['ends in good order, without the event that says so', ({ stream }) => stream.close()],
  ['breaks', ({ stream }) => stream.lose()],
  ['brings results that are no JSON', ({ stream }) => stream.text('event: results\ndata: {"title":\n\n')],
  [
    'ends in the middle of an event',
    ({ stream }) => {
      stream.text('event: results\ndata: {"ti')
      stream.close()
    },
  ],
]
test.each(endings)('a stream that %s is opened again, and the numbers stay', async (_, ending) => {
  const live = giveLive(browser.api, poll.id, first)
  const results = await follow()
  ending(live)
  await pass(0)
  expect(results.state()).toMatchObject({ results: first, link: 'waiting', failure: { reason: 'no-connection' } })
  await pass(2_500)
  expect(results.state()).toEqual({ results: first, link: 'live', failure: null })
  expect([live.streams.length, live.open]).toEqual([2, 1])
})

/** Milliseconds between the tries to connect, while all of them fail. */
async function waits(chance: number, tries: number, answer: Answer = noConnection): Promise<number[]> {
  vi.mocked(Math.random).mockReturnValue(chance)
  const triedAt: number[] = []
  browser.api.on(routes.live(poll.id), (asked) => {
    triedAt.push(Date.now())
    return answer(asked)
  })
  browser.api.on(routes.results(poll.id), noConnection)
  await follow()
  while (triedAt.length <= tries) await pass(250)
  return triedAt.slice(1).map((time, index) => time - (triedAt[index] ?? 0))
}

test.each([
  ['at least half of it', 0, [500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000]],
  ['all of it', 1, [1_000, 2_000, 4_000, 8_000, 16_000, 20_000, 20_000]],
])('the wait doubles up to 20 s, and chance takes %s', async (_, chance, expected) => {
  expect(await waits(chance, expected.length)).toEqual(expected)
})

test('the server says how long to wait', async () => {
  expect(await waits(0, 2, problem('shutting-down', {}, { 'Retry-After': '7' }))).toEqual([7_000, 7_000])
})

test('after a stream that lasted the wait is short again', async () => {
  const live = giveLive(browser.api, poll.id, first)
  browser.api.on(routes.live(poll.id), noConnection, noConnection, noConnection, live.answer)
  const results = await follow()
  await pass(20_000)
  expect(results.state().link).toBe('live')
  live.stream.lose()
  await pass(2_500)
  expect(live.streams).toHaveLength(2)
})

test('a path that cuts every stream as soon as it has begun is not asked every second', async () => {
  const live = giveLive(browser.api, poll.id, first)
  await follow()
  for (let tries = 1; tries < 8; tries += 1) {
    live.stream.lose()
    while (live.streams.length === tries) await pass(250)
  }
  const before = live.streams.length
  live.stream.lose()
  await pass(9_000)
  expect(live.streams).toHaveLength(before)
})

test('a browser that knows it has no network says so at once', async () => {
  const live = giveLive(browser.api, poll.id, first)
  const results = await follow()
  window.dispatchEvent(new Event('offline'))
  expect(results.state()).toMatchObject({ results: first, link: 'waiting', failure: { reason: 'no-connection' } })
  expect(live.open).toBe(0)
  window.dispatchEvent(new Event('online'))
  await pass(0)
  expect(results.state().link).toBe('live')
})

test('a connection that the browser has again is used at once, unless nobody looks', async () => {
  browser.api.on(routes.live(poll.id), problem('shutting-down', {}, { 'Retry-After': '60' }))
  browser.api.on(routes.results(poll.id), noConnection)
  const results = await follow()
  const live = giveLive(browser.api, poll.id, first)
  look(false)
  dispatchEvent(new Event('online'))
  await pass(0)
  expect(live.streams).toHaveLength(0)
  look(true)
  await pass(0)
  expect(results.state().link).toBe('live')
  dispatchEvent(new Event('online'))
  results.tryNow()
  await pass(0)
  expect(live.streams).toHaveLength(1)
})

test('hidden results are asked for when they will show, and every half minute until then', async () => {
  const at = new Date(Date.now() + 70_000).toISOString()
  browser.api.on(routes.live(poll.id), problem('results-hidden', { shown: 'after_closing', at }))
  const results = await follow()
  await pass(69_000)
  expect(browser.api.asked).toHaveLength(3) // at once, after 30 s, after 60 s
  const live = giveLive(browser.api, poll.id, first)
  await pass(2_499)
  expect(live.streams).toHaveLength(0)
  await pass(1) // half of the 2 s that chance adds, 500 ms, and 70 s
  expect(results.state().results).toEqual(first)
})

test('results that are hidden while somebody follows them are not shown any more', async () => {
  const live = giveLive(browser.api, poll.id, first)
  const results = await follow()
  browser.api.on(routes.live(poll.id), problem('results-hidden', { shown: 'owner' }))
  live.stream.end({ problem: 'results-hidden' })
  await pass(1_000)
  expect(results.state()).toMatchObject({ results: null, link: 'waiting', failure: { status: 403 } })
})

test('two listeners share one stream, which the last of them closes', async () => {
  const live = giveLive(browser.api, poll.id, first)
  const results = createLiveResults(poll.id, () => null)
  const leaveFirst = results.subscribe(() => {})
  const leaveSecond = results.subscribe(() => {})
  await pass(0)
  expect([live.streams.length, live.open]).toEqual([1, 1])
  leaveFirst()
  await pass(0)
  expect(live.open).toBe(1)
  leaveSecond()
  await pass(0)
  expect(live.open).toBe(0)
  look(false)
  look(true)
  dispatchEvent(new Event('online'))
  await pass(600_000)
  expect(live.streams).toHaveLength(1)
})

test('who looks away and back at once has one stream, not two', async () => {
  const live = giveLive(browser.api, poll.id, first)
  const results = await follow()
  look(false)
  look(true)
  await pass(0)
  expect([live.streams.length, live.open]).toEqual([2, 1])
  expect(results.state()).toEqual({ results: first, link: 'live', failure: null })
})

test('a tab that was opened behind another one connects when it is looked at', async () => {
  const live = giveLive(browser.api, poll.id, first)
  look(false)
  const results = await follow()
  await pass(300_000)
  expect(live.streams).toEqual([])
  look(true)
  await pass(0)
  expect(results.state()).toMatchObject({ results: first, link: 'live' })
})

test('a stream that the server ends for a reason is asked about again, and is no lost connection', async () => {
  const live = giveLive(browser.api, poll.id, first)
  const results = await follow()
  browser.api.on(routes.live(poll.id), problem('poll-deleted'))
  live.stream.end({ problem: 'poll-deleted' })
  await pass(0)
  expect(results.state().failure).toBeNull()
  await pass(1_000)
  expect(results.state()).toMatchObject({ results: null, link: 'ended', failure: { status: 410 } })
})
