import { codeList, newCodes, rollAdded, rollList } from '@urna/contracts'
import { parseVotingCode, secretHash } from '@urna/core'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { asAdministrator, type SignedIn, type TestApi, testApi } from '../testing/test-api.ts'

let api: TestApi
let organizer: SignedIn
let id: string
beforeEach(async () => {
  api = await testApi()
  organizer = await api.signIn('organizer')
  id = newPoll('code')
})
afterEach(() => api.app.close())

type Access = 'open' | 'guarded' | 'code' | 'account'
type Headers = Record<string, string>
const newPoll = (access: Access, changes: Parameters<TestApi['addPoll']>[0] = {}) =>
  api.addPoll({ ownerId: organizer.user.id, ...changes, definition: { access } }).id

function ask(method: 'GET' | 'POST' | 'DELETE', path: string, payload?: object, headers: Headers = organizer.headers) {
  return api.app.inject({ method, url: `/v1/polls/${id}/${path}`, headers, ...(payload !== undefined && { payload }) })
}
const problemOf = (response: { json(): { type?: string } }) => response.json().type?.replace('urn:urna:problem:', '')
const entries = () =>
  api.people.audit.records.map(({ actor, action, subject, details }) => ({ actor, action, subject, details })).slice(entriesBefore)
let entriesBefore = 0
beforeEach(() => {
  entriesBefore = api.people.audit.records.length
})

describe('voting codes', () => {
  it('are made with or without labels, shown once, and kept as hashes', async () => {
    const response = await ask('POST', 'codes', { labels: ['Ana', '', 'Table 7'] })
    expect(response.statusCode).toBe(201)
    expect(response.headers['cache-control']).toBe('private, no-store')
    const { codes } = newCodes.parse(response.json())
    expect(codes.map(({ label }) => label)).toEqual(['Ana', '', 'Table 7'])
    const secrets = codes.map(({ code }) => parseVotingCode(code) as Buffer)
    expect(new Set(secrets.map((secret) => secret.toString('hex'))).size).toBe(3)
    for (const [index, secret] of secrets.entries()) {
      expect(await api.people.codes.find(id as never, secretHash(secret))).toMatchObject({ id: codes[index]?.id, revokedAtMs: null })
    }
    const { body } = await ask('GET', 'codes')
    for (const { code } of codes) expect(body).not.toContain(code.slice(0, 9))
    expect(codeList.parse(JSON.parse(body))).toMatchObject({ total: 3, revoked: 0, next: null })
    expect((await ask('POST', 'codes', { count: 5 })).json().codes).toHaveLength(5)
    expect(entries()).toEqual([
      { actor: `user ${organizer.user.id}`, action: 'codes.made', subject: `poll ${id}`, details: { count: 3 } },
      { actor: `user ${organizer.user.id}`, action: 'codes.made', subject: `poll ${id}`, details: { count: 5 } },
    ])
    expect(JSON.stringify(api.people.audit.records.slice(entriesBefore)) + JSON.stringify(api.log)).not.toMatch(/Ana|Table/)
  })

  it('are listed page by page in the order in which they were made', async () => {
    const labels = Array.from({ length: 7 }, (_, index) => `n${index}`)
    await ask('POST', 'codes', { labels })
    const first = (await ask('GET', 'codes?limit=4')).json()
    const second = (await ask('GET', `codes?limit=4&after=${first.next}`)).json()
    expect([...first.codes, ...second.codes].map(({ label }: { label: string }) => label)).toEqual(labels)
    expect([second.next, second.total]).toEqual([null, 7])
  })

  it('are revoked, a second time too', async () => {
    const { codes } = (await ask('POST', 'codes', { count: 2 })).json()
    const revoke = () => ask('DELETE', `codes/${codes[0].id}`)
    expect([(await revoke()).statusCode, (await revoke()).statusCode]).toEqual([204, 204])
    expect((await ask('GET', 'codes')).json()).toMatchObject({
      total: 2,
      revoked: 1,
      codes: [{ revokedAt: '2026-11-21T12:00:00.000Z' }, { revokedAt: null }],
    })
    expect(entries().slice(1)).toEqual([
      { actor: `user ${organizer.user.id}`, action: 'code.revoked', subject: `poll ${id}`, details: { code: codes[0].id } },
    ])
    expect(problemOf(await ask('DELETE', 'codes/0123456789abcdef'))).toBe('code-not-found')
    id = newPoll('code')
    expect(problemOf(await ask('DELETE', `codes/${codes[1].id}`))).toBe('code-not-found')
  })

  it('can be made for drafts and open polls, not for final ones', async () => {
    const make = () => ask('POST', 'codes', { count: 1 })
    id = newPoll('code', { opensAtMs: null })
    expect((await make()).statusCode).toBe(201)
    const closesAtMs = api.clock.ms - 60_000
    id = newPoll('code', { closesAtMs })
    api.ballots.asOfMs = closesAtMs + 30_000 // not later than 30 s after closing: not final
    expect((await make()).statusCode).toBe(201)
    api.ballots.asOfMs = closesAtMs + 30_001
    expect(problemOf(await make())).toBe('poll-final')
  })

  it('are at most 100,000', async () => {
    for (let round = 0; round < 20; round++) expect((await ask('POST', 'codes', { count: 5_000 })).statusCode).toBe(201)
    expect(problemOf(await ask('POST', 'codes', { count: 1 }))).toBe('too-many-codes')
  })

  it.each<[payload: object, field: string]>([
    [{}, 'body'],
    [{ count: 0 }, 'count'],
    [{ count: 5_001 }, 'count'],
    [{ labels: [] }, 'labels'],
    [{ labels: ['x'.repeat(101)] }, 'labels[0]'],
    [{ labels: ['two\nlines'] }, 'labels[0]'],
    [{ count: 1, labels: ['x'] }, 'body'],
  ])('are not made of %j: %s is named', async (payload, field) => {
    const response = await ask('POST', 'codes', payload)
    expect(problemOf(response)).toBe('invalid-request')
    expect(response.json().errors).toContainEqual({ field, detail: expect.stringMatching(/^expected/) })
    expect((await ask('GET', 'codes')).json().total).toBe(0)
  })
})

