import { auditRecord, managedPoll, system } from '@urna/contracts'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { asAdministrator, noonMs, type TestApi, testApi } from '../testing/test-api.ts'

let api: TestApi
beforeEach(async () => {
  api = await testApi()
})
afterEach(() => api.app.close())

const get = async (url: string, headers: Record<string, string> = asAdministrator) => (await api.app.inject({ url, headers })).json()

describe('the audit trail', () => {
  it('is shown newest first, page by page', async () => {
    for (const username of ['ana', 'bruno', 'carla']) await api.addUser('voter', username)
    const { headers } = await api.signIn('auditor')
    const first = await get('/v1/audit?limit=2', headers)
    expect(first.records.map(({ number, action }: { number: number; action: string }) => [number, action])).toEqual([
      [5, 'session.began'],
      [4, 'user.created'],
    ])
    expect(z.strictObject(auditRecord.shape).safeParse(first.records[0]).error).toBeUndefined()
    expect(first.records[0].hash).toMatch(/^[0-9a-f]{64}$/)
    const second = await get(`/v1/audit?limit=3&before=${first.next}`, headers)
    expect([second.records.map(({ number }: { number: number }) => number), second.next]).toEqual([[3, 2, 1], null])
  })
})

describe('the system', () => {
  it('says what waits, for how long, who counts, and how far the replica is behind', async () => {
    await api.app.close()
    api = await testApi({
      queueDepth: async () => ({ ballots: 7, oldestAtMs: noonMs - 1_500 }),
      queueConsumers: async () => 2,
      replicaLagMs: async () => 250,
      dependencyChecks: { queue: async () => true, database: async () => true, replica: async () => true },
    })
    api.ballots.asOfMs = noonMs - 2_000
    const answer = await get('/v1/system')
    expect(z.strictObject(system.shape).safeParse(answer).error).toBeUndefined()
    expect(answer).toEqual({
      version: '0.0.0-test',
      queue: { ok: true, waiting: 7, oldestAgeSeconds: 1.5, consumers: 2 },
      counting: { countedUntil: '2026-11-21T11:59:58.000Z' },
      database: { ok: true, replica: { ok: true, lagSeconds: 0.25 } },
    })
  })

  it('is null where it is not known, and never waits for what does not answer', async () => {
    await api.app.close()
    const never = () => new Promise<never>(() => {})
    api = await testApi({
      queueDepth: () => Promise.reject(new Error('away')),
      queueConsumers: never,
      countedUntilMs: () => Promise.reject(new Error('away')),
      dependencyChecks: { queue: async () => false, database: async () => false },
    })
    const began = performance.now()
    expect(await get('/v1/system')).toMatchObject({
      queue: { ok: false, waiting: null, oldestAgeSeconds: null, consumers: null },
      counting: { countedUntil: null },
      database: { ok: false, replica: null },
    })
    expect(performance.now() - began).toBeLessThan(3_000)
  })
})

describe('managed polls', () => {
  it('are one’s own, or all; with owner, turnout and last activity', async () => {
    const { user, headers } = await api.signIn('organizer')
    const other = await api.addUser('organizer', 'bruno')
    const own = api.addPoll({ ownerId: user.id, opensAtMs: null, definition: { title: 'Lunch' } })
    const theirs = api.addPoll({ ownerId: other.id, definition: { title: 'Dinner', listed: false } })
    const nobodys = api.addPoll({ closesAtMs: noonMs + 1_000 })
    api.ballots.count({ pollId: theirs.id, voterKey: Buffer.alloc(16), answers: ['1'] as never }, Buffer.alloc(16))
    const ids = async (query = '', given: Record<string, string> = headers) =>
      (await get(`/v1/managed-polls${query}`, given)).polls.map(({ id }: { id: string }) => id)
    expect(await ids()).toEqual([own.id])
    expect(await ids('', asAdministrator)).toEqual([nobodys.id, theirs.id, own.id])
    expect(await ids('', (await api.signIn('auditor')).headers)).toHaveLength(3)
    expect(await ids('?search=DIN', asAdministrator)).toEqual([theirs.id])
    const page = await get('/v1/managed-polls?limit=2', asAdministrator)
    expect(page.next).toBe(theirs.id)
    expect(z.strictObject(managedPoll.shape).safeParse(page.polls[0]).error).toBeUndefined()
    expect(page.polls.map(({ owner, turnout, lastActivityAt }: Record<string, unknown>) => [owner, turnout, lastActivityAt])).toEqual([
      // It opened at eleven; that it closes is not yet.
      [null, 0, '2026-11-21T11:00:00.000Z'],
      [{ id: String(other.id), username: 'bruno' }, 1, '2026-11-21T11:00:00.000Z'],
    ])
  })

  it('were voted in last when the last ballot came', async () => {
    api.addPoll()
    api.ballots.lastBallotAtMs = noonMs - 1
    expect((await get('/v1/managed-polls')).polls[0]).toMatchObject({ lastActivityAt: '2026-11-21T11:59:59.999Z' })
  })
})
