import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import AxeBuilder from '@axe-core/playwright'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'

export type Language = 'en-GB' | 'pt-BR'
export const languages: readonly Language[] = ['en-GB', 'pt-BR']
export type ColourScheme = 'light' | 'dark'

/** What a person without a browser for tests is told to do. */
export const howToGetChromium = 'install Chromium (on Debian: apt-get install chromium), or set CHROMIUM to its path'

/** The program of the browser, null where there is none. CHROMIUM names another one than that on PATH. */
export function findChromium(): string | null {
  const named = process.env.CHROMIUM
  if (named !== undefined && named !== '') {
    if (!isProgram(named)) throw new Error(`CHROMIUM is ${named}, which is not a program`)
    return named
  }
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '')
  const candidates = ['chromium', 'chromium-browser', 'google-chrome'].flatMap((name) => folders.map((folder) => join(folder, name)))
  return candidates.find(isProgram) ?? null
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

export interface VisitorOptions {
  readonly language?: Language
  readonly scheme?: ColourScheme
  readonly width?: number
  readonly height?: number
  readonly reducedMotion?: boolean
}

/** Somebody at a browser of their own: no cookie and nothing stored is shared with other visitors. */
export interface Visitor {
  readonly page: Page
  readonly context: BrowserContext
  readonly language: Language
  /** What went wrong in the pages: errors nobody caught, and errors on the console. A request that failed is not one. */
  readonly errors: readonly string[]
  /** The address of every request. */
  readonly requests: readonly string[]
}

/** A busy machine is slow, not broken. */
const patienceMs = 30_000

/** One browser, and in it as many visitors as a test wants. */
export class TestBrowser {
  readonly #browser: Browser
  readonly #visitors = new Set<Visitor>()

  private constructor(browser: Browser) {
    this.#browser = browser
  }

  static async launch(executablePath: string): Promise<TestBrowser> {
    const isRoot = process.getuid?.() === 0
    return new TestBrowser(
      await chromium.launch({
        executablePath,
        timeout: 60_000,
        // Chromium's sandbox refuses root, which is who runs in containers.
        args: [...(isRoot ? ['--no-sandbox'] : []), '--disable-dev-shm-usage', '--font-render-hinting=none'],
      }),
    )
  }

  async newPage(options: VisitorOptions = {}): Promise<Visitor> {
    const { language = 'en-GB', scheme = 'light', width = 1280, height = 800, reducedMotion = true } = options
    const context = await this.#browser.newContext({
      locale: language,
      colorScheme: scheme,
      viewport: { width, height },
      reducedMotion: reducedMotion ? 'reduce' : 'no-preference',
    })
    context.setDefaultTimeout(patienceMs)
    const errors: string[] = []
    const requests: string[] = []
    context.on('weberror', (error) => errors.push(String(error.error())))
    context.on('console', (message) => {
      // Chromium writes a line for every answer that is an error and for every lost connection: the pages expect them.
      if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) errors.push(message.text())
    })
    context.on('request', (request) => requests.push(request.url()))
    const visitor = { page: await context.newPage(), context, language, errors, requests }
    this.#visitors.add(visitor)
    return visitor
  }

  get visitors(): readonly Visitor[] {
    return [...this.#visitors]
  }

  /** All visitors go home; the browser stays. */
  async closePages(): Promise<void> {
    const visitors = [...this.#visitors]
    this.#visitors.clear()
    await Promise.all(visitors.map(({ context }) => context.close()))
  }

  async close(): Promise<void> {
    await this.#browser.close()
  }
}

const accessibilityRules = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']

/** Throws, and says where and why, if axe finds anything in the page as it is now. */
export async function expectAccessible(page: Page): Promise<void> {
  // Legacy mode only means that frames of other origins are not looked into: there are none, and it opens no page of its own.
  const { violations } = await new AxeBuilder({ page }).setLegacyMode().withTags(accessibilityRules).analyze()
  if (violations.length === 0) return
  const lines = violations.flatMap(({ id, help, nodes }) => [
    `${id}: ${help}`,
    ...nodes.map(({ html, failureSummary }) => `    ${html}\n      ${failureSummary?.replaceAll('\n', '\n      ') ?? ''}`),
  ])
  throw new Error(`${violations.length} accessibility violations at ${page.url()}\n${lines.join('\n')}`)
}

/** Throws, and names what sticks out, if the page is wider than its window. */
export async function expectNoSidewaysScrolling(page: Page): Promise<void> {
  const wide = await page.evaluate(() => {
    const { clientWidth, scrollWidth } = document.documentElement
    if (scrollWidth <= clientWidth) return null
    const outside = [...document.querySelectorAll('body *')]
      .filter((element) => element.getBoundingClientRect().right > clientWidth + 0.5)
      .map((element) => `${element.tagName.toLowerCase()}.${element.className}`)
    return { clientWidth, scrollWidth, outside: outside.slice(0, 10) }
  })
  if (wide === null) return
  throw new Error(
    `${page.url()} is ${wide.scrollWidth} px wide in a window of ${wide.clientWidth} px; beyond the edge: ${wide.outside.join(', ')}`,
  )
}

/** Throws if anything has gone wrong in the pages this visitor saw. */
export function expectNoErrors({ errors }: Visitor): void {
  if (errors.length > 0) throw new Error(`errors in the page:\n${errors.join('\n')}`)
}