describe('a voter roll', () => {
  beforeEach(() => {
    id = newPoll('account')
  })

  it('takes users by name, and says who is unknown and who was there already', async () => {
    const [ana, bruno] = [await api.addUser('voter', 'ana'), await api.addUser('voter', 'Bruno')]
    entriesBefore = api.people.audit.records.length
    expect(rollAdded.parse((await ask('POST', 'voters', { usernames: ['ANA', 'nobody'] })).json())).toEqual({
      added: 1,
      already: 0,
      unknown: ['nobody'],
    })
    expect((await ask('POST', 'voters', { usernames: ['bruno', 'ana', 'ana'] })).json()).toEqual({ added: 1, already: 1, unknown: [] })
    expect((await ask('POST', 'voters', { usernames: ['nobody'] })).json()).toEqual({ added: 0, already: 0, unknown: ['nobody'] })
    const list = rollList.parse((await ask('GET', 'voters')).json())
    expect([list.users.map(({ username }) => username), list.total]).toEqual([['ana', 'Bruno'], 2])
    const first = (await ask('GET', 'voters?limit=1')).json()
    expect(first.next).toBe(String(ana.id))
    expect((await ask('GET', `voters?limit=1&after=${first.next}`)).json()).toMatchObject({ users: [{ id: String(bruno.id) }], next: null })
    expect(entries().map(({ action, details }) => [action, details])).toEqual([
      ['voters.added', { count: 1 }],
      ['voters.added', { count: 2 }],
    ])
  })

  it('lets users go', async () => {
    const ana = await api.addUser('voter', 'ana')
    await ask('POST', 'voters', { usernames: ['ana'] })
    entriesBefore = api.people.audit.records.length
    expect((await ask('DELETE', `voters/${ana.id}`)).statusCode).toBe(204)
    expect(problemOf(await ask('DELETE', `voters/${ana.id}`))).toBe('user-not-found')
    expect(entries()).toEqual([
      { actor: `user ${organizer.user.id}`, action: 'voter.removed', subject: `poll ${id}`, details: { user: ana.id } },
    ])
  })
})

