import type { Page } from 'playwright-core'
import { beforeAll, expect, it } from 'vitest'
import { expectNoErrors, type Visitor } from '../support/browser.ts'
import { asAdministrator, openPoll, send, type TestPoll } from '../support/client.ts'
import { sendBallot } from './actions.ts'
import { hostileTexts } from './hostile-texts.ts'
import { inBrowser } from './place.ts'
import { wordsOf } from './words.ts'

/** Whoever writes a poll writes into the pages of everybody who votes in it: whatever it is, it is text, and shown as it was written. */

interface Watched {
  ran?: unknown
  violations: string[]
}

/** Notes what the browser kept from happening: the texts must not even come that far. */
function watch(): void {
  const watched = globalThis as unknown as Watched
  watched.violations = []
  document.addEventListener('securitypolicyviolation', ({ effectiveDirective, blockedURI }) => {
    watched.violations.push(`${effectiveDirective} ${blockedURI}`)
  })
}

inBrowser('hostile texts', (place) => {
  const words = wordsOf('en-GB')
  const third = Math.ceil(hostileTexts.length / 3)
  const chunks = [0, 1, 2].map((part) => hostileTexts.slice(part * third, (part + 1) * third))
  let poll: TestPoll

  const textAt = (index: number) => hostileTexts[index % hostileTexts.length] as string
  const optionsOf = (texts: readonly string[]) => texts.map((text) => ({ text }))

  beforeAll(async () => {
    poll = await openPoll(place.url, {
      title: textAt(0),
      description: hostileTexts.join('\n').slice(0, 2_000),
      questions: chunks.map((texts, index) => ({ text: textAt(index), required: index === 0, options: optionsOf(texts) })),
      listed: false,
    })
    // Home shows titles: one poll for each.
    for (const title of hostileTexts) {
      const body = {
        title,
        description: title,
        questions: [{ text: title, options: optionsOf([title, 'x']) }],
      }
      const created = await send('POST', `${place.url}/v1/polls`, { body, headers: asAdministrator })
      expect([title, created.status]).toEqual([title, 201])
      const { id } = JSON.parse(created.text) as TestPoll
      expect((await send('POST', `${place.url}/v1/polls/${id}/open`, { body: {}, headers: asAdministrator })).status).toBe(200)
    }
  }, 120_000)

  /** What of the texts is not in the page as it was written. */
  function missing(page: Page, texts: readonly string[]): Promise<string[]> {
    return page.evaluate((all) => {
      const shown = document.body.textContent ?? ''
      return all.filter((text) => !shown.includes(text))
    }, texts)
  }

  async function expectNothingRan({ page, requests, ...visitor }: Visitor, dialogs: readonly string[]): Promise<void> {
    const found = await page.evaluate(() => {
      const { ran, violations } = globalThis as unknown as Watched
      const elements = [...document.querySelectorAll('*')]
      const handlers = elements.flatMap((element) =>
        [...element.attributes].filter(({ name }) => name.startsWith('on')).map(({ name }) => name),
      )
      const strangers = document.querySelectorAll(
        'iframe, object, embed, base, form[action], math, marquee, body script, meta[http-equiv], svg script',
      )
      const scripts = [...document.querySelectorAll('a[href], [src]')].filter((element) => {
        const address = (element as HTMLAnchorElement).href || (element as HTMLImageElement).src
        return /^(javascript|data|vbscript|blob):/i.test(address) || /evil/.test(new URL(address, location.href).host)
      })
      const own = new Set(['/settings.js'])
      const intruders = [...strangers].filter((element) => !own.has(element.getAttribute('src') ?? ''))
      return {
        ran: ran ?? null,
        violations,
        handlers,
        intruders: intruders.map(({ outerHTML }) => outerHTML),
        scripts: scripts.map(({ outerHTML }) => outerHTML),
      }
    })
    expect(found).toEqual({ ran: null, violations: [], handlers: [], intruders: [], scripts: [] })
    expect(dialogs).toEqual([])
    expect(requests.filter((address) => !/^(data|blob):/.test(address) && new URL(address).origin !== place.url)).toEqual([])
    expectNoErrors({ page, requests, ...visitor })
  }

  it(`${hostileTexts.length} of them are text on every page, and nothing runs`, async () => {
    expect(hostileTexts.length).toBeGreaterThanOrEqual(200)
    const visitor = await place.newPage()
    const { page } = visitor
    const dialogs: string[] = []
    page.on('dialog', (dialog) => {
      dialogs.push(dialog.message())
      void dialog.dismiss()
    })
    await page.addInitScript(watch)

    await page.goto(place.url)
    const more = page.getByRole('button', { name: words.home.more })
    for (let shown = 50; shown < hostileTexts.length; shown += 50) {
      await more.click()
      await page.waitForFunction((count) => document.querySelectorAll('main li').length >= count, Math.min(shown + 50, hostileTexts.length))
    }
    expect(await missing(page, hostileTexts)).toEqual([])
    await expectNothingRan(visitor, dialogs)

    await page.goto(`${place.url}/p/${poll.id}`)
    await page.getByRole('button', { name: words.vote.send }).waitFor()
    expect(await missing(page, hostileTexts)).toEqual([])
    expect(await page.title()).toContain(textAt(0))
    await page.locator('input[type=radio]').first().check()
    await expectNothingRan(visitor, dialogs)

    await sendBallot(page, words.vote.send)
    await page.getByRole('link', { name: words.receipt.checkLater }).click()
    await page.getByRole('status').filter({ hasText: words.receipt.statuses.counted }).waitFor()
    await expectNothingRan(visitor, dialogs)

    await page.goto(`${place.url}/p/${poll.id}`)
    await page.getByText(words.vote.alreadyVotedHint).waitFor()
    await expectNothingRan(visitor, dialogs)

    await page.goto(`${place.url}/p/${poll.id}/results`)
    await page.waitForFunction((count) => document.querySelectorAll('main li').length >= count, hostileTexts.length)
    expect(await missing(page, hostileTexts)).toEqual([])
    await expectNothingRan(visitor, dialogs)
    for (const button of await page.getByRole('button', { name: words.results.asTable }).all()) await button.click()
    expect(await missing(page, hostileTexts)).toEqual([])
    await expectNothingRan(visitor, dialogs)

    // And a watcher that sees it: the same texts, put into a page as no page of ours does it, come far enough to be stopped.
    await page.evaluate(
      (texts) => {
        for (const text of texts) document.body.insertAdjacentHTML('beforeend', text)
      },
      hostileTexts.slice(0, 120),
    )
    await expect(expectNothingRan(visitor, dialogs)).rejects.toThrow()
  })
})
