import { PrimaryUnavailableError, permissionNames, type User } from '@urna/core'
import Fastify from 'fastify'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { DeclaredAccess, sessionIdleMsDefault, sessionMsDefault } from './callers.ts'
import { asAdministrator, type TestApi, testApi } from './testing/test-api.ts'

let api: TestApi
beforeEach(async () => {
  api = await testApi()
})
afterEach(() => api.app.close())

const newPoll = {
  title: 'Which?',
  questions: [{ text: 'Which?', method: 'single', options: [{ text: 'a' }, { text: 'b' }] }],
}

async function asked(method: 'GET' | 'POST' | 'PUT' | 'DELETE', url: string, headers: Record<string, string> = {}, payload?: object) {
  const { statusCode, body } = await api.app.inject({ method, url, headers, ...(payload !== undefined && { payload }) })
  const { type } = (body === '' ? {} : JSON.parse(body)) as { type?: string }
  return type === undefined ? statusCode : `${statusCode} ${type.replace('urn:urna:problem:', '')}`
}

const make = (headers?: Record<string, string>) => asked('POST', '/v1/polls', headers, newPoll)

describe('a route', () => {
  it('cannot be registered without saying who gets in', () => {
    const app = Fastify()
    new DeclaredAccess().watch(app)
    expect(() => app.get('/open', { handler: async () => '' })).toThrow('GET /open does not say who gets in')
    expect(() => app.get('/typo', { config: { access: 'polls.chnage' as 'public' }, handler: async () => '' })).toThrow('config.access')
    app.get('/public', { config: { access: 'public' }, handler: async () => '' })
  })

  it('judges nothing of a stranger’s request', async () => {
    for (const [url, payload] of [
      ['/v1/polls', '{"broken'],
      ['/v1/polls/no-id/open', '[]'],
    ] as const) {
      const headers = { 'content-type': 'text/nothing' }
      const { statusCode, headers: answer } = await api.app.inject({ method: 'POST', url, headers, payload })
      expect([statusCode, answer['www-authenticate']]).toEqual([401, 'Bearer'])
    }
  })
})

describe('a session', () => {
  it('does what the role may, until nothing was asked with it for too long', async () => {
    const { headers } = await api.signIn('organizer')
    expect(await make(headers)).toBe(201)
    api.clock.ms += sessionIdleMsDefault - 1
    expect(await make(headers)).toBe(201)
    api.clock.ms += sessionIdleMsDefault - 1
    expect(await make(headers)).toBe(201)
    api.clock.ms += sessionIdleMsDefault
    expect(await make(headers)).toBe('401 unauthorized')
  })

  it('ends so long after it began, whatever was asked', async () => {
    const { headers } = await api.signIn('organizer')
    for (let hour = 0; hour < 11; hour++) {
      api.clock.ms += 3_600_000
      expect(await make(headers)).toBe(201)
    }
    api.clock.ms += sessionMsDefault - 11 * 3_600_000
    expect(await make(headers)).toBe('401 unauthorized')
  })

  it('is written down as seen at most once a minute', async () => {
    const { headers, user } = await api.signIn('organizer')
    const seen = async () => (await api.people.sessions.list(user.id))[0]?.lastSeenAtMs
    const began = api.clock.ms
    api.clock.ms += 59_999
    await make(headers)
    expect(await seen()).toBe(began)
    api.clock.ms += 1
    await make(headers)
    expect(await seen()).toBe(began + 60_000)
  })

  it('of a voter or an auditor changes nothing', async () => {
    for (const role of ['voter', 'auditor'] as const) expect(await make((await api.signIn(role)).headers)).toBe('403 forbidden')
  })

  it('that is not one is nobody’s', async () => {
    for (const cookie of ['urna_session=', 'urna_session=x', `urna_session=${'A'.repeat(43)}`, `__Host-urna_session=${'A'.repeat(43)}`]) {
      expect(await make({ cookie })).toBe('401 unauthorized')
    }
  })

  it('has a name of its own over TLS, and the plain one counts for nothing there', async () => {
    const { headers } = await api.signIn('organizer')
    await api.app.close()
    const { people } = api
    api = await testApi({ people, secureCookies: true })
    expect(await make(headers)).toBe('401 unauthorized')
    expect(await make({ cookie: `a=b; __Host-${headers.cookie}` })).toBe(201)
  })

  it('is nobody’s on public routes while the primary is away, and a 503 where it is needed', async () => {
    const { headers } = await api.signIn('organizer')
    const { id } = api.addPoll()
    api.people.failure = new PrimaryUnavailableError('away')
    expect(await asked('GET', `/v1/polls/${id}`, headers)).toBe(200)
    expect(await make(headers)).toBe('503 primary-unavailable')
    expect(await make()).toBe('401 unauthorized')
    expect(await make(asAdministrator)).toBe(201)
  })
})

