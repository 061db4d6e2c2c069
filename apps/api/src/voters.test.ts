import { hash, randomBytes } from 'node:crypto'
import { type Challenge, proofHeader, votingCodeHeader } from '@urna/contracts'
import {
  commandLine,
  newVotingCode,
  PlacesInMemory,
  PrimaryUnavailableError,
  type PublishableBallot,
  proofText,
  rowSequence,
  secretHash,
  systemIds,
  type User,
  votingCodeText,
} from '@urna/core'
import { solveChallenge } from 'altcha-lib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type SignedIn, type TestApi, testApi } from './testing/test-api.ts'

let api: TestApi
let id: string
beforeEach(async () => {
  api = await testApi({ workUnit: 100, guardedFreeVotes: 3 })
})
afterEach(() => api.app.close())

type Headers = Record<string, string>
const key = (text: string): Headers => ({ 'idempotency-key': `key-of-${text}`.padEnd(16, '.') })

function vote(headers: Headers = {}, option = 1, pollId = id) {
  const payload = { answers: [{ question: 1, options: [option] }] }
  return api.app.inject({ method: 'POST', url: `/v1/polls/${pollId}/ballots`, payload, headers })
}
function mine(headers: Headers = {}, pollId = id) {
  return api.app.inject({ url: `/v1/polls/${pollId}/ballots/mine`, headers })
}
function problemOf(response: { json(): { type?: string } }): string {
  return response.json().type?.replace('urn:urna:problem:', '') ?? 'none'
}
const newPoll = (access: 'open' | 'guarded' | 'code' | 'account', changes: Parameters<TestApi['addPoll']>[0] = {}) =>
  api.addPoll({ ...changes, definition: { access, ...changes.definition } }).id
/** Counts all that was published, as a consumer would a moment later. */
function count(): void {
  for (const [row, ballot] of api.published.entries()) api.ballots.count(ballot, rowSequence({ epoch: 1, row: row + 1, index: 0 }))
}
const voters = (ballots: readonly PublishableBallot[] = api.published) =>
  new Set(ballots.map(({ voterKey }) => Buffer.from(voterKey).toString('hex'))).size

function ask(headers: Headers = {}, options: { pollId?: string; remoteAddress?: string } = {}) {
  const { pollId = id, remoteAddress = '192.0.2.7' } = options
  return api.app.inject({ method: 'POST', url: `/v1/polls/${pollId}/challenges`, headers, remoteAddress })
}
async function solve(challenge: Challenge): Promise<Headers> {
  const solution = await solveChallenge(challenge.challenge, challenge.salt, 'SHA-256', challenge.maxNumber).promise
  return { [proofHeader]: proofText(challenge, solution?.number ?? -1) }
}
const prove = async (headers: Headers, options?: Parameters<typeof ask>[1]) => solve((await ask(headers, options)).json())

