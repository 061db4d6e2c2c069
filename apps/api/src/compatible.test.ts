import { QueueOverloadedError, QueueUnavailableError } from '@urna/core'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { noonMs, singleChoice, type TestApi, testApi } from './testing/test-api.ts'

const badRequest = { badRequest: 'Your json doesnt pass in the application creteria' }

let api: TestApi
beforeEach(async () => {
  api = await testApi()
})
afterEach(() => api.app.close())

function post(url: string, payload: object | string, headers: Record<string, string> = { 'content-type': 'application/json' }) {
  return api.app.inject({ method: 'POST', url, payload, headers })
}

/** Counts what was published, as the consumer would. */
function countAll(): void {
  for (const [index, ballot] of api.published.entries()) api.ballots.count(ballot, Buffer.alloc(16, index + 1))
  api.ballots.asOfMs = noonMs + 1_234
}

describe('surveys', () => {
  it('lists them as older clients know them', async () => {
    api.addPoll({ surveyId: 1 })
    api.addPoll({ surveyId: 2, definition: { title: 'Drinks', questions: [singleChoice(['Coffee', 'Tea', 'Water'])] } })
    api.addPoll({ definition: { listed: false } })
    const response = await api.app.inject('/surveys')
    expect(response.json()).toEqual({
      surveys: [
        { id: 1, name: 'Coca or Pepsi?', choices: ['coca', 'pepsi'], created_at: '2026-11-21 10:00:00' },
        { id: 2, name: 'Drinks', choices: ['Coffee', 'Tea', 'Water'], created_at: '2026-11-21 10:00:00' },
      ],
    })
  })

  it('is an empty list without surveys', async () => {
    expect((await api.app.inject('/surveys')).body).toBe('{"surveys":[]}')
  })

  it('shows one', async () => {
    api.addPoll({ surveyId: 12 })
    const response = await api.app.inject('/surveys/12')
    expect(response.json()).toEqual({ id: 12, name: 'Coca or Pepsi?', choices: ['coca', 'pepsi'], created_at: '2026-11-21 10:00:00' })
  })

  it('says in their words that there is none', async () => {
    api.addPoll({ surveyId: 3, deletedAtMs: noonMs })
    for (const id of ['1', '3', '0', '-1', '01', '1.0', 'x', '99999999999999999999', '%20', '__proto__']) {
      for (const url of [`/surveys/${id}`, `/surveys/${id}/votes`]) {
        const response = await api.app.inject(url)
        expect([url, response.statusCode, response.body]).toEqual([url, 404, '{"message":"Survey not found."}'])
      }
    }
  })

  it('shows votes with the time until which they are counted', async () => {
    api.addPoll({ surveyId: 1 })
    for (const vote of ['coca', 'pepsi', 'coca']) await post('/vote', { survey_id: 1, vote })
    countAll()
    const response = await api.app.inject('/surveys/1/votes')
    // 2 for coca, 1 for pepsi
    expect(response.body).toBe('{"votes":[{"vote":"coca","total":2},{"vote":"pepsi","total":1}],"timestamp":"2026-11-21 12:00:01"}')
  })
})