describe('an API token', () => {
  let user: User
  beforeEach(async () => {
    user = await api.addUser('organizer')
  })

  it('does what both its scopes and its user may', async () => {
    expect(await make(await api.tokenOf(user, ['polls.change']))).toBe(201)
    expect(await make(await api.tokenOf(user, ['polls.read']))).toBe('403 forbidden')
    const auditor = await api.addUser('auditor')
    expect(await make(await api.tokenOf(auditor, permissionNames))).toBe('403 forbidden')
  })

  it('does less as soon as its user may less', async () => {
    const headers = await api.tokenOf(user, ['polls.change'])
    const { username, name, secondName, email } = user
    const actor = { userId: null, name: 'test' }
    const entry = { atMs: 0, actor, action: 'user.changed', subject: `user ${user.id}`, details: {} }
    await api.people.users.update(user.id, { username, name, secondName, email, role: 'voter', atMs: 0 }, entry)
    expect(await make(headers)).toBe('403 forbidden')
  })

  it('expires, and says so', async () => {
    const headers = await api.tokenOf(user, ['polls.change'], api.clock.ms + 1_000)
    expect(await make(headers)).toBe(201)
    api.clock.ms += 1_000
    const { statusCode, body } = await api.app.inject({ method: 'POST', url: '/v1/polls', headers, payload: newPoll })
    expect([statusCode, JSON.parse(body).detail]).toEqual([401, 'this token has expired'])
  })

  it('is written down as used at most once a minute', async () => {
    const headers = await api.tokenOf(user, ['polls.change'])
    const used = async () => (await api.people.tokens.list(user.id))[0]?.lastUsedAtMs
    const first = api.clock.ms
    await make(headers)
    expect(await used()).toBe(first)
    api.clock.ms += 59_999
    await make(headers)
    expect(await used()).toBe(first)
    api.clock.ms += 1
    await make(headers)
    expect(await used()).toBe(first + 60_000)
  })

  it('that is wrong is refused on public routes, too', async () => {
    for (const token of [`urna_${'A'.repeat(43)}`, 'urna_', 'x', '']) {
      expect(await asked('GET', '/v1/polls', { authorization: `Bearer ${token}` })).toBe('401 unauthorized')
    }
  })

  it('counts before a session', async () => {
    const { headers } = await api.signIn('voter')
    expect(await make({ ...headers, ...(await api.tokenOf(user, ['polls.change'])) })).toBe(201)
  })
})

describe('an organizer', () => {
  it('changes own polls; of others those that are public are forbidden, and drafts do not exist', async () => {
    const { headers, user } = await api.signIn('organizer')
    const other = await api.addUser('organizer')
    const own = api.addPoll({ ownerId: user.id, opensAtMs: null })
    const draft = api.addPoll({ ownerId: other.id, opensAtMs: null })
    const nobodys = api.addPoll({ opensAtMs: null })
    const open = api.addPoll({ ownerId: other.id })
    const deleted = api.addPoll({ ownerId: other.id, deletedAtMs: 1 })
    const urls: [method: 'PUT' | 'POST' | 'DELETE', path: string, payload?: object][] = [
      ['PUT', '', newPoll],
      ['POST', '/duplicate'],
      ['POST', '/open', {}],
      ['POST', '/close', {}],
      ['DELETE', ''],
    ]
    for (const [method, path, payload] of urls) {
      const answer = (id: string) => asked(method, `/v1/polls/${id}${path}`, headers, payload)
      expect(await answer(draft.id), path).toBe('404 poll-not-found')
      expect(await answer(nobodys.id), path).toBe('404 poll-not-found')
      expect(await answer(open.id), path).toBe('403 forbidden')
      expect(await answer(deleted.id), path).toBe('410 poll-deleted')
      expect(String(await answer(own.id)), path).toMatch(/^(200|201|204|409 poll-state)$/)
    }
  })

  it('reads own drafts and hidden results, and nobody else’s', async () => {
    const { headers, user } = await api.signIn('organizer')
    const hidden = { resultsVisibility: 'owner' } as const
    const own = api.addPoll({ ownerId: user.id, opensAtMs: null, definition: hidden })
    const others = api.addPoll({ ownerId: user.id + 1, opensAtMs: null, definition: hidden })
    const othersOpen = api.addPoll({ ownerId: user.id + 1, definition: hidden })
    expect(await asked('GET', `/v1/polls/${own.id}`, headers)).toBe(200)
    expect(await asked('GET', `/v1/polls/${own.id}`)).toBe('404 poll-not-found')
    expect(await asked('GET', `/v1/polls/${others.id}`, headers)).toBe('404 poll-not-found')
    expect(await asked('GET', `/v1/polls/${own.id}/results`, headers)).toBe(200)
    expect(await asked('GET', `/v1/polls/${othersOpen.id}/results`, headers)).toBe('403 results-hidden')
  })

  it('lists the own polls with a token, and the public ones with a session', async () => {
    const { headers, user } = await api.signIn('organizer')
    const own = api.addPoll({ ownerId: user.id, opensAtMs: null })
    const open = api.addPoll({ ownerId: user.id + 1 })
    const ids = async (given: Record<string, string>) =>
      (await api.app.inject({ url: '/v1/polls', headers: given })).json().polls.map(({ id }: { id: string }) => id)
    expect(await ids(headers)).toEqual([open.id])
    expect(await ids(await api.tokenOf(user, ['polls.read']))).toEqual([own.id])
    expect(await ids(await api.tokenOf(user, ['polls.change']))).toEqual([open.id])
    expect(await ids(await api.tokenOf(await api.addUser('auditor'), ['polls.read']))).toEqual([open.id, own.id])
  })
})