describe('a guarded poll', () => {
  beforeEach(() => {
    id = newPoll('guarded')
  })

  it('takes a vote with the work that it asked for, of the voter that it asked', async () => {
    const response = await vote({ ...key('ana'), ...(await prove(key('ana'))) })
    expect(response.statusCode).toBe(202)
    // From here on the cookie is the voter, and asks as such.
    const cookie = { cookie: String(response.headers['set-cookie']).split(';')[0] ?? '' }
    expect((await vote({ ...cookie, ...key('other'), ...(await prove(cookie)) })).statusCode).toBe(202)
    expect(voters()).toBe(1)
    count()
    expect((await mine(cookie)).json()).toMatchObject({ answers: [{ question: 1, options: [1] }] })
    expect((await mine(key('ana'))).statusCode).toBe(200)
  })

  it('asks for no work of the first voters of an address, and of the later ones for more and more', async () => {
    const numbers: number[] = []
    for (let voter = 0; voter < 205; voter++) numbers.push((await ask(key(`voter-${voter}`))).json().maxNumber)
    expect(numbers.slice(0, 5)).toEqual([0, 0, 0, 100, 100])
    expect(numbers.slice(202)).toEqual([100, 200, 200]) // the fourth voter is the first who works; 200 later it is one unit more
    // Asked again: the same place. Another address: its own.
    expect((await ask(key('voter-0'))).json().maxNumber).toBe(0)
    expect((await ask(key('voter-204'))).json().maxNumber).toBe(200)
    expect((await ask(key('of-another'), { remoteAddress: '192.0.2.8' })).json().maxNumber).toBe(0)
  })

  it('counts a household of IPv6 addresses as one', async () => {
    const at = (host: number) => ask(key(`host-${host}`), { remoteAddress: `2001:db8:1:2::${host}` })
    expect(
      [(await at(1)).json(), (await at(2)).json(), (await at(3)).json(), (await at(4)).json()].map(({ maxNumber }) => maxNumber),
    ).toEqual([...[0, 0, 0, 100]])
  })

  it('begins anew with the next hour', async () => {
    for (let voter = 0; voter < 4; voter++) await ask(key(`voter-${voter}`))
    expect((await ask(key('last'))).json().maxNumber).toBe(100)
    api.clock.ms += 3_600_000
    expect((await ask(key('next'))).json().maxNumber).toBe(0)
  })

  it('keeps neither addresses nor identities of those who ask', async () => {
    await api.app.close()
    const kept: unknown[] = []
    const places = new PlacesInMemory()
    api = await testApi({
      voterPlaces: {
        placeOf: (voter, placeMax) => {
          kept.push(voter)
          return places.placeOf(voter, placeMax)
        },
      },
    })
    id = newPoll('guarded')
    await ask(key('ana'))
    expect(kept).toHaveLength(1)
    expect(JSON.stringify(kept)).not.toMatch(/192\.0\.2\.7|key-of-ana/)
    const identity = hash('sha256', Buffer.from(`key\0${key('ana')['idempotency-key']}`), 'buffer')
    expect(JSON.stringify(kept)).not.toContain(identity.toString('base64url').slice(0, 8))
    expect(JSON.stringify(kept)).not.toContain(identity.toString('hex').slice(0, 8))
  })

  it('never sets a cookie where it is asked, and says when the challenge ends', async () => {
    const response = await ask(key('ana'))
    expect(response.headers['set-cookie']).toBeUndefined()
    expect(response.headers['cache-control']).toBe('no-store')
    expect(response.json().expiresAt).toBe('2026-11-21T12:10:00.000Z')
  })

  it('cannot give a challenge to nobody', async () => {
    const response = await ask()
    expect([response.statusCode, response.json().errors]).toEqual([
      400,
      [{ field: 'header idempotency-key', detail: expect.stringContaining('no voter cookie') }],
    ])
    expect((await ask({ cookie: 'urna_voter=forged', ...key('ana') })).statusCode).toBe(200)
    expect(problemOf(await vote(await prove(key('ana'))))).toBe('invalid-request')
  })

  it('refuses every other proof, each by its name', async () => {
    const other = newPoll('guarded')
    const proof = await prove(key('ana'))
    const said = async (headers: Headers) => problemOf(await vote({ ...key('ana'), ...headers }))
    expect(await said({})).toBe('proof-required')
    expect(await said({ [proofHeader]: '' })).toBe('proof-invalid')
    expect(await said({ [proofHeader]: 'bm8=' })).toBe('proof-invalid')
    expect(await said(await prove(key('bruno')))).toBe('proof-invalid')
    expect(await said(await prove(key('ana'), { pollId: other }))).toBe('proof-invalid')
    const [one, two] = [(await ask(key('ana'))).json(), (await ask(key('ana'))).json()]
    expect(await said({ [proofHeader]: proofText({ ...one, signature: two.signature }, 0) })).toBe('proof-invalid')
    expect(await said({ [proofHeader]: proofText(one, 1) })).toBe('proof-invalid')
    expect(api.published).toHaveLength(0)
    expect(await said(proof)).toBe('none')
    // Once more is the same voter.
    expect(await said(proof)).toBe('none')
    expect(voters()).toBe(1)
    api.clock.ms += 600_000
    expect(await said(proof)).toBe('proof-expired')
  })

  it('lets through without work as many as are free, and no more', async () => {
    const outcomes = []
    for (let voter = 0; voter < 20; voter++) {
      const headers = key(`voter-${voter}`)
      const challenge = (await ask(headers)).json()
      outcomes.push(problemOf(await vote({ ...headers, [proofHeader]: proofText(challenge, 0) })))
    }
    expect(outcomes).toEqual([...Array<string>(3).fill('none'), ...Array<string>(17).fill('proof-invalid')])
  })

  it('says that it is closed before it asks for anything, and judges answers after it', async () => {
    id = newPoll('guarded', { closesAtMs: api.clock.ms })
    expect(problemOf(await vote())).toBe('poll-closed')
    expect(problemOf(await ask(key('ana')))).toBe('poll-closed')
    id = newPoll('guarded', { opensAtMs: api.clock.ms + 1 })
    expect(problemOf(await vote())).toBe('poll-not-open-yet')
    id = newPoll('guarded')
    expect(problemOf(await vote(key('ana'), 9))).toBe('proof-required')
    expect(problemOf(await vote({ ...key('ana'), ...(await prove(key('ana'))) }, 9))).toBe('invalid-answer')
  })

  it('is voted in while the primary is away', async () => {
    api.people.failure = new PrimaryUnavailableError('away')
    expect((await vote({ ...key('ana'), ...(await prove(key('ana'))) })).statusCode).toBe(202)
  })
})