describe('/vote', () => {
  it('takes the survey id as number or text', async () => {
    const { id } = api.addPoll({ surveyId: 7 })
    for (const survey_id of [7, '7']) {
      const response = await post('/vote', { survey_id, vote: 'pepsi' })
      expect([response.statusCode, response.body]).toEqual([200, '{"message":"Vote successfully counted"}'])
    }
    expect(api.published.map(({ pollId, answers }) => [pollId, answers])).toEqual([
      [id, ['2']],
      [id, ['2']],
    ])
  })

  it('takes any text that an option may be', async () => {
    const texts = ['☕ café', 'صندوق الاقتراع', '__proto__', 'constructor', '10', '<b>&"', "Robert'); DROP TABLE"]
    api.addPoll({ surveyId: 1, definition: { questions: [singleChoice(texts)] } })
    for (const vote of [...texts, 'cafe\u0301'.replace(/^/, '☕ '), ' __proto__ ']) {
      expect((await post('/vote', { survey_id: 1, vote })).statusCode, vote).toBe(200)
    }
    expect(api.published.map(({ answers }) => answers[0])).toEqual(['1', '2', '3', '4', '5', '6', '7', '1', '3'])
  })

  it('names the vote where one option is too few for the poll', async () => {
    api.addPoll({ surveyId: 1, definition: { questions: [singleChoice(['a', 'b', 'c'], { method: 'multiple', min: 2, max: 3 })] } })
    const response = await post('/vote', { survey_id: 1, vote: 'a' })
    expect(response.statusCode).toBe(422)
    expect(response.json().errors).toEqual([{ field: 'vote', detail: 'expected at least 2 options' }])
  })

  it('answers 409 as problem+json where the poll is not open', async () => {
    api.addPoll({ surveyId: 1, closesAtMs: noonMs })
    api.addPoll({ surveyId: 2, opensAtMs: noonMs + 1 })
    expect((await post('/vote', { survey_id: 1, vote: 'coca' })).json()).toMatchObject({
      status: 409,
      type: 'urn:urna:problem:poll-closed',
    })
    expect((await post('/vote', { survey_id: 2, vote: 'coca' })).json()).toMatchObject({
      status: 409,
      type: 'urn:urna:problem:poll-not-open-yet',
    })
  })
})

describe('/api/postVotes and /api/votes', () => {
  beforeEach(() => {
    api.addPoll({ surveyId: 1 })
  })

  it('counts each userID once, the last choice', async () => {
    for (const [userID, vote] of [
      ['id-1', 'coca'],
      ['id-2', 'coca'],
      ['id-3', 'pepsi'],
      ['id-1', 'pepsi'],
    ]) {
      const response = await post('/api/postVotes', { userID, vote })
      expect([response.statusCode, response.body, response.headers['set-cookie']]).toEqual([200, '{"voteStatus":200}', undefined])
    }
    countAll()
    // id-1 changed coca -> pepsi: coca has id-2, pepsi has id-1 and id-3
    expect((await api.app.inject('/api/votes')).body).toBe('{"votes":{"coca":"1","pepsi":"2"}}')
  })

  it('takes the voter from the userID alone', async () => {
    const { headers } = await post('/vote', { survey_id: 1, vote: 'coca' })
    const cookie = String(headers['set-cookie'])
    await post('/api/postVotes', { userID: 'id-1', vote: 'coca' }, { cookie, 'idempotency-key': 'sixteen-characters' })
    await post('/api/postVotes', { userID: 'id-1', vote: 'coca' })
    const [byCookie, first, second] = api.published.map(({ voterKey }) => Buffer.from(voterKey).toString('hex'))
    expect(first).toBe(second)
    expect(first).not.toBe(byCookie)
  })

  it.each([
    ['other fields', '{"foo":"id-xxxyyyzzz","bar":"coca"}'],
    ['a field more', '{"userID":"id-1","vote":"coca","age":7}'],
    ['no vote', '{"userID":"id-1"}'],
    ['an empty userID', '{"userID":"","vote":"coca"}'],
    ['a userID that is a number', '{"userID":1,"vote":"coca"}'],
    ['a userID of 256 characters', JSON.stringify({ userID: 'x'.repeat(256), vote: 'coca' })],
    ['a userID with a lone surrogate', '{"userID":"\\ud800","vote":"coca"}'],
    ['__proto__', '{"__proto__":{"userID":"id-1","vote":"coca"}}'],
    ['an array', '[]'],
    ['null', 'null'],
    ['broken JSON', '{"userID":"id-1",'],
    ['nothing', ''],
  ])('answers a wrong body in their words: %s', async (_name, payload) => {
    const response = await post('/api/postVotes', payload)
    expect([response.statusCode, response.json()]).toEqual([400, badRequest])
    expect(api.published).toEqual([])
  })

  it('answers a wrong body in their words: bytes that are no UTF-8', async () => {
    const payload = Buffer.concat([Buffer.from('{"userID":"'), Buffer.from([0xe9]), Buffer.from('","vote":"coca"}')])
    const response = await api.app.inject({
      method: 'POST',
      url: '/api/postVotes',
      payload,
      headers: { 'content-type': 'application/json' },
    })
    expect([response.statusCode, response.json()]).toEqual([400, badRequest])
  })

  it('lists every option in its order, whatever it is called', async () => {
    await api.app.close()
    api = await testApi({ defaultPoll: 5 })
    const texts = ['__proto__', '10', '9', 'constructor', '"quoted"', '☕']
    api.addPoll({ surveyId: 5, definition: { questions: [singleChoice(texts)] } })
    await post('/api/postVotes', { userID: 'id-1', vote: '__proto__' })
    countAll()
    const { body } = await api.app.inject('/api/votes')
    expect(body).toBe('{"votes":{"__proto__":"1","10":"0","9":"0","constructor":"0","\\"quoted\\"":"0","☕":"0"}}')
  })

  it('answers 404 as long as there is no such poll', async () => {
    await api.app.close()
    api = await testApi({ defaultPoll: 99 })
    expect((await api.app.inject('/api/votes')).json()).toMatchObject({ status: 404, type: 'urn:urna:problem:poll-not-found' })
    expect((await post('/api/postVotes', { userID: 'id-1', vote: 'coca' })).statusCode).toBe(404)
  })

  it('answers 503 with Retry-After when the queue does not take it, and asks to send again', async () => {
    for (const [error, name] of [
      [new QueueOverloadedError('full'), 'overloaded'],
      [new QueueUnavailableError('gone'), 'queue-unavailable'],
    ] as const) {
      api.publish = async () => {
        throw error
      }
      for (const [index, response] of [
        await post('/vote', { survey_id: 1, vote: 'coca' }),
        await post('/api/postVotes', { userID: 'id-1', vote: 'coca' }),
      ].entries()) {
        expect(response.json()).toMatchObject({ status: 503, type: `urn:urna:problem:${name}` })
        expect(Number(response.headers['retry-after'])).toBeGreaterThanOrEqual(1)
        expect(Number(response.headers['retry-after'])).toBeLessThanOrEqual(5)
        // An unknown outcome: the cookie makes the next try the same voter. A userID is one already.
        const keepsVoter = name === 'queue-unavailable' && index === 0
        expect(response.headers['set-cookie'] !== undefined).toBe(keepsVoter)
      }
    }
  })
})

