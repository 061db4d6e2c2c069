import { describe, expect, it } from 'vitest'
import { expectNoErrors, languages } from '../support/browser.ts'
import { getJson, openPoll, send, settledResults } from '../support/client.ts'
import { seenVotes, sendBallot, sendVote } from './actions.ts'
import { inBrowser } from './place.ts'
import { drinks, inSeconds, schedulePoll, threeQuestions, vote } from './polls.ts'
import { wordsOf } from './words.ts'

/** What a poll allows, and when: the page says so, and follows by itself when the time comes. */

inBrowser('kinds of polls', (place) => {
  const words = wordsOf('en-GB')

  const statusOf = async (path: string, headers: Record<string, string> = {}) =>
    (await send('GET', `${place.url}/v1/polls/${path}`, { headers })).status

  it('without changes: the next visit shows the vote, and no form', async () => {
    const poll = await openPoll(place.url, { ...drinks, changesAllowed: false })
    const visitor = await place.newPage()
    const { page } = visitor
    await page.goto(`${place.url}/p/${poll.id}`)
    await page.getByText(words.vote.changesNotAllowed).waitFor()
    await sendVote(page, 'Coffee', words.vote.send)
    await page.getByRole('heading', { name: words.vote.outcomes.counted }).waitFor()
    expect(await page.getByRole('button', { name: words.vote.changeAfter }).count()).toBe(0)
    await page.reload()
    await page.getByText(words.vote.alreadyVotedFixed).waitFor()
    await page.getByRole('definition').filter({ hasText: 'Coffee' }).waitFor()
    expect(await page.getByRole('radio').count()).toBe(0)
    expect(await page.getByRole('button', { name: words.vote.send }).count()).toBe(0)
    // The same in a browser that has forgotten everything but its cookie.
    await page.evaluate(() => localStorage.clear())
    await page.reload()
    await page.getByRole('definition').filter({ hasText: 'Coffee' }).waitFor()
    expectNoErrors(visitor)
  })

  it('hidden until closed: nobody sees numbers before, and the open page shows them by itself after', async () => {
    const closesAt = inSeconds(8)
    const poll = await openPoll(place.url, { ...drinks, resultsVisibility: 'after_closing' }, { closesAt })
    await vote(place.url, poll.id, [[2]])
    const visitor = await place.newPage()
    const { page } = visitor
    await page.goto(`${place.url}/p/${poll.id}/results`)
    await page.getByText(words.results.hiddenTitle).waitFor()
    // The page says when, in the visitor's own words for a day and a time.
    const when = new Intl.DateTimeFormat('en-GB', { dateStyle: 'long', timeStyle: 'short' }).format(new Date(closesAt))
    await page.getByText(words.results.hiddenUntil(when)).waitFor()
    const before = await Promise.all([
      statusOf(`${poll.id}/results`),
      statusOf(`${poll.id}/results.csv`),
      statusOf(`${poll.id}/results/live`, { accept: 'text/event-stream' }),
    ])
    if (Date.now() < Date.parse(closesAt)) expect(before).toEqual([403, 403, 403])
    await seenVotes(page, 'Coffee', 1, 'en-GB')
    expect(await statusOf(`${poll.id}/results.csv`)).toBe(200)
    // Half a minute after closing nothing can come any more, and the page says so by itself.
    await page.getByRole('status').filter({ hasText: words.results.finalHint }).waitFor({ timeout: 90_000 })
    expect(await page.getByText(words.results.live, { exact: true }).count()).toBe(0)
    expectNoErrors(visitor)
  })

  it('hidden until one has voted: shown to the voter at once, and to nobody else', async () => {
    const poll = await openPoll(place.url, { ...drinks, resultsVisibility: 'after_voting' })
    const a = await place.newPage()
    const b = await place.newPage()
    for (const { page } of [a, b]) {
      await page.goto(`${place.url}/p/${poll.id}/results`)
      await page.getByText(words.results.hiddenAfterVoting).waitFor()
    }
    await a.page.getByRole('link', { name: words.results.toVote }).click()
    await sendVote(a.page, 'Water', words.vote.send)
    await a.page.getByRole('link', { name: words.vote.seeResults }).click()
    await seenVotes(a.page, 'Water', 1, 'en-GB')
    await b.page.reload()
    await b.page.getByText(words.results.hiddenAfterVoting).waitFor()
    // The file is theirs too.
    const [download] = await Promise.all([a.page.waitForEvent('download'), a.page.getByRole('link', { name: words.results.csv }).click()])
    expect(download.suggestedFilename()).toMatch(/\.csv$/)
    expectNoErrors(a)
    expectNoErrors(b)
  })

  describe.each(languages)('several questions, %s', (language) => {
    const said = wordsOf(language)

    it('tell how far one is, what is missing in words, and take a blank where it is allowed', async () => {
      const poll = await openPoll(place.url, threeQuestions)
      const visitor = await place.newPage({ language })
      const { page } = visitor
      const [when, , what] = threeQuestions.questions.map(({ text }) => page.getByRole('group', { name: text, exact: true }))
      if (when === undefined || what === undefined) throw new Error('three questions')
      await page.goto(`${place.url}/p/${poll.id}`)
      await page.getByText(said.vote.progress(0, 3)).waitFor()
      await page.getByRole('checkbox', { name: 'Salad' }).check()
      await page.getByText(said.vote.progress(1, 3)).waitFor()
      await page.getByRole('checkbox', { name: 'Bread' }).check()
      await page.getByRole('checkbox', { name: 'Cake' }).check()
      await page.getByRole('button', { name: said.vote.send }).click()

      await page
        .getByRole('alert')
        .filter({ hasText: said.vote.faults(2) })
        .waitFor()
      await when.getByText(said.vote.faultMissing).waitFor()
      await what.getByText(said.vote.faultTooMany(2, 3)).waitFor()
      expect(await when.evaluate((element) => element.contains(document.activeElement))).toBe(true)

      await page.getByRole('radio', { name: 'June' }).check()
      await page.getByRole('checkbox', { name: 'Bread' }).uncheck()
      await page.getByText(said.vote.progress(2, 3)).waitFor()
      expect(await page.getByText(said.vote.faultMissing).count()).toBe(0)
      await sendBallot(page, said.vote.send)
      await page.getByRole('heading', { name: said.vote.outcomes.counted }).waitFor()
      const { turnout, questions } = await settledResults(place.url, poll.id)
      // One voter: June, a blank, salad and cake.
      expect([turnout, questions.map(({ options }) => options.map(({ total }) => total))]).toEqual([
        1,
        [
          [1, 0],
          [0, 0],
          [1, 0, 1],
        ],
      ])
      expectNoErrors(visitor)
    })
  })

  it('not open yet: counts down, and opens by itself', async () => {
    const poll = await schedulePoll(place.url, drinks, { opensAt: inSeconds(6) })
    const visitor = await place.newPage()
    const { page } = visitor
    let loads = 0
    page.on('load', () => loads++)
    await page.goto(`${place.url}/p/${poll.id}`)
    await page.getByText(words.vote.notOpenYetHint).waitFor()
    const [countdown = ''] = words.poll.opensIn('\n').split('\n')
    await page.getByText(countdown.trim()).last().waitFor()
    expect(await page.getByRole('radio').count()).toBe(0)
    await sendVote(page, 'Tea', words.vote.send)
    await page.getByRole('heading', { name: words.vote.outcomes.counted }).waitFor()
    expect(loads).toBe(1)
    expectNoErrors(visitor)
  })

  it('closes under the eyes of a visitor, who can still read what happened', async () => {
    const closesAt = inSeconds(6)
    const poll = await openPoll(place.url, drinks, { closesAt })
    const visitor = await place.newPage()
    const { page } = visitor
    await page.goto(`${place.url}/p/${poll.id}`)
    await page.getByRole('radio', { name: 'Tea' }).check()
    await page.getByText(words.vote.closedHint).waitFor()
    expect(await page.getByRole('radio').count()).toBe(0)
    await page.getByRole('link', { name: words.vote.seeResults }).click()
    await page.getByRole('status').filter({ hasText: words.results.closedHint }).waitFor()
    expect((await getJson<{ turnout: number }>(`${place.url}/v1/polls/${poll.id}/results`)).turnout).toBe(0)
    expectNoErrors(visitor)
  })

  it('a ballot that comes too late is refused in words, and is not shown as counted', async () => {
    const poll = await openPoll(place.url, drinks, { closesAt: inSeconds(4) })
    const { page } = await place.newPage()
    // A page that does not hear of the closing: it goes on showing the form that it has.
    await page.goto(`${place.url}/p/${poll.id}`)
    await page.getByRole('radio', { name: 'Tea' }).check()
    await page.route(`**/v1/polls/${poll.id}`, (route) => route.abort())
    await expect
      .poll(async () => (await getJson<{ state: string }>(`${place.url}/v1/polls/${poll.id}`)).state, { timeout: 20_000 })
      .toBe('closed')
    await page.getByRole('button', { name: words.vote.send }).click()
    await page.getByRole('alert').filter({ hasText: words.vote.refused }).waitFor()
    await page.getByRole('alert').filter({ hasText: words.failure.problems['poll-closed'] }).waitFor()
  })

  it('an unknown poll, and an unknown page, say so and lead home', async () => {
    const visitor = await place.newPage()
    const { page } = visitor
    for (const [path, title] of [
      ['/p/0123456789abcdef', words.poll.notFoundTitle],
      ['/p/lunch', words.poll.notFoundTitle],
      ['/p/lunch/results', words.poll.notFoundTitle],
      ['/p/0123456789abcdef/results', words.poll.notFoundTitle],
      ['/nowhere', words.notFound.title],
      ['/p/0123456789abcdef/lunch', words.notFound.title],
    ] as const) {
      await page.goto(place.url + path)
      await page.getByRole('heading', { name: title, level: 1 }).waitFor()
      await page.getByRole('link', { name: words.notFound.home }).click()
      await page.getByRole('heading', { name: words.home.title }).waitFor()
    }
    expectNoErrors(visitor)
  })
})
