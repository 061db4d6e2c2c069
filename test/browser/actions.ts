import type { Page, Response } from 'playwright-core'
import type { Language } from '../support/browser.ts'
import { wordsOf } from './words.ts'

/** What visitors do and look for, over and over. */

/** Presses a button that sends a ballot; resolves once the server has taken it. */
export async function sendBallot(page: Page, button: string): Promise<Response> {
  const [response] = await Promise.all([
    page.waitForResponse(isBallotTaken),
    page.getByRole('button', { name: button, exact: true }).click(),
  ])
  await response.finished()
  return response
}

/** Chooses one option and sends the ballot. */
export async function sendVote(page: Page, option: string, button: string): Promise<Response> {
  await page.getByRole('radio', { name: option, exact: true }).check()
  return sendBallot(page, button)
}

function isBallotTaken(response: Response): boolean {
  return response.request().method() === 'POST' && response.url().endsWith('/ballots') && response.status() === 202
}

/** What the page of somebody who has just voted says became of that ballot, once it knows. */
export async function outcomeOf(page: Page, language: Language): Promise<string> {
  const { received: _notYet, ...outcomes } = wordsOf(language).vote.outcomes
  const said = Object.entries(outcomes).map(async ([status, name]) => {
    await page.getByRole('heading', { name, exact: true }).waitFor()
    return status
  })
  return Promise.any(said)
}

export async function receiptOf(response: Response): Promise<string> {
  return ((await response.json()) as { receipt: string }).receipt
}

/** The instant at which the browser had the whole answer. */
export function answeredAtMs(response: Response): number {
  const { startTime, responseEnd } = response.request().timing()
  return startTime + responseEnd
}

/** Resolves, with the instant, when the bars of a results page show this many votes for the option. */
export function seenVotes(page: Page, option: string, count: number, language: Language): Promise<number> {
  const votes = wordsOf(language).results.votes(count).replaceAll(/\s+/g, ' ')
  return instantOf(page, [option, votes])
}

async function instantOf(page: Page, texts: readonly string[]): Promise<number> {
  const handle = await page.waitForFunction(
    (all) => {
      const rows = [...document.querySelectorAll('main li')].map((row) => (row.textContent ?? '').replaceAll(/\s+/g, ' '))
      return rows.some((row) => all.every((text) => row.includes(text))) && Date.now()
    },
    texts,
    { polling: 'raf' },
  )
  return Number(await handle.jsonValue())
}

/** The words of a live region that has come to hold `text`, on one line. */
export async function statusWith(page: Page, text: string): Promise<string> {
  const status = page.getByRole('status').filter({ hasText: text }).first()
  return (await status.innerText()).replaceAll(/\s+/g, ' ')
}
