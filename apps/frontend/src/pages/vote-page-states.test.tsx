// @vitest-environment jsdom
import { screen, within } from '@testing-library/react'
import { describe, expect, test } from 'vitest'
import { createFormat } from '../format.ts'
import { type Answer, elsewhere, json, noConnection, problem } from '../testing/fake-api.ts'
import { inFakeBrowser, look, pass, spoken, visit } from '../testing/pages.tsx'
import { days, drink, givePoll, newPoll, place, receipt, receiptSays, received, routes } from '../testing/samples.ts'
import { catalogues, type Language, locales, type Texts } from '../texts/index.ts'

const browser = inFakeBrowser()
const languages = Object.keys(catalogues) as Language[]

function choice(name: string): HTMLInputElement {
  return screen.getByLabelText(name)
}

function checked(role: 'radio' | 'checkbox'): (string | null | undefined)[] {
  return screen.getAllByRole<HTMLInputElement>(role, { checked: true }).map(({ labels }) => labels?.[0]?.textContent?.replace(/\s+/g, ' '))
}

const earlier = {
  answers: [
    { question: 1, options: [2] },
    { question: 2, options: [1, 3] },
    { question: 3, options: [] },
  ],
  receipt,
}
const threeQuestions = { questions: [drink, days, place] }

describe.each(languages)('vote page in %s', (language) => {
  const words = catalogues[language]
  const format = createFormat(locales[language])

  test('who has voted finds the choices marked, and sends a changed vote', async () => {
    const poll = newPoll(threeQuestions)
    givePoll(browser.api, poll)
    browser.api.on(routes.mine(poll.id), json(earlier))
    browser.api.on(routes.receipt(receipt), receiptSays('counted', poll.id))
    const user = await visit(`/p/${poll.id}`, language)
    expect(screen.getByText(words.vote.alreadyVoted).parentElement?.textContent).toContain(words.vote.alreadyVotedHint)
    // The mark stays where it is, whatever is chosen now.
    const marked = (option: string) => `${option}✓ ${words.results.yourVote}`
    expect(checked('radio')).toEqual([marked('Coffee'), marked(words.vote.noAnswer)])
    expect(checked('checkbox')).toEqual([marked('Monday'), marked('Friday')])

    await user.click(choice('Tea'))
    browser.api.on(routes.send(poll.id), received('the-second-receipt'))
    browser.api.on(routes.receipt('the-second-receipt'), receiptSays('counted', poll.id))
    await user.click(screen.getByRole('button', { name: words.vote.sendChanged }))
    await pass(0)
    expect(screen.getByRole('heading', { name: words.vote.outcomes.counted })).toBeTruthy()

    // And once more: what was sent last is marked.
    await user.click(screen.getByRole('button', { name: words.vote.changeAfter }))
    expect(checked('radio')[0]).toBe(marked('Tea'))
    expect(screen.getByRole('button', { name: words.vote.sendChanged })).toBeTruthy()
  })

  test('where a vote cannot be changed it is shown, with no form', async () => {
    const poll = newPoll({ ...threeQuestions, changesAllowed: false })
    givePoll(browser.api, poll)
    browser.api.on(routes.mine(poll.id), json(earlier))
    await visit(`/p/${poll.id}`, language)
    expect(screen.getByText(words.vote.alreadyVoted).parentElement?.textContent).toContain(words.vote.alreadyVotedFixed)
    const own = within(screen.getByRole('region', { name: words.vote.yourVote }))
    expect(own.getAllByRole('definition').map(({ textContent }) => textContent)).toEqual(['Coffee', 'Monday, Friday', words.vote.noAnswer])
    expect(screen.queryByRole('radio')).toBeNull()
    expect(screen.getByRole('link', { name: words.vote.seeResults }).getAttribute('href')).toBe(`/p/${poll.id}/results`)
  })

  test('before a vote that cannot be changed the page says so; after it there is no way back to the form', async () => {
    const poll = newPoll({ changesAllowed: false })
    givePoll(browser.api, poll)
    const user = await visit(`/p/${poll.id}`, language)
    expect(screen.getByText(words.vote.changesNotAllowed)).toBeTruthy()
    await user.click(choice('Tea'))
    await user.click(screen.getByRole('button', { name: words.vote.send }))
    await pass(0)
    expect(screen.getByRole('heading', { name: words.vote.outcomes.received })).toBeTruthy()
    expect(screen.queryByRole('button', { name: words.vote.changeAfter })).toBeNull()
  })

  test('a closed poll says since when, shows what this visitor voted, and leads to the results', async () => {
    const closesAt = '2026-11-21T18:00:00.000Z'
    const poll = newPoll({ ...threeQuestions, state: 'closed', closesAt })
    givePoll(browser.api, poll)
    browser.api.on(routes.mine(poll.id), json(earlier))
    await visit(`/p/${poll.id}`, language)
    expect(screen.getByText(words.poll.closedAt(format.instant(closesAt)))).toBeTruthy()
    expect(spoken('status')).toContain(words.vote.closedHint)
    expect(screen.getByRole('region', { name: words.vote.yourVote })).toBeTruthy()
    expect(screen.getByRole('link', { name: words.vote.seeResults })).toBeTruthy()
    expect(screen.queryByRole('radio')).toBeNull()
    const asked = browser.api.asks(routes.poll(poll.id)).length
    await pass(300_000)
    expect(browser.api.asks(routes.poll(poll.id))).toHaveLength(asked)
  })

  test('a poll that is not open yet counts down, and opens by itself', async () => {
    const opensAt = '2026-11-21T20:10:00.000Z'
    const poll = newPoll({ state: 'scheduled', opensAt })
    givePoll(browser.api, poll)
    await visit(`/p/${poll.id}`, language)
    expect(spoken('status')).toContain(words.vote.notOpenYetHint)
    expect(screen.getByText(words.poll.opensIn(format.duration(600_000)))).toBeTruthy()
    expect(screen.queryByRole('radio')).toBeNull()
    await pass(60_000)
    expect(screen.getByText(words.poll.opensIn(format.duration(540_000)))).toBeTruthy()

    await pass(539_000)
    givePoll(browser.api, { ...poll, state: 'open' })
    expect(screen.queryByRole('radio')).toBeNull()
    await pass(4_000)
    expect(choice('Tea')).toBeTruthy()
    expect(screen.getByText(words.poll.open)).toBeTruthy()
  })

  test('while somebody chooses, the poll closes', async () => {
    const poll = newPoll({ closesAt: '2026-11-21T20:00:30.000Z' })
    givePoll(browser.api, poll)
    const user = await visit(`/p/${poll.id}`, language)
    expect(screen.getByText(words.poll.closesIn(format.duration(30_000)))).toBeTruthy()
    await user.click(choice('Tea'))
    givePoll(browser.api, { ...poll, state: 'closed' })
    await pass(33_000)
    expect(spoken('status')).toContain(words.vote.closedHint)
    expect(screen.queryByRole('radio')).toBeNull()
  })

  const absent: [string, Answer, (texts: Texts) => string, (texts: Texts) => string][] = [
    ['was never there', problem('poll-not-found'), ({ poll }) => poll.notFoundTitle, ({ poll }) => poll.notFound],
    ['has no id that could be one', problem('invalid-request'), ({ poll }) => poll.notFoundTitle, ({ poll }) => poll.notFound],
    ['was deleted', problem('poll-deleted'), ({ poll }) => poll.deletedTitle, ({ poll }) => poll.deleted],
  ]
  test.each(absent)('a poll that %s', async (_, answer, title, text) => {
    const poll = newPoll()
    givePoll(browser.api, poll)
    browser.api.on(routes.poll(poll.id), answer)
    browser.api.on(routes.polls, json({ polls: [], next: null }))
    const user = await visit(`/p/${poll.id}`, language)
    expect(screen.getByRole('heading', { level: 1, name: title(words) })).toBeTruthy()
    expect(screen.getByText(text(words))).toBeTruthy()
    await user.click(screen.getByRole('link', { name: words.notFound.home }))
    await pass(0)
    expect(screen.getByRole('heading', { level: 1, name: words.home.title })).toBeTruthy()
  })

  const refusals: [string, Answer, (texts: Texts) => string][] = [
    ['401', problem('unauthorized'), ({ failure }) => failure.problems.unauthorized],
    ['401 of something else', elsewhere(401), ({ failure }) => failure.problems.unauthorized],
    ['403', elsewhere(403), ({ failure }) => failure.forbidden],
  ]
  test.each(refusals)('a poll that answers %s', async (_, answer, saidOf) => {
    const poll = newPoll()
    givePoll(browser.api, poll)
    browser.api.on(routes.poll(poll.id), answer)
    await visit(`/p/${poll.id}`, language)
    expect(spoken('alert')).toBe(saidOf(words))
    expect(spoken('alert')).not.toContain(words.failure.retrying)
  })

  test('a server that is away is asked again by itself, and at once on request', async () => {
    const poll = newPoll()
    givePoll(browser.api, poll)
    browser.api.on(routes.poll(poll.id), noConnection)
    const user = await visit(`/p/${poll.id}`, language)
    expect(spoken('status')).toContain(`${words.failure['no-connection']} ${words.failure.retrying}`)
    givePoll(browser.api, poll)
    await user.click(screen.getByRole('button', { name: words.failure.tryNow }))
    await pass(0)
    expect(choice('Tea')).toBeTruthy()
  })
})

