import { commandLine, hashPassword, PrimaryUnavailableError, type User, userActor } from '@urna/core'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { PeopleUpkeep } from '../people-upkeep.ts'
import { asAdministrator, type TestApi, testApi } from '../testing/test-api.ts'

const password = 'correct horse battery'
let passwordHash: string
let api: TestApi
let ana: User
beforeAll(async () => {
  passwordHash = await hashPassword(password)
})
beforeEach(async () => {
  api = await testApi()
  ana = await api.addUser('organizer', 'Ana')
  const entry = { atMs: 0, actor: commandLine, action: 'user.password-set', subject: 'user 1', details: {} }
  await api.people.users.setPassword(ana.id, { passwordHash, atMs: 0 }, entry)
})
afterEach(() => api.app.close())

function signIn(payload: object = { username: 'ana', password }, headers: Record<string, string> = {}) {
  return api.app.inject({ method: 'POST', url: '/v1/sessions', payload, headers })
}

const cookieOf = (response: Awaited<ReturnType<typeof signIn>>) => String(response.headers['set-cookie']).split(';')[0] as string
const problemOf = (response: { body: string }) => String(JSON.parse(response.body).type).replace('urn:urna:problem:', '')
const me = (headers: Record<string, string>) => api.app.inject({ url: '/v1/me', headers })

describe('signing in', () => {
  it('sets a cookie that no script and no other site can use, and says who it is', async () => {
    const response = await signIn(undefined, { 'user-agent': 'Browser 7' })
    expect(response.statusCode).toBe(201)
    // 12 hours
    expect(response.headers['set-cookie']).toMatch(/^urna_session=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict; Max-Age=43200$/)
    expect(response.headers['cache-control']).toBe('private, no-store')
    const permissions = ['polls.read', 'polls.change', 'voters.read', 'voters.change']
    expect(response.json()).toMatchObject({
      user: { id: '1', username: 'Ana', role: 'organizer' },
      permissions,
      sessionEndsAt: '2026-11-22T00:00:00.000Z',
    })
    expect((await me({ cookie: cookieOf(response) })).json()).toEqual(response.json())
    const [session] = (await api.app.inject({ url: '/v1/sessions', headers: { cookie: cookieOf(response) } })).json().sessions
    expect(session).toMatchObject({ label: 'Browser 7', current: true, createdAt: '2026-11-21T12:00:00.000Z' })
    expect(JSON.stringify([response.json(), session, api.people.audit.records, api.log])).not.toContain(cookieOf(response).slice(13))
  })

  it('over TLS uses a name that only this host can set', async () => {
    const { people } = api
    await api.app.close()
    api = await testApi({ people, publicUrl: 'https://vote.example' })
    const cookie = String((await signIn()).headers['set-cookie'])
    expect(cookie).toMatch(/^__Host-urna_session=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict; Max-Age=43200; Secure$/)
    expect((await me({ cookie: cookie.split(';')[0] as string })).statusCode).toBe(200)
  })

  it('is not done by a page of a foreign origin, not even where any may write', async () => {
    const { people } = api
    await api.app.close()
    api = await testApi({ people, allowedOrigins: '*' })
    const foreign = { origin: 'https://elsewhere.example', 'sec-fetch-site': 'same-site' }
    const refused = await signIn(undefined, foreign)
    expect([refused.statusCode, problemOf(refused), refused.headers['set-cookie']]).toEqual([403, 'origin-refused', undefined])
    expect((await signIn(undefined, { origin: 'http://localhost:80', host: 'localhost:80' })).statusCode).toBe(201)
  })

  it('ends the session that came with it, whoever’s it is', async () => {
    const old = cookieOf(await signIn())
    const next = cookieOf(await signIn(undefined, { cookie: old }))
    expect(next).not.toBe(old)
    expect([(await me({ cookie: old })).statusCode, (await me({ cookie: next })).statusCode]).toEqual([401, 200])
  })

  it('says the same to a wrong password, a wrong name and somebody without a password', async () => {
    await api.addUser('voter', 'bruno')
    const answers: string[] = []
    for (const payload of [
      { username: 'ana', password: 'wrong' },
      { username: 'nobody', password },
      { username: 'bruno', password },
      { username: 'a b\u0000', password: '\ud800' },
    ]) {
      const response = await signIn(payload)
      expect([response.statusCode, response.headers['set-cookie']]).toEqual([401, undefined])
      answers.push(response.body)
    }
    expect(new Set(answers).size).toBe(1)
    expect(JSON.parse(answers[0] ?? '').type).toBe('urn:urna:problem:sign-in-failed')
  })

  it('after three guesses says how long to wait, to the right password, too', async () => {
    for (let guess = 0; guess < 6; guess++) {
      await signIn({ username: 'ana', password: 'wrong' })
      api.clock.ms += guess < 5 ? 4_000 : 0
    }
    const response = await signIn()
    // 6 failures: 1, 2, 4, 8 s; the sixth was this moment
    expect([response.statusCode, response.headers['retry-after'], response.json().retryAfter]).toEqual([429, '8', 8])
    expect(problemOf(response)).toBe('sign-in-delayed')
    api.clock.ms += 8_000
    expect((await signIn()).statusCode).toBe(201)
  })

  it('refuses other forms before it counts anything', async () => {
    for (const payload of [{}, { username: 'ana' }, { username: '', password }, { username: 'ana', password, role: 'administrator' }, []]) {
      expect([(await signIn(payload)).statusCode, payload]).toEqual([400, payload])
    }
    expect((await signIn({ username: 'ana', password: 'x'.repeat(20_000) })).statusCode).toBe(413)
    expect((await signIn()).statusCode).toBe(201)
  })

  it('is 503 while the primary is away', async () => {
    api.people.failure = new PrimaryUnavailableError('away')
    expect([(await signIn()).statusCode, problemOf(await signIn())]).toEqual([503, 'primary-unavailable'])
  })
})

