import type { Route } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { expectNoErrors, languages } from '../support/browser.ts'
import { openPoll, send, settledResults } from '../support/client.ts'
import { outcomeOf, seenVotes, sendVote, statusWith } from './actions.ts'
import { inBrowser } from './place.ts'
import { drinks, vote } from './polls.ts'
import { wordsOf } from './words.ts'

/** Nobody touches a page while its server is away, or its network: it says so, tries again, and each vote counts once. */

inBrowser('when the server goes away', (place) => {
  describe.each(languages)('%s', (language) => {
    const words = wordsOf(language)

    it('a vote sent meanwhile arrives exactly once, by itself', async () => {
      const poll = await openPoll(place.url, drinks)
      const visitor = await place.newPage({ language })
      const { page } = visitor
      await page.goto(`${place.url}/p/${poll.id}`)
      await page.getByRole('radio', { name: 'Coffee' }).check()
      await place.stop()
      await page.getByRole('button', { name: words.vote.send, exact: true }).click()
      const said = await statusWith(page, words.vote.tryingAgain)
      console.log(`${language}, the voting page without its server: ${said}`)
      expect(said).toContain(words.vote.notConfirmed)
      expect(said).toContain(words.failure['no-connection'])
      await place.start()
      await page.getByRole('heading', { name: words.vote.outcomes.counted }).waitFor({ timeout: 60_000 })
      const results = await settledResults(place.url, poll.id)
      expect([results.turnout, results.questions[0]?.options.map(({ total }) => total)]).toEqual([1, [0, 1, 0]])
      expectNoErrors(visitor)
    })

    it.each([true, false])('a vote whose answer was lost on the way back counts once (changes allowed: %s)', async (changesAllowed) => {
      const poll = await openPoll(place.url, { ...drinks, changesAllowed })
      const visitor = await place.newPage({ language })
      const { page } = visitor
      const keys: (string | undefined)[] = []
      await page.route('**/ballots', async (route: Route) => {
        const request = route.request()
        keys.push(request.headers()['idempotency-key'])
        if (keys.length > 1) return route.continue()
        const answer = await send('POST', request.url(), {
          body: request.postData(),
          headers: { 'idempotency-key': keys[0] ?? '' },
        })
        expect(answer.status).toBe(202)
        await route.abort('connectionreset')
      })
      await page.goto(`${place.url}/p/${poll.id}`)
      await page.getByRole('radio', { name: 'Tea' }).check()
      await page.getByRole('button', { name: words.vote.send, exact: true }).click()
      const outcome = await outcomeOf(page, language)
      expect(outcome).toBe('counted')
      expect(keys.length).toBeGreaterThanOrEqual(2)
      expect(new Set(keys).size).toBe(1)
      expect(keys[0]).toMatch(/^\S{16,}$/)
      const results = await settledResults(place.url, poll.id)
      expect([results.turnout, results.questions[0]?.options.map(({ total }) => total)]).toEqual([1, [1, 0, 0]])
      expectNoErrors(visitor)
    })

    it('a vote sent without a network arrives when the network is back', async () => {
      const poll = await openPoll(place.url, drinks)
      const visitor = await place.newPage({ language })
      const { page, context } = visitor
      await page.goto(`${place.url}/p/${poll.id}`)
      await page.getByRole('radio', { name: 'Water' }).check()
      await context.setOffline(true)
      await page.getByRole('button', { name: words.vote.send, exact: true }).click()
      console.log(`${language}, the voting page without a network: ${await statusWith(page, words.vote.tryingAgain)}`)
      await context.setOffline(false)
      await page.getByRole('heading', { name: words.vote.outcomes.counted }).waitFor()
      expect((await settledResults(place.url, poll.id)).turnout).toBe(1)
      expectNoErrors(visitor)
    })

    it('open results say so, keep their numbers, and go on by themselves', async () => {
      const poll = await openPoll(place.url, drinks)
      await vote(place.url, poll.id, [[1]])
      const visitor = await place.newPage({ language })
      const { page } = visitor
      await page.goto(`${place.url}/p/${poll.id}/results`)
      await seenVotes(page, 'Tea', 1, language)
      await page.getByText(words.results.live, { exact: true }).waitFor()
      await place.stop()
      const said = await statusWith(page, words.results.notLiveHint)
      console.log(`${language}, the results page without its server: ${said}`)
      await page.getByText(words.results.notLive, { exact: true }).waitFor()
      await seenVotes(page, 'Tea', 1, language)
      await place.start()
      await vote(place.url, poll.id, [[2]])
      await vote(place.url, poll.id, [[2]])
      await seenVotes(page, 'Coffee', 2, language)
      await page.getByText(words.results.live, { exact: true }).waitFor()
      await seenVotes(page, 'Tea', 1, language)
      expectNoErrors(visitor)
    })
  })

  it('an answer lost in one poll, and then a vote in another, are still one voter', async () => {
    const words = wordsOf('en-GB')
    const [one, two] = [await openPoll(place.url, drinks), await openPoll(place.url, drinks)]
    const { context, page } = await place.newPage()
    let away = true
    let arrived = 0
    await page.route(`**/${one.id}/ballots`, async (route: Route) => {
      if (!away) return route.continue()
      const request = route.request()
      const headers = { 'idempotency-key': request.headers()['idempotency-key'] ?? '' }
      const answer = await send('POST', request.url(), { body: request.postData(), headers })
      expect(answer.status).toBe(202)
      arrived += 1
      await route.abort('connectionreset')
    })
    await page.goto(`${place.url}/p/${one.id}`)
    await page.getByRole('radio', { name: 'Tea' }).check()
    await page.getByRole('button', { name: words.vote.send, exact: true }).click()
    await statusWith(page, words.vote.tryingAgain)
    // The cookie of this answer names the voter in the first poll too, from now on.
    const other = await context.newPage()
    await other.goto(`${place.url}/p/${two.id}`)
    await sendVote(other, 'Coffee', words.vote.send)
    await outcomeOf(other, 'en-GB')
    away = false
    expect(await outcomeOf(page, 'en-GB')).toBe('counted')
    expect(arrived).toBeGreaterThanOrEqual(1)
    expect((await settledResults(place.url, one.id)).turnout).toBe(1)
  })

  it('a page opened while the server is away shows the poll once it is back', async () => {
    const words = wordsOf('en-GB')
    const poll = await openPoll(place.url, drinks)
    const visitor = await place.newPage()
    const { page } = visitor
    await page.goto(place.url)
    await page.getByRole('heading', { name: words.home.title }).waitFor()
    await place.stop()
    await page.evaluate((path) => {
      history.pushState(null, '', path)
      dispatchEvent(new PopStateEvent('popstate'))
    }, `/p/${poll.id}`)
    expect(await statusWith(page, words.failure.retrying)).toContain(words.failure['no-connection'])
    await place.start()
    await page.getByRole('heading', { name: drinks.title }).waitFor()
    expectNoErrors(visitor)
  })
})
