// @vitest-environment jsdom
import { createHash } from 'node:crypto'
import { act, screen } from '@testing-library/react'
import type { UserEvent } from '@testing-library/user-event'
import type { Poll } from '@urna/contracts'
import { describe, expect, test } from 'vitest'
import { type Answer, json, noConnection, problem } from '../testing/fake-api.ts'
import { inFakeBrowser, pass, spoken, visit } from '../testing/pages.tsx'
import { givePoll, newPoll, newResults, receipt, received, routes } from '../testing/samples.ts'
import { catalogues, type Language } from '../texts/index.ts'

const browser = inFakeBrowser()
const languages = Object.keys(catalogues) as Language[]
const levels = ['open', 'guarded', 'code', 'account'] as const

/** Taken before time stands still. */
const nextTurn = globalThis.setTimeout

/** Parts that are loaded when they are needed are files here: reading them takes real time. */
async function settle(milliseconds = 0): Promise<void> {
  for (let round = 0; round < 3; round++) {
    await act(() => new Promise<void>((resolve) => nextTurn(resolve, 1)))
    await pass(milliseconds)
  }
}
async function until(isSo: () => boolean, milliseconds = 0): Promise<void> {
  for (let round = 0; round < 200 && !isSo(); round++) await settle(milliseconds)
  expect(isSo()).toBe(true)
}

async function send(user: UserEvent, language: Language = 'en', option = 'Tea'): Promise<void> {
  await user.click(screen.getByLabelText(option))
  await user.click(screen.getByRole('button', { name: catalogues[language].vote.send }))
  await settle()
}
const asked = (poll: Poll) => browser.api.asks(routes.send(poll.id))
const heading = (name: string) => screen.queryByRole('heading', { name }) !== null

function challenge(number: number, maxNumber = number): Answer {
  const salt = '00112233445566778899aabb?poll=1h7qk3v9m2x40000&voter=00&expires=1795291200&max=1&'
  const hash = createHash('sha256').update(`${salt}${number}`).digest('hex')
  return json({ algorithm: 'SHA-256', challenge: hash, salt, signature: 'signed', maxNumber, expiresAt: '2026-11-21T20:10:00.000Z' })
}
const numberSent = (poll: Poll, index: number) => JSON.parse(atob(asked(poll)[index]?.headers.get('Urna-Proof') ?? '')).number

