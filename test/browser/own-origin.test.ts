import { beforeAll, expect, it } from 'vitest'
import { expectNoErrors } from '../support/browser.ts'
import { openPoll, send } from '../support/client.ts'
import { outcomeOf, receiptOf, seenVotes, sendVote } from './actions.ts'
import { inBrowser } from './place.ts'
import { drinks } from './polls.ts'
import { wordsOf } from './words.ts'

/** Nobody else learns who votes where, and nothing breaks when the rest of the network is out of reach. */

inBrowser('the pages and the rest of the world', (place) => {
  const words = wordsOf('en-GB')
  let pollId = ''

  beforeAll(async () => {
    pollId = (await openPoll(place.url, drinks)).id
  })

  it('ask nobody but their own address, and keep to their Content-Security-Policy', async () => {
    const visitor = await place.newPage()
    const { page, requests } = visitor
    await page.goto(place.url)
    await page.getByRole('link', { name: drinks.title, exact: true }).click()
    const receipt = await receiptOf(await sendVote(page, 'Tea', words.vote.send))
    expect(await outcomeOf(page, 'en-GB')).toBe('counted')
    await page.getByRole('button', { name: words.receipt.copy }).click()
    const pollPage = page.url()
    // The link that voters keep, loaded as another day would.
    await page.getByRole('link', { name: words.receipt.checkLater }).click()
    await page.reload()
    await page.getByRole('status').filter({ hasText: words.receipt.statuses.counted }).waitFor()
    await page.goto(pollPage)
    await page.getByRole('link', { name: words.vote.seeResults }).click()
    await seenVotes(page, 'Tea', 1, 'en-GB')
    await page.getByRole('button', { name: words.results.asTable }).click()
    await page.getByRole('table').waitFor()
    await page.goto(`${place.url}/lunch`)
    await page.getByRole('heading', { name: words.notFound.title }).waitFor()

    const others = requests.filter((address) => !/^(data|blob):/.test(address) && new URL(address).origin !== place.url)
    expect(others).toEqual([])
    // The receipt stands behind the # of an address, and in a header: in nobody's log.
    expect(requests.filter((address) => address.replace(/#.*/, '').includes(receipt))).toEqual([])
    expect(requests.length).toBeGreaterThan(10)
    expectNoErrors(visitor)
  })

  it('are small for a first visit, as the browser receives them', async () => {
    const { page } = await place.newPage()
    const sizes: Promise<number>[] = []
    page.on('requestfinished', (request) => {
      sizes.push(request.sizes().then(({ responseBodySize, responseHeadersSize }) => responseBodySize + responseHeadersSize))
    })
    await page.goto(`${place.url}/p/${pollId}`)
    await page.getByRole('button', { name: words.vote.send }).waitFor()
    await page.waitForLoadState('networkidle')
    const bytes = (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
    console.log(`A first visit to a poll: ${sizes.length} answers, ${bytes} bytes`)
    expect(bytes).toBeGreaterThan(20_000)
    expect(bytes).toBeLessThan(100_000)
  })

  it('come with a policy that lets in nothing from elsewhere, and no inline script', async () => {
    for (const path of ['/', `/p/${pollId}`, `/p/${pollId}/results`, '/receipts', '/lunch']) {
      const { headers, status } = await send('GET', place.url + path, { headers: { accept: 'text/html' } })
      expect([path, status]).toEqual([path, 200])
      expect(headers['content-security-policy']).toContain("default-src 'self'")
      expect(headers['content-security-policy']).not.toMatch(/unsafe|\*|https?:/)
    }
    const visitor = await place.newPage()
    await visitor.page.goto(place.url)
    await visitor.page.evaluate(() => {
      const script = document.createElement('script')
      script.textContent = 'globalThis.intruder = true'
      document.body.append(script)
    })
    expect(await visitor.page.evaluate(() => 'intruder' in globalThis)).toBe(false)
    // And a test that sees it: this is the kind of error that all other tests here assert there is none of.
    expect(visitor.errors.join()).toMatch(/Content.Security.Policy/i)
  })
})