it.each(['open', 'code', 'account'] as const)('a poll of access %s gives no challenges', async (access) => {
  id = newPoll(access)
  const response = await ask(key('ana'))
  expect(problemOf(response)).toBe('poll-state')
  expect(response.json().detail).toContain(access)
})

describe('a poll of voting codes', () => {
  beforeEach(() => {
    id = newPoll('code')
  })
  const withCode = (code: string): Headers => ({ [votingCodeHeader]: code })

  async function newCode(pollId = id): Promise<{ code: string; codeId: string }> {
    const secret = newVotingCode(systemIds)
    const codeId = randomBytes(8).toString('hex')
    const stored = { id: codeId, label: '', createdAtMs: api.clock.ms, revokedAtMs: null, hash: secretHash(secret) }
    const entry = { atMs: api.clock.ms, actor: commandLine, action: 'codes.made', subject: `poll ${id}`, details: {} }
    await api.people.codes.add(pollId as never, [stored], 10, entry)
    return { code: votingCodeText(secret), codeId }
  }

  it('takes one voter for one code, however it is written, and sets no cookie', async () => {
    const { code } = await newCode()
    const first = await vote(withCode(code))
    expect([first.statusCode, first.headers['set-cookie']]).toEqual([202, undefined])
    expect((await vote({ ...withCode(` ${code.toUpperCase().replaceAll('-', ' ')} `), ...key('ana') })).statusCode).toBe(202)
    expect(voters()).toBe(1)
    expect((await vote(withCode((await newCode()).code))).statusCode).toBe(202)
    expect(voters()).toBe(2)
  })

  it('knows nobody by cookie or Idempotency-Key', async () => {
    const open = newPoll('open')
    const cookie = { cookie: String((await vote({}, 1, open)).headers['set-cookie']).split(';')[0] ?? '' }
    api.published.length = 0
    expect(problemOf(await vote({ ...cookie, ...key('ana') }))).toBe('code-required')
    // One cookie, two codes: two voters.
    for (const { code } of [await newCode(), await newCode()]) await vote({ ...cookie, ...key('ana'), ...withCode(code) })
    expect(voters()).toBe(2)
    // Nor is a bad key any concern here.
    expect((await vote({ 'idempotency-key': 'short', ...withCode((await newCode()).code) })).statusCode).toBe(202)
  })

  it('refuses what is no code of it, each by its name, and judges answers after it', async () => {
    const { code, codeId } = await newCode()
    expect(problemOf(await vote())).toBe('code-required')
    expect(problemOf(await vote(withCode('')))).toBe('code-required')
    expect(problemOf(await vote(withCode('0000')))).toBe('code-invalid')
    expect(problemOf(await vote(withCode(votingCodeText(newVotingCode(systemIds)))))).toBe('code-invalid')
    expect(problemOf(await vote(withCode((await newCode(newPoll('code'))).code)))).toBe('code-invalid')
    expect(problemOf(await vote(withCode('0000'), 9))).toBe('code-invalid')
    expect(problemOf(await vote(withCode(code), 9))).toBe('invalid-answer')
    expect((await vote(withCode(code))).statusCode).toBe(202)
    const entry = { atMs: api.clock.ms, actor: commandLine, action: 'code.revoked', subject: `poll ${id}`, details: {} }
    await api.people.codes.revoke(id as never, codeId, api.clock.ms, entry)
    expect(problemOf(await vote(withCode(code)))).toBe('code-revoked')
  })

  it('shows a voter the own ballot by the code, after it was revoked, too', async () => {
    const [used, fresh] = [await newCode(), await newCode()]
    await vote(withCode(used.code), 2)
    count()
    expect((await mine(withCode(used.code))).json().answers).toEqual([{ question: 1, options: [2] }])
    expect(problemOf(await mine(withCode(fresh.code)))).toBe('ballot-not-found')
    expect(problemOf(await mine())).toBe('code-required')
    expect(problemOf(await mine(withCode(votingCodeText(newVotingCode(systemIds)))))).toBe('code-invalid')
    const entry = { atMs: api.clock.ms, actor: commandLine, action: 'code.revoked', subject: `poll ${id}`, details: {} }
    for (const { codeId } of [used, fresh]) await api.people.codes.revoke(id as never, codeId, api.clock.ms, entry)
    expect((await mine(withCode(used.code))).statusCode).toBe(200)
    expect(problemOf(await mine(withCode(fresh.code)))).toBe('code-revoked')
  })

  it('shows results after voting to whom the code names', async () => {
    id = newPoll('code', { definition: { resultsVisibility: 'after_voting' } })
    const [used, fresh] = [await newCode(), await newCode()]
    const receipt = (await vote(withCode(used.code))).json().receipt
    count()
    const results = (headers: Headers) => api.app.inject({ url: `/v1/polls/${id}/results`, headers })
    expect((await results(withCode(used.code))).statusCode).toBe(200)
    expect((await results({ 'urna-receipt': receipt })).statusCode).toBe(200)
    expect(problemOf(await results(withCode(fresh.code)))).toBe('results-hidden')
    expect(problemOf(await results(withCode('nonsense')))).toBe('results-hidden')
    expect((await api.app.inject(`/v1/receipts/${receipt}`)).json().status).toBe('counted')
  })

  it('says that codes cannot be looked up while the primary is away', async () => {
    const { code } = await newCode()
    api.people.failure = new PrimaryUnavailableError('away')
    for (const response of [await vote(withCode(code)), await mine(withCode(code))]) {
      expect([response.statusCode, problemOf(response)]).toEqual([503, 'primary-unavailable'])
      expect(response.headers['retry-after']).toMatch(/^[1-5]$/)
    }
  })
})

