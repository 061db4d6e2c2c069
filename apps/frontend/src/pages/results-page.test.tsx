// @vitest-environment jsdom
import { screen, within } from '@testing-library/react'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { createFormat } from '../format.ts'
import { json, noConnection } from '../testing/fake-api.ts'
import { giveLive } from '../testing/fake-live.ts'
import { inFakeBrowser, look, pass, spoken, textOf, visit } from '../testing/pages.tsx'
import { days, drink, givePoll, newPoll, newResults, receipt, routes } from '../testing/samples.ts'
import { catalogues, type Language, languageNames, locales } from '../texts/index.ts'

const browser = inFakeBrowser()
const asOf = '2026-11-21T20:00:00.000Z'

/** The bars of a question as they are read. */
function bars({ text }: { text: string }): string[] {
  return within(screen.getByRole('region', { name: text }))
    .getAllByRole('listitem')
    .map(textOf)
}

function sentBefore(pollId: string, options: number[]): void {
  const sent = { receipt, receivedAt: '2026-11-21T19:00:00.000Z', answers: [{ question: 1, options }] }
  localStorage.setItem(`urna:sent:${pollId}`, JSON.stringify(sent))
}

const written = {
  en: { percents: ['60.0%', '20.0%', '66.7%', '16.7%', '0.0%'], ofTwo: ['100.0%', '50.0%', '0.0%'], turnout: '1,234' },
  'pt-BR': { percents: ['60,0%', '20,0%', '66,7%', '16,7%', '0,0%'], ofTwo: ['100,0%', '50,0%', '0,0%'], turnout: '1.234' },
}

