import type { Page } from 'playwright-core'
import { beforeAll, describe, expect, it } from 'vitest'
import {
  type ColourScheme,
  expectAccessible,
  expectNoErrors,
  expectNoSidewaysScrolling,
  type Language,
  languages,
  type Visitor,
} from '../support/browser.ts'
import { asAdministrator, openPoll, send, settledResults } from '../support/client.ts'
import { seenVotes, sendVote, statusWith } from './actions.ts'
import { administrationWordsOf } from './administration-words.ts'
import { expectFocus, tabTo } from './focus.ts'
import { inBrowser, type Place } from './place.ts'
import { drinks, vote } from './polls.ts'
import { wordsOf } from './words.ts'

/** People who run polls, in a real browser with the real policy: what they do, what they see, and that nothing is refused by the policy. */

const password = 'correct horse battery staple'
type Words = ReturnType<typeof administrationWordsOf>

declare global {
  var refusedByPolicy: string[]
}

async function newOrganizer(place: Place, options: Parameters<Place['newPage']>[0] = {}): Promise<Visitor> {
  const visitor = await place.newPage(options)
  await visitor.context.addInitScript(() => {
    globalThis.refusedByPolicy = []
    document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI, sample }) => {
      globalThis.refusedByPolicy.push(`${violatedDirective} ${blockedURI} ${sample}`)
    })
  })
  return visitor
}

async function signIn({ page }: Visitor, place: Place, words: Words): Promise<void> {
  await page.goto(`${place.url}/admin/sign-in`)
  await page.getByLabel(words.signIn.username, { exact: true }).fill('admin')
  await page.getByLabel(words.signIn.password, { exact: true }).fill(password)
  await page.getByRole('button', { name: words.signIn.button }).click()
  await page.getByRole('heading', { name: words.polls.title }).waitFor()
}

async function expectPolicyKept(page: Page): Promise<void> {
  expect(await page.evaluate(() => globalThis.refusedByPolicy)).toEqual([])
}

/** Every page of the administration, and its dialogs. */
const states: Record<
  string,
  (scene: { page: Page; words: Words; ids: Record<string, string>; open(path: string): Promise<unknown> }) => Promise<unknown>