describe('a poll of a voter roll', () => {
  let ana: SignedIn
  beforeEach(async () => {
    id = newPoll('account')
    ana = await api.signIn('voter')
    await enrol(ana.user)
  })

  async function enrol({ id: userId }: User): Promise<void> {
    const entry = { atMs: api.clock.ms, actor: commandLine, action: 'voters.added', subject: `poll ${id}`, details: {} }
    await api.people.roll.add(id as never, [userId], entry)
  }

  it('takes who is signed in and on the roll: one voter, in whatever session', async () => {
    const first = await vote(ana.headers)
    expect([first.statusCode, first.headers['set-cookie']]).toEqual([202, undefined])
    const elsewhere = await api.signIn(ana.user)
    expect((await vote({ ...elsewhere.headers, ...key('ana') }, 2)).statusCode).toBe(202)
    expect(voters()).toBe(1)
    const bruno = await api.signIn('organizer')
    await enrol(bruno.user)
    await vote(bruno.headers)
    expect(voters()).toBe(2)
  })

  it('refuses everybody else, each by the name of the reason', async () => {
    expect(problemOf(await vote())).toBe('unauthorized')
    expect(problemOf(await vote({ cookie: 'urna_session=forged', ...key('ana') }))).toBe('unauthorized')
    const administrator = await api.signIn('administrator')
    expect(problemOf(await vote(administrator.headers))).toBe('not-on-roll')
    expect(problemOf(await vote(administrator.headers, 9))).toBe('not-on-roll')
    expect(problemOf(await vote(ana.headers, 9))).toBe('invalid-answer')
    // Nobody votes by a token, not even of somebody on the roll.
    expect(problemOf(await vote(await api.tokenOf(ana.user, ['polls.read'])))).toBe('unauthorized')
    expect(api.published).toHaveLength(0)
  })

  it('shows a voter the own ballot, after being taken off the roll, too', async () => {
    const bruno = await api.signIn('voter')
    await vote(ana.headers, 2)
    count()
    expect((await mine(ana.headers)).json().answers).toEqual([{ question: 1, options: [2] }])
    expect(problemOf(await mine(bruno.headers))).toBe('not-on-roll')
    expect(problemOf(await mine())).toBe('unauthorized')
    const entry = { atMs: api.clock.ms, actor: commandLine, action: 'voter.removed', subject: `poll ${id}`, details: {} }
    await api.people.roll.remove(id as never, ana.user.id, entry)
    expect(problemOf(await vote(ana.headers))).toBe('not-on-roll')
    expect((await mine(ana.headers)).statusCode).toBe(200)
  })

  it('shows results after voting to who is signed in, and on with the receipt while the primary is away', async () => {
    const enrolled = id
    id = newPoll('account', { definition: { resultsVisibility: 'after_voting' } })
    await enrol(ana.user)
    const bruno = await api.signIn('voter')
    const receipt = (await vote(ana.headers)).json().receipt
    count()
    const results = (headers: Headers) => api.app.inject({ url: `/v1/polls/${id}/results`, headers })
    expect((await results(ana.headers)).statusCode).toBe(200)
    expect(problemOf(await results(bruno.headers))).toBe('results-hidden')
    api.people.failure = new PrimaryUnavailableError('away')
    expect((await results({ 'urna-receipt': receipt })).statusCode).toBe(200)
    expect(problemOf(await vote(ana.headers, 1, enrolled))).toBe('primary-unavailable')
  })
})

describe('the routes of older clients', () => {
  it.each(['guarded', 'code', 'account'] as const)('take no votes in a poll of access %s', async (access) => {
    id = newPoll(access, { surveyId: 1 })
    const survey = await api.app.inject({ method: 'POST', url: '/vote', payload: { survey_id: 1, vote: 'coca' } })
    const user = await api.app.inject({ method: 'POST', url: '/api/postVotes', payload: { userID: 'id-1', vote: 'coca' } })
    for (const response of [survey, user]) expect([response.statusCode, problemOf(response)]).toEqual([403, 'open-polls-only'])
    expect([survey.headers['set-cookie'], api.published]).toEqual([undefined, []])
  })
})
