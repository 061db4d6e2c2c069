import { user as userSchema } from '@urna/contracts'
import { verifyPassword } from '@urna/core'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { asAdministrator, type TestApi, testApi } from '../testing/test-api.ts'

let api: TestApi
beforeEach(async () => {
  api = await testApi()
})
afterEach(() => api.app.close())

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE'
function ask(method: Method, url: string, payload?: object, headers: Record<string, string> = asAdministrator) {
  return api.app.inject({ method, url, headers, ...(payload !== undefined && { payload }) })
}
const problemOf = (response: { body: string }) => String(JSON.parse(response.body).type).replace('urn:urna:problem:', '')

describe('users', () => {
  it('are made, read, replaced and deleted, each change noted', async () => {
    const made = await ask('POST', '/v1/users', {
      username: 'Ana',
      name: 'Ana',
      secondName: 'Lima',
      password: 'a long password',
      role: 'organizer',
    })
    expect([made.statusCode, made.headers.location]).toEqual([201, '/v1/users/1'])
    expect(z.strictObject(userSchema.shape).safeParse(made.json()).error).toBeUndefined()
    expect(made.json()).toMatchObject({ id: '1', email: '', hasPassword: true, lastSignInAt: null, createdAt: '2026-11-21T12:00:00.000Z' })
    expect((await ask('GET', '/v1/users/1')).json()).toEqual(made.json())
    api.clock.ms += 1_000
    const replaced = await ask('PUT', '/v1/users/1', { username: 'anna', email: 'ana@school.example' })
    expect(replaced.json()).toMatchObject({
      username: 'anna',
      name: '',
      role: 'voter',
      hasPassword: true,
      updatedAt: '2026-11-21T12:00:01.000Z',
    })
    expect((await ask('DELETE', '/v1/users/1')).statusCode).toBe(204)
    expect(problemOf(await ask('GET', '/v1/users/1'))).toBe('user-not-found')
    const told = api.people.audit.records.map(({ actor, action, subject }) => `${actor}: ${action} ${subject}`)
    expect(told).toEqual(['user.created', 'user.changed', 'user.deleted'].map((action) => `administrator's token: ${action} user 1`))
  })

  it('say by name what is wrong', async () => {
    await api.addUser('administrator', 'admin')
    const cases: [payload: object, field: string][] = [
      [{}, 'username'],
      [{ username: 'a b' }, 'username'],
      [{ username: 'ana', email: 'no address' }, 'email'],
      [{ username: 'ana', role: 'king' }, 'role'],
      [{ username: 'ana', password: 'short' }, 'password'],
      [{ username: 'ana', id: '7' }, 'id'],
      [{ username: 'x'.repeat(101) }, 'username'],
    ]
    for (const [payload, field] of cases) {
      const response = await ask('POST', '/v1/users', payload)
      expect([response.statusCode, response.json().errors?.[0]?.field, payload]).toEqual([400, field, payload])
    }
    const taken = await ask('POST', '/v1/users', { username: 'ADMIN' })
    expect([taken.statusCode, problemOf(taken), taken.json().errors[0].field]).toEqual([409, 'username-taken', 'username'])
    for (const id of ['0', '-1', 'x', '1e3', '01']) expect((await ask('GET', `/v1/users/${id}`)).statusCode).toBe(400)
    for (const method of ['PUT', 'DELETE'] as const) expect((await ask(method, '/v1/users/99', { username: 'x' })).statusCode).toBe(404)
  })

  it('are searched and paged', async () => {
    for (const username of ['ana', 'bruno', 'Anabel']) await api.addUser('voter', username)
    const names = async (query: string) => (await ask('GET', `/v1/users?${query}`)).json()
    expect(await names('search=AN&limit=1&role=voter')).toMatchObject({ users: [{ username: 'ana' }], next: '1', total: 3 })
    // Ana is everybody's first name here: three match.
    expect((await names('search=bru')).users).toHaveLength(1)
    expect(await names('limit=1&after=2')).toMatchObject({ users: [{ username: 'Anabel' }], next: null, total: 3 })
    expect((await names('role=auditor')).total).toBe(0)
    expect((await ask('GET', '/v1/users?limit=201')).statusCode).toBe(400)
  })

  it('never leave the installation without an administrator', async () => {
    const { id } = (await ask('POST', '/v1/users', { username: 'ana', role: 'administrator', password: 'a long password' })).json()
    expect(problemOf(await ask('PUT', `/v1/users/${id}`, { username: 'ana', role: 'auditor' }))).toBe('last-administrator')
    const removed = await ask('DELETE', `/v1/users/${id}`)
    expect([removed.statusCode, problemOf(removed)]).toEqual([409, 'last-administrator'])
  })

  it('get passwords from an administrator, and are signed out then', async () => {
    const ana = await api.addUser('organizer', 'ana')
    const session = await api.signIn(ana)
    const administrator = await api.signIn('administrator')
    const set = (id: number, headers: Record<string, string>) =>
      ask('PUT', `/v1/users/${id}/password`, { password: 'a long password' }, headers)
    expect((await set(ana.id, await api.tokenOf(administrator.user, ['users.change']))).statusCode).toBe(403)
    expect((await set(ana.id, administrator.headers)).statusCode).toBe(204)
    expect(await verifyPassword('a long password', (await api.people.users.findCredentials('ana'))?.passwordHash ?? '')).toBe(true)
    expect((await ask('GET', '/v1/me', undefined, session.headers)).statusCode).toBe(401)
    // Their own only with the one that they have.
    const own = await set(administrator.user.id, administrator.headers)
    expect([own.statusCode, own.json().detail]).toEqual([403, expect.stringContaining('PUT /v1/me/password')])
    expect((await set(99, asAdministrator)).statusCode).toBe(404)
  })

  it('get no role from a token that lacks permissions of that role', async () => {
    const { user } = await api.signIn('administrator')
    const directory = await api.tokenOf(user, ['users.read', 'users.change'])
    const polls = await api.tokenOf(user, ['users.change', 'polls.read', 'polls.change', 'voters.read', 'voters.change'])
    const make = (role: string, headers: Record<string, string>, username = role) =>
      ask('POST', '/v1/users', { username, role, password: 'a long password' }, headers)
    for (const role of ['administrator', 'organizer', 'auditor']) {
      const response = await make(role, directory)
      expect([role, response.statusCode, problemOf(response)]).toEqual([role, 403, 'forbidden'])
      const csv = `username,role,password\nbruno,voter,\ncarla,${role},a long password\n`
      expect((await ask('POST', '/v1/users/import', { csv, dryRun: false }, directory)).statusCode).toBe(403)
    }
    expect((await make('voter', directory)).statusCode).toBe(201)
    const { id } = await api.addUser('voter', 'mallory')
    const replace = (role: string, headers: Record<string, string>) => ask('PUT', `/v1/users/${id}`, { username: 'mallory', role }, headers)
    expect((await replace('administrator', directory)).statusCode).toBe(403)
    expect((await replace('administrator', polls)).statusCode).toBe(403)
    expect((await replace('organizer', polls)).statusCode).toBe(200)
    // The role that there is is nothing that is given.
    expect((await replace('organizer', directory)).statusCode).toBe(200)
    expect((await replace('administrator', asAdministrator)).statusCode).toBe(200)
    expect(
      (await api.people.users.list({ search: null, role: null, limit: 9, after: null })).users.map(({ username }) => username),
    ).toEqual([user.username, 'voter', 'mallory'])
  })

  it('leave their polls behind, which are nobody’s then', async () => {
    const { id } = await api.addUser('organizer')
    const poll = api.addPoll({ ownerId: id })
    await ask('DELETE', `/v1/users/${id}`)
    expect(api.polls.polls.get(poll.id)?.ownerId).toBeNull()
  })
})