describe.each(languages)('in %s', (language) => {
  const words = catalogues[language]

  test.each(levels)('a poll of access %s says who can vote, what that stops, and what not', async (access) => {
    const poll = newPoll({ access })
    givePoll(browser.api, poll)
    browser.api.on(routes.me, problem('unauthorized'))
    const user = await visit(`/p/${poll.id}`, language)
    await user.click(screen.getByText(words.access.question))
    const { who, stops, stopsNot } = words.access.levels[access]
    for (const text of [who, stops, stopsNot]) expect(screen.getByText(text)).toBeTruthy()
    await settle()
  })

  test('guarded: the work is done, said in words, and goes with the vote', async () => {
    const poll = newPoll({ access: 'guarded' })
    givePoll(browser.api, poll)
    browser.api.on(routes.challenge(poll.id), challenge(9_000))
    const user = await visit(`/p/${poll.id}`, language)
    const seen = new Set<string>()
    const watch = new MutationObserver(() => seen.add(spoken('status')))
    watch.observe(document.body, { childList: true, subtree: true, characterData: true })
    await send(user, language)
    // Without workers it is done in slices, between which time passes.
    await until(() => heading(words.vote.outcomes.received) || heading(words.vote.outcomes.counted), 1)
    watch.disconnect()
    expect([...seen].join('\n')).toContain(words.vote.calculating)
    expect(numberSent(poll, 0)).toBe(9_000)
    const [ask] = browser.api.asks(routes.challenge(poll.id))
    expect(ask?.headers.get('Idempotency-Key')).toBe(asked(poll)[0]?.headers.get('Idempotency-Key'))
  })

  test('code: typed into the field, wrong ones are said there', async () => {
    const poll = newPoll({ access: 'code' })
    givePoll(browser.api, poll)
    const user = await visit(`/p/${poll.id}`, language)
    await until(() => screen.queryByLabelText(words.access.codeLabel) !== null)
    expect(screen.queryByRole('radio')).toBeNull()
    const field = screen.getByLabelText<HTMLInputElement>(words.access.codeLabel)

    await user.type(field, 'tea{Enter}')
    expect(spoken('alert')).toBe(words.access.codeFault)
    expect([field.getAttribute('aria-invalid'), document.activeElement]).toEqual(['true', field])

    browser.api.on(routes.mine(poll.id), problem('code-invalid'))
    await user.clear(field)
    await user.type(field, '7777-7777-7777-7777-7777-7777-70{Enter}')
    await settle()
    await until(() => spoken('alert') === words.failure.problems['code-invalid'])
    expect(screen.getByLabelText<HTMLInputElement>(words.access.codeLabel).value).toBe('7777-7777-7777-7777-7777-7777-70')
    expect(document.activeElement).toBe(screen.getByLabelText(words.access.codeLabel))

    browser.api.on(routes.mine(poll.id), problem('ballot-not-found'))
    await user.type(screen.getByLabelText(words.access.codeLabel), '{Backspace}4{Enter}')
    await settle()
    await send(user, language)
    expect(heading(words.vote.outcomes.received)).toBe(true)
    expect(asked(poll)[0]?.headers.get('Urna-Voting-Code')).toBe('77777777777777777777777774')
    // Nothing else says who votes.
    expect([asked(poll)[0]?.headers.get('Idempotency-Key'), asked(poll)[0]?.credentials]).toEqual([null, 'omit'])
  })

  test('account: a link to sign in leads back here; then it is said as whom one votes', async () => {
    const poll = newPoll({ access: 'account' })
    givePoll(browser.api, poll)
    browser.api.on(routes.me, problem('unauthorized'))
    await visit(`/p/${poll.id}`, language)
    await until(() => screen.queryByText(words.access.signInFirst) !== null)
    expect(screen.getByRole('link', { name: words.access.signIn }).getAttribute('href')).toBe(`/admin/sign-in?next=%2Fp%2F${poll.id}`)
    expect(screen.queryByRole('radio')).toBeNull()
  })

  test('account: who is signed in votes as that user', async () => {
    const poll = newPoll({ access: 'account' })
    givePoll(browser.api, poll)
    browser.api.on(routes.me, me)
    const user = await visit(`/p/${poll.id}`, language)
    await until(() => screen.queryByLabelText('Tea') !== null)
    expect(screen.getByText(words.access.voteAs('Ana Lima (ana)'))).toBeTruthy()
    await send(user, language)
    expect(heading(words.vote.outcomes.received)).toBe(true)
    expect(asked(poll)[0]?.headers.get('Idempotency-Key')).toBeNull()
  })

  test('account: who is not on the list of voters hears so before voting', async () => {
    const poll = newPoll({ access: 'account' })
    givePoll(browser.api, poll)
    browser.api.on(routes.me, me)
    browser.api.on(routes.mine(poll.id), problem('not-on-roll'))
    await visit(`/p/${poll.id}`, language)
    await until(() => spoken('alert') === words.failure.problems['not-on-roll'])
    expect(screen.queryByRole('radio')).toBeNull()
  })

  test.each(['code', 'account'] as const)('%s: while nobody can look up who may vote, the vote waits, and says so', async (access) => {
    const poll = newPoll({ access })
    givePoll(browser.api, poll)
    browser.api.on(routes.me, me)
    browser.api.on(routes.send(poll.id), problem('primary-unavailable'), received())
    const user = await visit(`/p/${poll.id}#code=${codes[0]}`, language)
    await until(() => screen.queryByLabelText('Tea') !== null)
    await send(user, language)
    expect(spoken('status')).toContain(`${words.vote.notConfirmed} ${words.access.cannotCheck}`)
    await pass(30_000)
    expect(heading(words.vote.outcomes.counted)).toBe(true)
  })
})

const codes = ['0049tk8nap6cx28k6nbqk0z1zw', '77777777777777777777777770']
const me = json({
  user: {
    ...{ id: '7', username: 'ana', name: 'Ana', secondName: 'Lima', email: '', role: 'voter', hasPassword: true },
    ...{ createdAt: '2026-11-01T10:00:00.000Z', updatedAt: '2026-11-01T10:00:00.000Z', lastSignInAt: null },
  },
  permissions: [],
  sessionEndsAt: null,
})
const { access: texts, vote } = catalogues.en

