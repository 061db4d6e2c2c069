import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ApiDependencies } from './dependencies.ts'
import { pageHeaders } from './security-headers.ts'
import { type TestApi, testApi } from './testing/test-api.ts'

let api: TestApi
beforeEach(async () => {
  api = await testApi()
})
afterEach(() => api.app.close())

async function restart(changes: Partial<ApiDependencies>): Promise<void> {
  await api.app.close()
  api = await testApi(changes)
}

const payload = { answers: [{ question: 1, options: [1] }] }

describe('readiness', () => {
  const ready = async () => {
    const { statusCode, body } = await api.app.inject('/readyz')
    return [statusCode, JSON.parse(body)]
  }

  it('names each dependency', async () => {
    const ok = { ok: true }
    expect(await ready()).toEqual([200, { ready: true, dependencies: { queue: ok, database: ok, definitions: ok } }])
  })

  it('needs what is essential, and names the rest', async () => {
    await restart({ essential: ['queue'], dependencyChecks: { queue: async () => true, database: async () => false } })
    expect(await ready()).toMatchObject([200, { ready: true, dependencies: { database: { ok: false } } }])
    await restart({ essential: ['queue', 'database'], dependencyChecks: { queue: async () => true, database: async () => false } })
    expect(await ready()).toMatchObject([503, { ready: false }])
  })

  it('needs the polls to have been read once', async () => {
    const { polls } = api
    polls.failure = new Error('down')
    await restart({ polls })
    expect(await ready()).toMatchObject([503, { ready: false, dependencies: { definitions: { ok: false } } }])
    // Alive all the same: a restart would help nobody.
    expect((await api.app.inject('/healthz')).statusCode).toBe(200)
  })

  it('does not hang with a dependency that hangs', async () => {
    await restart({ dependencyChecks: { queue: async () => true, database: () => new Promise(() => {}) } })
    expect(await ready()).toMatchObject([200, { dependencies: { database: { ok: false } } }])
  })
})

describe('what a page needs to know first', () => {
  it('is never kept by a cache: it holds the time', async () => {
    const { headers, body } = await api.app.inject('/v1/config')
    expect(headers['cache-control']).toBe('no-store')
    expect(JSON.parse(body)).toEqual({ name: 'Urna', version: '0.0.0-test', now: '2026-11-21T12:00:00.000Z' })
  })
})

describe('metrics', () => {
  it('count ballots and problems, and know routes by their patterns', async () => {
    const { id } = api.addPoll()
    for (const options of [[1], [1], [9]]) {
      await api.app.inject({ method: 'POST', url: `/v1/polls/${id}/ballots`, payload: { answers: [{ question: 1, options }] } })
    }
    await api.app.inject(`/v1/polls/${id}`)
    for (let readers = 0; readers < 3; readers++) await api.app.inject(`/v1/polls/${id}/results`)
    const { body, headers } = await api.app.inject('/metrics')
    expect(headers['content-type']).toContain('text/plain')
    expect(body).toContain('urna_api_ballots_received_total 2')
    expect(body).toContain('urna_api_problems_total{problem="invalid-answer"} 1')
    expect(body).toMatch(/urna_results_copy_hits_total 2\n(?:.*\n)*urna_results_copy_misses_total 1\n/)
    expect(body).toContain('urna_api_request_duration_seconds_count{method="GET",route="/v1/polls/:id",status="200"} 1')
    expect(body).not.toContain(id)
  })
})