describe('results that the poll hides', () => {
  it('are hidden here too', async () => {
    api.addPoll({ surveyId: 1, definition: { resultsVisibility: 'after_closing' } })
    for (const url of ['/api/votes', '/surveys/1/votes']) {
      const response = await api.app.inject(url)
      expect(response.headers['content-type']).toMatch(/^application\/problem\+json/)
      expect(response.json()).toMatchObject({ status: 403, type: 'urn:urna:problem:results-hidden' })
    }
  })
})

describe('health', () => {
  it('speaks of the queue and the database in their words', async () => {
    const all = async () => {
      const urls = ['/api/healthcheck', '/api/healthchecksqs', '/api/healthcheckmysql']
      return Promise.all(urls.map(async (url) => (({ statusCode, body }) => [statusCode, body])(await api.app.inject(url))))
    }
    expect(await all()).toEqual([
      [200, '{"sqsStatus":"OK"}'],
      [200, '{"sqsStatus":"OK"}'],
      [200, '{"mysqlStatus":"OK"}'],
    ])
    await api.app.close()
    api = await testApi({ dependencyChecks: { queue: async () => false, database: () => Promise.reject(new Error('down')) } })
    expect(await all()).toEqual([
      [503, '{"sqsStatus":"NOK"}'],
      [503, '{"sqsStatus":"NOK"}'],
      [503, '{"mysqlStatus":"NOK"}'],
    ])
  })
})
