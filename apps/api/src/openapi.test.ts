import { poll, pollList, problem, receipt, results, survey } from '@urna/contracts'
import type { OpenAPIV3_1 } from 'openapi-types'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { z } from 'zod'
import { type TestApi, testApi } from './testing/test-api.ts'

/** Every route of this app. A route that is missing here or there fails. */
const routes = [
  'GET /api/healthcheck',
  'GET /api/healthcheckmysql',
  'GET /api/healthchecksqs',
  'GET /api/votes',
  'GET /healthz',
  'GET /metrics',
  'GET /openapi.json',
  'GET /readyz',
  'GET /surveys',
  'GET /surveys/{id}',
  'GET /surveys/{id}/votes',
  'DELETE /users/{id}',
  'GET /users',
  'GET /users/{id}',
  'POST /users',
  'PUT /users/{id}',
  'GET /v1/audit',
  'GET /v1/config',
  'GET /v1/managed-polls',
  'GET /v1/me',
  'PUT /v1/me/password',
  'GET /v1/sessions',
  'POST /v1/sessions',
  'DELETE /v1/sessions/{id}',
  'GET /v1/system',
  'GET /v1/tokens',
  'POST /v1/tokens',
  'DELETE /v1/tokens/{id}',
  'GET /v1/users',
  'POST /v1/users',
  'POST /v1/users/import',
  'DELETE /v1/users/{id}',
  'GET /v1/users/{id}',
  'PUT /v1/users/{id}',
  'PUT /v1/users/{id}/password',
  'GET /v1/polls',
  'GET /v1/polls/{id}',
  'DELETE /v1/polls/{id}',
  'PUT /v1/polls/{id}',
  'GET /v1/polls/{id}/ballots/mine',
  'GET /v1/polls/{id}/codes',
  'POST /v1/polls/{id}/codes',
  'DELETE /v1/polls/{id}/codes/{codeId}',
  'GET /v1/polls/{id}/voters',
  'POST /v1/polls/{id}/voters',
  'DELETE /v1/polls/{id}/voters/{userId}',
  'POST /v1/polls/{id}/challenges',
  'GET /v1/polls/{id}/results',
  'GET /v1/polls/{id}/results.csv',
  'GET /v1/polls/{id}/results/live',
  'GET /v1/receipts',
  'GET /v1/receipts/{id}',
  'POST /api/postVotes',
  'POST /v1/polls',
  'POST /v1/polls/{id}/ballots',
  'POST /v1/polls/{id}/close',
  'POST /v1/polls/{id}/duplicate',
  'POST /v1/polls/{id}/open',
  'POST /vote',
].sort()

let api: TestApi
let document: OpenAPIV3_1.Document

beforeAll(async () => {
  api = await testApi()
  document = (await api.app.inject('/openapi.json')).json()
})
afterAll(() => api.app.close())

function operations(): [name: string, operation: OpenAPIV3_1.OperationObject][] {
  return Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
    Object.entries(item ?? {}).map(([method, operation]): [string, OpenAPIV3_1.OperationObject] => [
      `${method.toUpperCase()} ${path}`,
      operation as OpenAPIV3_1.OperationObject,
    ]),
  )
}

it('is OpenAPI 3.1 and lists every route, and nothing else', () => {
  expect(document.openapi).toBe('3.1.0')
  expect(
    operations()
      .map(([name]) => name)
      .sort(),
  ).toEqual(routes)
})

it('resolves every $ref', () => {
  const references = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map(([, reference = '']) => reference)
  expect(references.length).toBeGreaterThan(30)
  for (const reference of references) {
    const target = reference
      .replace(/^#\//, '')
      .split('/')
      .reduce<unknown>((part, key) => (part as Record<string, unknown> | undefined)?.[key], document)
    expect(target, reference).toBeTypeOf('object')
  }
})

it('has no component that nothing uses', () => {
  const text = JSON.stringify(document)
  for (const name of Object.keys(document.components?.schemas ?? {})) expect(text).toContain(`"#/components/schemas/${name}"`)
})

it('says in one sentence what each route does, and how each answer looks', () => {
  for (const [name, operation] of operations()) {
    expect(operation.summary, name).toMatch(/\w/)
    for (const [status, response] of Object.entries(operation.responses ?? {})) {
      expect((response as OpenAPIV3_1.ResponseObject).description, `${name} ${status}`).not.toBe('Default Response')
    }
  }
})

it('asks who is there exactly where strangers get 401, and says so with the other answers', async () => {
  for (const [name, operation] of operations()) {
    const [method, path = ''] = name.split(' ')
    const { statusCode } = await api.app.inject({ method: method as 'GET', url: path.replace('{id}', 'zzzzzzzzzzzzzzzz') })
    // POST /v1/sessions says 401 to a wrong password, not to a stranger: without a body it is 400.
    expect(statusCode === 401, name).toBe(operation.security !== undefined)
    if (operation.security === undefined) continue
    const { responses = {} } = operation
    expect((responses['401'] as OpenAPIV3_1.ResponseObject).description, name).toContain('`unauthorized`')
    expect((responses['403'] as OpenAPIV3_1.ResponseObject).description, name).toContain('`forbidden`')
  }
})

it('documents problems as problem+json', () => {
  const ballots = document.paths?.['/v1/polls/{id}/ballots']?.post?.responses as Record<string, OpenAPIV3_1.ResponseObject>
  expect(Object.keys(ballots)).toEqual(
    ['202', '400', '401', '403', '404', '409', '410', '413', '415', '422', '500', '503'].filter((status) => status in ballots),
  )
  expect(ballots['422']?.content).toEqual({ 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } })
  expect(ballots['503']?.description).toContain('`queue-unavailable`')
})

it('answers with what it documents', async () => {
  const { id } = api.addPoll({ surveyId: 1 })
  const ballot = await api.app.inject({
    method: 'POST',
    url: `/v1/polls/${id}/ballots`,
    payload: { answers: [{ question: 1, options: [1] }] },
  })
  const shapes: [url: string, shape: z.ZodObject][] = [
    [`/v1/polls/${id}`, poll],
    ['/v1/polls', pollList],
    [`/v1/polls/${id}/results`, results],
    [`/v1/receipts/${ballot.json().receipt}`, receipt],
    ['/surveys/1', survey],
    ['/nowhere', problem],
  ]
  for (const [url, shape] of shapes) {
    const parsed = z.strictObject(shape.shape).safeParse((await api.app.inject(url)).json())
    expect(parsed.error?.issues, url).toBeUndefined()
  }
})

it('has pages that a browser may show without foreign content', async () => {
  const page = await api.app.inject('/docs/')
  expect(page.statusCode).toBe(200)
  expect(page.headers['content-security-policy']).toContain("default-src 'self'")
  expect(page.headers['content-security-policy']).not.toContain('upgrade-insecure-requests')
})
