import { connect } from 'node:net'
import { type Problem, problems, problemType } from '@urna/contracts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ballotRows } from './testing/bad-ballots.ts'
import { ballotsOf, choose, json, type Polls, type Row } from './testing/bad-input-row.ts'
import { pollRows } from './testing/bad-poll-requests.ts'
import { voteRows } from './testing/bad-votes.ts'
import { noonMs, singleChoice, type TestApi, testApi } from './testing/test-api.ts'

let api: TestApi
let polls: Polls

beforeAll(async () => {
  api = await testApi()
  const multiple = singleChoice(['a', 'b', 'c', 'd'], { number: 2, method: 'multiple', required: false, min: 2, max: 3 })
  polls = {
    open: api.addPoll({ surveyId: 1 }),
    two: api.addPoll({ definition: { questions: [singleChoice(['x', 'y', 'z']), multiple] } }),
    scheduled: api.addPoll({ opensAtMs: noonMs + 3_600_000 }),
    closed: api.addPoll({ closesAtMs: noonMs - 60_000 }),
    draft: api.addPoll({ opensAtMs: null }),
    deleted: api.addPoll({ deletedAtMs: noonMs - 60_000 }),
  }
})
afterAll(() => api.app.close())

function send(row: Row) {
  const raw = typeof row.body === 'string' || Buffer.isBuffer(row.body)
  const headers = raw || row.body === undefined ? row.headers : { ...json, ...row.headers }
  return api.app.inject({
    method: row.method ?? 'POST',
    url: (row.path ?? ballotsOf('open'))(polls),
    ...(headers !== undefined && { headers }),
    ...(row.body !== undefined && { payload: raw ? (row.body as string | Buffer) : JSON.stringify(row.body) }),
  })
}

function check(row: Row): void {
  it(`${row.name} -> ${problems[row.problem].status} ${row.problem}`, async () => {
    const before = JSON.stringify([...api.polls.polls.values()])
    const response = await send(row)
    expect({ status: response.statusCode, body: response.body }).toMatchObject({ status: problems[row.problem].status })
    expect(response.headers['content-type']).toMatch(/^application\/problem\+json/)
    const problem = response.json<Problem>()
    expect(problem).toMatchObject({ type: problemType(row.problem), title: problems[row.problem].title, status: response.statusCode })
    const fields = (problem.errors ?? []).map(({ field }) => field)
    if (row.field !== undefined) expect(fields).toContain(row.field)
    for (const { detail } of problem.errors ?? []) expect(detail).toMatch(/^expected /)
    expect(response.headers['set-cookie']).toBeUndefined()

    expect(api.published).toEqual([])
    expect(JSON.stringify([...api.polls.polls.values()])).toBe(before)
    expect((await api.app.inject('/healthz')).json()).toEqual({ message: 'OK' })
  })
}

describe('bad ballots: the right status, a problem type, the field named, nothing published, the server answers', () => {
  for (const row of ballotRows) check(row)
})
describe('bad requests about polls', () => {
  for (const row of pollRows) check(row)
})
describe('bad votes on the compatible routes', () => {
  for (const row of voteRows) check(row)
})

it('names the methods an address takes', async () => {
  const response = await send({ name: '', method: 'PUT', problem: 'method-not-allowed' })
  expect(response.headers.allow).toBe('POST')
  const { headers } = await api.app.inject({ method: 'PATCH', url: `/v1/polls/${polls.open.id}` })
  expect(headers.allow).toBe('DELETE, GET, HEAD, PUT')
})

it('says when the poll opens, or closed', async () => {
  const early = await send({ name: '', path: ballotsOf('scheduled'), body: choose(1), problem: 'poll-not-open-yet' })
  expect(early.json<Problem>().at).toBe('2026-11-21T13:00:00.000Z')
  const late = await send({ name: '', path: ballotsOf('closed'), body: choose(1), problem: 'poll-closed' })
  expect(late.json<Problem>().at).toBe('2026-11-21T11:59:00.000Z')
})

it('names at most twenty faults, however many there are', async () => {
  const body = Object.fromEntries(Array.from({ length: 150 }, (_, index) => [`${'k'.repeat(300)}${index}`, 1]))
  const response = await send({ name: '', body, problem: 'invalid-request' })
  const { errors = [] } = response.json<Problem>()
  expect(errors).toHaveLength(20)
  expect(Math.max(...errors.map(({ field }) => field.length))).toBe(200)
})

describe('what only a socket can send', () => {
  let port: number
  beforeAll(async () => {
    await api.app.listen({ port: 0, host: '127.0.0.1' })
    port = (api.app.server.address() as { port: number }).port
  })

  /** Sends bytes, ends, and gives back everything that comes. */
  function exchange(text: string, end = true): Promise<string> {
    return new Promise((resolve, reject) => {
      let received = ''
      const socket = connect(port, '127.0.0.1', () => {
        socket.write(text)
        if (end) socket.end()
      })
      socket.setEncoding('utf8')
      socket.on('data', (chunk) => {
        received += chunk
      })
      socket.on('error', reject)
      socket.on('close', () => resolve(received))
    })
  }

  const head = (lines: string[]) => `${[`POST /v1/polls/${polls.open.id}/ballots HTTP/1.1`, 'Host: x', ...lines].join('\r\n')}\r\n\r\n`

  const rows: { name: string; text: () => string; status: number; end?: boolean }[] = [
    { name: 'no HTTP at all', text: () => 'hello\r\n\r\n', status: 400 },
    { name: 'a header without end', text: () => head([`X-Long: ${'x'.repeat(100_000)}`]), status: 431 },
    { name: 'two lengths that differ', text: () => head(['Content-Length: 2', 'Content-Length: 3']), status: 400 },
    { name: 'a length that is no number', text: () => head(['Content-Length: many']), status: 400 },
    {
      name: 'a chunked body over the limit',
      text: () =>
        `${head(['Content-Type: application/json', 'Transfer-Encoding: chunked'])}${`8000\r\n${' '.repeat(0x8000)}\r\n`.repeat(3)}`,
      status: 413,
      end: false,
    },
  ]
  for (const { name, text, status, end } of rows) {
    it(`${name} -> ${status}`, async () => {
      const [, body = ''] = (await exchange(text(), end)).split('\r\n\r\n')
      const received = await exchange(text(), end)
      expect(received).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
      expect(received.toLowerCase()).toContain('content-type: application/problem+json')
      expect(JSON.parse(body)).toMatchObject({ status })
      expect(api.published).toEqual([])
      expect((await fetch(`http://127.0.0.1:${port}/healthz`)).status).toBe(200)
    })
  }

  it('a sender that goes away in the middle of a body is not an error of ours', async () => {
    await new Promise<void>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => {
        socket.write(`${head(['Content-Type: application/json', 'Content-Length: 1000'])}{"answers":`)
        setTimeout(() => {
          socket.resetAndDestroy()
          resolve()
        }, 20)
      })
    })
    expect((await fetch(`http://127.0.0.1:${port}/healthz`)).status).toBe(200)
    expect(api.published).toEqual([])
  })
})

it('logged nothing of all this: none of it is our fault', () => {
  expect(api.log).toEqual([])
})
