import { afterAll, afterEach, beforeAll, describe } from 'vitest'
import { findChromium, howToGetChromium, TestBrowser, type Visitor, type VisitorOptions } from '../support/browser.ts'
import { freePort } from '../support/free-port.ts'
import { StandaloneProcess, temporaryDirectory } from '../support/standalone-process.ts'

/** A polling place: the shipped process with its built pages and data of its own, and a browser for its visitors. */
export interface Place {
  readonly url: string
  readonly urna: StandaloneProcess
  newPage(options?: VisitorOptions): Promise<Visitor>
  /** Ends the process, as an orchestrator does. Its port and its data wait for {@link Place.start}. */
  stop(): Promise<void>
  /** Starts it again at the same address. */
  start(): Promise<void>
}

const chromium = findChromium()

/** Tests in a browser, of a process with these settings besides. Without one they are skipped, under a name that says so. */
export function inBrowser(name: string, define: (place: Place) => void, environment: Record<string, string> = {}): void {
  if (chromium === null) describe.skip(`${name} (in the browser: ${howToGetChromium})`, () => define(placeOf(notThere, notThere)))
  else describe(name, { timeout: 120_000 }, () => define(startPlace(chromium, environment)))
}

function notThere(): never {
  throw new Error('there is no browser')
}

function startPlace(executablePath: string, environment: Record<string, string>): Place {
  const directory = temporaryDirectory()
  let port = 0
  let urna: StandaloneProcess | undefined
  let browser: TestBrowser | undefined

  async function start(): Promise<void> {
    urna = new StandaloneProcess({ dataDirectory: directory.path, port, environment })
    await urna.ready(60_000)
  }

  beforeAll(async () => {
    port = await freePort()
    const [started, launched] = await Promise.allSettled([start(), TestBrowser.launch(executablePath)])
    if (launched.status === 'fulfilled') browser = launched.value
    for (const outcome of [started, launched]) if (outcome.status === 'rejected') throw outcome.reason
  }, 120_000)

  afterEach(async ({ task }) => {
    if (task.result?.state === 'fail') for (const visitor of browser?.visitors ?? []) await describePage(visitor)
    await browser?.closePages()
  }, 60_000)

  afterAll(async () => {
    await browser?.close()
    await urna?.stop()
    directory.remove()
  }, 60_000)

  return placeOf(
    () => urna ?? notThere(),
    () => browser ?? notThere(),
    start,
  )
}

function placeOf(urna: () => StandaloneProcess, browser: () => TestBrowser, start: () => Promise<void> = notThere): Place {
  return {
    get url() {
      return urna().url
    },
    get urna() {
      return urna()
    },
    newPage: (options) => browser().newPage(options),
    async stop() {
      await urna().stop()
    },
    start,
  }
}

/** What a visitor saw when a test failed: the page in words, as a screen reader has it. */
async function describePage({ page, errors }: Visitor): Promise<void> {
  const words = await page
    .locator('body')
    .ariaSnapshot({ timeout: 5_000 })
    .catch(() => '(no page)')
  console.log([`At the end of the failed test, at ${page.url()}:`, words, ...errors].join('\n'))
}
