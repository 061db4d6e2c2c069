import { expect, it } from 'vitest'
import { openPoll } from '../support/client.ts'
import { statusWith } from './actions.ts'
import { expectFocus, pressInto, tabTo } from './focus.ts'
import { inBrowser } from './place.ts'
import { drinks, threeQuestions } from './polls.ts'
import { wordsOf } from './words.ts'

/** A control that goes away when it is pressed must hand the focus on. */

inBrowser('the keyboard', (place) => {
  const words = wordsOf('en-GB')

  it('keeps its place when it changes a vote', async () => {
    const poll = await openPoll(place.url, drinks)
    const { page } = await place.newPage()
    await page.goto(`${place.url}/p/${poll.id}`)
    await page.getByRole('radio', { name: 'Tea' }).waitFor()
    await tabTo(page, 'Tea')
    await page.keyboard.press('Space')
    await tabTo(page, words.vote.send)
    await pressInto(page, 'Enter', { tag: 'h2', text: words.vote.outcomes.counted })
    await tabTo(page, words.vote.changeAfter)
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: words.vote.sendChanged }).waitFor()
    await expectFocus(page)
  })

  it('keeps its place when it switches the language', async () => {
    const { page } = await place.newPage()
    await page.goto(place.url)
    await page.getByRole('button', { name: 'Português' }).waitFor()
    await tabTo(page, 'Português')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: wordsOf('pt-BR').home.title }).waitFor()
    await expectFocus(page)
  })

  it('keeps its place while the server is busy', async () => {
    const poll = await openPoll(place.url, drinks)
    const { page } = await place.newPage()
    await page.route('**/ballots', (route) => route.fulfill({ status: 503, headers: { 'retry-after': '60' } }))
    await page.goto(`${place.url}/p/${poll.id}`)
    await page.getByRole('radio', { name: 'Tea' }).waitFor()
    await tabTo(page, 'Tea')
    await page.keyboard.press('Space')
    await tabTo(page, words.vote.send)
    await page.keyboard.press('Enter')
    await statusWith(page, words.vote.tryingAgain)
    await expectFocus(page)
    await tabTo(page, words.vote.tryNow)
    await page.keyboard.press('Enter')
    await statusWith(page, words.vote.tryingAgain)
    await expectFocus(page)
    await tabTo(page, words.vote.changeBeforeSent)
    await page.keyboard.press('Enter')
    await page.getByRole('radio', { name: 'Tea', disabled: false }).waitFor()
    await expectFocus(page)
  })

  it('sees the question it is sent to, on a phone too', async () => {
    const poll = await openPoll(place.url, threeQuestions)
    const { page } = await place.newPage({ width: 390, height: 664 })
    await page.goto(`${place.url}/p/${poll.id}`)
    await page.getByRole('checkbox', { name: 'Cake' }).check()
    await page.getByRole('button', { name: words.vote.send }).click()
    const question = page.getByRole('group', { name: 'When?', exact: true })
    await question.getByText(words.vote.faultMissing).waitFor()
    // Nothing that stays at the edge of the window may lie over its text.
    const seen = () =>
      question.locator('legend').evaluate((legend) => {
        const { left, top, height } = legend.getBoundingClientRect()
        return document.elementFromPoint(left + 10, top + height / 2) === legend
      })
    await expect.poll(seen, { timeout: 5_000 }).toBe(true)
  })
})