describe('guarded', () => {
  async function voteTea(...answers: Answer[]): Promise<{ poll: Poll; user: UserEvent }> {
    const poll = newPoll({ access: 'guarded' })
    givePoll(browser.api, poll)
    browser.api.on(routes.challenge(poll.id), challenge(0, 0), challenge(3), challenge(5), challenge(7), challenge(8))
    if (answers.length > 0) browser.api.on(routes.send(poll.id), ...answers)
    const user = await visit(`/p/${poll.id}`)
    await send(user)
    return { poll, user }
  }

  test('without work, nothing is said of it, and nothing is kept waiting', async () => {
    const { poll } = await voteTea()
    await until(() => heading(vote.outcomes.received))
    expect(numberSent(poll, 0)).toBe(0)
  })

  test.each(['proof-expired', 'proof-invalid', 'proof-required'] as const)('%s: it is asked for and done anew, by itself', async (name) => {
    const { poll } = await voteTea(problem(name), received())
    await until(() => heading(vote.outcomes.received))
    expect([numberSent(poll, 0), numberSent(poll, 1)]).toEqual([0, 3])
    expect(new Set(asked(poll).map(({ headers }) => headers.get('Idempotency-Key'))).size).toBe(1)
  })

  test('is not done for ever: then the voter hears of it, and can try again', async () => {
    const { poll, user } = await voteTea(...Array<Answer>(4).fill(problem('proof-invalid')), received())
    await until(() => spoken('alert') !== '')
    expect(spoken('alert')).toContain(catalogues.en.failure.problems['proof-invalid'])
    expect(asked(poll)).toHaveLength(4)
    await user.click(screen.getByRole('button', { name: vote.send }))
    await until(() => heading(vote.outcomes.received))
    expect(asked(poll)).toHaveLength(5)
  })

  test('one proof does for all tries of a vote', async () => {
    const { poll } = await voteTea(problem('queue-unavailable'), problem('queue-unavailable'), received())
    await until(() => asked(poll).length === 1)
    await pass(30_000)
    await until(() => asked(poll).length === 3)
    expect(browser.api.asks(routes.challenge(poll.id))).toHaveLength(1)
    expect(new Set(asked(poll).map(({ headers }) => headers.get('Urna-Proof'))).size).toBe(1)
  })

  test('a challenge that does not come is waited for as the vote itself, which is not said to have arrived', async () => {
    const poll = newPoll({ access: 'guarded' })
    givePoll(browser.api, poll)
    browser.api.on(routes.challenge(poll.id), noConnection, challenge(2))
    const user = await visit(`/p/${poll.id}`)
    await send(user)
    await until(() => spoken('status').includes(vote.notConfirmed))
    expect(asked(poll)).toHaveLength(0)
    expect(JSON.parse(localStorage.getItem(`urna:pending:${poll.id}`) ?? '')).toMatchObject({ send: true, mayHaveArrived: false })
    await pass(5_000)
    await until(() => heading(vote.outcomes.received) || heading(vote.outcomes.counted))
  })

  test('a newer vote of another tab is not replaced by the one that was being worked for', async () => {
    const poll = newPoll({ access: 'guarded' })
    givePoll(browser.api, poll)
    browser.api.on(routes.challenge(poll.id), () => {
      // The other tab has sent coffee, and it was confirmed.
      localStorage.removeItem(`urna:pending:${poll.id}`)
      const sent = { receipt, receivedAt: '2026-11-21T20:00:00.000Z', answers: [{ question: 1, options: [2] }] }
      localStorage.setItem(`urna:sent:${poll.id}`, JSON.stringify(sent))
      return challenge(4)({} as never)
    })
    const user = await visit(`/p/${poll.id}`)
    await send(user)
    await until(() => heading(vote.outcomes.received))
    expect(asked(poll)).toHaveLength(0)
  })
})

