import { randomUUID } from 'node:crypto'
import type { NewCodes } from '@urna/contracts'
import { beforeAll, describe, expect, it } from 'vitest'
import { expectAccessible, expectNoErrors, expectNoSidewaysScrolling, languages, type Visitor } from '../support/browser.ts'
import { asAdministrator, openPoll, send, settledResults } from '../support/client.ts'
import { outcomeOf, sendVote } from './actions.ts'
import { inBrowser } from './place.ts'
import { drinks } from './polls.ts'
import { wordsOf } from './words.ts'

/** Polls that are not for everybody, as their voters see them. */

inBrowser('who may vote', (place) => {
  const password = 'a password that only tests know'

  async function looksRight({ page }: Visitor): Promise<void> {
    await page
      .getByText(wordsOf('en-GB').access.question)
      .or(page.getByText(wordsOf('pt-BR').access.question))
      .click()
    await expectAccessible(page)
    await page.setViewportSize({ width: 320, height: 640 })
    await page.emulateMedia({ colorScheme: 'dark' })
    await expectAccessible(page)
    await expectNoSidewaysScrolling(page)
  }

  async function newCodes(pollId: string, count: number): Promise<NewCodes['codes']> {
    const made = await send('POST', `${place.url}/v1/polls/${pollId}/codes`, { body: { count }, headers: asAdministrator })
    return (JSON.parse(made.text) as NewCodes).codes
  }

  /** Whoever comes from this address from now on has to work. */
  beforeAll(async () => {
    const { id } = await openPoll(place.url, { ...drinks, title: 'Crowd', access: 'guarded' })
    for (let voter = 0; voter < 50; voter++) {
      await send('POST', `${place.url}/v1/polls/${id}/challenges`, { headers: { 'idempotency-key': randomUUID() } })
    }
  })

  describe.each(languages)('%s', (language) => {
    const words = wordsOf(language)

    it('guarded: the browser works aside, in words, and the vote is counted', async () => {
      const { id } = await openPoll(place.url, { ...drinks, access: 'guarded' })
      const visitor = await place.newPage({ language })
      const { page, requests } = visitor
      await page.goto(`${place.url}/p/${id}`)
      await looksRight(visitor)
      expect(requests.filter((address) => /solve|proof|sha2|voter-gate/.test(address))).toEqual([])
      // On a fast machine it stands there for less time than it takes to look.
      await page.evaluate((text) => {
        new MutationObserver(() => {
          const isSaid = [...document.querySelectorAll('[role=status]')].some((status) => status.textContent?.includes(text))
          if (isSaid) document.documentElement.dataset.said = 'yes'
        }).observe(document.body, { subtree: true, childList: true, characterData: true })
      }, words.vote.calculating)
      const sent = await sendVote(page, 'Coffee', words.vote.send)
      expect(await page.evaluate(() => document.documentElement.dataset.said)).toBe('yes')
      expect(sent.request().headers()['urna-proof']).toMatch(/^[\w+/=]+$/)
      // By a worker of our own origin, not in the page.
      expect(requests.some((address) => address.startsWith(place.url) && address.includes('solve-worker'))).toBe(true)
      expect(await outcomeOf(page, language)).toBe('counted')
      await page.reload()
      await page.getByText(words.vote.alreadyVoted).waitFor()
      expectNoErrors(visitor)
    })

    it('guarded: where there is no crypto.subtle, as on plain http at home, and no worker', async () => {
      const { id } = await openPoll(place.url, { ...drinks, access: 'guarded' })
      const visitor = await place.newPage({ language })
      const { page } = visitor
      await page.addInitScript(() => {
        Object.defineProperty(Crypto.prototype, 'subtle', { get: () => undefined })
        Object.defineProperty(globalThis, 'Worker', { value: undefined })
      })
      await page.goto(`${place.url}/p/${id}`)
      await sendVote(page, 'Tea', words.vote.send)
      expect(await outcomeOf(page, language)).toBe('counted')
      expectNoErrors(visitor)
    })

    it('code: by a personal link that leaves the address, for this tab only; two links are two voters', async () => {
      const { id } = await openPoll(place.url, { ...drinks, access: 'code' })
      const [one, two] = await newCodes(id, 2)
      const visitor = await place.newPage({ language })
      const { page, requests } = visitor
      await page.goto(`${place.url}/p/${id}#code=${one?.code}`)
      await page.getByText(words.access.codeInUse).waitFor()
      expect(page.url()).toBe(`${place.url}/p/${id}`)
      await looksRight(visitor)
      const sent = await sendVote(page, 'Coffee', words.vote.send)
      expect(sent.request().headers().cookie).toBeUndefined()
      expect(sent.headers()['set-cookie']).toBeUndefined()
      expect(await outcomeOf(page, language)).toBe('counted')
      await page.reload()
      await page.getByText(words.vote.alreadyVoted).waitFor()
      // The second voter's link in the same tab.
      await page.goto(`${place.url}/p/${id}#code=${two?.code}`)
      await page.getByRole('button', { name: words.vote.send, exact: true }).waitFor()
      expect(page.url()).toBe(`${place.url}/p/${id}`)
      await sendVote(page, 'Tea', words.vote.send)
      expect(await outcomeOf(page, language)).toBe('counted')
      expect((await settledResults(place.url, id)).turnout).toBe(2)
      expect(requests.filter((address) => [one, two].some((code) => address.includes(code?.code ?? '')))).toEqual([])
      expect(await page.evaluate(() => JSON.stringify({ ...localStorage }))).not.toContain(one?.code.replaceAll('-', ''))
      // Another tab knows nothing of it.
      const other = await visitor.context.newPage()
      await other.goto(`${place.url}/p/${id}`)
      await other.getByLabel(words.access.codeLabel).waitFor()
      expectNoErrors(visitor)
    })

    it('code: typed with the keyboard; a wrong one is said in the field', async () => {
      const { id } = await openPoll(place.url, { ...drinks, access: 'code' })
      const [code] = await newCodes(id, 1)
      const visitor = await place.newPage({ language })
      const { page } = visitor
      await page.goto(`${place.url}/p/${id}`)
      const field = page.getByLabel(words.access.codeLabel)
      await field.focus()
      await page.keyboard.type(`${'7'.repeat(25)}0`)
      await page.keyboard.press('Enter')
      await page.getByRole('alert').filter({ hasText: words.failure.problems['code-invalid'] }).waitFor()
      expect(await field.evaluate((element) => element === document.activeElement)).toBe(true)
      await looksRight(visitor)
      await field.focus()
      await page.keyboard.press('ControlOrMeta+a')
      await page.keyboard.type(code?.code.toUpperCase().replaceAll('-', ' ') ?? '')
      await page.keyboard.press('Enter')
      await sendVote(page, 'Water', words.vote.send)
      expect(await outcomeOf(page, language)).toBe('counted')
      expectNoErrors(visitor)
    })

    it('account: a link to sign in; who is signed in votes as that user, who is not on the list does not', async () => {
      const { id } = await openPoll(place.url, { ...drinks, access: 'account' })
      const [ana, bruno] = [`ana-${randomUUID()}`, `bruno-${randomUUID()}`]
      for (const username of [ana, bruno]) {
        const body = { username, name: 'Ana', secondName: 'Lima', password }
        expect((await send('POST', `${place.url}/v1/users`, { body, headers: asAdministrator })).status).toBe(201)
      }
      await send('POST', `${place.url}/v1/polls/${id}/voters`, { body: { usernames: [ana] }, headers: asAdministrator })
      const signIn = async ({ context }: Visitor, username: string) => {
        const { status } = { status: (await context.request.post(`${place.url}/v1/sessions`, { data: { username, password } })).status() }
        expect(status).toBeLessThan(300)
      }
      const visitor = await place.newPage({ language })
      const { page } = visitor
      await page.goto(`${place.url}/p/${id}`)
      const link = page.getByRole('link', { name: words.access.signIn })
      expect(await link.getAttribute('href')).toBe(`/admin/sign-in?next=%2Fp%2F${id}`)
      await looksRight(visitor)
      await signIn(visitor, ana)
      await page.reload()
      await page.getByText(words.access.voteAs(`Ana Lima (${ana})`)).waitFor()
      await expectAccessible(page)
      await sendVote(page, 'Water', words.vote.send)
      expect(await outcomeOf(page, language)).toBe('counted')
      await page.reload()
      await page.getByText(words.vote.alreadyVoted).waitFor()
      const other = await place.newPage({ language })
      await signIn(other, bruno)
      await other.page.goto(`${place.url}/p/${id}`)
      await other.page.getByRole('alert').filter({ hasText: words.failure.problems['not-on-roll'] }).waitFor()
      await expectAccessible(other.page)
      expectNoErrors(visitor)
      expectNoErrors(other)
    })
  })
})