describe('sessions', () => {
  it('are listed, and end one by one; nobody ends those of others', async () => {
    const first = await api.signIn(ana)
    api.clock.ms += 1_000
    const second = await api.signIn(ana)
    const other = await api.signIn('administrator')
    const list = async () => (await api.app.inject({ url: '/v1/sessions', headers: second.headers })).json().sessions
    expect((await list()).map(({ id, current }: { id: string; current: boolean }) => [id, current])).toEqual([
      [second.sessionId, true],
      [first.sessionId, false],
    ])
    const end = (id: string, headers = second.headers) => api.app.inject({ method: 'DELETE', url: `/v1/sessions/${id}`, headers })
    expect((await end(first.sessionId, other.headers)).statusCode).toBe(404)
    expect((await end(first.sessionId)).statusCode).toBe(204)
    expect((await me(first.headers)).statusCode).toBe(401)
    expect(api.people.audit.records.at(-1)).toMatchObject({
      actor: 'user 1',
      action: 'session.ended',
      details: { session: first.sessionId },
    })
    const last = await end('current')
    expect([last.statusCode, last.headers['set-cookie']]).toEqual([204, 'urna_session=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0'])
    expect((await me(second.headers)).statusCode).toBe(401)
  })

  it('that ended by themselves are not listed, and are removed by the hour', async () => {
    const old = await api.signIn(ana)
    api.clock.ms += 3 * 3_600_000
    const { headers } = await api.signIn(ana)
    await api.people.signInAttempts.addFailure([Buffer.alloc(32)], api.clock.ms - 24 * 3_600_000 - 1)
    const list = async () => (await api.app.inject({ url: '/v1/sessions', headers })).json().sessions.length
    expect([await list(), (await api.people.sessions.list(ana.id)).length]).toEqual([1, 2])
    const limits = { sessionIdleMs: 2 * 3_600_000, sessionMs: 12 * 3_600_000 }
    const upkeep = new PeopleUpkeep({ people: api.people, clock: api.clock, logger: { warn() {} } as never, ...limits })
    await upkeep.beatOnce()
    expect((await api.people.sessions.list(ana.id)).length).toBe(1)
    expect(await api.people.signInAttempts.read([Buffer.alloc(32)])).toEqual([])
    expect((await me(old.headers)).statusCode).toBe(401)
    api.people.failure = new PrimaryUnavailableError('away')
    await upkeep.beatOnce()
  })
})