describe('code', () => {
  async function follow(poll: Poll, code: string): Promise<UserEvent> {
    const user = await visit(`/p/${poll.id}#code=${code}`)
    await until(() => screen.queryByText(texts.codeInUse) !== null)
    return user
  }

  test('of a link: out of the address before anything is asked, kept for a reload of the tab and no longer', async () => {
    const poll = newPoll({ access: 'code' })
    givePoll(browser.api, poll)
    let addressThen = ''
    browser.api.on(routes.poll(poll.id), (request) => {
      addressThen = location.href
      return json(poll)(request)
    })
    await follow(poll, codes[0] ?? '')
    expect(addressThen).toMatch(new RegExp(`/p/${poll.id}$`))
    expect([location.hash, sessionStorage.getItem(`urna:code:${poll.id}`)]).toEqual(['', codes[0]])
    expect(JSON.stringify({ ...localStorage })).not.toContain(codes[0])
    expect(browser.api.asks(routes.mine(poll.id)).map(({ headers }) => headers.get('Urna-Voting-Code'))).toEqual([codes[0]])
    for (const { path } of browser.api.asked) expect(path).not.toContain(codes[0])
  })

  test('that is none is shown in the field, with the fault', async () => {
    const poll = newPoll({ access: 'code' })
    givePoll(browser.api, poll)
    await visit(`/p/${poll.id}#code=half-a-code`)
    await until(() => spoken('alert') === texts.codeFault)
    expect(screen.getByLabelText<HTMLInputElement>(texts.codeLabel).value).toBe('half-a-code')
  })

  test('of a poll that needs none is taken out of the address, and sent nowhere', async () => {
    const poll = newPoll()
    givePoll(browser.api, poll)
    const user = await visit(`/p/${poll.id}#code=${codes[0]}`)
    await send(user)
    expect([location.hash, asked(poll)[0]?.headers.get('Urna-Voting-Code')]).toEqual(['', null])
    expect(asked(poll)[0]?.headers.get('Idempotency-Key')).not.toBeNull()
  })

  test('two voters at one browser: neither sees, nor sends, what is the other’s', async () => {
    const poll = newPoll({ access: 'code' })
    givePoll(browser.api, poll)
    const user = await follow(poll, codes[0] ?? '')
    await send(user, 'en', 'Coffee')
    expect(heading(vote.outcomes.received)).toBe(true)

    // The link of the second voter, in the same tab: no page is loaded.
    location.hash = `#code=${codes[1]}`
    await act(async () => {
      dispatchEvent(new Event('hashchange'))
    })
    await until(() => screen.queryByLabelText('Tea') !== null)
    expect(location.hash).toBe('')
    expect(screen.queryByText(vote.alreadyVoted)).toBeNull()
    expect(screen.queryAllByRole('radio', { checked: true })).toEqual([])
    browser.api.on(routes.send(poll.id), received('of-the-second'))
    browser.api.on(routes.receipt('of-the-second'), json({ receipt: 'of-the-second', pollId: poll.id, status: 'counted', detail: '' }))
    await send(user, 'en', 'Tea')
    expect(asked(poll).map(({ headers }) => headers.get('Urna-Voting-Code'))).toEqual(codes)
    const kept = Object.keys(localStorage).filter((name) => name.startsWith('urna:sent:'))
    expect(kept).toHaveLength(2)
    expect(new Set(kept).size).toBe(2)

    // And the first one again, by the field.
    await user.click(screen.getByRole('button', { name: texts.otherCode }))
    await user.type(screen.getByLabelText(texts.codeLabel), `${codes[0]}{Enter}`)
    await until(() => heading(vote.outcomes.received) || heading(vote.outcomes.counted))
    expect(screen.getByText(receipt)).toBeTruthy()
  })

  test('revoked meanwhile: back to the field, the answers are not lost', async () => {
    const poll = newPoll({ access: 'code' })
    givePoll(browser.api, poll)
    browser.api.on(routes.send(poll.id), problem('code-revoked'))
    const user = await follow(poll, codes[0] ?? '')
    await send(user, 'en', 'Water')
    await until(() => spoken('alert') === catalogues.en.failure.problems['code-revoked'])
    expect(sessionStorage.getItem(`urna:code:${poll.id}`)).toBeNull()
    await user.type(screen.getByLabelText(texts.codeLabel), '{Enter}')
    await until(() => screen.queryByLabelText('Water') !== null)
    expect(screen.getByLabelText<HTMLInputElement>('Water').checked).toBe(true)
  })

  test('results that show after voting are asked for with the receipt of who votes in this tab', async () => {
    const poll = newPoll({ access: 'code', resultsVisibility: 'after_voting' })
    givePoll(browser.api, poll)
    const user = await follow(poll, codes[0] ?? '')
    await send(user)
    browser.api.on(routes.live(poll.id), problem('not-acceptable'))
    browser.api.on(routes.results(poll.id), json(newResults(poll, [[1, 0, 0]])))
    await user.click(screen.getByRole('link', { name: vote.seeResults }))
    await settle()
    expect(browser.api.asks(routes.live(poll.id))[0]?.headers.get('Urna-Receipt')).toBe(receipt)
  })

  test('is not asked for where nobody can vote any more', async () => {
    const poll = newPoll({ access: 'code', state: 'closed', closesAt: '2026-11-21T19:00:00.000Z' })
    givePoll(browser.api, poll)
    await visit(`/p/${poll.id}`)
    await until(() => spoken('status').includes(vote.closedHint))
    expect(screen.queryByLabelText(texts.codeLabel)).toBeNull()
  })
})

test('account: a session that has ended leads to the sign-in, and the answers are there afterwards', async () => {
  const poll = newPoll({ access: 'account' })
  givePoll(browser.api, poll)
  browser.api.on(routes.me, me)
  browser.api.on(routes.send(poll.id), problem('unauthorized'))
  const user = await visit(`/p/${poll.id}`)
  await until(() => screen.queryByLabelText('Tea') !== null)
  await send(user, 'en', 'Water')
  await until(() => screen.queryByRole('link', { name: texts.signIn }) !== null)
  expect(JSON.parse(localStorage.getItem(`urna:pending:${poll.id}:user-7`) ?? '')).toMatchObject({
    answers: [{ question: 1, options: [3] }],
    send: false,
  })
})