describe('pages of other origins', () => {
  const from = (origin: string, url: string, method: 'GET' | 'POST' | 'OPTIONS' = 'GET') =>
    api.app.inject({ method, url, headers: { origin, 'access-control-request-method': 'POST' }, ...(method === 'POST' && { payload }) })

  it('may vote on the compatible routes from anywhere, without the cookie', async () => {
    api.addPoll({ surveyId: 1 })
    for (const url of ['/surveys', '/surveys/1', '/surveys/1/votes', '/api/votes']) {
      expect((await from('https://other.example', url)).headers, url).toMatchObject({ 'access-control-allow-origin': '*' })
    }
    for (const url of ['/vote', '/api/postVotes']) {
      const preflight = await from('https://other.example', url, 'OPTIONS')
      expect([preflight.statusCode, preflight.headers['access-control-allow-origin']]).toEqual([204, '*'])
      // Problems too, or a page could not read what is wrong.
      expect((await from('https://other.example', url, 'POST')).headers['access-control-allow-origin']).toBe('*')
      expect(preflight.headers['access-control-allow-credentials']).toBeUndefined()
    }
  })

  it('get nothing else where no origin is allowed', async () => {
    const { id } = api.addPoll()
    for (const url of ['/v1/polls', `/v1/polls/${id}`, '/v1/config']) {
      expect((await from('https://other.example', url)).headers['access-control-allow-origin'], url).toBeUndefined()
    }
    const preflight = await from('https://other.example', `/v1/polls/${id}/ballots`, 'OPTIONS')
    expect([preflight.statusCode, preflight.headers['access-control-allow-origin']]).toEqual([405, undefined])
    expect((await from('https://other.example', `/v1/polls/${id}/ballots`, 'POST')).headers['access-control-allow-origin']).toBeUndefined()
  })

  it('of allowed origins may vote with the cookie', async () => {
    await restart({ allowedOrigins: ['http://localhost:8000'] })
    const url = `/v1/polls/${api.addPoll().id}/ballots`
    const allowed = { 'access-control-allow-origin': 'http://localhost:8000', 'access-control-allow-credentials': 'true' }
    const preflight = await from('http://localhost:8000', url, 'OPTIONS')
    expect([preflight.statusCode, preflight.headers]).toMatchObject([204, allowed])
    for (const response of [
      await from('http://localhost:8000', url, 'POST'),
      await from('http://localhost:8000', url.replace(/\w+\/ballots/, 'zzzzzzzzzzzzzzzz/ballots'), 'POST'),
      await from('http://localhost:8000', '/v1/polls'),
    ]) {
      expect(response.headers).toMatchObject(allowed)
      expect(response.headers.vary).toContain('Origin')
    }
    expect((await from('http://localhost:8001', url, 'POST')).headers['access-control-allow-origin']).toBeUndefined()
    expect((await from('http://localhost:8001', '/v1/polls')).headers['access-control-allow-origin']).toBeUndefined()
  })

  it('of any origin get no credentials where all are allowed', async () => {
    await restart({ allowedOrigins: '*' })
    const url = `/v1/polls/${api.addPoll().id}/ballots`
    for (const response of [await from('https://other.example', url, 'POST'), await from('https://other.example', '/v1/polls')]) {
      expect(response.headers['access-control-allow-origin']).toBe('*')
      expect(response.headers['access-control-allow-credentials']).toBeUndefined()
    }
  })
})

describe('built pages', () => {
  let folder: string
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'urna-pages-'))
    mkdirSync(join(folder, 'assets'))
    writeFileSync(join(folder, 'index.html'), '<title>Urna</title>')
    writeFileSync(join(folder, 'assets/app-1a2b.js'), 'vote()')
    await restart({ pagesRoot: folder })
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  it('are served with their policy', async () => {
    const page = await api.app.inject('/')
    expect([page.statusCode, page.body]).toEqual([200, '<title>Urna</title>'])
    expect(page.headers).toMatchObject({
      ...pageHeaders,
      'cache-control': 'public, no-cache',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
    })
    const script = await api.app.inject('/assets/app-1a2b.js')
    expect([script.statusCode, script.body, script.headers['cache-control']]).toEqual([
      200,
      'vote()',
      'public, max-age=31536000, immutable',
    ])
  })

  it('take the addresses of the frontend, and of nobody else', async () => {
    const accept = { accept: 'text/html,application/xhtml+xml' }
    const get = async (url: string, headers: object = accept) => {
      const { statusCode, headers: answered } = await api.app.inject({ url, headers: { ...headers } })
      return [statusCode, String(answered['content-type']).split(';')[0]]
    }
    for (const url of ['/polls/60r30c1g60r30c1h', '/receipts', '/polls/x?y=1']) expect(await get(url), url).toEqual([200, 'text/html'])
    expect((await api.app.inject({ url: '/receipts', headers: accept })).headers['content-security-policy']).toContain("default-src 'self'")
    const problem = 'application/problem+json'
    for (const url of ['/v1/nothing', '/api/nothing']) expect(await get(url), url).toEqual([404, problem])
    expect(await get('/assets/gone.js', { accept: '*/*' })).toEqual([404, problem])
    expect(await get('/receipts', { accept: 'application/json' })).toEqual([404, problem])
    for (const url of ['/../package.json', '/..%2fpackage.json', '/%2e%2e/%2e%2e/etc/passwd']) {
      expect((await api.app.inject({ url, headers: { accept: '*/*' } })).statusCode, url).toBeGreaterThanOrEqual(400)
    }
    expect((await api.app.inject({ method: 'POST', url: '/receipts', headers: accept })).statusCode).toBe(404)
  })

  it('that were not built are said to be missing at once', async () => {
    rmSync(join(folder, 'index.html'))
    await expect(testApi({ pagesRoot: folder })).rejects.toThrow('build the pages first')
    writeFileSync(join(folder, 'index.html'), '')
  })
})