describe('an import', () => {
  const send = (csv: string, dryRun?: boolean) => ask('POST', '/v1/users/import', { csv, ...(dryRun !== undefined && { dryRun }) })

  it('says first what would happen, and then does it, all or nothing', async () => {
    const csv = 'username;full_name;role\r\nana;Ana Lima Souza;organizer\r\nbruno;;\r\n'
    const dry = await send(csv)
    expect(dry.json()).toEqual({
      dryRun: true,
      rows: 2,
      created: 0,
      faults: [],
      faultsTotal: 0,
      preview: [
        { username: 'ana', name: 'Ana', secondName: 'Lima Souza', email: '', role: 'organizer' },
        { username: 'bruno', name: '', secondName: '', email: '', role: 'voter' },
      ],
    })
    expect((await ask('GET', '/v1/users')).json().total).toBe(0)
    expect((await send(csv, false)).json()).toMatchObject({ dryRun: false, rows: 2, created: 2 })
    expect((await ask('GET', '/v1/users')).json().total).toBe(2)
    const again = await send(`${csv}carla;;\n`, false)
    expect([again.statusCode, problemOf(again)]).toEqual([422, 'import-invalid'])
    expect(again.json().errors.map(({ field }: { field: string }) => field)).toEqual(['csv line 2 username', 'csv line 3 username'])
    expect((await ask('GET', '/v1/users')).json().total).toBe(2)
    expect((await send(`${csv}carla;;\n`)).json()).toMatchObject({ rows: 3, created: 0, faultsTotal: 2 })
  })

  it('never shows a password, and keeps only its hash', async () => {
    const csv = 'username,password\nana,a long password\n'
    const bodies = [(await send(csv)).body, (await send(csv, false)).body, JSON.stringify([api.people.audit.records, api.log])]
    expect(bodies.join()).not.toContain('a long password')
    expect(await verifyPassword('a long password', (await api.people.users.findCredentials('ana'))?.passwordHash ?? '')).toBe(true)
  })

  it('is refused as a whole where a name is taken in between', async () => {
    const { findByUsernames } = api.people.users
    api.people.users.findByUsernames = async () => []
    await api.addUser('voter', 'bruno')
    const response = await send('username\nana\nbruno\n', false)
    api.people.users.findByUsernames = findByUsernames
    expect([response.statusCode, response.json().errors[0].field]).toEqual([422, 'csv line 3 username'])
    expect(await api.people.users.findByUsername('ana')).toBeNull()
  })
})

