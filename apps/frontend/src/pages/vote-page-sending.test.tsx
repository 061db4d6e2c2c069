// @vitest-environment jsdom
import { screen } from '@testing-library/react'
import type { UserEvent } from '@testing-library/user-event'
import { describe, expect, test } from 'vitest'
import { type Answer, elsewhere, json, noConnection, problem, silence } from '../testing/fake-api.ts'
import { inFakeBrowser, pass, spoken, visit } from '../testing/pages.tsx'
import { days, drink, givePoll, newPoll, place, receipt, receiptSays, received, routes } from '../testing/samples.ts'
import { catalogues, type Language, type Texts } from '../texts/index.ts'

const browser = inFakeBrowser()
const languages = Object.keys(catalogues) as Language[]

function choice(name: string): HTMLInputElement {
  return screen.getByLabelText(name)
}

/** Votes for tea in a poll whose server gives these answers, one a try. */
async function voteTea(poll: ReturnType<typeof newPoll>, language: Language, ...answers: Answer[]): Promise<UserEvent> {
  givePoll(browser.api, poll)
  browser.api.on(routes.send(poll.id), ...answers)
  const user = await visit(`/p/${poll.id}`, language)
  await user.click(choice('Tea'))
  await user.click(screen.getByRole('button', { name: catalogues[language].vote.send }))
  await pass(0)
  return user
}

function keysSent(pollId: string): (string | null)[] {
  return browser.api.asks(routes.send(pollId)).map(({ headers }) => headers.get('Idempotency-Key'))
}

function leavingIsWarned(): boolean {
  const leaving = new Event('beforeunload', { cancelable: true })
  window.dispatchEvent(leaving)
  return leaving.defaultPrevented
}

const away: [string, Answer, (texts: Texts) => string][] = [
  ['there is no connection', noConnection, ({ failure }) => failure['no-connection']],
  ['the ballot queue is away', problem('queue-unavailable'), ({ failure }) => failure.problems['queue-unavailable']],
  ['too many ballots wait', problem('overloaded'), ({ failure }) => failure.problems.overloaded],
  ['too many requests come from here', elsewhere(429), ({ failure }) => failure.tooMany],
  ['a proxy finds no server', elsewhere(502), ({ failure }) => failure.busy],
  ['a page to sign in answers in its place', elsewhere(200), ({ failure }) => failure['no-answer']],
  ['an answer is well, but not the one that promises', json({ receipt }), ({ failure }) => failure['no-answer']],
  ['nothing answers within ten seconds', silence, ({ failure }) => failure['no-answer']],
]

