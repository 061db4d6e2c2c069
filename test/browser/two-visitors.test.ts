import { describe, expect, it } from 'vitest'
import { expectNoErrors, languages } from '../support/browser.ts'
import { openPoll, settledResults } from '../support/client.ts'
import { answeredAtMs, receiptOf, seenVotes, sendVote } from './actions.ts'
import { inBrowser } from './place.ts'
import { drinks } from './polls.ts'
import { wordsOf } from './words.ts'

inBrowser('two visitors', (place) => {
  describe.each(languages)('%s', (language) => {
    const words = wordsOf(language)

    it('one votes, and the results that the other one looks at move by themselves within two seconds', async () => {
      const poll = await openPoll(place.url, drinks)
      const a = await place.newPage({ language })
      const b = await place.newPage({ language })
      await b.page.goto(`${place.url}/p/${poll.id}/results`)
      await seenVotes(b.page, 'Tea', 0, language)
      await a.page.goto(`${place.url}/p/${poll.id}`)

      const [seenTeaAtMs, first] = await Promise.all([seenVotes(b.page, 'Tea', 1, language), sendVote(a.page, 'Tea', words.vote.send)])
      // The receipt says so by itself too.
      await a.page.getByRole('heading', { name: words.vote.outcomes.counted }).waitFor()
      await a.page.getByRole('button', { name: words.vote.changeAfter }).click()
      expect(await a.page.getByRole('radio', { name: 'Tea' }).isChecked()).toBe(true)
      const [seenCoffeeAtMs, second] = await Promise.all([
        seenVotes(b.page, 'Coffee', 1, language),
        sendVote(a.page, 'Coffee', words.vote.sendChanged),
      ])
      await seenVotes(b.page, 'Tea', 0, language)

      const firstMs = Math.round(seenTeaAtMs - answeredAtMs(first))
      const secondMs = Math.round(seenCoffeeAtMs - answeredAtMs(second))
      console.log(`${language}: from a voter's 202 to another visitor's page: ${firstMs} ms; of a changed vote: ${secondMs} ms`)
      expect(firstMs).toBeLessThanOrEqual(2_000)
      expect(secondMs).toBeLessThanOrEqual(2_000)
      const results = await settledResults(place.url, poll.id)
      expect([results.turnout, results.questions[0]?.options.map(({ total }) => total)]).toEqual([1, [0, 1, 0]])
      expectNoErrors(a)
      expectNoErrors(b)
    })

    it('the next visit finds the vote marked, and the receipts say what became of each', async () => {
      const poll = await openPoll(place.url, drinks)
      const a = await place.newPage({ language })
      const { page } = a
      await page.goto(`${place.url}/p/${poll.id}`)
      const first = await receiptOf(await sendVote(page, 'Tea', words.vote.send))
      await page.getByRole('heading', { name: words.vote.outcomes.counted }).waitFor()

      await page.goto(`${place.url}/p/${poll.id}`)
      await page.getByRole('radio', { name: 'Tea', checked: true }).waitFor()
      const second = await receiptOf(await sendVote(page, 'Water', words.vote.sendChanged))
      await page.getByRole('heading', { name: words.vote.outcomes.counted }).waitFor()

      await page.getByRole('link', { name: words.site.checkMyVote }).click()
      for (const [receipt, status] of [
        [second, 'counted'],
        [first, 'replaced'],
      ] as const) {
        await page.getByRole('textbox', { name: words.receipts.label }).fill(receipt)
        await page.getByRole('button', { name: words.receipts.button, exact: true }).click()
        await page.getByRole('status').filter({ hasText: words.receipt.statuses[status] }).waitFor()
      }
      // The link that a voter keeps opens the same page with the receipt in it, in any browser.
      const elsewhere = await place.newPage({ language })
      await elsewhere.page.goto(`${place.url}/receipts#${second}`)
      await elsewhere.page.getByRole('status').filter({ hasText: words.receipt.statuses.counted }).waitFor()
      expectNoErrors(a)
      expectNoErrors(elsewhere)
    })
  })
})
