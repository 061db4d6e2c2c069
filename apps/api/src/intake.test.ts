import { PermanentDatabaseError, parseReceipt, QueueOverloadedError, QueueUnavailableError, RetryableDatabaseError } from '@urna/core'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { LoadMonitor } from './load-monitor.ts'
import { noonMs, singleChoice, type TestApi, testApi } from './testing/test-api.ts'

let api: TestApi
let id: string
beforeEach(async () => {
  api = await testApi()
  id = api.addPoll({ surveyId: 1 }).id
})
afterEach(() => api.app.close())

function vote(answers: object[] = [{ question: 1, options: [1] }], headers: Record<string, string> = {}) {
  return api.app.inject({ method: 'POST', url: `/v1/polls/${id}/ballots`, payload: { answers }, headers })
}

describe('a good ballot', () => {
  it('is answered with its receipt when the queue has confirmed it, and not before', async () => {
    let answered = false
    let answer: ReturnType<typeof vote> | undefined
    const confirm = await new Promise<(published: { seq: Buffer; atMs: number }) => void>((reached) => {
      api.publish = () => new Promise((resolve) => reached(resolve))
      answer = vote().finally(() => {
        answered = true
      })
    })
    // Another request from beginning to end: time enough for an answer that does not wait.
    await api.app.inject('/readyz')
    expect(answered).toBe(false)
    const seq = Buffer.alloc(16, 3)
    confirm({ seq, atMs: noonMs + 7 })
    const response = await (answer as ReturnType<typeof vote>)
    expect(response.statusCode).toBe(202)
    expect(response.headers).toMatchObject({
      'content-type': 'application/json; charset=utf-8',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    })
    const { receipt, ...rest } = response.json()
    expect(rest).toEqual({ status: 'received', receivedAt: '2026-11-21T12:00:00.007Z' })
    expect(parseReceipt(api.masterKey, receipt)).toMatchObject({ pollId: id, seq })
  })

  it('is published in canonical form with the version it was judged by', async () => {
    const multiple = singleChoice(['a', 'b', 'c'], { number: 2, method: 'multiple', required: false, min: 1, max: 3 })
    id = api.addPoll({ definition: { questions: [singleChoice(['x', 'y']), multiple] } }).id
    await vote([
      { question: 2, options: [3, 1] },
      { question: 1, options: [2] },
    ])
    await vote([{ question: 1, options: [1] }])
    expect(api.published.map(({ pollId, pollVersion, answers }) => ({ pollId, pollVersion, answers }))).toEqual([
      { pollId: id, pollVersion: 2, answers: ['2', '1,3'] },
      { pollId: id, pollVersion: 2, answers: ['1', ''] },
    ])
  })

  it('may say its character set', async () => {
    expect((await vote(undefined, { 'content-type': 'application/json; charset=utf-8' })).statusCode).toBe(202)
  })

  it('that came to the queue after closing is late, for the voter as for the count', async () => {
    id = api.addPoll({ closesAtMs: noonMs + 1_000 }).id
    api.publish = async () => ({ seq: Buffer.alloc(16), atMs: noonMs + 1_000 })
    expect((await vote()).json()).toMatchObject({ type: 'urn:urna:problem:poll-closed', at: '2026-11-21T12:00:01.000Z' })
  })
})

