import { expect, it } from 'vitest'
import { expectNoErrors } from '../support/browser.ts'
import { openPoll } from '../support/client.ts'
import { outcomeOf, sendBallot } from './actions.ts'
import { inBrowser } from './place.ts'
import { threeQuestions } from './polls.ts'
import { wordsOf } from './words.ts'

const english = wordsOf('en-GB')
const portuguese = wordsOf('pt-BR')

inBrowser('the language', (place) => {
  it('is that of the browser, can be switched, and stays so after a reload and on the next page', async () => {
    const visitor = await place.newPage({ language: 'en-GB' })
    const { page } = visitor
    const languageOfPage = () => page.locator('html').getAttribute('lang')
    await page.goto(place.url)
    await page.getByRole('heading', { name: english.home.title }).waitFor()
    expect(await languageOfPage()).toBe('en')
    await page.getByRole('button', { name: 'Português' }).click()
    await page.getByRole('heading', { name: portuguese.home.title }).waitFor()
    expect(await languageOfPage()).toBe('pt-BR')
    await page.reload()
    await page.getByRole('heading', { name: portuguese.home.title }).waitFor()
    expect(await languageOfPage()).toBe('pt-BR')
    await page.getByRole('link', { name: portuguese.site.checkMyVote }).click()
    await page.getByRole('heading', { name: portuguese.receipts.title }).waitFor()
    expect(await page.title()).toContain(portuguese.receipts.title)
    await page.getByRole('button', { name: 'English' }).click()
    await page.getByRole('heading', { name: english.receipts.title }).waitFor()
    expect(await page.title()).toContain(english.receipts.title)
    expectNoErrors(visitor)
  })

  it('can be switched in the middle of a form without losing what is chosen, or what is wrong', async () => {
    const poll = await openPoll(place.url, threeQuestions)
    const visitor = await place.newPage({ language: 'pt-BR' })
    const { page } = visitor
    await page.goto(`${place.url}/p/${poll.id}`)
    await page.getByRole('radio', { name: 'The band' }).check()
    await page.getByRole('checkbox', { name: 'Cake' }).check()
    await page.getByRole('button', { name: portuguese.vote.send }).click()
    await page.getByText(portuguese.vote.faultMissing).waitFor()
    await page.getByRole('button', { name: 'English' }).click()
    await page.getByText(english.vote.faultMissing).waitFor()
    await page.getByText(english.vote.progress(2, 3)).waitFor()
    expect(await page.getByRole('radio', { name: 'The band' }).isChecked()).toBe(true)
    expect(await page.getByRole('checkbox', { name: 'Cake' }).isChecked()).toBe(true)
    await page.getByRole('radio', { name: 'July' }).check()
    await sendBallot(page, english.vote.send)
    expect(await outcomeOf(page, 'en-GB')).toBe('counted')
    expectNoErrors(visitor)
  })

  it('is English where the browser asks for another one', async () => {
    const { page } = await place.newPage({ language: 'en-GB' })
    await page.addInitScript(() => Object.defineProperty(navigator, 'languages', { value: ['is-IS', 'fo'] }))
    await page.goto(place.url)
    await page.getByRole('heading', { name: english.home.title }).waitFor()
  })
})
