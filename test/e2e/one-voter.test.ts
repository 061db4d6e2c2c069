import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Answer, asAdministrator, getJson, openPoll, send, settledResults, until } from '../support/client.ts'
import { freePort } from '../support/free-port.ts'
import { StandaloneProcess, temporaryDirectory } from '../support/standalone-process.ts'

/** The running process, asked as its users ask it. */

const directory = temporaryDirectory()
let urna: StandaloneProcess

const question = { text: 'Which?', options: [{ text: 'one' }, { text: 'two' }] }
const vote = (pollId: string, option: number, headers: Record<string, string>): Promise<Answer> =>
  send('POST', `${urna.url}/v1/polls/${pollId}/ballots`, { body: { answers: [{ question: 1, options: [option] }] }, headers })
const receiptOf = (answer: Answer) => (JSON.parse(answer.text) as { receipt: string }).receipt
const cookieOf = (answer: Answer) => String(answer.headers['set-cookie']).split(';')[0] ?? ''
const statusOf = (receipt: string) => getJson<{ status: string }>(`${urna.url}/v1/receipts/${receipt}`).then(({ status }) => status)
const settled = (receipt: string) => until(async () => statusOf(receipt).then((status) => (status === 'received' ? null : status)))

beforeAll(async () => {
  urna = await new StandaloneProcess({ dataDirectory: directory.path, port: await freePort() }).ready()
})

afterAll(async () => {
  const { code } = await urna.stop()
  directory.remove()
  expect(code).toBe(0)
})

describe('the clients of older voting systems', () => {
  it('vote for three users, one of them twice: three votes, the last choice wins', async () => {
    const post = async (userID: string, choice: string) => {
      const answer = await send('POST', `${urna.url}/api/postVotes`, { body: { userID, vote: choice } })
      expect([answer.status, answer.text]).toEqual([200, '{"voteStatus":200}'])
    }
    await post('id-1', 'coca')
    await post('id-2', 'pepsi')
    await post('id-3', 'coca')
    await post('id-1', 'pepsi')
    // id-1 pepsi (was coca), id-2 pepsi, id-3 coca
    const expected = '{"votes":{"coca":"1","pepsi":"2"}}'
    expect(await until(async () => ((await send('GET', `${urna.url}/api/votes`)).text === expected ? expected : null))).toBe(expected)
  })

  it('hear 400 in the words they know when the body is wrong', async () => {
    const answer = await send('POST', `${urna.url}/api/postVotes`, { body: { foo: 'id-1', bar: 'coca' } })
    expect(answer.status).toBe(400)
    expect(JSON.parse(answer.text)).toEqual({ badRequest: 'Your json doesnt pass in the application creteria' })
  })

  it('find the two polls of a fresh installation as surveys', async () => {
    const { surveys } = await getJson<{ surveys: { id: number; name: string; choices: string[] }[] }>(`${urna.url}/surveys`)
    expect(surveys.map(({ id, name, choices }) => [id, name, choices])).toEqual([
      [1, 'Coca or Pepsi?', ['coca', 'pepsi']],
      [2, 'What do you drink in the morning?', ['Coffee', 'Tea', 'Water']],
    ])
  })
})

describe('one voter', () => {
  it('is one voter in 2,000 parallel requests', async () => {
    const poll = await openPoll(urna.url, { title: 'Burst of one', questions: [question] })
    const key = randomUUID()
    const answers = await Promise.all(
      Array.from({ length: 2_000 }, (_, index) => vote(poll.id, (index % 2) + 1, { 'idempotency-key': key })),
    )
    expect(answers.filter((answer) => answer.status === 202)).toHaveLength(2_000)
    const results = await settledResults(urna.url, poll.id)
    expect(results.turnout).toBe(1)
    expect(results.questions[0]?.options.reduce((sum, option) => sum + option.total, 0)).toBe(1)
    // One of the receipts is counted, all others were replaced by it.
    const statuses = await Promise.all(answers.map((answer) => statusOf(receiptOf(answer))))
    expect(statuses.filter((status) => status === 'counted')).toHaveLength(1)
    expect(statuses.filter((status) => status === 'replaced')).toHaveLength(1_999)
  })

  it('stays one when a lost answer is asked for again, with the cookie of that answer and without it', async () => {
    const poll = await openPoll(urna.url, { title: 'Retry', questions: [question] })
    const key = randomUUID()
    const first = await vote(poll.id, 1, { 'idempotency-key': key })
    await vote(poll.id, 1, { 'idempotency-key': key })
    await vote(poll.id, 1, { 'idempotency-key': key, cookie: cookieOf(first) })
    const last = await vote(poll.id, 2, { 'idempotency-key': randomUUID(), cookie: cookieOf(first) })
    expect(await settled(receiptOf(last))).toBe('counted')
    expect((await settledResults(urna.url, poll.id)).turnout).toBe(1)
    const mine = await send('GET', `${urna.url}/v1/polls/${poll.id}/ballots/mine`, { headers: { cookie: cookieOf(first) } })
    expect(JSON.parse(mine.text)).toMatchObject({ answers: [{ question: 1, options: [2] }] })
  })

  it('keeps the first ballot where changes are not allowed, and hears of it', async () => {
    const poll = await openPoll(urna.url, { title: 'No changes', changesAllowed: false, questions: [question] })
    const key = randomUUID()
    const first = receiptOf(await vote(poll.id, 1, { 'idempotency-key': key }))
    const second = receiptOf(await vote(poll.id, 2, { 'idempotency-key': key }))
    expect([await settled(first), await settled(second)]).toEqual(['counted', 'rejected'])
    expect((await settledResults(urna.url, poll.id)).questions[0]?.options.map(({ total }) => total)).toEqual([1, 0])
  })
})