describe.each(languages)('sending in %s', (language) => {
  const words = catalogues[language]

  test.each(away)('while %s: said in words, tried again with the same key, and counted in the end', async (_, answer, saidOf) => {
    const poll = newPoll()
    await voteTea(poll, language, answer, answer, received())
    if (answer === silence) {
      await pass(9_999)
      expect(spoken('status')).toContain(words.vote.sendingStatus)
      expect(leavingIsWarned()).toBe(true)
      await pass(1)
    }
    expect(spoken('status')).toContain(`${words.vote.notConfirmed} ${saidOf(words)}`)
    expect(spoken('status')).toContain(words.vote.tryingAgain)
    // Nothing to press twice: only to try now, or to change the answers.
    expect(screen.queryByRole('button', { name: words.vote.send })).toBeNull()
    expect(screen.getByRole('button', { name: words.vote.tryNow })).toBeTruthy()
    expect(leavingIsWarned()).toBe(true)

    await pass(30_000)
    expect(screen.getByRole('heading', { name: words.vote.outcomes.counted })).toBeTruthy()
    expect(leavingIsWarned()).toBe(false)
    const keys = keysSent(poll.id)
    expect(keys).toHaveLength(3)
    expect(new Set(keys).size).toBe(1)
    expect(keys[0]).toMatch(/^[\x21-\x7e]{16,255}$/)
  })

  test('who does not want to wait tries now', async () => {
    const poll = newPoll()
    const user = await voteTea(poll, language, problem('overloaded', {}, { 'Retry-After': '30' }), received())
    await pass(29_000)
    expect(keysSent(poll.id)).toHaveLength(1)
    await user.click(screen.getByRole('button', { name: words.vote.tryNow }))
    await pass(0)
    expect(screen.getByRole('heading', { name: words.vote.outcomes.received })).toBeTruthy()
    expect(new Set(keysSent(poll.id)).size).toBe(1)
  })

  test.each([
    ['and may be replaced', true, words.vote.maybeArrivedReplace],
    ['and is fixed if so', false, words.vote.maybeArrivedFixed],
  ])('"change my answers": the vote may have arrived %s; what is sent then has the same key', async (_, changesAllowed, said) => {
    const poll = newPoll({ changesAllowed })
    const user = await voteTea(poll, language, noConnection, received())
    await user.click(screen.getByRole('button', { name: words.vote.changeBeforeSent }))
    expect(screen.getByText(said)).toBeTruthy()
    expect(choice('Tea').checked).toBe(true)
    await pass(30_000)
    expect(keysSent(poll.id)).toHaveLength(1)

    await user.click(choice('Coffee'))
    await user.click(screen.getByRole('button', { name: words.vote.send }))
    await pass(0)
    expect(screen.getByRole('heading', { name: words.vote.outcomes.received })).toBeTruthy()
    expect(browser.api.asks(routes.send(poll.id)).map(({ body }) => body)).toEqual([
      { answers: [{ question: 1, options: [1] }] },
      { answers: [{ question: 1, options: [2] }] },
    ])
    expect(new Set(keysSent(poll.id)).size).toBe(1)
  })

  test('an answer that the server does not take is marked at its question, and nothing is tried again', async () => {
    const poll = newPoll({ questions: [drink, days, place] })
    givePoll(browser.api, poll)
    const errors = [{ field: 'answers[1].options', detail: 'expected options of this question' }]
    browser.api.on(routes.send(poll.id), problem('invalid-answer', { errors }), received())
    const user = await visit(`/p/${poll.id}`, language)
    await user.click(choice('Tea'))
    await user.click(choice('Friday'))
    await user.click(screen.getByRole('button', { name: words.vote.send }))
    await pass(60_000)

    const marked = screen
      .getAllByRole('group', { description: (description) => description.includes(words.vote.faultNotTaken) })
      .map((group) => group.querySelector('legend')?.textContent)
    expect(marked).toEqual([days.text])
    expect(spoken('alert')).toContain(`${words.vote.refused} ${words.failure.problems['invalid-answer']}`)
    expect([choice('Tea').checked, choice('Friday').checked]).toEqual([true, true])
    expect(keysSent(poll.id)).toHaveLength(1)
    expect(leavingIsWarned()).toBe(false)
    // The server has said that it did not take it.
    expect(screen.queryByText(words.vote.maybeArrivedReplace)).toBeNull()

    await user.click(screen.getByRole('button', { name: words.vote.send }))
    await pass(0)
    expect(screen.getByRole('heading', { name: words.vote.outcomes.received })).toBeTruthy()
    expect(new Set(keysSent(poll.id)).size).toBe(1)
  })

  test('a vote that came too late says so, and the page looks again at the poll', async () => {
    const poll = newPoll()
    givePoll(browser.api, poll)
    browser.api.on(routes.send(poll.id), () => {
      givePoll(browser.api, { ...poll, state: 'closed', closesAt: '2026-11-21T19:59:59.000Z' })
      return problem('poll-closed')({} as never)
    })
    const user = await visit(`/p/${poll.id}`, language)
    await user.click(choice('Tea'))
    await user.click(screen.getByRole('button', { name: words.vote.send }))
    await pass(0)
    expect(spoken('alert')).toContain(`${words.vote.refused} ${words.failure.problems['poll-closed']}`)
    expect(spoken('status')).toContain(words.vote.closedHint)
    expect(screen.queryByRole('radio')).toBeNull()
  })

  test.each(['replaced', 'rejected', 'late', 'lost'] as const)('a receipt that says "%s" is the heading', async (status) => {
    const poll = newPoll()
    givePoll(browser.api, poll)
    browser.api.on(routes.receipt(receipt), receiptSays(status, poll.id))
    const user = await visit(`/p/${poll.id}`, language)
    await user.click(choice('Tea'))
    await user.click(screen.getByRole('button', { name: words.vote.send }))
    await pass(0)
    expect(screen.getByRole('heading', { name: words.vote.outcomes[status] })).toBeTruthy()
    expect(spoken('status')).toContain(words.receipt.meanings[status])
  })
})