test('not knowing the earlier vote keeps nobody from voting', async () => {
  const poll = newPoll()
  givePoll(browser.api, poll)
  browser.api.on(routes.mine(poll.id), problem('database-unavailable'))
  await visit(`/p/${poll.id}`)
  expect(screen.getByRole('button', { name: catalogues.en.vote.send })).toBeTruthy()
})

test('what is chosen stays while the poll is looked at again and the server is away', async () => {
  const poll = newPoll()
  givePoll(browser.api, poll)
  const user = await visit(`/p/${poll.id}`)
  await user.click(choice('Coffee'))
  browser.api.on(routes.poll(poll.id), noConnection)
  await pass(120_000)
  expect(choice('Coffee').checked).toBe(true)
})

test('nobody looks: the poll is not asked again until somebody does', async () => {
  const poll = newPoll()
  givePoll(browser.api, poll)
  await visit(`/p/${poll.id}`)
  look(false)
  await pass(600_000)
  expect(browser.api.asks(routes.poll(poll.id))).toHaveLength(1)
  look(true)
  await pass(0)
  expect(browser.api.asks(routes.poll(poll.id))).toHaveLength(2)
})

test('the time left is that of the server, whose clock may be another than the visitor has', async () => {
  const poll = newPoll({ closesAt: '2026-11-21T20:10:00.000Z' })
  givePoll(browser.api, poll)
  // Nine minutes ahead of this visitor.
  browser.api.on(routes.poll(poll.id), json(poll, 200, { Date: 'Sat, 21 Nov 2026 20:09:00 GMT' }))
  await visit(`/p/${poll.id}`)
  // Written in the middle of its second: 20:10:00 - 20:09:00.5, rounded up; a second later one less.
  const left = (milliseconds: number) => catalogues.en.poll.closesIn(createFormat('en-GB').duration(milliseconds))
  expect(screen.getByText(left(60_000))).toBeTruthy()
  await pass(1_000)
  expect(screen.getByText(left(59_000))).toBeTruthy()
})

test.each(['lost', 'rejected'])('a vote that the server does not have, and whose receipt says %s, may be cast again', async (status) => {
  const poll = newPoll({ changesAllowed: false })
  givePoll(browser.api, poll)
  browser.api.on(routes.receipt(receipt), receiptSays(status, poll.id))
  const sent = { receipt, receivedAt: '2026-11-21T19:00:00.000Z', answers: earlier.answers }
  localStorage.setItem(`urna:sent:${poll.id}`, JSON.stringify(sent))
  await visit(`/p/${poll.id}`)
  expect(choice('Tea').checked).toBe(false)
})

test("a proxy's own 404 takes no form away from who is filling it in", async () => {
  const poll = newPoll()
  givePoll(browser.api, poll)
  const user = await visit(`/p/${poll.id}`)
  await user.click(choice('Tea'))
  browser.api.on(routes.poll(poll.id), elsewhere(404))
  await pass(120_000)
  expect(choice('Tea').checked).toBe(true)
})
