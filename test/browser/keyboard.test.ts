import { describe, expect, it } from 'vitest'
import { expectNoErrors, languages } from '../support/browser.ts'
import { openPoll, settledResults } from '../support/client.ts'
import { expectFocus, pressInto, tabTo } from './focus.ts'
import { inBrowser } from './place.ts'
import { drinks } from './polls.ts'
import { wordsOf } from './words.ts'

/** Somebody without a mouse, who must know at every step where they are. */

inBrowser('the keyboard alone', (place) => {
  describe.each(languages)('%s', (language) => {
    const words = wordsOf(language)

    it('goes from the home page to a counted vote and the results', async () => {
      const title = `Drinks by keyboard, ${language}`
      const poll = await openPoll(place.url, { ...drinks, title })
      const visitor = await place.newPage({ language })
      const { page } = visitor
      await page.goto(place.url)
      await page.getByRole('link', { name: title, exact: true }).waitFor()

      await page.keyboard.press('Tab')
      expect(await expectFocus(page)).toMatchObject({ text: words.site.skip, visible: true })
      await pressInto(page, 'Enter', { tag: 'main' })
      await tabTo(page, title)
      await pressInto(page, 'Enter', { tag: 'main' })
      await page.getByRole('radio', { name: 'Tea' }).waitFor()

      await tabTo(page, 'Tea')
      await page.keyboard.press('Space')
      expect(await page.getByRole('radio', { name: 'Tea' }).isChecked()).toBe(true)
      await page.keyboard.press('ArrowDown')
      expect(await expectFocus(page)).toMatchObject({ text: 'Coffee', visible: true })
      expect(await page.getByRole('radio', { name: 'Coffee' }).isChecked()).toBe(true)
      await tabTo(page, words.vote.send)
      await pressInto(page, 'Enter', { tag: 'h2', text: words.vote.outcomes.counted })

      await tabTo(page, words.receipt.copy)
      await page.keyboard.press('Enter')
      await page
        .getByRole('status')
        .filter({ hasText: words.receipt.copied })
        .or(page.getByRole('status').filter({ hasText: words.receipt.selectToCopy }))
        .waitFor()
      await expectFocus(page)
      await tabTo(page, words.vote.seeResults)
      await pressInto(page, 'Enter', { tag: 'main' })
      await page.getByRole('button', { name: words.results.asTable }).waitFor()
      await tabTo(page, words.results.asTable)
      await page.keyboard.press('Space')
      await page.getByRole('table').waitFor()
      expect(await expectFocus(page)).toMatchObject({ text: words.results.asBars, visible: true })
      const { turnout, questions } = await settledResults(place.url, poll.id)
      expect([turnout, questions[0]?.options.map(({ total }) => total)]).toEqual([1, [0, 1, 0]])
      expectNoErrors(visitor)
    })
  })

  const words = wordsOf('en-GB')

  it('finds the first fault when it sends too early', async () => {
    const poll = await openPoll(place.url, drinks)
    const { page } = await place.newPage()
    await page.goto(`${place.url}/p/${poll.id}`)
    await page.getByRole('radio', { name: 'Tea' }).waitFor()
    await tabTo(page, words.vote.send)
    await pressInto(page, 'Enter', { tag: 'fieldset' })
    await tabTo(page, 'Tea')
  })
})