describe('draining', () => {
  interface Answer {
    status: number
    headers: Record<string, unknown>
    body: string
  }
  const agent = new Agent({ keepAlive: true, maxSockets: 20 })
  let port: number
  beforeEach(async () => {
    await api.app.listen({ port: 0, host: '127.0.0.1' })
    port = (api.app.server.address() as { port: number }).port
  })
  afterEach(() => agent.destroy())

  /** A ballot that the queue has and does not confirm until it is told to. */
  async function hangingBallot(path: string): Promise<{ answer: Promise<Answer>; confirm: () => void }> {
    let answer: Promise<Answer> | undefined
    const confirm = await new Promise<() => void>((reached) => {
      api.publish = () => new Promise((resolve) => reached(() => resolve({ seq: Buffer.alloc(16), atMs: api.clock.ms })))
      answer = send(path, payload)
    })
    return { answer: answer as Promise<Answer>, confirm }
  }

  function send(path: string, body?: object): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const headers = body === undefined ? {} : { 'content-type': 'application/json' }
      const outgoing = request(
        { port, host: '127.0.0.1', path, method: body === undefined ? 'GET' : 'POST', agent, headers },
        (response) => {
          let text = ''
          response.setEncoding('utf8').on('data', (chunk) => {
            text += chunk
          })
          response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }))
          response.on('error', reject)
        },
      )
      outgoing.on('error', reject)
      outgoing.end(body === undefined ? undefined : JSON.stringify(body))
    })
  }

  it('ends what is under way, refuses what is new, then closes', async () => {
    const { id } = api.addPoll()
    const path = `/v1/polls/${id}/ballots`
    const underWay = await hangingBallot(path)

    const drained = api.app.drain()
    for (const answer of [await send(path, payload), await send('/v1/polls'), await send('/vote', {})]) {
      expect(answer.status).toBe(503)
      expect(answer.headers).toMatchObject({ connection: 'close', 'retry-after': expect.stringMatching(/^[1-5]$/) })
      expect(JSON.parse(answer.body).type).toBe('urn:urna:problem:shutting-down')
    }
    expect(await send('/readyz')).toMatchObject({ status: 503 })
    expect(await send('/healthz')).toMatchObject({ status: 200 })
    underWay.confirm()
    expect(await underWay.answer).toMatchObject({ status: 202 })
    await drained
    await expect(send('/healthz')).rejects.toThrow()
    // Nothing of it is an error.
    expect(api.log).toEqual([])
  })

  it('cuts what does not end within the limit', async () => {
    const { id } = api.addPoll()
    const { answer } = await hangingBallot(`/v1/polls/${id}/ballots`)
    const hanging = answer.catch((error: Error) => error)
    const startedMs = performance.now()
    await Promise.all([api.app.drain(200), api.app.drain(200)])
    expect(performance.now() - startedMs).toBeLessThan(1_500)
    expect(await hanging).toBeInstanceOf(Error)
  })
})
