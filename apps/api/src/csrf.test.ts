import type { Problem } from '@urna/contracts'
import type { Poll } from '@urna/core'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { routeTable, type TableRoute } from './testing/route-table.ts'
import { type TestApi, testApi } from './testing/test-api.ts'

/**
 * What a page of somebody else can make a visitor's browser send, against every route that writes. The visitor is signed in and has voted:
 * the browser sends along all that it has. Nothing may come of it.
 */

const publicUrl = 'https://vote.example'
const host = 'vote.example'
const json = 'application/json'

interface Shape {
  readonly name: string
  readonly headers: Record<string, string>
  /** Default: JSON. */
  readonly contentType?: string
  readonly method?: 'GET' | 'HEAD'
  /** What the refusal is; default: origin-refused. Null: there is nothing to refuse, for nothing changes. */
  readonly refusal?: 'unsupported-media-type' | null
}

const fromOrigin = (name: string, origin: string, more: Record<string, string> = {}): Shape => ({ name, headers: { origin, ...more } })

const shapes: readonly Shape[] = [
  { ...fromOrigin('a form, as browsers send it', 'https://evil.example'), contentType: 'application/x-www-form-urlencoded' },
  { ...fromOrigin('a form with a file', 'https://evil.example'), contentType: 'multipart/form-data; boundary=x' },
  { ...fromOrigin('JSON that calls itself text, which needs no preflight', 'https://evil.example'), contentType: 'text/plain' },
  {
    name: 'a form of a browser that says nothing',
    headers: {},
    contentType: 'application/x-www-form-urlencoded',
    refusal: 'unsupported-media-type',
  },
  { name: 'text of a browser that says nothing', headers: {}, contentType: 'text/plain;charset=UTF-8', refusal: 'unsupported-media-type' },
  {
    name: 'a form of our own page',
    headers: { origin: publicUrl },
    contentType: 'multipart/form-data; boundary=x',
    refusal: 'unsupported-media-type',
  },
  fromOrigin('another site', 'https://evil.example', { 'sec-fetch-site': 'cross-site' }),
  fromOrigin('another site that lies about Sec-Fetch-Site', 'https://evil.example', { 'sec-fetch-site': 'same-origin' }),
  fromOrigin('a frame without origin', 'null'),
  fromOrigin('a frame without origin, of the same site', 'null', { 'sec-fetch-site': 'same-site' }),
  fromOrigin('an empty origin', ''),
  { name: 'no Origin, another site', headers: { 'sec-fetch-site': 'cross-site' } },
  { name: 'no Origin, the same site', headers: { 'sec-fetch-site': 'same-site' } },
  { name: 'no Origin, two answers', headers: { 'sec-fetch-site': 'same-origin, cross-site' } },
  fromOrigin('a subdomain', 'https://evil.vote.example', { 'sec-fetch-site': 'same-site' }),
  fromOrigin('the domain above', 'https://example', { 'sec-fetch-site': 'same-site' }),
  fromOrigin('our host as a beginning', 'https://vote.example.evil.example'),
  fromOrigin('our host as an end', 'https://evilvote.example'),
  fromOrigin('our host with a dot behind it', 'https://vote.example.'),
  fromOrigin('our host in other letters', 'https://VOTE.example'),
  fromOrigin('our host with a path', 'https://vote.example/'),
  fromOrigin('our host without a scheme', 'vote.example'),
  fromOrigin('another port', 'https://vote.example:8443'),
  fromOrigin('another scheme', 'http://vote.example'),
  fromOrigin('a scheme that is none', 'ftp://vote.example'),
  fromOrigin('our host as a user', 'https://vote.example@evil.example'),
  fromOrigin('our host behind a user', 'https://evil.example@vote.example'),
  fromOrigin('two origins', 'https://vote.example, https://evil.example'),
  fromOrigin('two origins with a space', 'https://evil.example https://vote.example'),
  fromOrigin('a proxy that nobody trusts says another host', 'https://evil.example', { 'x-forwarded-host': 'evil.example' }),
  fromOrigin('headers that would change the method', 'https://evil.example', {
    'x-http-method-override': 'DELETE',
    'x-method-override': 'PUT',
  }),
  { name: 'GET with a body', headers: {}, method: 'GET', refusal: null },
  {
    ...fromOrigin('GET that would be another method', 'https://evil.example', { 'x-http-method-override': 'POST' }),
    method: 'GET',
    refusal: null,
  },
  { name: 'HEAD', headers: {}, method: 'HEAD', refusal: null },
]

const anybodyVotes = ['/vote', '/api/postVotes']
const bodies: Record<string, unknown> = {
  '/vote': { survey_id: 1, vote: 'pepsi' },
  '/api/postVotes': { userID: 'id-1', vote: 'pepsi' },
  '/v1/polls/:id/ballots': { answers: [{ question: 1, options: [2] }] },
  '/v1/polls/:id/open': {},
  '/v1/polls/:id/close': {},
  '/v1/polls/:id/duplicate': {},
}
const pollBody = { title: 'Another', questions: [{ text: 'Which?', options: [{ text: 'a' }, { text: 'b' }] }] }

