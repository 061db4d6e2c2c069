import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Permission, permissionNames, permissions, type Reach, type Role, type User } from '@urna/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type DeclaredRoute, sessionMsDefault } from './callers.ts'
import { asAdministrator, type TestApi, testApi } from './testing/test-api.ts'

/** All that a stranger gets: nothing is added here without a reason. HEAD goes with GET. */
const publicRoutes = [
  'GET /api/healthcheck',
  'GET /api/healthcheckmysql',
  'GET /api/healthchecksqs',
  'GET /api/votes',
  'GET /healthz',
  'GET /metrics',
  'GET /openapi.json',
  'GET /readyz',
  'GET /surveys',
  'GET /surveys/:id',
  'GET /surveys/:id/votes',
  'GET /v1/config',
  'GET /v1/polls',
  'GET /v1/polls/:id',
  'GET /v1/polls/:id/ballots/mine',
  'GET /v1/polls/:id/results',
  'GET /v1/polls/:id/results.csv',
  'GET /v1/polls/:id/results/live',
  'GET /v1/receipts',
  'GET /v1/receipts/:id',
  'POST /api/postVotes',
  'POST /v1/polls/:id/ballots',
  'POST /v1/polls/:id/challenges',
  'POST /v1/sessions',
  'POST /vote',
]
/** Not in OpenAPI: the pages, the pages of the documentation, and what answers a preflight. */
const undocumented = /^(OPTIONS \*|(GET|HEAD) \/(index\.html|assets\/[\w.-]+|docs(\/.*)?)?)$/

let api: TestApi
let pagesRoot: string
/** Of a closed session, an expired session. */
const past: Record<string, string> = {}
const users = {} as Record<Role, User>
const sessions = {} as Record<Role, { cookie: string }>
const tokens = new Map<Role, Map<'all' | 'none' | Permission, { authorization: string }>>()

beforeAll(async () => {
  pagesRoot = mkdtempSync(join(tmpdir(), 'urna-pages-'))
  mkdirSync(join(pagesRoot, 'assets'))
  writeFileSync(join(pagesRoot, 'index.html'), '<!doctype html>')
  writeFileSync(join(pagesRoot, 'assets/app.js'), '')
  api = await testApi({ pagesRoot })
  Object.assign(past, (await api.signIn('administrator')).headers)
  api.clock.ms += sessionMsDefault
  for (const role of ['administrator', 'organizer', 'auditor', 'voter'] as const) {
    const { user, headers } = await api.signIn(role)
    users[role] = user
    sessions[role] = headers
    const ofRole = new Map<'all' | 'none' | Permission, { authorization: string }>()
    ofRole.set('all', await api.tokenOf(user, permissionNames))
    for (const permission of permissionNames) ofRole.set(permission, await api.tokenOf(user, [permission]))
    tokens.set(role, ofRole)
  }
})
afterAll(async () => {
  await api.app.close()
  rmSync(pagesRoot, { recursive: true })
})

const nameOf = ({ method, url }: DeclaredRoute) => `${method} ${url}`
const isPollOf = (url: string) => url.startsWith('/v1/polls/:id')

function routesNow(): DeclaredRoute[] {
  return api.app.declaredRoutes.filter(({ url }) => url !== '*')
}

/** What came out: the way in was shut for strangers, or for this one, or it was open. */
async function ask(route: DeclaredRoute, headers: Record<string, string>, id: string): Promise<'401' | '403' | '404' | 'in'> {
  const url = route.url.replace(':id', id).replace(/:\w+/g, 'nothing').replace('*', 'nothing')
  const writes = ['POST', 'PUT', 'PATCH'].includes(route.method)
  const { statusCode, body } = await api.app.inject({
    method: route.method as 'GET',
    url,
    // A stream of events would not end.
    headers: { accept: 'application/json', ...headers, ...(writes && { 'content-type': 'application/json' }) },
    ...(writes && { payload: '{}' }),
  })
  const problem = body.startsWith('{"type"') ? String(JSON.parse(body).type).replace('urn:urna:problem:', '') : ''
  if (route.method === 'HEAD' ? statusCode === 401 : problem === 'unauthorized') return '401'
  if (route.method === 'HEAD' ? statusCode === 403 : problem === 'forbidden') return '403'
  if (route.method === 'HEAD' ? statusCode === 404 && isPollOf(route.url) : problem === 'poll-not-found') return '404'
  expect(statusCode, `${nameOf(route)} ${body}`).toBeLessThan(500)
  return 'in'
}

function reachOfRole(role: Role, permission: Permission): Reach | null {
  return (permissions[permission] as Partial<Record<Role, Reach>>)[role] ?? null
}