describe('/users', () => {
  const ana = { username: 'ana', full_name: 'Ana  Lima Souza', email: 'ana@school.example' }
  const onWire = { id: '1', ...ana, created_at: '2026-11-21 12:00:00', updated_at: '2026-11-21 12:00:00' }

  it('keeps the shapes that older clients know', async () => {
    const made = await ask('POST', '/users', { ...ana, id: '42' })
    expect([made.statusCode, made.body]).toEqual([201, JSON.stringify(onWire)])
    expect((await ask('GET', '/users')).json()).toEqual([onWire])
    expect((await ask('GET', '/users?username=ANA')).json()).toEqual([onWire])
    expect((await ask('GET', '/users?username=nobody')).body).toBe('[]')
    expect((await ask('GET', '/users/1')).json()).toEqual(onWire)
    api.clock.ms += 1_000
    const changed = { ...onWire, full_name: 'Ana', updated_at: '2026-11-21 12:00:01' }
    expect((await ask('PUT', '/users/1', { ...onWire, full_name: 'Ana', id: '7' })).json()).toEqual(changed)
    expect((await ask('GET', '/users/1')).json()).toEqual(changed)
    expect((await ask('DELETE', '/users/1')).statusCode).toBe(204)
    expect((await ask('GET', '/users')).body).toBe('[]')
  })

  it('keeps the role of whom it replaces', async () => {
    const { id } = await api.addUser('auditor', 'bruno')
    await ask('PUT', `/users/${id}`, ana)
    expect((await api.people.users.find(id))?.role).toBe('auditor')
  })

  it('answers 400 with the fault, 404 and 409', async () => {
    await ask('POST', '/users', ana)
    await ask('POST', '/users', { username: 'bruno' })
    for (const [payload, field] of [
      [{}, 'username'],
      [{ ...ana, username: 'a b' }, 'username'],
      [{ ...ana, email: 'x' }, 'email'],
      [{ ...ana, full_name: 'x'.repeat(101) }, 'full_name'],
      [{ ...ana, full_name: `x ${'y'.repeat(101)}` }, 'full_name'],
      [{ ...ana, role: 'administrator' }, 'role'],
    ] as const) {
      for (const [method, url] of [
        ['POST', '/users'],
        ['PUT', '/users/1'],
      ] as const) {
        const response = await ask(method, url, payload)
        expect([response.statusCode, response.json().errors?.[0]?.field, field]).toEqual([400, field, field])
      }
    }
    expect((await ask('POST', '/users', ana)).statusCode).toBe(409)
    expect((await ask('PUT', '/users/2', ana)).statusCode).toBe(409)
    for (const id of ['99', '0', 'x', '-1', '__proto__', '1.0']) {
      expect([id, (await ask('GET', `/users/${id}`)).statusCode]).toEqual([id, 404])
      expect([id, (await ask('PUT', `/users/${id}`, { username: 'free' })).statusCode]).toEqual([id, 404])
      expect([id, (await ask('DELETE', `/users/${id}`)).statusCode]).toEqual([id, 404])
    }
  })

  it('reads the body as JSON whatever it says it is, with a token; a session has to say', async () => {
    const administrator = await api.signIn('administrator')
    const post = (username: string, headers: Record<string, string>) =>
      api.app.inject({ method: 'POST', url: '/users', payload: JSON.stringify({ username }), headers })
    for (const [index, type] of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data',
      'application/octet-stream',
    ].entries()) {
      expect([type, (await post(`user-${index}`, { ...asAdministrator, 'content-type': type })).statusCode]).toEqual([type, 201])
      expect([type, (await post('one', { ...administrator.headers, 'content-type': type })).statusCode]).toEqual([type, 415])
    }
    expect((await post('two', { ...administrator.headers, 'content-type': 'application/json' })).statusCode).toBe(201)
    const broken = await api.app.inject({
      method: 'POST',
      url: '/users',
      payload: '{',
      headers: { ...asAdministrator, 'content-type': 'text/plain' },
    })
    expect([broken.statusCode, problemOf(broken)]).toEqual([400, 'invalid-json'])
    // Elsewhere nothing but JSON is.
    const elsewhere = {
      method: 'POST',
      url: '/v1/users',
      payload: '{}',
      headers: { ...asAdministrator, 'content-type': 'text/plain' },
    } as const
    expect((await api.app.inject(elsewhere)).statusCode).toBe(415)
  })

  it('names the next page where there are more', async () => {
    for (const username of ['ana', 'bruno', 'carla']) await api.addUser('voter', username)
    const first = await ask('GET', '/users?limit=2')
    expect([first.json().length, first.headers.link]).toEqual([2, '</users?limit=2&after=2>; rel="next"'])
    const second = await ask('GET', '/users?limit=2&after=2')
    expect([second.json().length, second.headers.link]).toEqual([1, undefined])
  })
})