describe('the own account', () => {
  it('of the administrator’s token is nobody’s, with all permissions', async () => {
    const answer = (await me(asAdministrator)).json()
    expect([answer.user, answer.sessionEndsAt, answer.permissions.length]).toEqual([null, null, 8])
  })

  it('of a token shows what the token may do', async () => {
    expect((await me(await api.tokenOf(ana, ['polls.read', 'users.read']))).json().permissions).toEqual(['polls.read'])
  })

  it('gets another password with the one it has; all sessions and tokens end, and a new session begins', async () => {
    const { headers } = await api.signIn(ana)
    const other = await api.signIn(ana)
    const token = await api.tokenOf(ana, ['polls.read'])
    const put = (payload: object, given: Record<string, string> = headers) =>
      api.app.inject({ method: 'PUT', url: '/v1/me/password', headers: given, payload })
    const wrong = await put({ current: 'wrong', password: 'another long password' })
    expect([wrong.statusCode, wrong.json().errors[0].field]).toEqual([400, 'current'])
    expect((await put({ current: password, password: 'short' })).json().errors[0].field).toBe('password')
    expect((await put({ current: password, password: 'another long password' }, token)).statusCode).toBe(403)
    const set = await put({ current: password, password: 'another long password' })
    expect(set.statusCode).toBe(204)
    // Who changes it goes on, with another secret: a copy of the cookie somewhere else is of no use any more.
    expect((await me({ cookie: cookieOf(set) })).statusCode).toBe(200)
    expect((await me(headers)).statusCode).toBe(401)
    expect((await api.people.sessions.list(ana.id)).length).toBe(1)
    expect([(await me(other.headers)).statusCode, (await me(token)).statusCode]).toEqual([401, 401])
    expect([(await signIn()).statusCode, (await signIn({ username: 'ana', password: 'another long password' })).statusCode]).toEqual([
      401, 201,
    ])
    expect(
      api.people.audit.records.find(({ action, actor }) => action === 'user.password-set' && actor === userActor(1).name),
    ).toBeDefined()
  })

  it('guesses at the password it has wait as at the door', async () => {
    const { headers } = await api.signIn(ana)
    const put = () =>
      api.app.inject({ method: 'PUT', url: '/v1/me/password', headers, payload: { current: 'wrong', password: 'another long password' } })
    for (let guess = 0; guess < 3; guess++) expect((await put()).statusCode).toBe(400)
    expect([(await put()).statusCode, (await signIn()).statusCode]).toEqual([429, 429])
  })
})

describe('API tokens', () => {
  it('are not made by a session that ended on the way: a stolen one leaves nothing behind', async () => {
    const { headers } = await api.signIn(ana)
    const { create } = api.people.tokens
    const entry = { atMs: 0, actor: commandLine, action: 'user.password-set', subject: 'user 1', details: {} }
    api.people.tokens.create = async (...request) => {
      await api.people.users.setPassword(ana.id, { passwordHash, atMs: 0 }, entry)
      return create(...request)
    }
    const response = await api.app.inject({ method: 'POST', url: '/v1/tokens', payload: { name: 'x', scopes: ['polls.read'] }, headers })
    expect([response.statusCode, problemOf(response)]).toEqual([401, 'unauthorized'])
    expect(await api.people.tokens.list(ana.id)).toEqual([])
  })

  const make = (headers: Record<string, string>, changes: object = {}) =>
    api.app.inject({
      method: 'POST',
      url: '/v1/tokens',
      headers,
      payload: { name: 'Results to the wall', scopes: ['polls.read'], ...changes },
    })

  it('are shown once, work, and open nothing when they are deleted', async () => {
    const { headers } = await api.signIn(ana)
    const made = await make(headers)
    expect(made.statusCode).toBe(201)
    const { token, ...rest } = made.json()
    expect(token).toMatch(/^urna_[\w-]{43}$/)
    // 90 days
    expect(rest).toMatchObject({
      name: 'Results to the wall',
      scopes: ['polls.read'],
      expiresAt: '2027-02-19T12:00:00.000Z',
      lastUsedAt: null,
    })
    const use = () => me({ authorization: `Bearer ${token}` })
    expect((await use()).json().permissions).toEqual(['polls.read'])
    const listed = (await api.app.inject({ url: '/v1/tokens', headers })).json()
    expect(listed).toEqual({ tokens: [{ ...rest, lastUsedAt: '2026-11-21T12:00:00.000Z' }] })
    expect(JSON.stringify([listed, api.people.audit.records, api.log])).not.toContain(token.slice(5))
    const remove = (given: Record<string, string>) => api.app.inject({ method: 'DELETE', url: `/v1/tokens/${rest.id}`, headers: given })
    expect((await remove((await api.signIn('administrator')).headers)).statusCode).toBe(404)
    expect((await remove(headers)).statusCode).toBe(204)
    expect((await use()).statusCode).toBe(401)
    expect(api.people.audit.records.slice(-2).map(({ action, details }) => [action, details.token])).toContainEqual([
      'token.deleted',
      rest.id,
    ])
  })

  it('cannot do more than who makes them', async () => {
    const { headers } = await api.signIn(ana)
    const more = await make(headers, { scopes: ['polls.read', 'users.change'] })
    expect([more.statusCode, more.json().errors.map(({ field }: { field: string }) => field)]).toEqual([400, ['scopes[1]']])
    expect((await make((await api.signIn('voter')).headers)).statusCode).toBe(400)
    for (const changes of [{ scopes: [] }, { scopes: ['everything'] }, { expiresInDays: 367 }, { expiresInDays: 0 }, { name: '' }]) {
      expect([(await make(headers, changes)).statusCode, changes]).toEqual([400, changes])
    }
  })

  it('are fifty of a user at most', async () => {
    const { headers } = await api.signIn(ana)
    for (let index = 0; index < 50; index++) await api.tokenOf(ana, ['polls.read'])
    expect([(await make(headers)).statusCode, problemOf(await make(headers))]).toEqual([403, 'forbidden'])
  })
})
