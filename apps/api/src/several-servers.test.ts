import { PrimaryUnavailableError, RetryableDatabaseError } from '@urna/core'
import { afterEach, describe, expect, it } from 'vitest'
import type { ApiDependencies, PollCounts } from './dependencies.ts'
import { FakeBallots } from './testing/fake-ballots.ts'
import { FakePolls } from './testing/fake-polls.ts'
import { asAdministrator, noonMs, type TestApi, testApi } from './testing/test-api.ts'

/** What an api does whose database is several servers; see test/e2e for the same with real ones. */

let api: TestApi
afterEach(() => api.app.close())

const problemOf = (body: string) => (JSON.parse(body) as { type?: string }).type?.replace('urn:urna:problem:', '')

async function start(changes: Partial<ApiDependencies> = {}): Promise<void> {
  api = await testApi(changes)
}

describe('without a primary', () => {
  it('votes are taken and results shown; what needs it is a problem of its own', async () => {
    const polls = new FakePolls()
    polls.failure = new PrimaryUnavailableError('away')
    const definitions = new FakePolls()
    await start({ polls, definitions, listings: definitions })
    const poll = api.addPoll()
    definitions.polls.set(poll.id, poll)
    const payload = { answers: [{ question: 1, options: [1] }] }
    expect((await api.app.inject({ method: 'POST', url: `/v1/polls/${poll.id}/ballots`, payload })).statusCode).toBe(202)
    expect((await api.app.inject(`/v1/polls/${poll.id}/results`)).statusCode).toBe(200)
    expect((await api.app.inject('/v1/polls')).statusCode).toBe(200)
    const close = await api.app.inject({ method: 'POST', url: `/v1/polls/${poll.id}/close`, headers: asAdministrator, payload: {} })
    expect([close.statusCode, problemOf(close.body)]).toEqual([503, 'primary-unavailable'])
    expect(close.headers['retry-after']).toMatch(/^[1-5]$/)
  })

  it('a token that cannot be checked is neither right nor wrong; strangers stay strangers', async () => {
    let tokenHash: Buffer | null = null
    await start({ adminTokenHash: () => tokenHash })
    const asked = async (headers: Record<string, string> = {}) => {
      const { statusCode, body } = await api.app.inject({ method: 'POST', url: '/v1/polls', headers, payload: {} })
      return [statusCode, problemOf(body)]
    }
    expect(await asked(asAdministrator)).toEqual([503, 'primary-unavailable'])
    expect(await asked()).toEqual([401, 'unauthorized'])
    const { adminTokenHash } = await import('node:crypto').then(({ hash }) => ({
      adminTokenHash: hash('sha256', asAdministrator.authorization.slice('Bearer '.length), 'buffer'),
    }))
    tokenHash = adminTokenHash
    expect(await asked(asAdministrator)).toEqual([400, 'invalid-request']) // let in: the body is wrong
  })
})

describe('copies of polls', () => {
  it('are kept while a replica that lags does not know the poll yet, until they are too old', async () => {
    const definitions = new FakePolls()
    await start({ definitions })
    const poll = api.addPoll()
    definitions.polls.set(poll.id, poll)
    expect((await api.app.inject(`/v1/polls/${poll.id}`)).statusCode).toBe(200)
    // The primary is away from now on, and the replica does not have the poll.
    definitions.polls.clear()
    await new Promise((resolve) => setTimeout(resolve, 1_200))
    expect((await api.app.inject(`/v1/polls/${poll.id}`)).statusCode).toBe(200)
  })
})

describe('results that several apis share', () => {
  it('are taken from there, with what waited when they were read', async () => {
    const shared: PollCounts = { waiting: 4, snapshot: { turnout: 9, tallies: [{ question: 1, key: '1', count: 9 }], asOfMs: noonMs } }
    await start({ sharedCounts: { get: async () => shared } })
    const poll = api.addPoll()
    const results = (await api.app.inject(`/v1/polls/${poll.id}/results`)).json()
    expect(results).toMatchObject({ turnout: 9, waiting: 4, asOf: new Date(noonMs).toISOString() })
    expect(api.ballots.snapshots).toBe(0)
  })

  it('never take an api back: neither to an older as-of, nor to fewer voters at the same', async () => {
    let snapshot = { turnout: 5, tallies: [], asOfMs: noonMs }
    await start({ sharedCounts: { get: async () => ({ waiting: 0, snapshot }) } })
    const poll = api.addPoll()
    const turnoutNow = async () => {
      await new Promise((resolve) => setTimeout(resolve, 510)) // what this process keeps
      return (await api.app.inject(`/v1/polls/${poll.id}/results`)).json().turnout
    }
    expect(await turnoutNow()).toBe(5)
    snapshot = { turnout: 4, tallies: [], asOfMs: noonMs }
    expect(await turnoutNow()).toBe(5)
    snapshot = { turnout: 6, tallies: [], asOfMs: noonMs - 1 }
    expect(await turnoutNow()).toBe(5)
    snapshot = { turnout: 6, tallies: [], asOfMs: noonMs }
    expect(await turnoutNow()).toBe(6)
  })

  it('are read with the queue asked first', async () => {
    const order: string[] = []
    const results = new FakeBallots()
    const { snapshot } = results
    results.snapshot = (pollId) => {
      order.push('numbers')
      return snapshot.call(results, pollId)
    }
    await start({
      results,
      queueDepth: async () => {
        order.push('queue')
        return { ballots: 0, oldestAtMs: null }
      },
      sharedCounts: { get: (_pollId, read) => read() },
    })
    const poll = api.addPoll()
    order.length = 0
    await api.app.inject(`/v1/polls/${poll.id}/results`)
    expect(order.slice(-2)).toEqual(['queue', 'numbers'])
  })
})

describe('a receipt', () => {
  it('is measured by the low water of its own stream, and of an epoch that has ended nothing comes any more', async () => {
    let ended = false
    const streams: number[] = []
    const ballots = new FakeBallots()
    ballots.readLowWater = async (_epoch: number, stream = 0) => {
      streams.push(stream)
      return null
    }
    await start({ ballots, streamOf: () => 3, epochEnded: async () => ended })
    const poll = api.addPoll()
    const payload = { answers: [{ question: 1, options: [1] }] }
    const { receipt } = (await api.app.inject({ method: 'POST', url: `/v1/polls/${poll.id}/ballots`, payload })).json()
    const status = async () => (await api.app.inject(`/v1/receipts/${receipt}`)).json().status
    expect(await status()).toBe('received')
    ended = true
    expect(await status()).toBe('lost')
    expect(streams).toEqual([3, 3])
  })
})

describe('readiness', () => {
  it('names the replica where there is one, and does without it', async () => {
    await start({
      dependencyChecks: { queue: async () => true, database: async () => false, replica: async () => false },
      essential: ['queue'],
    })
    const { statusCode, body } = await api.app.inject('/readyz')
    expect(statusCode).toBe(200)
    expect(JSON.parse(body).dependencies).toMatchObject({ database: { ok: false }, replica: { ok: false } })
  })
})

it('an error of both servers is not one of the primary', async () => {
  const definitions = new FakePolls()
  await start({ definitions })
  definitions.failure = new RetryableDatabaseError('away')
  const { statusCode, body } = await api.app.inject('/v1/polls/0123456789abcdef')
  expect([statusCode, problemOf(body)]).toEqual([503, 'database-unavailable'])
})
