import type { Page } from 'playwright-core'
import { administrationCatalogues } from '../apps/frontend/src/administration/texts/index.ts'
import { asAdministrator, send } from '../test/support/client.ts'

/** The pages of the administration, for `make screenshots`. */

export const picturedPassword = 'correct horse battery staple'
const words = administrationCatalogues.en

interface Scene {
  readonly page: Page
  readonly town: { readonly url: string; readonly square: string }
  open(path: string): Promise<unknown>
}

async function signedIn({ page, open }: Scene): Promise<void> {
  await open('/admin/sign-in')
  await page.getByLabel(words.signIn.username, { exact: true }).fill('admin')
  await page.getByLabel(words.signIn.password, { exact: true }).fill(picturedPassword)
  await page.getByRole('button', { name: words.signIn.button }).click()
  await page.getByRole('table', { name: words.polls.title }).waitFor()
}

const people = [
  { username: 'ana', name: 'Ana', secondName: 'Souza', email: 'ana@school.example', role: 'organizer' },
  { username: 'bruno', name: 'Bruno', role: 'auditor' },
  { username: 'carla', name: 'Carla', secondName: 'Dias' },
]

/** Made by the first picture that needs them, for all. */
let drafts: Promise<Record<'open' | 'code' | 'account', string>> | undefined
function draftsIn(url: string): Promise<Record<'open' | 'code' | 'account', string>> {
  const make = async (access: string) => {
    const questions = [
      { text: 'Where shall we go?', options: [{ text: 'To the sea' }, { text: 'To the mountains' }, { text: 'To the museum' }] },
    ]
    const { text } = await send('POST', `${url}/v1/polls`, {
      headers: asAdministrator,
      body: { title: 'The school trip', questions, access },
    })
    return (JSON.parse(text) as { id: string }).id
  }
  drafts ??= (async () => {
    for (const body of people) await send('POST', `${url}/v1/users`, { headers: asAdministrator, body })
    return { open: await make('open'), code: await make('code'), account: await make('account') }
  })()
  return drafts
}

/** How to come to each, once signed in. */
const pages: Record<string, (scene: Scene, ids: Record<'open' | 'code' | 'account', string>) => Promise<unknown>> = {
  polls: ({ page }) => page.getByRole('table', { name: words.polls.title }).waitFor(),
  editor: async ({ page, open }, ids) => {
    await open(`/admin/polls/${ids.open}`)
    await page.getByLabel(words.editor.option(3, 1), { exact: true }).waitFor()
  },
  'editor-faults': async ({ page, open }) => {
    await open('/admin/polls/new')
    await page.getByRole('button', { name: words.editor.save }).click()
    await page.getByText(words.editor.faults(4)).waitFor()
  },
  opening: async ({ page, open }) => {
    await open('/admin')
    await page
      .getByRole('button', { name: words.polls.openOf('The school trip') })
      .first()
      .click()
    await page.getByRole('dialog').getByText(words.opening.freezes).waitFor()
  },
  poll: async ({ page, town, open }) => {
    await open(`/admin/polls/${town.square}`)
    await page.getByText(words.pollPage.frozen).waitFor()
  },
  codes: async ({ page, open }, ids) => {
    const codes = ['Row 1, seat 1', 'Row 1, seat 2', 'Row 1, seat 3', 'Row 1, seat 4'].map((label, index) => ({
      id: `000000000000000${index}`,
      label,
      code: `0123-4567-89ab-cdef-ghjk-mnpq-r${index}`,
    }))
    const list = codes.map(({ id, label }) => ({ id, label, createdAt: '2026-11-21T20:00:00.000Z', revokedAt: null }))
    await page.route(/\/v1\/polls\/[^/]+\/codes/, (route) =>
      route.request().method() === 'POST'
        ? route.fulfill({ status: 201, json: { codes } })
        : route.fulfill({ json: { codes: list, next: null, total: 4, revoked: 0 } }),
    )
    await open(`/admin/polls/${ids.code}/codes`)
    await page.getByRole('button', { name: words.codes.makeButton }).click()
    await page.getByRole('list', { name: words.codes.sheet }).waitFor()
    await page.getByRole('table', { name: words.codes.list }).waitFor()
  },
  voters: async ({ page, open }, ids) => {
    const users = people.map(({ username, name, secondName = '' }, index) => ({ id: String(index + 2), username, name, secondName }))
    await page.route(/\/v1\/polls\/[^/]+\/voters/, (route) => route.fulfill({ json: { users, next: null, total: 3 } }))
    await open(`/admin/polls/${ids.account}/voters`)
    await page.getByRole('table', { name: words.roll.list }).waitFor()
  },
  users: async ({ page, open }) => {
    await open('/admin/users')
    await page.getByRole('rowheader', { name: 'carla' }).waitFor()
  },
  import: async ({ page, open }) => {
    await open('/admin/users/import')
    await page.getByLabel(words.import.paste).fill('username;full_name;email\ndiego;Diego Lima;\nelisa;Elisa Reis;elisa\n')
    await page.getByRole('button', { name: words.import.look }).click()
    await page.getByRole('heading', { name: words.import.faults }).waitFor()
  },
  system: async ({ page, open }) => {
    await open('/admin/system')
    await page.getByText(words.system.backlogMeaning).waitFor()
  },
  audit: async ({ page, open }) => {
    await open('/admin/audit')
    await page.getByRole('table', { name: words.audit.title }).waitFor()
  },
  account: async ({ page, open }) => {
    await open('/admin/account')
    await page.getByRole('table', { name: words.account.sessions }).waitFor()
  },
  away: async ({ page, open }) => {
    await page.route(/\/v1\/users/, (route) => route.abort('connectionrefused'))
    await open('/admin/users')
    await page.getByText(words.away.api).waitFor()
  },
}

export const administrationPictures: Record<string, { go(scene: Scene): Promise<unknown> }> = {
  'admin-sign-in': {
    async go({ page, open }) {
      await open('/admin/sign-in')
      await page.getByRole('button', { name: words.signIn.button }).waitFor()
    },
  },
  ...Object.fromEntries(
    Object.entries(pages).map(([name, go]) => [
      `admin-${name}`,
      {
        async go(scene: Scene) {
          const ids = await draftsIn(scene.town.url)
          await signedIn(scene)
          await go(scene, ids)
        },
      },
    ]),
  ),
}
