import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { expectNoErrors, findChromium, howToGetChromium, TestBrowser } from '../support/browser.ts'
import { openPoll, settledResults } from '../support/client.ts'
import { freePort } from '../support/free-port.ts'
import { type PageServer, servePages } from '../support/page-server.ts'
import { repository, StandaloneProcess, temporaryDirectory } from '../support/standalone-process.ts'
import { outcomeOf, seenVotes, sendVote } from './actions.ts'
import { drinks } from './polls.ts'
import { wordsOf } from './words.ts'

/** Pages at one address, the api at another: nginx on one port and the api on its own, say. */
const chromium = findChromium()
const words = wordsOf('en-GB')
const data = temporaryDirectory()
let browser: TestBrowser
let api: StandaloneProcess
let pages: PageServer | undefined
let pagesPort = 0

async function serve(folder: string, settings: string | null): Promise<PageServer> {
  await pages?.close()
  pages = await servePages(folder, { port: pagesPort, apiUrl: api.url })
  pages.settings = settings
  return pages
}

/** Votes twice and looks: the cookie of the api must have come along the second time. */
async function voteFrom({ url }: PageServer): Promise<void> {
  const { id } = await openPoll(api.url, drinks)
  const visitor = await browser.newPage()
  const { page } = visitor
  await page.goto(`${url}/p/${id}`)
  await sendVote(page, 'Tea', words.vote.send)
  expect(await outcomeOf(page, 'en-GB')).toBe('counted')
  await page.reload()
  await sendVote(page, 'Coffee', words.vote.sendChanged)
  await page.getByRole('link', { name: words.vote.seeResults, exact: true }).first().click()
  await seenVotes(page, 'Coffee', 1, 'en-GB')
  await page.getByText(words.results.live, { exact: true }).waitFor()
  expect((await settledResults(api.url, id)).turnout).toBe(1)
  expect(visitor.requests.filter((address) => address.includes('/v1/')).every((address) => address.startsWith(api.url))).toBe(true)
  expectNoErrors(visitor)
}

describe.skipIf(chromium === null)(
  `pages at another address than the api${chromium === null ? ` (in the browser: ${howToGetChromium})` : ''}`,
  () => {
    beforeAll(async () => {
      pagesPort = await freePort()
      const environment = { ALLOWED_ORIGINS: `http://127.0.0.1:${pagesPort}` }
      api = await new StandaloneProcess({ dataDirectory: data.path, port: await freePort(), environment }).ready(60_000)
      browser = await TestBrowser.launch(chromium ?? '')
    }, 120_000)

    afterAll(async () => {
      await browser?.close()
      await pages?.close()
      await api?.stop()
      data.remove()
    }, 60_000)

    it('are told so by /settings.js, without a new build', { timeout: 120_000 }, async () => {
      const built = join(repository, 'apps/frontend/dist')
      await voteFrom(await serve(built, `globalThis.urnaSettings = { apiUrl: '${api.url}/' }`))
    })

    it('or when they are built, with API_URL', { timeout: 120_000 }, async () => {
      const folder = join(data.path, 'pages')
      execFileSync(
        'npm',
        ['run', 'build', '--silent', '-w', '@urna/frontend', '--', '--logLevel', 'error', '--outDir', folder, '--emptyOutDir'],
        {
          cwd: repository,
          env: { ...process.env, API_URL: api.url },
        },
      )
      await voteFrom(await serve(folder, null))
    })
  },
)