describe.each(Object.keys(catalogues) as Language[])('results page in %s', (language) => {
  const words = catalogues[language]
  const format = createFormat(locales[language])
  const { votes } = words.results
  const [p60, p20, p667, p167, p0] = written[language].percents

  test('says that it loads, shows the first results, and moves the numbers with every event', async () => {
    const poll = newPoll()
    const live = giveLive(browser.api, poll.id)
    await visit(`/p/${poll.id}/results`, language)
    expect(spoken('status')).toBe(words.results.loading)
    expect(screen.queryByText(words.results.live)).toBeNull()

    live.stream.results(newResults(poll, [[3, 1, 1]], { waiting: 2 }))
    await pass(0)
    expect(screen.getByRole('heading', { level: 1, name: poll.title })).toBeTruthy()
    expect(document.title).toBe(`${words.results.title(poll.title)} · ${words.site.name}`)
    // Of 5 voters: 3/5, 1/5, 1/5.
    expect(bars(drink)).toEqual([`Tea ${words.results.leads} ${votes(3)} ${p60}`, `Coffee ${votes(1)} ${p20}`, `Water ${votes(1)} ${p20}`])
    expect(screen.getByText('5').parentElement?.textContent).toBe(`5 ${words.results.turnout(5)}`)
    expect(screen.getByText(words.results.answered(5))).toBeTruthy()
    expect(spoken('status')).toBe(`${words.results.provisional} ${words.results.openHint}`)
    expect(screen.getByText(words.results.countedUntil(format.clock(asOf), 2))).toBeTruthy()
    expect(screen.getByText(words.results.live)).toBeTruthy()

    live.stream.results(newResults(poll, [[4, 1, 1]], { asOf: '2026-11-21T20:00:01.000Z', turnout: 1_234 }))
    await pass(0)
    // One more for tea: 4/6, 1/6, 1/6.
    expect(bars(drink)).toEqual([
      `Tea ${words.results.leads} ${votes(4)} ${p667}`,
      `Coffee ${votes(1)} ${p167}`,
      `Water ${votes(1)} ${p167}`,
    ])
    expect(screen.getByText(written[language].turnout)).toBeTruthy()
    expect(browser.api.asked.map(({ path }) => path)).toEqual([`/v1/polls/${poll.id}/results/live`])
  })

  test('numbers never go back in time', async () => {
    const poll = newPoll()
    const live = giveLive(browser.api, poll.id, newResults(poll, [[3, 0, 0]]))
    await visit(`/p/${poll.id}/results`, language)
    live.stream.results(newResults(poll, [[2, 0, 0]], { asOf: '2026-11-21T19:59:59.000Z' }))
    await pass(0)
    expect(bars(drink)[0]).toContain(votes(3))
  })

  test('a tie is called one, and the vote of this visitor is marked', async () => {
    const poll = newPoll()
    sentBefore(poll.id, [2])
    giveLive(browser.api, poll.id, newResults(poll, [[2, 2, 1]]))
    await visit(`/p/${poll.id}/results`, language)
    const own = within(screen.getByRole('region', { name: drink.text }))
    expect(own.getAllByText(words.results.tied)).toHaveLength(2)
    expect(own.queryByText(words.results.leads)).toBeNull()
    expect(own.getAllByText(words.results.yourVote, { exact: false }).map((tag) => tag.closest('li')?.textContent)).toEqual([
      bars(drink)[1],
    ])
    // The receipt goes with the request: some results are for those who have voted.
    expect(browser.api.asked[0]?.headers.get('Urna-Receipt')).toBe(receipt)
  })

  test('final results say so, end the stream, and are not asked for again', async () => {
    const poll = newPoll({ state: 'closed', closesAt: '2026-11-21T19:59:00.000Z' })
    const live = giveLive(browser.api, poll.id, newResults(poll, [[3, 1, 1]]))
    await visit(`/p/${poll.id}/results`, language)
    expect(spoken('status')).toContain(words.results.closedHint)

    live.stream.results(newResults(poll, [[3, 1, 1]], { status: 'final' }))
    live.stream.end({ final: true })
    await pass(0)
    expect(spoken('status')).toBe(`${words.results.final} ${words.results.finalHint}`)
    expect(bars(drink)[0]).toBe(`Tea ${words.results.won} ${votes(3)} ${p60}`)
    for (const mark of [words.results.live, words.results.connecting, words.results.notLive]) expect(screen.queryByText(mark)).toBeNull()
    look(false)
    await pass(3_600_000)
    look(true)
    await pass(3_600_000)
    expect(browser.api.asked).toHaveLength(1)
  })

  test('as a table', async () => {
    const poll = newPoll()
    sentBefore(poll.id, [1])
    giveLive(browser.api, poll.id, newResults(poll, [[3, 1, 1]]))
    const user = await visit(`/p/${poll.id}/results`, language)
    const button = screen.getByRole('button', { name: words.results.asTable })
    await user.click(button)
    expect(button.textContent).toBe(words.results.asBars)
    const table = within(screen.getByRole('table', { name: drink.text }))
    expect(table.getAllByRole('columnheader').map(({ textContent }) => textContent)).toEqual([
      words.results.option,
      words.results.votesColumn,
      words.results.percentColumn,
    ])
    const cells = table.getAllByRole('cell').map(({ textContent }) => textContent)
    expect(cells).toEqual(['3', p60, '1', p20, '1', p20])
    expect(table.getAllByRole('rowheader').map(textOf)[0]).toBe(`Tea ${words.results.leads} ✓ ${words.results.yourVote}`)
    await user.click(button)
    expect(screen.queryByRole('table')).toBeNull()
  })

  test('where several answers were allowed, percents are of those who answered, and may add up to more', async () => {
    const poll = newPoll({ questions: [drink, days] })
    // Three chose a drink; two of them chose days: one Monday and Tuesday, one Monday.
    giveLive(
      browser.api,
      poll.id,
      newResults(
        poll,
        [
          [3, 0, 0],
          [2, 1, 0],
        ],
        {},
        [3, 2],
      ),
    )
    await visit(`/p/${poll.id}/results`, language)
    const first = within(screen.getByRole('region', { name: drink.text }))
    expect(first.getByText(words.results.answered(3))).toBeTruthy()
    const second = within(screen.getByRole('region', { name: days.text }))
    expect(second.getByText(`${words.results.answered(2)} ${words.results.severalAnswers}`)).toBeTruthy()
    expect(bars(days).map((bar) => bar.match(/[\d.,]+%/)?.[0])).toEqual(written[language].ofTwo)
  })

  test('no votes yet, and nothing counted yet', async () => {
    const poll = newPoll()
    giveLive(browser.api, poll.id, newResults(poll, [[0, 0, 0]], { asOf: null }))
    await visit(`/p/${poll.id}/results`, language)
    expect(screen.getByText(words.results.noVotes)).toBeTruthy()
    expect(screen.getByText(words.results.notCountedYet)).toBeTruthy()
    expect(screen.getByText('0').parentElement?.textContent?.trim()).toBe(`0 ${words.results.turnout(0)}`)
    expect(bars(drink)[0]).toBe(`Tea ${votes(0)} ${p0}`)
  })

  test('the other language in the middle: the stream goes on', async () => {
    const other: Language = language === 'en' ? 'pt-BR' : 'en'
    const poll = newPoll()
    const live = giveLive(browser.api, poll.id, newResults(poll, [[3, 1, 1]]))
    const user = await visit(`/p/${poll.id}/results`, language)
    await user.click(screen.getByRole('button', { name: languageNames[other] }))
    expect(bars(drink)[0]).toBe(
      `Tea ${catalogues[other].results.leads} ${catalogues[other].results.votes(3)} ${written[other].percents[0]}`,
    )
    expect([live.streams.length, live.open]).toEqual([1, 1])
  })

  test('as a file by a link; who must show the receipt gets it through the page, and hears of it where that fails', async () => {
    const poll = newPoll()
    giveLive(browser.api, poll.id, newResults(poll, [[3, 1, 1]]))
    const user = await visit(`/p/${poll.id}/results`, language)
    const link = screen.getByRole<HTMLAnchorElement>('link', { name: words.results.csv })
    expect([link.getAttribute('href'), link.hasAttribute('download')]).toEqual([`/v1/polls/${poll.id}/results.csv`, true])

    sentBefore(poll.id, [1])
    const followedByBrowser: boolean[] = []
    const watch = ({ defaultPrevented }: Event) => followedByBrowser.push(!defaultPrevented)
    document.addEventListener('click', watch)
    onTestFinished(() => document.removeEventListener('click', watch))
    const saved: string[] = []
    vi.spyOn(URL, 'createObjectURL').mockReturnValue('blob:the-file')
    const forget = vi.spyOn(URL, 'revokeObjectURL').mockReturnValue()
    vi.spyOn(HTMLAnchorElement.prototype, 'click').mockImplementation(function (this: HTMLAnchorElement) {
      saved.push(this.href, this.download)
    })
    browser.api.on(routes.csv(poll.id), noConnection, () => new Response('survey_id\r\n'))
    await user.click(link)
    await pass(0)
    expect(spoken('alert')).toBe(words.results.csvFailed)
    await user.click(link)
    await pass(0)
    expect(spoken('alert')).toBe('')
    expect(followedByBrowser).toEqual([false, false])
    expect(saved).toEqual(['blob:the-file', `results-${poll.id}.csv`])
    expect(browser.api.asks(routes.csv(poll.id)).map(({ headers }) => headers.get('Urna-Receipt'))).toEqual([receipt, receipt])
    await pass(10_000)
    expect(forget).toHaveBeenCalledWith('blob:the-file')
  })
})