/** The rule, said once more without the code that it tests. `scopes`: of an API token; null: a session. */
function expected(route: DeclaredRoute, role: Role, scopes: 'all' | Permission | null, poll: 'own' | 'other draft' | 'other open') {
  const { access, apiTokens } = route
  if (access === 'public') return 'in'
  if (scopes !== null && !apiTokens) return '403'
  if (access === 'signed-in' || access === 'session') return 'in'
  if (scopes !== null && scopes !== 'all' && scopes !== access) return '403'
  const reach = reachOfRole(role, access)
  if (reach === null) return '403'
  if (reach === 'all' || poll === 'own' || !isPollOf(route.url)) return 'in'
  return poll === 'other draft' ? '404' : '403'
}

describe('routes', () => {
  it('are public only where this list says so', () => {
    const names = routesNow()
      .filter(({ access, method }) => access === 'public' && method !== 'HEAD')
      .map(nameOf)
      .filter((name) => !undocumented.test(name))
    expect(names.sort()).toEqual([...publicRoutes].sort())
  })

  it('are all in OpenAPI, or pages', async () => {
    const document = (await api.app.inject('/openapi.json')).json() as { paths: Record<string, Record<string, unknown>> }
    const documented = new Set(
      Object.entries(document.paths).flatMap(([path, item]) => Object.keys(item).map((method) => `${method.toUpperCase()} ${path}`)),
    )
    const missing = api.app.declaredRoutes
      .map(({ method, url }) => `${method} ${url.replace(/:(\w+)/g, '{$1}')}`)
      .filter((name) => !documented.has(name.replace(/^HEAD/, 'GET')) && !undocumented.test(name))
    expect(missing).toEqual([])
    expect(documented.size).toBeGreaterThan(40)
  })
})

describe('every route lets in', () => {
  it.each(['nobody', 'a wrong token', 'an ended session', 'another scheme'])('%s where it is public, and nowhere else', async (who) => {
    const headers = {
      nobody: {},
      'a wrong token': { authorization: `Bearer urna_${'A'.repeat(43)}` },
      'an ended session': past,
      'another scheme': { authorization: 'Basic YTpi' },
    }[who] as Record<string, string>
    const gaps: string[] = []
    for (const route of routesNow()) {
      // Ids and bodies are garbage: a stranger does not learn even that.
      const answer = await ask(route, headers, '%00garbage')
      const wanted = route.access === 'public' ? ['in', '404'] : ['401']
      // Some public routes show more to a token; a wrong one is told so.
      if (route.access === 'public' && who === 'a wrong token') wanted.push('401')
      if (!wanted.includes(answer)) gaps.push(`${nameOf(route)}: ${answer}`)
    }
    expect(gaps).toEqual([])
  })

  it.each(['administrator', 'organizer', 'auditor', 'voter'] as const)('the %s as the table of permissions says', async (role) => {
    const gaps: string[] = []
    let asked = 0
    const ways: ['all' | Permission | null, Record<string, string>][] = [[null, sessions[role]]]
    for (const scope of ['all', ...permissionNames] as const) ways.push([scope, tokens.get(role)?.get(scope) as { authorization: string }])
    for (const route of routesNow()) {
      const places = isPollOf(route.url) ? (['own', 'other draft', 'other open'] as const) : (['own'] as const)
      for (const [scopes, headers] of ways) {
        for (const place of places) {
          const poll = api.addPoll({
            ownerId: place === 'own' ? users[role].id : 99_999,
            ...(place !== 'other open' && { opensAtMs: null }),
          })
          const wanted = expected(route, role, scopes, place)
          const answer = await ask(route, headers, isPollOf(route.url) ? poll.id : '0000000000000000')
          asked++
          const fits = wanted === answer || (route.access === 'public' && answer === '404')
          if (!fits) gaps.push(`${nameOf(route)} (${scopes ?? 'session'}, ${place}): ${answer}, expected ${wanted}`)
        }
      }
    }
    expect(gaps).toEqual([])
    // 9 tokens and a session at each route
    expect(asked).toBeGreaterThanOrEqual(10 * routesNow().length)
  })

  it('the administrator’s token, but not where a person must have signed in', async () => {
    const gaps: string[] = []
    for (const route of routesNow()) {
      const poll = api.addPoll({ opensAtMs: null })
      const answer = await ask(route, asAdministrator, isPollOf(route.url) ? poll.id : '0000000000000000')
      const wanted = route.access === 'session' ? ['403'] : route.access === 'public' ? ['in', '404'] : ['in']
      if (!wanted.includes(answer)) gaps.push(`${nameOf(route)}: ${answer}`)
    }
    expect(gaps).toEqual([])
  })
})