test('the page may be left for another one of these while it sends: the vote arrives', async () => {
  const poll = newPoll()
  browser.api.on(routes.polls, () => Response.json({ polls: [], next: null }))
  const user = await voteTea(poll, 'en', noConnection, received())
  await user.click(screen.getByRole('link', { name: 'Urna' }))
  await pass(5_000)
  expect(keysSent(poll.id)).toHaveLength(2)
})

test('what an earlier visit could not send is sent by this one, with its key', async () => {
  const poll = newPoll()
  givePoll(browser.api, poll)
  const pending = { key: 'key-of-the-first-visit', answers: [{ question: 1, options: [3] }], send: true, mayHaveArrived: true }
  localStorage.setItem(`urna:pending:${poll.id}`, JSON.stringify(pending))
  await visit(`/p/${poll.id}`)
  expect(screen.getByRole('heading', { name: catalogues.en.vote.outcomes.received })).toBeTruthy()
  expect(keysSent(poll.id)).toEqual(['key-of-the-first-visit'])
  // Asked by the same key whether it has arrived before.
  expect(browser.api.asks(routes.mine(poll.id))[0]?.headers.get('Idempotency-Key')).toBe('key-of-the-first-visit')
})

test('the focus is never lost: not while sending, nor when the answers or the vote are changed', async () => {
  const poll = newPoll()
  const { vote } = catalogues.en
  const user = await voteTea(poll, 'en', noConnection, received(), received())
  const region = screen.getAllByRole('status').find((element) => element.textContent?.includes(vote.notConfirmed))
  expect(document.activeElement).toBe(region)
  screen.getByRole('button', { name: vote.changeBeforeSent }).focus()
  await user.keyboard('{Enter}')
  expect(document.activeElement).toBe(screen.getByRole('group', { name: 'What do you drink?' }))
  await user.click(screen.getByRole('button', { name: vote.send }))
  await pass(0)
  expect(document.activeElement?.tagName).toBe('H2')
  await user.click(screen.getByRole('button', { name: vote.changeAfter }))
  expect(document.activeElement).toBe(screen.getByRole('group', { name: 'What do you drink?' }))
})

test('a question whose answer the server did not take is marked and has the focus, until the answer is another one', async () => {
  const poll = newPoll()
  const { vote } = catalogues.en
  const errors = [{ field: 'answers[0].options', detail: 'expected an option of this question' }]
  const user = await voteTea(poll, 'en', problem('invalid-answer', { errors }))
  const question = screen.getByRole('group', { name: 'What do you drink?' })
  expect(question.textContent).toContain(vote.faultNotTaken)
  expect(document.activeElement).toBe(question)
  await user.click(choice('Coffee'))
  expect(question.textContent).not.toContain(vote.faultNotTaken)
})

describe('a vote that cannot be changed, refused because an earlier one counts', () => {
  const { vote } = catalogues.en
  const own = (options: number[]) => json({ answers: [{ question: 1, options }], receipt: 'of-the-counted-one' })

  async function retried(mine: Answer): Promise<void> {
    const poll = newPoll({ changesAllowed: false })
    await voteTea(poll, 'en', noConnection, received())
    browser.api.on(routes.receipt(receipt), receiptSays('rejected', poll.id))
    browser.api.on(routes.mine(poll.id), mine)
    await pass(30_000)
  }

  test('is counted if that was an earlier try of the same vote', async () => {
    await retried(own([1]))
    expect(screen.getByRole('heading', { name: vote.outcomes.counted })).toBeTruthy()
    expect(screen.getByText('of-the-counted-one')).toBeTruthy()
  })

  test('is not, if that said something else: then it is shown what counts', async () => {
    await retried(own([2]))
    expect(screen.getByRole('heading', { name: vote.earlierCounts })).toBeTruthy()
    expect(screen.getByRole('region', { name: vote.yourVote }).textContent).toContain('Coffee')
  })

  test('is not, if there is none', async () => {
    await retried(problem('ballot-not-found'))
    expect(screen.getByRole('heading', { name: vote.outcomes.rejected })).toBeTruthy()
  })
})
