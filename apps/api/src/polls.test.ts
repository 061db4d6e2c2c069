import type { Poll, Problem } from '@urna/contracts'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { asAdministrator, noonMs, type TestApi, testApi } from './testing/test-api.ts'

const input = {
  title: 'Lunch ☕ صندوق',
  questions: [
    { text: 'Drink', options: [{ text: 'Tea' }, { text: 'Coffee' }] },
    { text: 'Days', method: 'multiple', required: false, options: [{ text: 'Mon' }, { text: 'Tue' }, { text: 'Wed' }] },
  ],
}

let api: TestApi
beforeEach(async () => {
  api = await testApi()
})
afterEach(() => api.app.close())

function administrate(method: 'GET' | 'POST' | 'PUT' | 'DELETE', url: string, payload?: object) {
  return api.app.inject({ method, url, headers: asAdministrator, ...(payload !== undefined && { payload }) })
}

async function create(payload: object = input): Promise<Poll> {
  const response = await administrate('POST', '/v1/polls', payload)
  expect(response.statusCode, response.body).toBe(201)
  expect(response.headers.location).toBe(`/v1/polls/${response.json<Poll>().id}`)
  return response.json()
}

describe('making a poll', () => {
  it('numbers questions and options from 1, and takes the widest limits that fit', async () => {
    const poll = await create()
    expect(poll).toMatchObject({ title: input.title, state: 'draft', version: 1, surveyId: null, listed: true, changesAllowed: true })
    expect(poll.questions).toEqual([
      {
        number: 1,
        text: 'Drink',
        method: 'single',
        required: true,
        min: 1,
        max: 1,
        options: [
          { number: 1, text: 'Tea' },
          { number: 2, text: 'Coffee' },
        ],
      },
      {
        number: 2,
        text: 'Days',
        method: 'multiple',
        required: false,
        min: 1,
        max: 3,
        options: [
          { number: 1, text: 'Mon' },
          { number: 2, text: 'Tue' },
          { number: 3, text: 'Wed' },
        ],
      },
    ])
  })

  it('gives every poll a secret and an id of its own', async () => {
    const [left, right] = [await create(), await create()]
    expect(left.id).not.toBe(right.id)
    const secrets = [...api.polls.polls.values()].map(({ secretSealed }) => Buffer.from(secretSealed).toString('hex'))
    expect(new Set(secrets).size).toBe(2)
    expect(JSON.stringify([left, right])).not.toMatch(/secret/i)
  })
})

