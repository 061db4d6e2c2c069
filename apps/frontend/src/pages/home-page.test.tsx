// @vitest-environment jsdom
import { screen, within } from '@testing-library/react'
import { describe, expect, test } from 'vitest'
import { createFormat } from '../format.ts'
import { json, problem, silence } from '../testing/fake-api.ts'
import { inFakeBrowser, pass, spoken, textOf, visit } from '../testing/pages.tsx'
import { drink, givePoll, newPoll, routes } from '../testing/samples.ts'
import { catalogues, type Language, locales } from '../texts/index.ts'

const browser = inFakeBrowser()
const closesAt = '2026-11-22T18:00:00.000Z'
const opensAt = '2026-11-23T08:00:00.000Z'
const closedAt = '2026-11-20T18:00:00.000Z'

describe.each(Object.keys(catalogues) as Language[])('home page in %s', (language) => {
  const words = catalogues[language]
  const format = createFormat(locales[language])
  const titles = () => screen.queryAllByRole('heading', { level: 3 }).map(textOf)

  test('says that it loads; polls one can vote in come first, each with its state and its links', async () => {
    browser.api.on(routes.polls, silence)
    await visit('/', language)
    expect(spoken('status')).toBe(words.home.loading)
    expect(screen.getByRole('heading', { level: 1, name: words.home.title })).toBeTruthy()

    const polls = [
      newPoll({ title: 'Over', state: 'closed', closesAt: closedAt }),
      newPoll({ title: 'Soon', state: 'scheduled', opensAt }),
      newPoll({ title: 'Newest of the open' }),
      newPoll({ title: 'Ends tomorrow', closesAt }),
    ]
    browser.api.on(routes.polls, json({ polls, next: null }))
    await pass(20_000)
    expect(titles()).toEqual(['Newest of the open', 'Ends tomorrow', 'Soon', 'Over'])
    const items = screen.getAllByRole('listitem')
    expect(items.map((item) => textOf(item.querySelector('p') ?? item))).toEqual([
      words.poll.states.open,
      `${words.poll.states.open} ${words.home.until(format.shortInstant(closesAt))}`,
      `${words.poll.states.scheduled} ${words.home.opens(format.shortInstant(opensAt))}`,
      `${words.poll.states.closed} ${words.home.closed(format.shortInstant(closedAt))}`,
    ])
    // A list of links that all say "Vote" tells a screen reader nothing: their names say in what.
    const links = items.map((item) =>
      within(item)
        .getAllByRole('link')
        .map((link) => link.getAttribute('aria-label') ?? textOf(link)),
    )
    expect(links).toEqual([
      ['Newest of the open', words.home.voteIn('Newest of the open'), words.home.resultsOf('Newest of the open')],
      ['Ends tomorrow', words.home.voteIn('Ends tomorrow'), words.home.resultsOf('Ends tomorrow')],
      ['Soon'],
      ['Over', words.home.resultsOf('Over')],
    ])
    expect(screen.getByRole('link', { name: 'Over' }).getAttribute('href')).toBe(`/p/${polls[0]?.id}/results`)
    expect(screen.getByRole('link', { name: 'Soon' }).getAttribute('href')).toBe(`/p/${polls[1]?.id}`)
    expect(screen.queryByRole('button', { name: words.home.more })).toBeNull()
  })

  test('no polls: said in words', async () => {
    browser.api.on(routes.polls, json({ polls: [], next: null }))
    await visit('/', language)
    expect(screen.getByText(words.home.empty)).toBeTruthy()
    expect(screen.queryByRole('list')).toBeNull()
  })

  test('the next page of the list is loaded on request, behind the first', async () => {
    const next = 'after/this one'
    browser.api.on(routes.polls, json({ polls: [newPoll({ title: 'First page' })], next }))
    browser.api.on(`${routes.polls}?after=after%2Fthis%20one`, json({ polls: [newPoll({ title: 'Second page' })], next: null }))
    const user = await visit('/', language)
    expect(titles()).toEqual(['First page'])
    await user.click(screen.getByRole('button', { name: words.home.more }))
    await pass(0)
    expect(titles()).toEqual(['First page', 'Second page'])
    expect(screen.queryByRole('button', { name: words.home.more })).toBeNull()
  })

  test('a list that cannot be read is tried again', async () => {
    browser.api.on(routes.polls, problem('definitions-stale'))
    await visit('/', language)
    expect(spoken('status')).toContain(`${words.failure.problems['definitions-stale']} ${words.failure.retrying}`)
    browser.api.on(routes.polls, json({ polls: [], next: null }))
    await pass(1_000)
    expect(screen.getByText(words.home.empty)).toBeTruthy()
  })

  test('a poll id or a link that was sent leads to the poll; what is none is said to be none', async () => {
    const poll = newPoll()
    givePoll(browser.api, poll)
    browser.api.on(routes.polls, json({ polls: [], next: null }))
    const user = await visit('/', language)
    const field = screen.getByRole<HTMLInputElement>('textbox', {
      name: words.home.enterLabel,
      description: new RegExp(words.home.enterHint),
    })
    const go = screen.getByRole('button', { name: words.home.enterButton })
    await user.type(field, 'not an id')
    await user.click(go)
    expect(spoken('alert')).toBe(words.home.enterFault)
    expect(field.getAttribute('aria-invalid')).toBe('true')
    expect(location.pathname).toBe('/')

    await user.clear(field)
    await user.type(field, `https://vote.example/p/${poll.id.toUpperCase()}{Enter}`)
    await pass(0)
    expect(location.pathname).toBe(`/p/${poll.id}`)
    expect(screen.getByRole('group', { name: drink.text })).toBeTruthy()
    // A screen reader hears of the new page, as the focus moves there.
    expect(document.activeElement).toBe(screen.getByRole('main'))
  })

  test('an address that is no page', async () => {
    await visit('/no/such/page', language)
    expect(screen.getByRole('heading', { level: 1, name: words.notFound.title })).toBeTruthy()
    expect(screen.getByText(words.notFound.text)).toBeTruthy()
    expect(document.title).toBe(`${words.notFound.title} · ${words.site.name}`)
  })
})

test('back and forward of the browser change the page', async () => {
  browser.api.on(routes.polls, json({ polls: [], next: null }))
  const user = await visit('/')
  await user.click(screen.getByRole('link', { name: catalogues.en.site.checkMyVote }))
  expect(screen.getByRole('heading', { level: 1, name: catalogues.en.receipts.title })).toBeTruthy()
  history.replaceState(null, '', '/')
  dispatchEvent(new PopStateEvent('popstate'))
  await pass(0)
  expect(screen.getByRole('heading', { level: 1, name: catalogues.en.home.title })).toBeTruthy()
})

test('a click that asks for a new tab is left to the browser', async () => {
  browser.api.on(routes.polls, json({ polls: [], next: null }))
  const user = await visit('/')
  const link = screen.getByRole('link', { name: catalogues.en.site.checkMyVote })
  // jsdom opens no tabs, and says so where nobody stops it.
  const left: boolean[] = []
  document.addEventListener(
    'click',
    (event) => {
      left.push(!event.defaultPrevented)
      event.preventDefault()
    },
    { once: true },
  )
  await user.keyboard('{Control>}')
  await user.click(link)
  await user.keyboard('{/Control}')
  expect(left).toEqual([true])
  expect(location.pathname).toBe('/')
})