describe('a poll', () => {
  it('counts several questions, blanks and several options', async () => {
    const poll = await openPoll(urna.url, {
      title: 'Two questions',
      questions: [
        question,
        { text: 'Some?', method: 'multiple', required: false, max: 2, options: [{ text: 'a' }, { text: 'b' }, { text: 'c' }] },
      ],
    })
    const send2 = (answers: unknown) =>
      send('POST', `${urna.url}/v1/polls/${poll.id}/ballots`, { body: { answers }, headers: { 'idempotency-key': randomUUID() } })
    await send2([
      { question: 1, options: [1] },
      { question: 2, options: [3, 1] },
    ])
    await send2([{ question: 1, options: [1] }])
    const results = await settledResults(urna.url, poll.id)
    expect(results.turnout).toBe(2)
    expect(results.questions.map(({ answered }) => answered)).toEqual([2, 1])
    expect(results.questions[1]?.options.map(({ total }) => total)).toEqual([1, 0, 1])
  })

  it('closes after its notice, refuses ballots then, and can be exported', async () => {
    const closesAt = new Date(Date.now() + 1_500).toISOString()
    const poll = await openPoll(urna.url, { title: 'Closing, "soon"', questions: [question] }, { closesAt })
    expect((await vote(poll.id, 1, {})).status).toBe(202)
    const refused = await until(async () => {
      const answer = await vote(poll.id, 1, {})
      return answer.status === 202 ? null : answer
    })
    expect(JSON.parse(refused.text)).toMatchObject({ type: 'urn:urna:problem:poll-closed', status: 409 })
    const csv = await until(async () => {
      const answer = await send('GET', `${urna.url}/v1/polls/${poll.id}/results.csv`)
      return answer.text.includes(',one,') ? answer : null
    })
    expect(csv.text.split(/\r?\n/)[0]).toBe('survey_id,survey,question,answer,total,percent of voters,winner')
    expect(csv.text).toContain('"Closing, ""soon"""')
  })

  it('is edited, duplicated and deleted by the administrator only', async () => {
    const input = { title: 'Draft', questions: [question] }
    expect((await send('POST', `${urna.url}/v1/polls`, { body: input })).status).toBe(401)
    const created = await send('POST', `${urna.url}/v1/polls`, { body: input, headers: asAdministrator })
    const { id } = JSON.parse(created.text) as { id: string }
    const edited = await send('PUT', `${urna.url}/v1/polls/${id}`, { body: { ...input, title: 'Edited' }, headers: asAdministrator })
    expect(JSON.parse(edited.text)).toMatchObject({ id, title: 'Edited', state: 'draft' })
    const copy = await send('POST', `${urna.url}/v1/polls/${id}/duplicate`, { headers: asAdministrator })
    expect(copy.status).toBe(201)
    expect(JSON.parse(copy.text)).toMatchObject({ title: 'Edited', state: 'draft' })
    expect((await send('DELETE', `${urna.url}/v1/polls/${id}`, { headers: asAdministrator })).status).toBe(204)
    expect((await send('GET', `${urna.url}/v1/polls/${id}`, { headers: asAdministrator })).status).toBe(410)
  })
})

describe('the pages and the documents', () => {
  it('are served: home, a poll, api pages, OpenAPI, metrics', async () => {
    for (const path of ['/', '/p/0123456789abcdef', '/docs/', '/openapi.json', '/metrics', '/healthz', '/readyz']) {
      expect([path, (await send('GET', urna.url + path, { headers: { accept: 'text/html,*/*' } })).status]).toEqual([path, 200])
    }
  })
})