describe('the life of a poll', () => {
  it('draft, edited, opened, voted in, closed, final, deleted', async () => {
    const { id } = await create()
    const url = `/v1/polls/${id}`
    expect((await administrate('PUT', url, { ...input, title: 'Dinner' })).json()).toMatchObject({ title: 'Dinner', state: 'draft' })
    expect((await api.app.inject(url)).statusCode).toBe(404)

    expect((await administrate('POST', `${url}/open`)).json()).toMatchObject({
      state: 'open',
      opensAt: '2026-11-21T12:00:00.000Z',
      surveyId: null,
    })
    // At once, in this process: no copy is waited for.
    expect((await api.app.inject(url)).json()).toMatchObject({ title: 'Dinner', state: 'open' })
    const payload = { answers: [{ question: 1, options: [2] }] }
    expect((await api.app.inject({ method: 'POST', url: `${url}/ballots`, payload })).statusCode).toBe(202)
    expect(api.published[0]?.answers).toEqual(['2', ''])

    expect((await administrate('POST', `${url}/close`)).json()).toMatchObject({ state: 'open', closesAt: '2026-11-21T12:00:10.000Z' })
    api.clock.ms = noonMs + 10_000
    expect((await api.app.inject({ method: 'POST', url: `${url}/ballots`, payload })).statusCode).toBe(409)
    expect((await administrate('DELETE', url)).statusCode).toBe(409)

    api.ballots.asOfMs = noonMs + 10_000 + 30_001
    expect((await administrate('POST', `${url}/open`, {})).json<Problem>().type).toBe('urn:urna:problem:poll-final')
    expect((await administrate('DELETE', url)).statusCode).toBe(204)
    expect(api.ballots.erased).toEqual([id])
    // Again: it may have been cut short before.
    expect((await administrate('DELETE', url)).statusCode).toBe(204)
    expect(api.ballots.erased).toEqual([id, id])
    for (const response of [await api.app.inject(url), await administrate('GET', url)]) {
      expect(response.json<Problem>().type).toBe('urn:urna:problem:poll-deleted')
    }
  })

  it('opens later where it is told so, and is a survey if it has one question', async () => {
    const { id } = await create({ title: 'One question', questions: [input.questions[0]] })
    const opensAt = '2026-11-21T14:00:00+01:00'
    const scheduled = await administrate('POST', `/v1/polls/${id}/open`, { opensAt, closesAt: '2026-11-21T14:00:00Z' })
    expect(scheduled.json()).toMatchObject({
      state: 'scheduled',
      opensAt: '2026-11-21T13:00:00.000Z',
      closesAt: '2026-11-21T14:00:00.000Z',
      surveyId: 1,
    })
  })

  it('is duplicated as a draft', async () => {
    const { id } = api.addPoll()
    const response = await administrate('POST', `/v1/polls/${id}/duplicate`)
    expect(response.statusCode).toBe(201)
    expect(response.json()).toMatchObject({ title: 'Coca or Pepsi?', state: 'draft', version: 1 })
    expect(response.json<Poll>().id).not.toBe(id)
  })

  it('takes a DELETE with a content type and no body, as many clients send it', async () => {
    const { id } = await create()
    const headers = { ...asAdministrator, 'content-type': 'application/json' }
    expect((await api.app.inject({ method: 'DELETE', url: `/v1/polls/${id}`, headers })).statusCode).toBe(204)
  })

  it('is logged with who it was about, by route pattern', async () => {
    const { id } = await create()
    await administrate('POST', `/v1/polls/${id}/open`)
    expect(api.log).toEqual([
      { level: 'info', fields: { method: 'POST', route: '/v1/polls', pollId: id }, message: 'poll created' },
      { level: 'info', fields: { method: 'POST', route: '/v1/polls/:id/open', pollId: id }, message: 'poll opened' },
    ])
  })
})

describe('the list of polls', () => {
  it('shows strangers listed polls that are no drafts; the administrator everything', async () => {
    const shown = api.addPoll().id
    const scheduled = api.addPoll({ opensAtMs: noonMs + 1 }).id
    const unlisted = api.addPoll({ definition: { listed: false } }).id
    const draft = api.addPoll({ opensAtMs: null }).id
    api.addPoll({ deletedAtMs: noonMs })
    const ids = (body: { polls: Poll[] }) => body.polls.map(({ id }) => id)
    const publicList = await api.app.inject('/v1/polls')
    expect(ids(publicList.json())).toEqual([scheduled, shown])
    expect(publicList.headers['cache-control']).toBe('public, no-cache')
    const all = await administrate('GET', '/v1/polls')
    expect(ids(all.json())).toEqual([draft, unlisted, scheduled, shown])
    expect(all.headers['cache-control']).toBe('private, no-store')
  })

  it('comes in pages', async () => {
    const [third, second, first] = [api.addPoll().id, api.addPoll().id, api.addPoll().id]
    const page = async (query: string) => (await api.app.inject(`/v1/polls?${query}`)).json<{ polls: Poll[]; next: string | null }>()
    const one = await page('limit=2')
    expect([one.polls.map(({ id }) => id), one.next]).toEqual([[first, second], second])
    const two = await page(`limit=2&after=${one.next}`)
    expect([two.polls.map(({ id }) => id), two.next]).toEqual([[third], null])
  })

  it('is read once a second for strangers, and anew after a change', async () => {
    api.polls.calls.length = 0
    for (let ask = 0; ask < 10; ask++) await api.app.inject('/v1/polls')
    expect(api.polls.calls).toEqual(['list'])
    const { id } = await create()
    await administrate('POST', `/v1/polls/${id}/open`)
    expect((await api.app.inject('/v1/polls')).json().polls).toHaveLength(1)
  })
})
