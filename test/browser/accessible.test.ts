import type { Page } from 'playwright-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { expectAccessible, expectNoErrors, expectNoSidewaysScrolling, type Language, languages } from '../support/browser.ts'
import { asAdministrator, getJson, openPoll, send, until } from '../support/client.ts'
import { seenVotes, sendBallot, sendVote, statusWith } from './actions.ts'
import { inBrowser } from './place.ts'
import { closedPoll, drinks, inSeconds, longWords, schedulePoll, threeQuestions, vote } from './polls.ts'
import { wordsOf } from './words.ts'

/** Every page and state that a visitor can come to: in both languages and both colour schemes, on a desk and on two phones. */

interface Scene {
  readonly page: Page
  readonly language: Language
  readonly words: ReturnType<typeof wordsOf>
  /** Ids of the polls, by what they are like. */
  readonly polls: Readonly<Record<string, string>>
  /** The id of a closed poll whose result is final, and of one that was deleted: both take a while to be so. */
  readonly final: () => Promise<string>
  readonly deleted: () => Promise<string>
  open(path: string): Promise<unknown>
}

/** How to come to each state. */
const states: Record<string, (scene: Scene) => Promise<unknown>> = {
  'home: the list': async ({ page, open }) => {
    await open('/')
    await page.getByRole('link', { name: drinks.title, exact: true }).first().waitFor()
  },
  'home: no polls': async ({ page, words, open }) => {
    await page.route('**/v1/polls', (route) => route.fulfill({ json: { polls: [], next: null } }))
    await open('/')
    await page.getByText(words.home.empty).waitFor()
  },
  'home: not a poll id': async ({ page, words, open }) => {
    await open('/')
    await page.getByRole('textbox', { name: words.home.enterLabel }).fill('lunch')
    await page.getByRole('button', { name: words.home.enterButton }).click()
    await page.getByRole('alert').filter({ hasText: words.home.enterFault }).waitFor()
  },
  'vote: one question': async ({ page, polls, words, open }) => {
    await open(`/p/${polls.open}`)
    await page.getByRole('radio', { name: 'Tea' }).check()
    await page.getByRole('button', { name: words.vote.send }).waitFor()
  },
  'vote: several questions with faults': async ({ page, polls, words, open }) => {
    await open(`/p/${polls.three}`)
    for (const name of ['Salad', 'Bread', 'Cake']) await page.getByRole('checkbox', { name }).check()
    await page.getByRole('button', { name: words.vote.send }).click()
    await page
      .getByRole('alert')
      .filter({ hasText: words.vote.faults(2) })
      .waitFor()
  },
  'vote: long words': async ({ page, polls, open }) => {
    await open(`/p/${polls.long}`)
    await page.getByRole('radio', { name: 'short' }).check()
  },
  'vote: waiting for a server that is busy': async ({ page, polls, words, open }) => {
    await page.route('**/ballots', (route) => route.fulfill({ status: 503, headers: { 'retry-after': '60' } }))
    await open(`/p/${polls.open}`)
    await page.getByRole('radio', { name: 'Tea' }).check()
    await page.getByRole('button', { name: words.vote.send }).click()
    await statusWith(page, words.vote.tryingAgain)
  },
  'vote: refused': async ({ page, polls, words, open }) => {
    await page.route('**/ballots', (route) => route.fulfill({ status: 422, contentType: 'application/problem+json', json: notTaken }))
    await open(`/p/${polls.open}`)
    await page.getByRole('radio', { name: 'Tea' }).check()
    await page.getByRole('button', { name: words.vote.send }).click()
    await page.getByRole('alert').filter({ hasText: words.vote.refused }).waitFor()
  },
  'vote: received': async ({ page, polls, words, open }) => {
    // A ballot is counted before anybody could look: here the receipt says what it says until then.
    await page.route('**/v1/receipts', async (route) => {
      const response = await route.fetch()
      await route.fulfill({ response, json: { ...(await response.json()), status: 'received' } })
    })
    await open(`/p/${polls.open}`)
    await sendVote(page, 'Coffee', words.vote.send)
    await page.getByRole('heading', { name: words.vote.outcomes.received }).waitFor()
    await statusWith(page, words.receipt.meanings.received)
  },
  'vote: counted': async ({ page, polls, words, open }) => {
    await open(`/p/${polls.open}`)
    await sendVote(page, 'Coffee', words.vote.send)
    await page.getByRole('heading', { name: words.vote.outcomes.counted }).waitFor()
  },
  'vote: changing it': async ({ page, polls, words, open }) => {
    await open(`/p/${polls.open}`)
    await sendVote(page, 'Coffee', words.vote.send)
    await page.getByRole('heading', { name: words.vote.outcomes.counted }).waitFor()
    await open(`/p/${polls.open}`)
    await page.getByText(words.vote.yourReceipt, { exact: true }).click()
    await statusWith(page, words.receipt.meanings.counted)
    await page.getByRole('button', { name: words.vote.sendChanged }).waitFor()
  },
  'vote: voted, and no changes': async ({ page, polls, words, open }) => {
    await open(`/p/${polls.fixed}`)
    await sendVote(page, 'Coffee', words.vote.send)
    await page.getByRole('heading', { name: words.vote.outcomes.counted }).waitFor()
    await open(`/p/${polls.fixed}`)
    await page.getByText(words.vote.alreadyVotedFixed).waitFor()
    await statusWith(page, words.receipt.meanings.counted)
  },
  'vote: closed': async ({ page, polls, words, open }) => {
    await open(`/p/${polls.closed}`)
    await page.getByText(words.vote.closedHint).waitFor()
  },
  'vote: not open yet': async ({ page, polls, words, open }) => {
    await open(`/p/${polls.scheduled}`)
    await page.getByText(words.vote.notOpenYetHint).waitFor()
  },
  'results: bars': async ({ page, polls, words, language, open }) => {
    await open(`/p/${polls.open}`)
    await sendBallotOf(page, 'Water', words)
    await open(`/p/${polls.open}/results`)
    await seenVotes(page, 'Tea', 3, language)
    await page.getByText(words.results.live, { exact: true }).waitFor()
  },
  'results: several questions, as tables': async ({ page, polls, words, open }) => {
    await open(`/p/${polls.three}/results`)
    await page.getByRole('button', { name: words.results.asTable }).click()
    await page.getByRole('button', { name: words.results.asBars }).waitFor()
    await page.getByRole('table').first().waitFor()
  },
  'results: long words': async ({ page, polls, open }) => {
    await open(`/p/${polls.long}/results`)
    await page.getByText('short').waitFor()
  },
  'results: long words, as tables': async ({ page, polls, words, open }) => {
    await open(`/p/${polls.long}/results`)
    await page.getByRole('button', { name: words.results.asTable }).click()
    await page.getByRole('table').first().waitFor()
  },
  'results: nobody has voted': async ({ page, polls, words, open }) => {
    await open(`/p/${polls.fresh}/results`)
    await page.getByText(words.results.noVotes).first().waitFor()
  },
  'results: not live any more': async ({ page, polls, words, language, open }) => {
    await open(`/p/${polls.open}/results`)
    await seenVotes(page, 'Tea', 3, language)
    await page.route(/\/results/, (route) => route.fulfill({ status: 503, headers: { 'retry-after': '60' } }))
    // Out of sight and back: the page connects again.
    for (const hidden of [true, false]) {
      await page.evaluate((isHidden) => {
        Object.defineProperty(document, 'hidden', { configurable: true, value: isHidden })
        document.dispatchEvent(new Event('visibilitychange'))
      }, hidden)
    }
    await statusWith(page, words.results.notLiveHint)
  },
  'results: hidden until the poll closes': async ({ page, polls, words, open }) => {
    await open(`/p/${polls.hiddenUntilClosed}/results`)
    await page.getByText(words.results.hiddenTitle).waitFor()
  },
  'results: hidden until one has voted': async ({ page, polls, words, open }) => {
    await open(`/p/${polls.hiddenUntilVoted}/results`)
    await page.getByText(words.results.hiddenAfterVoting).waitFor()
  },
  'results: hidden for ever': async ({ page, polls, words, open }) => {
    await open(`/p/${polls.hiddenForEver}/results`)
    await page.getByText(words.results.hiddenOwner).waitFor()
  },
  'results: no answer from the server': async ({ page, polls, words, open }) => {
    await page.route(/\/v1\//, (route) => route.fulfill({ status: 503, headers: { 'retry-after': '60' } }))
    await open(`/p/${polls.open}/results`)
    await statusWith(page, words.failure.retrying)
  },
  'receipts: empty': async ({ page, words, open }) => {
    await open('/receipts')
    await page.getByText(words.receipts.explain).click()
    await page.getByText(words.receipt.meanings.late).waitFor()
  },
  'receipts: nothing pasted': async ({ page, words, open }) => {
    await open('/receipts')
    await page.getByRole('button', { name: words.receipts.button, exact: true }).click()
    await page.getByRole('alert').filter({ hasText: words.receipts.empty }).waitFor()
  },
  'receipts: not one of ours': async ({ page, words, open }) => {
    await open('/receipts')
    await page.getByRole('textbox', { name: words.receipts.label }).fill('a'.repeat(60))
    await page.getByRole('button', { name: words.receipts.button, exact: true }).click()
    await page.getByRole('alert').filter({ hasText: words.failure.problems['receipt-not-found'] }).waitFor()
  },
  'receipts: counted': async ({ page, words, polls, open }) => {
    await open(`/receipts#${polls.receipt}`)
    await statusWith(page, words.receipt.meanings.counted)
  },
  'a poll that does not exist': async ({ page, words, open }) => {
    await open('/p/0123456789abcdef')
    await page.getByRole('heading', { name: words.poll.notFoundTitle }).waitFor()
  },
  'a page that does not exist': async ({ page, words, open }) => {
    await open('/lunch')
    await page.getByRole('heading', { name: words.notFound.title }).waitFor()
  },
  'results: final': async ({ page, final, words, open }) => {
    await open(`/p/${await final()}/results`)
    await statusWith(page, words.results.finalHint)
  },
  'a poll that was deleted': async ({ page, deleted, words, open }) => {
    await open(`/p/${await deleted()}`)
    await page.getByRole('heading', { name: words.poll.deletedTitle }).waitFor()
  },
}

const notTaken = {
  type: 'urn:urna:problem:invalid-answer',
  title: 'An answer does not fit the poll',
  status: 422,
  errors: [{ field: 'answers[0].options[0]', detail: 'expected an option of this question' }],
}

async function sendBallotOf(page: Page, option: string, words: Scene['words']): Promise<void> {
  await page.getByRole('radio', { name: option, exact: true }).check()
  await sendBallot(page, words.vote.send)
}

inBrowser('every page and state, for everybody', (place) => {
  const polls: Record<string, string> = {}

  beforeAll(async () => {
    const { url } = place
    const open = async (name: string, input: object, times = {}) => {
      polls[name] = (await openPoll(url, input, times)).id
    }
    await open('open', drinks)
    await open('three', threeQuestions)
    await open('fresh', { ...drinks, title: 'Nobody yet' })
    await open('fixed', { ...drinks, title: 'Once only', changesAllowed: false }, { closesAt: inSeconds(3_000) })
    await open('long', longWords)
    await open('hiddenUntilClosed', { ...drinks, resultsVisibility: 'after_closing' }, { closesAt: inSeconds(3_600) })
    await open('hiddenUntilVoted', { ...drinks, resultsVisibility: 'after_voting' })
    await open('hiddenForEver', { ...drinks, resultsVisibility: 'owner' })
    polls.scheduled = (await schedulePoll(url, { ...drinks, title: 'Later' }, { opensAt: inSeconds(3_600) })).id
    for (const option of [1, 1, 1, 2]) polls.receipt = await vote(url, polls.open ?? '', [[option]])
    await vote(url, polls.three ?? '', [[1], [], [1, 3]])
    await vote(url, polls.three ?? '', [[2], [1], [3]])
    await vote(url, polls.long ?? '', [[1], [1]])
    await until(async () => ((await getJson<{ status: string }>(`${url}/v1/receipts/${polls.receipt}`)).status === 'counted' ? true : null))
    polls.closed = (await closedPoll(url, { ...drinks, title: 'What did we drink?' }, [[[1]], [[1]], [[2]]])).id
    polls.gone = (await closedPoll(url, { ...drinks, title: 'Gone' })).id
  }, 60_000)

  const final = async () => {
    const path = `${place.url}/v1/polls/${polls.closed}/results`
    await until(async () => ((await getJson<{ status: string }>(path)).status === 'final' ? true : null), 90_000)
    return polls.closed ?? ''
  }
  const deleted = async () => {
    const path = `${place.url}/v1/polls/${polls.gone}`
    // Refused until its result is final.
    const isGone = async () => [204, 410].includes((await send('DELETE', path, { headers: asAdministrator })).status)
    await until(async () => ((await isGone()) ? true : null), 90_000)
    return polls.gone ?? ''
  }

  describe.each(languages)('%s', (language) => {
    it.each(Object.keys(states))('%s', async (name) => {
      const visitor = await place.newPage({ language })
      const { page } = visitor
      const open = (path: string) => page.goto(place.url + path)
      await states[name]?.({ page, language, words: wordsOf(language), polls, final, deleted, open })
      expect(await page.locator('html').getAttribute('lang')).toBe(language === 'pt-BR' ? 'pt-BR' : 'en')
      await expectAccessible(page)
      await page.setViewportSize({ width: 390, height: 844 })
      await page.emulateMedia({ colorScheme: 'dark' })
      await expectAccessible(page)
      await expectNoSidewaysScrolling(page)
      await page.setViewportSize({ width: 320, height: 640 })
      await expectNoSidewaysScrolling(page)
      expectNoErrors(visitor)
    })
  })
})