let api: TestApi
let draft: Poll
let open: Poll
/** Cookies of the visitor. */
let voter = 'none=of-it'
let session: string
let voterKey: string
beforeEach(async () => {
  await begin()
  open = api.addPoll({ surveyId: 1 })
  draft = api.addPoll({ opensAtMs: null })
  const voted = await send({ method: 'POST', url: '/v1/polls/:id/ballots' }, { origin: publicUrl })
  expect(voted.statusCode).toBe(202)
  voter = String(voted.headers['set-cookie']).split(';')[0] ?? ''
  voterKey = Buffer.from(api.published[0]?.voterKey ?? []).toString('hex')
})
afterEach(() => api.app.close())

async function begin(): Promise<void> {
  api = await testApi({ publicUrl })
  session = `__Host-${(await api.signIn('administrator')).headers.cookie}`
}

function send({ method, url }: TableRoute, headers: Record<string, string>, contentType = json) {
  const isVote = url.endsWith('/ballots') || url === '/v1/polls/:id/close'
  return api.app.inject({
    method: method as 'POST',
    url: url.replace(':id', (isVote ? open : draft).id).replaceAll(/:\w+|\*/g, 'x'),
    headers: { host, cookie: [voter, session].join('; '), 'content-type': contentType, ...headers },
    payload: JSON.stringify(bodies[url] ?? pollBody),
  })
}

const state = () => JSON.stringify([[...api.polls.polls], api.published.length, api.ballots.erased, api.people.audit.records.length])
const votersOfOpen = () => api.published.map(({ voterKey: key }) => Buffer.from(key).toString('hex'))

function writingRoutes(): TableRoute[] {
  return routeTable(api.app).filter(({ method }) => !['GET', 'HEAD', 'OPTIONS'].includes(method))
}

describe('the matrix of requests that a foreign page can make', () => {
  it('has every writing route, and each of them does something for our own page', async () => {
    const routes = writingRoutes()
    // Those of codes and rolls need some to be there: their own tests try them.
    const tried = routes.filter(({ url }) => /^\/(v1\/polls|vote|api)/.test(url) && !/\/(codes|voters|challenges)/.test(url))
    expect(tried.length).toBeGreaterThanOrEqual(9)
    for (const route of tried) {
      for (const headers of [
        { origin: publicUrl },
        { origin: publicUrl, 'sec-fetch-site': 'same-origin' },
        { 'sec-fetch-site': 'none' },
        {},
      ]) {
        await api.app.close()
        await begin()
        open = api.addPoll({ surveyId: 1 })
        draft = api.addPoll({ opensAtMs: null })
        const before = state()
        const { statusCode, body } = await send(route, headers, json)
        expect([route.method, route.url, statusCode, statusCode < 300 ? '' : body]).toEqual([route.method, route.url, statusCode, ''])
        expect(state(), route.url).not.toBe(before)
      }
    }
  })

  it(`has ${shapes.length} shapes`, () => {
    expect(shapes.length).toBeGreaterThanOrEqual(12)
    expect(new Set(shapes.map(({ name }) => name)).size).toBe(shapes.length)
  })

  for (const { name, headers, contentType, method, refusal = 'origin-refused' } of shapes) {
    it(`${name} -> ${refusal ?? 'nothing'}`, async () => {
      const before = state()
      for (const route of writingRoutes()) {
        if (anybodyVotes.includes(route.url) && refusal === 'origin-refused' && contentType === undefined) continue
        const answer = await send({ url: route.url, method: method ?? route.method }, headers, contentType)
        const at = `${route.method} ${route.url}`
        expect(answer.headers['set-cookie'], at).toBeUndefined()
        expect(answer.headers['access-control-allow-credentials'], at).toBeUndefined()
        expect(state(), at).toBe(before)
        if (refusal === null) continue
        const expected = anybodyVotes.includes(route.url) ? 'unsupported-media-type' : refusal
        // Of the ballot route, whose body is read first, a body that is no JSON is refused for that.
        const types = route.url.endsWith('/ballots') ? [expected, 'unsupported-media-type'] : [expected]
        const { type } = method === 'HEAD' ? { type: '' } : answer.json<Problem>()
        expect(
          types.map((one) => `urn:urna:problem:${one}`),
          at,
        ).toContain(type)
      }
    })
  }

  it('lets pages of any origin vote on the compatible routes, and takes nobody for the visitor whose browser it is', async () => {
    for (const { headers } of shapes.filter(({ refusal, contentType }) => refusal === undefined && contentType === undefined)) {
      const { statusCode, headers: answered } = await send({ method: 'POST', url: '/vote' }, headers)
      expect([statusCode, answered['set-cookie'], answered['access-control-allow-origin']]).toEqual([200, undefined, '*'])
      expect((await send({ method: 'POST', url: '/api/postVotes' }, headers)).statusCode).toBe(200)
    }
    expect(votersOfOpen().filter((key) => key === voterKey)).toHaveLength(1)
  })

  it('is refused before the body is read', async () => {
    const { statusCode, body } = await api.app.inject({
      method: 'POST',
      url: '/v1/polls',
      headers: { host, origin: 'https://evil.example', 'content-type': json },
      payload: '{"title":',
    })
    expect([statusCode, JSON.parse(body).type]).toEqual([403, 'urn:urna:problem:origin-refused'])
  })
})
