// @vitest-environment jsdom
import { screen } from '@testing-library/react'
import { describe, expect, test } from 'vitest'
import { createFormat } from '../format.ts'
import { type Answer, elsewhere, json, noConnection, problem, silence } from '../testing/fake-api.ts'
import { FakeLive, giveLive } from '../testing/fake-live.ts'
import { inFakeBrowser, look, pass, spoken, visit } from '../testing/pages.tsx'
import { givePoll, newPoll, newResults, receipt, routes } from '../testing/samples.ts'
import { catalogues, type Language, locales, type Texts } from '../texts/index.ts'

const browser = inFakeBrowser()

describe.each(Object.keys(catalogues) as Language[])('live results in %s', (language) => {
  const words = catalogues[language]
  const format = createFormat(locales[language])
  const teas = (count: number) => screen.queryByText(words.results.votes(count))
  /** Which of its three marks the page shows. */
  const mark = () =>
    [words.results.live, words.results.connecting, words.results.notLive].filter((text) => screen.queryByText(text) !== null).join()

  test('the server has no fresh numbers: said with the reason, the numbers stay, and new ones end it', async () => {
    const poll = newPoll()
    const live = giveLive(browser.api, poll.id, newResults(poll, [[3, 0, 0]]))
    await visit(`/p/${poll.id}/results`, language)
    live.stream.delayed({ problem: 'database-unavailable' })
    await pass(0)
    expect(spoken('status')).toContain(
      `${words.results.delayed} ${words.failure.problems['database-unavailable']} ${words.results.delayedHint}`,
    )
    expect(teas(3)).toBeTruthy()
    // The stream itself is well.
    expect(mark()).toBe(words.results.live)
    expect(screen.queryByRole('button', { name: words.failure.tryNow })).toBeNull()

    live.stream.results(newResults(poll, [[4, 0, 0]]))
    await pass(0)
    expect(spoken('status')).not.toContain(words.results.delayed)
    expect(teas(4)).toBeTruthy()
    expect(live.streams).toHaveLength(1)
  })

  test('the stream is lost: said in words, the numbers stay, and it comes back by itself', async () => {
    const poll = newPoll()
    const live = giveLive(browser.api, poll.id, newResults(poll, [[3, 0, 0]]))
    await visit(`/p/${poll.id}/results`, language)
    browser.api.on(routes.live(poll.id), noConnection)
    live.stream.lose()
    await pass(0)
    expect(spoken('status')).toContain(`${words.failure['no-connection']} ${words.results.notLiveHint}`)
    expect(teas(3)).toBeTruthy()
    expect(mark()).toBe(words.results.notLive)

    await pass(60_000)
    expect(mark()).toBe(words.results.notLive)
    live.first = newResults(poll, [[5, 0, 0]], { asOf: '2026-11-21T20:01:00.000Z' })
    browser.api.on(routes.live(poll.id), live.answer)
    await pass(20_000)
    expect(mark()).toBe(words.results.live)
    expect(spoken('status')).not.toContain(words.results.notLiveHint)
    expect(teas(5)).toBeTruthy()
  })

  test('while it connects again the page says so, and who does not want to wait tries now', async () => {
    const poll = newPoll()
    const live = giveLive(browser.api, poll.id, newResults(poll, [[3, 0, 0]]))
    const user = await visit(`/p/${poll.id}/results`, language)
    browser.api.on(routes.live(poll.id), noConnection, silence)
    live.stream.lose()
    await pass(0)
    await user.click(screen.getByRole('button', { name: words.failure.tryNow }))
    await pass(0)
    expect(mark()).toBe(words.results.notLive)
    await user.click(screen.getByRole('button', { name: words.failure.tryNow }))
    expect(mark()).toBe(words.results.connecting)
    expect(teas(3)).toBeTruthy()
  })

  const titleOf = (answer: Answer) => {
    if (answer === ownerOnly) return words.results.hiddenOwnerTitle
    return answer === proxy ? words.results.notShown : words.results.hiddenTitle
  }
  const proxy = elsewhere(403)
  const ownerOnly = problem('results-hidden', { shown: 'owner' })
  const hidden: [string, Answer, (texts: Texts) => string, boolean][] = [
    ['after voting', problem('results-hidden', { shown: 'after_voting' }), ({ results }) => results.hiddenAfterVoting, false],
    ['after closing', problem('results-hidden', { shown: 'after_closing' }), ({ results }) => results.hiddenAfterClosing, true],
    [
      'after closing, at a known time',
      problem('results-hidden', { shown: 'after_closing', at: '2026-11-21T22:00:00.000Z' }),
      ({ results }) => results.hiddenUntil(format.instant('2026-11-21T22:00:00.000Z')),
      true,
    ],
    ['to whoever runs the poll', ownerOnly, ({ results }) => results.hiddenOwner, false],
    ['to whom a proxy lets in', proxy, ({ failure }) => failure.forbidden, false],
  ]
  test.each(hidden)('results that are shown %s say so, and appear by themselves', async (_, answer, saidOf, toldToWait) => {
    const poll = newPoll()
    givePoll(browser.api, poll)
    browser.api.on(routes.live(poll.id), answer)
    await visit(`/p/${poll.id}/results`, language)
    // Which poll, then why.
    expect(screen.getByRole('heading', { level: 1, name: poll.title })).toBeTruthy()
    const title = titleOf(answer)
    expect(screen.getByText(title).parentElement?.textContent).toBe(`${title} ${saidOf(words)}`)
    expect(screen.queryByText(words.results.hiddenHint) !== null).toBe(toldToWait)
    expect(screen.getByRole('link', { name: words.results.toVote }).getAttribute('href')).toBe(`/p/${poll.id}`)

    giveLive(browser.api, poll.id, newResults(poll, [[3, 0, 0]]))
    localStorage.setItem(`urna:sent:${poll.id}`, JSON.stringify({ receipt, receivedAt: '2026-11-21T19:00:00.000Z', answers: [] }))
    await pass(29_000)
    expect(browser.api.asks(routes.live(poll.id))).toHaveLength(1)
    await pass(1_000)
    expect(teas(3)).toBeTruthy()
    // What became known meanwhile is shown to the server.
    expect(browser.api.asks(routes.live(poll.id)).map(({ headers }) => headers.get('Urna-Receipt'))).toEqual([null, receipt])
  })

  test('too many readers: the same numbers without a stream, and words why they do not move', async () => {
    const poll = newPoll()
    const live = new FakeLive(newResults(poll, [[9, 0, 0]], { asOf: '2026-11-21T20:00:30.000Z' }))
    browser.api.on(routes.live(poll.id), problem('too-many-readers', {}, { 'Retry-After': '20' }), live.answer)
    browser.api.on(routes.results(poll.id), json(newResults(poll, [[3, 0, 0]])))
    await visit(`/p/${poll.id}/results`, language)
    expect(teas(3)).toBeTruthy()
    expect(spoken('status')).toContain(words.failure.problems['too-many-readers'])
    expect(mark()).toBe(words.results.notLive)
    await pass(19_999)
    expect(browser.api.asks(routes.live(poll.id))).toHaveLength(1)
    await pass(1_001)
    expect(teas(9)).toBeTruthy()
    expect(mark()).toBe(words.results.live)
  })

  const absent: [string, Answer, (texts: Texts) => string][] = [
    ['was never there', problem('poll-not-found'), ({ poll }) => poll.notFoundTitle],
    ['was deleted', problem('poll-deleted'), ({ poll }) => poll.deletedTitle],
  ]
  test.each(absent)('a poll that %s', async (_, answer, title) => {
    const poll = newPoll()
    givePoll(browser.api, poll)
    browser.api.on(routes.live(poll.id), answer)
    await visit(`/p/${poll.id}/results`, language)
    expect(screen.getByRole('heading', { level: 1, name: title(words) })).toBeTruthy()
    await pass(3_600_000)
    expect(browser.api.asked).toHaveLength(1)
  })

  test('a poll that is deleted while somebody looks at its results', async () => {
    const poll = newPoll()
    const live = giveLive(browser.api, poll.id, newResults(poll, [[3, 0, 0]]))
    await visit(`/p/${poll.id}/results`, language)
    browser.api.on(routes.live(poll.id), problem('poll-deleted'))
    live.stream.end({ problem: 'poll-deleted' })
    await pass(1_000)
    expect(screen.getByRole('heading', { level: 1, name: words.poll.deletedTitle })).toBeTruthy()
  })

  test('a server that is away before there were results', async () => {
    const poll = newPoll()
    browser.api.on(routes.live(poll.id), noConnection)
    const user = await visit(`/p/${poll.id}/results`, language)
    expect(spoken('status')).toContain(`${words.failure['no-connection']} ${words.failure.retrying}`)
    giveLive(browser.api, poll.id, newResults(poll, [[3, 0, 0]]))
    await user.click(screen.getByRole('button', { name: words.failure.tryNow }))
    await pass(0)
    expect(teas(3)).toBeTruthy()
  })

  test('nobody looks: the stream is closed until somebody does', async () => {
    const poll = newPoll()
    const live = giveLive(browser.api, poll.id, newResults(poll, [[3, 0, 0]]))
    await visit(`/p/${poll.id}/results`, language)
    look(false)
    await pass(600_000)
    expect([live.streams.length, live.open]).toEqual([1, 0])

    live.first = newResults(poll, [[7, 0, 0]], { asOf: '2026-11-21T20:10:00.000Z' })
    look(true)
    expect(mark()).toBe(words.results.connecting)
    expect(teas(3)).toBeTruthy()
    await pass(0)
    expect([live.streams.length, live.open, mark()]).toEqual([2, 1, words.results.live])
    expect(teas(7)).toBeTruthy()
  })
})