describe('whose polls', () => {
  it.each([
    ['codes', { count: 1 }, ['open', 'guarded', 'account']],
    ['voters', { usernames: ['ana'] }, ['open', 'guarded', 'code']],
  ] as const)('%s are added to polls of that access only, and the problem says which this is', async (path, payload, others) => {
    for (const access of others) {
      id = newPoll(access)
      const response = await ask('POST', path, payload)
      expect([response.statusCode, problemOf(response)]).toEqual([409, 'poll-state'])
      expect(response.json().detail).toContain(`access ${access}`)
    }
  })

  const requests: ['GET' | 'POST' | 'DELETE', string, object | undefined, Access][] = [
    ['GET', 'codes', undefined, 'code'],
    ['POST', 'codes', { count: 1 }, 'code'],
    ['DELETE', 'codes/0123456789abcdef', undefined, 'code'],
    ['GET', 'voters', undefined, 'account'],
    ['POST', 'voters', { usernames: ['ana'] }, 'account'],
    ['DELETE', 'voters/7', undefined, 'account'],
  ]
  it.each(requests)('%s %s is for the poll’s organizer and administrators; auditors read', async (method, path, payload, access) => {
    id = newPoll(access)
    const as = async (headers: Headers) => (await ask(method, path, payload, headers)).statusCode
    const allowed = method === 'DELETE' ? 404 : method === 'GET' ? 200 : access === 'code' ? 201 : 200
    expect(await as({})).toBe(401)
    expect(await as((await api.signIn('voter')).headers)).toBe(403)
    expect(await as((await api.signIn('organizer')).headers)).toBe(403)
    expect(await as((await api.signIn('auditor')).headers)).toBe(method === 'GET' ? 200 : 403)
    expect(await as(organizer.headers)).toBe(allowed)
    expect(await as((await api.signIn('administrator')).headers)).toBe(allowed)
    expect(await as(asAdministrator)).toBe(allowed)
    expect(await as(await api.tokenOf(organizer.user, ['polls.read']))).toBe(403)
    // A draft of somebody else is not even there.
    id = newPoll(access, { opensAtMs: null })
    expect(await as((await api.signIn('organizer')).headers)).toBe(404)
    id = newPoll(access, { deletedAtMs: 1 })
    expect(await as(organizer.headers)).toBe(410)
    id = 'zzzzzzzzzzzzzzzz'
    expect(await as(asAdministrator)).toBe(404)
  })
})

describe('voters that are added while the poll is deleted', () => {
  it('go with it', async () => {
    const remove = () => api.app.inject({ method: 'DELETE', url: `/v1/polls/${id}`, headers: organizer.headers })
    const { codes, roll } = api.people
    const [addCodes, addVoters] = [codes.add, roll.add]
    codes.add = async (...request) => {
      expect((await remove()).statusCode).toBe(204)
      return addCodes(...request)
    }
    roll.add = async (...request) => {
      expect((await remove()).statusCode).toBe(204)
      return addVoters(...request)
    }
    id = newPoll('code', { opensAtMs: null })
    const made = await ask('POST', 'codes', { labels: ['Ana'] })
    expect([made.statusCode, problemOf(made)]).toEqual([410, 'poll-deleted'])
    expect((await codes.list(id as never, { limit: 9, after: null })).total).toBe(0)
    id = newPoll('account', { opensAtMs: null })
    await api.addUser('voter', 'bruno')
    const added = await ask('POST', 'voters', { usernames: ['bruno'] })
    expect([added.statusCode, problemOf(added)]).toEqual([410, 'poll-deleted'])
    expect((await roll.list(id as never, { limit: 9, after: null })).total).toBe(0)
  })
})