describe('when the ballot cannot be taken', () => {
  async function expectRetry(problem: string, detail?: string) {
    const response = await vote()
    expect(response.statusCode).toBe(503)
    const body = response.json()
    expect(body).toMatchObject({ type: `urn:urna:problem:${problem}`, ...(detail !== undefined && { detail }) })
    expect(response.headers['retry-after']).toMatch(/^[1-5]$/)
    expect(body.retryAfter).toBe(Number(response.headers['retry-after']))
    return response.headers['set-cookie']
  }

  it('says that too much waits', async () => {
    api.publish = () => Promise.reject(new QueueOverloadedError('full'))
    expect(await expectRetry('overloaded')).toBeUndefined()
  })

  it('says that an unknown outcome may be sent again', async () => {
    api.publish = () => Promise.reject(new QueueUnavailableError('no answer'))
    const detail = 'It may or may not have arrived. Send again, with the cookie of this answer or the same Idempotency-Key: it counts once'
    expect(await expectRetry('queue-unavailable', detail)).toContain('urna_voter=')
    const voterKeys: string[] = []
    api.publish = async (ballot) => {
      voterKeys.push(Buffer.from(ballot.voterKey).toString('hex'))
      if (voterKeys.length === 1) throw new QueueUnavailableError('no answer')
      return { seq: Buffer.alloc(16), atMs: noonMs }
    }
    const lost = await vote()
    expect((await vote(undefined, { cookie: String(lost.headers['set-cookie']).split(';')[0] ?? '' })).statusCode).toBe(202)
    expect(new Set(voterKeys).size).toBe(1) // the voter who had neither cookie nor key is the same one
  })

  it('says that the polls cannot be read', async () => {
    api.polls.failure = new RetryableDatabaseError('down')
    expect(await expectRetry('database-unavailable')).toBeUndefined()
  })

  it('tells in the log, and nobody else, that connections to the database are what is missing', async () => {
    const cause = Object.assign(new Error('no connection to the database was free within 3000 ms'), { code: 'URNA_DATABASE_BUSY' })
    api.polls.failure = new RetryableDatabaseError(`${cause.code}: ${cause.message}`, { cause })
    const response = await vote()
    expect([response.statusCode, response.body]).toEqual([503, expect.not.stringMatching(/URNA|connection/)])
    expect(api.log.map(({ level, fields }) => [level, fields])).toEqual([
      ['warn', expect.objectContaining({ problem: 'database-unavailable', code: 'URNA_DATABASE_BUSY' })],
    ])
  })

  it('spreads those who come back over five seconds', async () => {
    api.publish = () => Promise.reject(new QueueOverloadedError('full'))
    const answers = await Promise.all(Array.from({ length: 200 }, () => vote()))
    // Each of 5 values is missed by 200 draws with a chance of 0.8^200 = 4e-20.
    expect([...new Set(answers.map(({ headers }) => headers['retry-after']))].sort()).toEqual(['1', '2', '3', '4', '5'])
  })

  it('logs a flood of refusals as one line', async () => {
    api.publish = () => Promise.reject(new QueueUnavailableError('no answer'))
    for (let ask = 0; ask < 50; ask++) await vote()
    expect(api.log).toHaveLength(1)
    expect(api.log[0]).toMatchObject({ level: 'warn', fields: { problem: 'queue-unavailable', route: '/v1/polls/:id/ballots' } })
  })

  it('refuses while the backlog is over the limit, and takes again when it is not', async () => {
    await api.app.close()
    api = await testApi({ backlogMax: 10 })
    id = api.addPoll({ surveyId: 1 }).id
    const until = async (status: number) => {
      const deadline = Date.now() + 5_000
      while ((await vote()).statusCode !== status) expect(Date.now()).toBeLessThan(deadline)
    }
    api.waiting = 11
    await until(503)
    await expectRetry('overloaded')
    expect((await api.app.inject({ method: 'POST', url: '/vote', payload: { survey_id: 1, vote: 'coca' } })).statusCode).toBe(503)
    // Reading goes on.
    expect((await api.app.inject(`/v1/polls/${id}/results`)).statusCode).toBe(200)
    api.waiting = 10
    await until(202)
  })
})

describe('the load monitor', () => {
  it('keeps the last backlog while the queue does not answer', async () => {
    let fails = false
    const queueDepth = async () => {
      if (fails) throw new Error('down')
      return { ballots: 7, oldestAtMs: null }
    }
    const load = new LoadMonitor({ queueDepth, backlogMax: 6 })
    await load.sample()
    fails = true
    await load.sample()
    expect([load.backlog, load.overloaded]).toEqual([7, true])
  })

  it('finds an event loop that hangs', async () => {
    const load = new LoadMonitor({ queueDepth: async () => ({ ballots: 0, oldestAtMs: null }), backlogMax: 1, lagMaxMs: 100 })
    load.start()
    try {
      await new Promise((resolve) => setTimeout(resolve, 50))
      // Its own look, twice a second, may come just before ours: then once more.
      for (let attempt = 0; attempt < 5 && !load.overloaded; attempt++) {
        const until = performance.now() + 400
        while (performance.now() < until);
        await new Promise((resolve) => setTimeout(resolve, 30))
        await load.sample()
      }
      expect(load.overloaded).toBe(true)
    } finally {
      load.stop()
    }
  })
})

describe('an error of ours', () => {
  it('is 500, says nothing of our insides, and is logged without anything of the voter', async () => {
    api.publish = () => Promise.reject(new TypeError('a bug at 10.0.0.7'))
    const response = await vote(undefined, { 'idempotency-key': 'a-key-that-is-a-secret', cookie: 'urna_voter=secret-cookie' })
    expect(response.body).toBe('{"type":"urn:urna:problem:internal-error","title":"Something broke on our side","status":500}')
    expect(api.log).toHaveLength(1)
    const [line] = api.log
    expect(line).toMatchObject({ level: 'error', fields: { method: 'POST', route: '/v1/polls/:id/ballots', error: 'TypeError' } })
    expect(JSON.stringify(line)).not.toContain(id)
    expect(JSON.stringify(line)).not.toContain('secret')
  })

  it('is ours whatever status it carries', async () => {
    api.publish = () => Promise.reject(Object.assign(new Error('of some library'), { statusCode: 404 }))
    expect((await vote()).statusCode).toBe(500)
  })

  it('of the database is logged without its message, which quotes values', async () => {
    const cause = Object.assign(new Error("Duplicate entry 'voter-key'"), { code: 'ER_DUP_ENTRY' })
    api.ballots.failure = new PermanentDatabaseError("Duplicate entry 'voter-key'", { cause })
    await api.app.inject(`/v1/polls/${id}/results`)
    expect(api.log).toHaveLength(1)
    expect(api.log[0]?.fields).toMatchObject({ error: 'PermanentDatabaseError', code: 'ER_DUP_ENTRY', route: '/v1/polls/:id/results' })
    expect(JSON.stringify(api.log)).not.toContain('voter-key')
  })
})