test('a question that the title has just asked is not shown twice, but is still the name of its bars', async () => {
  const poll = newPoll({ title: drink.text })
  giveLive(browser.api, poll.id, newResults(poll, [[3, 1, 1]]))
  await visit(`/p/${poll.id}/results`)
  expect(bars(drink)).toHaveLength(3)
  expect(screen.getByRole('heading', { level: 2, name: drink.text }).className).toBe('only-read-aloud')
})

test('leaving the page ends the stream', async () => {
  const poll = newPoll()
  givePoll(browser.api, poll)
  browser.api.on(routes.polls, json({ polls: [], next: null }))
  const live = giveLive(browser.api, poll.id, newResults(poll, [[3, 1, 1]]))
  const user = await visit(`/p/${poll.id}/results`)
  await user.click(screen.getByRole('link', { name: catalogues.en.results.toVote }))
  await pass(0)
  expect(screen.getByRole('radio', { name: 'Tea' })).toBeTruthy()
  expect(live.open).toBe(0)
})

test('print', async () => {
  const poll = newPoll()
  const print = vi.fn()
  vi.stubGlobal('print', print)
  giveLive(browser.api, poll.id, newResults(poll, [[3, 1, 1]]))
  const user = await visit(`/p/${poll.id}/results`)
  await user.click(screen.getByRole('button', { name: catalogues.en.results.print }))
  expect(print).toHaveBeenCalledOnce()
})
