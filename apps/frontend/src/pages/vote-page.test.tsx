// @vitest-environment jsdom
import { screen, within } from '@testing-library/react'
import { describe, expect, test } from 'vitest'
import { silence } from '../testing/fake-api.ts'
import { inFakeBrowser, pass, spoken, visit } from '../testing/pages.tsx'
import { days, drink, givePoll, newPoll, place, receipt, received, routes } from '../testing/samples.ts'
import { catalogues, type Language, languageNames } from '../texts/index.ts'

const browser = inFakeBrowser()
const threeQuestions = { questions: [drink, days, place] }

function group({ text }: { text: string }): HTMLElement {
  return screen.getByRole('group', { name: text })
}

/** The question, found by what a screen reader says of it: what it asks, and what is said about answering it. */
function described({ text }: { text: string }, ...said: string[]): HTMLElement {
  return screen.getByRole('group', { name: text, description: (description) => description.trim() === said.join(' ') })
}

function choice(name: string): HTMLInputElement {
  return screen.getByLabelText(name)
}

describe.each(Object.keys(catalogues) as Language[])('vote page in %s', (language) => {
  const words = catalogues[language]
  const send = () => screen.getByRole('button', { name: words.vote.send })

  test('says that it loads, then asks what the poll asks', async () => {
    const poll = newPoll({ description: 'Every day at four.' })
    givePoll(browser.api, poll)
    browser.api.on(routes.poll(poll.id), silence)
    await visit(`/p/${poll.id}`, language)
    expect(spoken('status')).toBe(words.poll.loading)

    givePoll(browser.api, poll)
    await pass(20_000)
    expect(screen.getByRole('heading', { level: 1, name: poll.title })).toBeTruthy()
    expect(screen.getByText(poll.description)).toBeTruthy()
    expect(screen.getByText(words.vote.changesAllowed)).toBeTruthy()
    const options = within(described(drink, words.vote.chooseOne))
    expect(options.getAllByRole('radio').map((radio) => (radio as HTMLInputElement).labels?.[0]?.textContent)).toEqual([
      'Tea',
      'Coffee',
      'Water',
    ])
    expect(document.title).toBe(`${poll.title} · ${words.site.name}`)
    // One question needs no count of questions.
    expect(screen.queryByRole('progressbar')).toBeNull()
  })

  test('three questions: one of several, up to two, and one that may stay blank; the progress says how many are answered', async () => {
    const poll = newPoll(threeQuestions)
    givePoll(browser.api, poll)
    const user = await visit(`/p/${poll.id}`, language)
    const progress = (answered: number) => screen.getByRole('progressbar', { name: words.vote.progress(answered, 3) })
    expect(within(group(days)).getAllByRole('checkbox')).toHaveLength(3)
    expect(within(group(place)).getAllByRole('radio')).toHaveLength(3) // Garden, Hall, no answer
    expect(described(days, words.vote.chooseSome(1, 2, 3))).toBeTruthy()
    expect(described(place, words.vote.chooseOne, words.vote.mayBeBlank)).toBeTruthy()
    expect(choice(words.vote.noAnswer).checked).toBe(false)
    expect(progress(0)).toHaveProperty('value', 0)

    await user.click(choice('Coffee'))
    await user.click(choice('Friday'))
    await user.click(choice('Monday'))
    expect(screen.getByText(words.vote.chosen(2))).toBeTruthy()
    await user.click(choice('Hall'))
    expect(progress(3)).toHaveProperty('value', 3)
    // Left blank on purpose is done too; more than two days would not be.
    await user.click(choice(words.vote.noAnswer))
    expect(progress(3)).toHaveProperty('value', 3)
    await user.click(choice('Tuesday'))
    expect(progress(2)).toHaveProperty('value', 2)
    await user.click(choice('Tuesday'))
    await user.click(send())
    expect(browser.api.asks(routes.send(poll.id)).map(({ body }) => body)).toEqual([
      {
        answers: [
          { question: 1, options: [2] },
          { question: 2, options: [1, 3] },
          { question: 3, options: [] },
        ],
      },
    ])
  })

  test('what is wrong is said in words at its question, the first of them gets the focus, and what is mended is not said any more', async () => {
    const poll = newPoll(threeQuestions)
    givePoll(browser.api, poll)
    const user = await visit(`/p/${poll.id}`, language)
    for (const day of ['Monday', 'Tuesday', 'Friday']) await user.click(choice(day))
    await user.click(send())

    expect(document.activeElement).toBe(group(drink))
    expect(screen.getByRole('group', { name: drink.text, description: new RegExp(words.vote.faultMissing) })).toBeTruthy()
    expect(screen.getByRole('group', { name: days.text, description: new RegExp(words.vote.faultTooMany(2, 3)) })).toBeTruthy()
    expect(spoken('alert')).toBe(words.vote.faults(2))

    await user.click(choice('Tea'))
    expect(screen.queryByText(words.vote.faultMissing)).toBeNull()
    expect(spoken('alert')).toBe(words.vote.faults(1))
    await user.click(send())
    expect(document.activeElement).toBe(group(days))
    await user.click(choice('Tuesday'))
    expect(spoken('alert')).toBe('')
    expect(browser.api.asks(routes.send(poll.id))).toEqual([])

    await user.click(send())
    expect(browser.api.asks(routes.send(poll.id))).toHaveLength(1)
  })

  test('too few is said too', async () => {
    const poll = newPoll({ questions: [{ ...days, min: 2 }] })
    givePoll(browser.api, poll)
    const user = await visit(`/p/${poll.id}`, language)
    await user.click(choice('Monday'))
    await user.click(send())
    expect(screen.getByText(words.vote.faultTooFew(2))).toBeTruthy()
    expect(browser.api.asks(routes.send(poll.id))).toEqual([])
  })

  test('a click sends once, however many clicks follow; then the vote is received, and soon counted', async () => {
    const poll = newPoll()
    givePoll(browser.api, poll)
    let answer: (response: Response) => void = () => {}
    browser.api.on(routes.send(poll.id), () => new Promise((resolve) => (answer = resolve)))
    const user = await visit(`/p/${poll.id}`, language)
    await user.click(choice('Tea'))
    await user.tripleClick(send())

    const button = screen.getByRole<HTMLButtonElement>('button', { name: words.vote.sending })
    expect(button.disabled).toBe(true)
    expect(choice('Tea').matches(':disabled')).toBe(true)
    expect(spoken('status')).toContain(words.vote.sendingStatus)
    await user.click(button)
    // A key pressed in the form sends it too.
    button.form?.requestSubmit()
    await pass(0)
    expect(browser.api.asks(routes.send(poll.id))).toHaveLength(1)

    answer(await received()(browser.api.asked[0] as never))
    await pass(0)
    const heading = screen.getByRole('heading', { name: words.vote.outcomes.received })
    expect(document.activeElement).toBe(heading)
    expect(spoken('status')).toContain(words.receipt.meanings.received)
    await pass(1_200)
    expect(screen.getByRole('heading', { name: words.vote.outcomes.counted })).toBeTruthy()
    expect(spoken('status')).toContain(words.receipt.meanings.counted)
    await pass(120_000)
    // Nothing becomes of it any more, so nobody asks.
    expect(browser.api.asks(routes.receipt(receipt))).toHaveLength(2)
  })

  test('the other language in the middle: choices stay, and faults that are shown are said in it', async () => {
    const other: Language = language === 'en' ? 'pt-BR' : 'en'
    const poll = newPoll(threeQuestions)
    givePoll(browser.api, poll)
    const user = await visit(`/p/${poll.id}`, language)
    await user.click(choice('Coffee'))
    await user.click(choice('Hall'))
    await user.click(send())
    expect(spoken('alert')).toBe(words.vote.faults(1))

    await user.click(screen.getByRole('button', { name: languageNames[other] }))
    expect(spoken('alert')).toBe(catalogues[other].vote.faults(1))
    expect(screen.getByText(catalogues[other].vote.faultMissing)).toBeTruthy()
    expect(screen.queryByText(words.vote.faultMissing)).toBeNull()
    expect([choice('Coffee').checked, choice('Hall').checked]).toEqual([true, true])
    expect(document.documentElement.lang).toBe(other)
  })
})

test('a question that the title has just asked is not shown twice, but is still the name of its options', async () => {
  const poll = newPoll({ title: drink.text })
  givePoll(browser.api, poll)
  await visit(`/p/${poll.id}`)
  expect(group(drink)).toBeTruthy()
  const shown = screen.getAllByText(drink.text).filter((element) => !element.classList.contains('only-read-aloud'))
  expect(shown.map((element) => element.tagName)).toEqual(['H1'])
})

test('a question that says something else than the title is shown', async () => {
  const poll = newPoll()
  givePoll(browser.api, poll)
  await visit(`/p/${poll.id}`)
  expect(screen.getByText(drink.text).classList.contains('only-read-aloud')).toBe(false)
})