> = {
  polls: async ({ page, words, open }) => {
    await open('/admin')
    await page.getByRole('table', { name: words.polls.title }).waitFor()
  },
  'a new poll with faults': async ({ page, words, open }) => {
    await open('/admin/polls/new')
    await page.getByRole('button', { name: words.editor.save }).click()
    await page.getByText(words.editor.faults(4)).waitFor()
  },
  'a draft about to be opened': async ({ page, words, ids, open }) => {
    await open(`/admin/polls/${ids.draft}`)
    await page.getByRole('button', { name: words.editor.saveAndOpen }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByRole('radio', { name: words.opening.laterClose }).check()
    await dialog.getByLabel(words.opening.closesAt).waitFor()
  },
  'an open poll': async ({ page, words, ids, open }) => {
    await open(`/admin/polls/${ids.open}`)
    await page.getByText(words.pollPage.frozen).waitFor()
  },
  'deleting by typing': async ({ page, words, ids, open }) => {
    await open(`/admin/polls/${ids.draft}`)
    await page.getByRole('button', { name: words.polls.delete }).click()
    await page.getByRole('dialog').getByRole('button', { name: words.deleting.button }).click()
    await page.getByText(words.dialog.typedOther).waitFor()
  },
  'voting codes': async ({ page, words, ids, open }) => {
    // The slips are the same at every run, and so is the list.
    const codes = [1, 2, 3].map((number) => ({
      id: `000000000000000${number}`,
      label: `Seat ${number}`,
      code: `0123-4567-89ab-cdef-ghjk-mnpq-r${number}`,
    }))
    const list = codes.map(({ id, label }) => ({ id, label, createdAt: '2026-11-21T20:00:00.000Z', revokedAt: null }))
    await page.route(/\/v1\/polls\/[^/]+\/codes/, (route) =>
      route.request().method() === 'POST'
        ? route.fulfill({ status: 201, json: { codes } })
        : route.fulfill({ json: { codes: list, next: null, total: 3, revoked: 0 } }),
    )
    await open(`/admin/polls/${ids.codes}/codes`)
    await page.getByRole('button', { name: words.codes.makeButton }).click()
    await page.getByRole('list', { name: words.codes.sheet }).waitFor()
    await page.getByRole('table', { name: words.codes.list }).waitFor()
  },
  'the voter roll': async ({ page, words, ids, open }) => {
    const users = [{ id: '2', username: 'ana', name: 'Ana', secondName: 'Souza' }]
    await page.route(/\/v1\/polls\/[^/]+\/voters/, (route) => route.fulfill({ json: { users, next: null, total: 1 } }))
    await open(`/admin/polls/${ids.account}/voters`)
    await page.getByRole('table', { name: words.roll.list }).waitFor()
  },
  users: async ({ page, words, open }) => {
    await open('/admin/users')
    await page.getByRole('table', { name: words.users.title }).waitFor()
    await page.getByText(words.users.rolesExplained).click()
  },
  'a new user with a fault': async ({ page, words, open }) => {
    await open('/admin/users')
    await page.getByRole('button', { name: words.users.new }).click()
    await page.getByRole('dialog').getByRole('button', { name: words.users.create }).click()
    await page.getByText(words.faults.empty).waitFor()
  },
  'an import with faults': async ({ page, words, open }) => {
    await open('/admin/users/import')
    await page.getByLabel(words.import.paste).fill('username;email\nana2;\nbruno2;nobody\n')
    await page.getByRole('button', { name: words.import.look }).click()
    await page.getByRole('heading', { name: words.import.faults }).waitFor()
  },
  system: async ({ page, words, open }) => {
    await open('/admin/system')
    await page.getByText(words.system.backlogMeaning).waitFor()
  },
  'the audit trail': async ({ page, words, open }) => {
    await open('/admin/audit')
    await page.getByRole('table', { name: words.audit.title }).waitFor()
  },
  'my account': async ({ page, words, open }) => {
    await open('/admin/account')
    await page.getByRole('table', { name: words.account.sessions }).waitFor()
  },
  'the api away': async ({ page, words, open }) => {
    await page.route(/\/v1\/users/, (route) => route.abort('connectionrefused'))
    await open('/admin/users')
    await page.getByText(words.away.api).waitFor()
  },
  'no such page': async ({ page, words, open }) => {
    await open('/admin/lunch')
    await page.getByRole('link', { name: words.navigation.toStart }).waitFor()
  },
}

inBrowser(
  'administration',
  (place) => {
    const ids: Record<string, string> = {}

    beforeAll(async () => {
      const draft = async (title: string, access: string) => {
        const { text } = await send('POST', `${place.url}/v1/polls`, { headers: asAdministrator, body: { ...drinks, title, access } })
        return (JSON.parse(text) as { id: string }).id
      }
      ids.open = (await openPoll(place.url, drinks)).id
      await vote(place.url, ids.open, [[1]])
      ids.draft = await draft('A draft', 'open')
      ids.codes = await draft('A poll with codes', 'code')
      ids.account = await draft('A poll with a roll', 'account')
      await send('POST', `${place.url}/v1/users`, { headers: asAdministrator, body: { username: 'ana', name: 'Ana', role: 'organizer' } })
    })

    it('signs in, makes a poll with three options, opens it; somebody votes, and the results show', async () => {
      const words = administrationWordsOf('en-GB')
      const visitor = await newOrganizer(place)
      const { page } = visitor
      await signIn(visitor, place, words)
      await page.getByRole('link', { name: words.polls.make }).click()
      await page.getByLabel(words.editor.title, { exact: true }).fill('A new machine')
      await page.getByLabel(words.editor.question(1), { exact: true }).fill('What shall it make?')
      await page.getByRole('button', { name: words.editor.pasteOptions }).click()
      await page.getByLabel(words.editor.pasted, { exact: true }).fill('Tea\nCoffee\nSoup')
      await page.getByRole('button', { name: words.editor.takePasted }).click()
      await page.getByRole('button', { name: words.editor.saveAndOpen }).click()
      await page.getByRole('dialog').getByRole('button', { name: words.opening.buttons.draft }).click()
      await page.getByText(words.pollPage.frozen).waitFor()
      const id = new URL(page.url()).pathname.split('/').at(-1) ?? ''

      const { page: voter } = await place.newPage()
      await voter.goto(`${place.url}/p/${id}`)
      await sendVote(voter, 'Soup', wordsOf('en-GB').vote.send)
      const results = await settledResults(place.url, id)
      expect([results.turnout, results.questions[0]?.options.map(({ total }) => total)]).toEqual([1, [0, 0, 1]])
      await page.getByRole('link', { name: 'Results' }).click()
      await seenVotes(page, 'Soup', 1, 'en-GB')
      expectNoErrors(visitor)
    })

    it('with the keyboard alone, one signs in and makes a poll', async () => {
      const words = administrationWordsOf('en-GB')
      const visitor = await newOrganizer(place)
      const { page } = visitor
      await page.goto(`${place.url}/admin/polls/new`)
      await page.getByRole('heading', { name: words.signIn.title }).waitFor()
      await tabTo(page, words.signIn.username)
      await page.keyboard.type('admin')
      await tabTo(page, words.signIn.password)
      await page.keyboard.type(password)
      await page.keyboard.press('Enter')
      // Back where they wanted to go, with the focus in the page.
      await page.getByRole('heading', { name: words.editor.newTitle }).waitFor()
      expect(await expectFocus(page)).toMatchObject({ tag: 'main' })
      await tabTo(page, words.editor.title)
      await page.keyboard.type('By keyboard')
      await tabTo(page, words.editor.question(1))
      await page.keyboard.type('Which?')
      await tabTo(page, words.editor.option(1, 1))
      await page.keyboard.type('One')
      await page.keyboard.press('Enter')
      await page.keyboard.type('Two')
      await page.keyboard.press('Enter')
      await page.keyboard.type('Three')
      await page.keyboard.press('Alt+ArrowUp')
      await tabTo(page, words.editor.save)
      await page.keyboard.press('Enter')
      await page.getByRole('heading', { name: words.editor.editTitle('By keyboard') }).waitFor()
      const options = [1, 2, 3].map((number) => page.getByLabel(words.editor.option(number, 1), { exact: true }).inputValue())
      expect(await Promise.all(options)).toEqual(['One', 'Three', 'Two'])
      expectNoErrors(visitor)
    })

    it('the users page says that the api is away, keeps its list, and goes on by itself', async () => {
      const words = administrationWordsOf('pt-BR')
      const visitor = await newOrganizer(place, { language: 'pt-BR' })
      const { page } = visitor
      await signIn(visitor, place, words)
      await page.goto(`${place.url}/admin/users`)
      await page.getByRole('rowheader', { name: 'ana', exact: true }).waitFor()
      await place.stop()
      const said = await statusWith(page, words.away.api)
      console.log(`pt-BR, the users page without its api: ${said}`)
      expect(said).toContain(words.away.retrying)
      await page.getByRole('rowheader', { name: 'ana', exact: true }).waitFor()
      await place.start()
      await send('POST', `${place.url}/v1/users`, { headers: asAdministrator, body: { username: 'bruno' } })
      await page.getByRole('rowheader', { name: 'bruno', exact: true }).waitFor({ timeout: 60_000 })
      await page.getByText(words.away.api).waitFor({ state: 'detached' })
      expectNoErrors(visitor)
    })

    const looks: [Language, ColourScheme, number][] = languages.flatMap((language) => [
      [language, 'light', 1280],
      [language, 'dark', 360],
    ])
    describe.each(looks)('%s, %s, %d px', (language, scheme, width) => {
      it('every page and dialog is accessible, fits, and asks nothing that the policy refuses', { timeout: 240_000 }, async () => {
        const words = administrationWordsOf(language)
        const visitor = await newOrganizer(place, { language, scheme, width })
        const { page } = visitor
        await page.goto(`${place.url}/admin/sign-in`)
        await page.getByRole('button', { name: words.signIn.button }).waitFor()
        await expectAccessible(page)
        await signIn(visitor, place, words)
        // A page that asks whether one wants to leave is left all the same.
        page.on('dialog', (dialog) => void dialog.accept())
        for (const [name, go] of Object.entries(states)) {
          const open = (path: string) => page.goto(place.url + path)
          await go({ page, words, ids, open })
          await expectAccessible(page).catch((error: Error) => {
            throw new Error(`${name}: ${error.message}`)
          })
          await expectNoSidewaysScrolling(page)
          await expectPolicyKept(page)
          await page.unrouteAll()
        }
        expectNoErrors(visitor)
      })
    })
  },
  { ADMIN_PASSWORD: password },
)
