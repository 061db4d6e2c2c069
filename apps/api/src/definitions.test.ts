import { openMasterKey, type PollId } from '@urna/core'
import type { FastifyBaseLogger } from 'fastify'
import { beforeEach, describe, expect, it } from 'vitest'
import { Definitions } from './definitions.ts'
import type { FakePolls } from './testing/fake-polls.ts'
import { type TestApi, testApi } from './testing/test-api.ts'

const quiet = { info() {}, warn() {} } as unknown as FastifyBaseLogger
const nobody = 'zzzzzzzzzzzzzzzz' as PollId

let api: TestApi
let polls: FakePolls
let nowMs: number
let definitions: Definitions

beforeEach(async () => {
  api = await testApi()
  await api.app.close()
  polls = api.polls
  nowMs = 0
  definitions = make()
})

function make(entriesMax = 10_000): Definitions {
  return new Definitions({ polls, masterKey: openMasterKey(Buffer.alloc(32, 7)), logger: quiet, monotonicMs: () => nowMs, entriesMax })
}

function count(method: string): number {
  return polls.calls.filter((call) => call === method).length
}

describe('a copy', () => {
  it('is loaded once, however many ask at once', async () => {
    const { id } = api.addPoll()
    const found = await Promise.all(Array.from({ length: 100 }, () => definitions.find(id)))
    expect(new Set(found).size).toBe(1)
    expect(definitions.peek(id)).toBe(found[0])
    expect(count('find')).toBe(1)
  })

  it('is trusted for 30 s without the primary, and not a millisecond longer', async () => {
    const { id } = api.addPoll({ surveyId: 4 })
    await definitions.find(id)
    polls.failure = new Error('down')
    nowMs = 30_000
    await definitions.refresh()
    expect(definitions.peek(id)).toBeDefined()
    nowMs = 30_001
    expect(definitions.peek(id)).toBeUndefined()
    await expect(definitions.find(id)).rejects.toMatchObject({ problem: 'definitions-stale' })
    await expect(definitions.findBySurveyId(4)).rejects.toMatchObject({ problem: 'definitions-stale' })
    polls.failure = null
    await definitions.refresh()
    await definitions.refresh()
    expect(definitions.peek(id)).toBeDefined()
  })

  it('stays fresh while the primary says the same, by one question for all of them', async () => {
    const ids = [api.addPoll().id, api.addPoll().id]
    await definitions.refresh()
    for (let second = 1; second <= 100; second++) {
      nowMs = second * 1_000
      await definitions.refresh()
    }
    for (const id of ids) expect(definitions.peek(id)).toBeDefined()
    expect(count('revisions')).toBe(100)
    expect(count('find')).toBe(0)
  })

  it('is loaded again when the poll has changed', async () => {
    const poll = api.addPoll()
    await definitions.refresh()
    polls.polls.set(poll.id, { ...poll, version: { ...poll.version, closesAtMs: 5 }, revision: poll.revision + 1 })
    expect(definitions.peek(poll.id)?.poll.version.closesAtMs).toBeNull()
    await definitions.refresh()
    expect(definitions.peek(poll.id)?.poll.version.closesAtMs).toBe(5)
  })

  it('is never replaced by an older one that was read before it', async () => {
    const poll = api.addPoll()
    const reading = definitions.find(poll.id)
    const newer = { ...poll, revision: poll.revision + 1 }
    definitions.put(newer)
    await reading
    expect(definitions.peek(poll.id)?.poll).toBe(newer)
  })

  it('counts its age from before it was read', async () => {
    const { id } = api.addPoll()
    const slow = polls.find.bind(polls)
    polls.find = async (asked) => {
      const poll = await slow(asked)
      nowMs = 20_000
      return poll
    }
    await definitions.find(id)
    nowMs = 30_001
    expect(definitions.peek(id)).toBeUndefined()
  })
})

describe('a poll that does not exist', () => {
  it('is asked for once a second, whether by id or by survey id', async () => {
    for (let ask = 0; ask < 5; ask++) {
      expect(await definitions.find(nobody)).toBeNull()
      expect(await definitions.findBySurveyId(9)).toBeNull()
    }
    expect([count('find'), count('findBySurveyId')]).toEqual([1, 1])
    nowMs = 1_001
    await definitions.find(nobody)
    expect(count('find')).toBe(2)
  })

  it('is found as soon as this process makes it', async () => {
    const poll = api.addPoll({ surveyId: 9 })
    polls.polls.delete(poll.id)
    expect(await definitions.find(poll.id)).toBeNull()
    expect(await definitions.findBySurveyId(9)).toBeNull()
    definitions.put(poll)
    expect((await definitions.find(poll.id))?.poll).toBe(poll)
    expect((await definitions.findBySurveyId(9))?.poll).toBe(poll)
  })

  it('is forgotten, so that made-up ids do not fill the memory', async () => {
    definitions = make(3)
    for (const digit of '0123456789') await definitions.find(digit.repeat(16) as PollId)
    await definitions.find('9'.repeat(16) as PollId)
    expect(count('find')).toBe(10)
    await definitions.find('0'.repeat(16) as PollId)
    expect(count('find')).toBe(11)
  })
})

describe('the cache', () => {
  it('is bounded, and keeps what is asked for', async () => {
    definitions = make(3)
    const [favourite, ...others] = Array.from({ length: 10 }, () => api.addPoll())
    const id = favourite?.id as PollId
    await definitions.find(id)
    for (const other of others) {
      await definitions.find(other.id)
      definitions.peek(id)
      expect(definitions.size).toBeLessThanOrEqual(3)
    }
    polls.calls.length = 0
    await definitions.find(others.at(-1)?.id as PollId)
    expect(count('find')).toBe(0)
  })

  it('is ready after the polls were read once, and stays ready while they cannot be', async () => {
    const listed = api.addPoll({ surveyId: 1 })
    polls.failure = new Error('down')
    await definitions.refresh()
    expect(definitions.ready).toBe(false)
    polls.failure = null
    await definitions.refresh()
    expect(definitions.ready).toBe(true)
    expect(definitions.peek(listed.id)).toBeDefined()
    polls.failure = new Error('down')
    await definitions.refresh()
    expect(definitions.ready).toBe(true)
  })

  it('does not remember a failure', async () => {
    const { id } = api.addPoll()
    polls.failure = new Error('down')
    await expect(definitions.find(id)).rejects.toThrow('down')
    polls.failure = null
    expect((await definitions.find(id))?.poll.id).toBe(id)
  })
})
