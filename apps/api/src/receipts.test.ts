import { type Poll, receiptText, rowSequence } from '@urna/core'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { noonMs, type TestApi, testApi } from './testing/test-api.ts'

const voterKey = Buffer.alloc(16, 9)
const seq = (row: number) => rowSequence({ epoch: 1, row, index: 0 })

let api: TestApi
let poll: Poll
beforeEach(async () => {
  api = await testApi()
  poll = api.addPoll()
})
afterEach(() => api.app.close())

async function read(row: number, of: Poll = poll): Promise<{ status: string; detail: string }> {
  const receipt = receiptText(api.masterKey, { pollId: of.id, voterKey, seq: seq(row) })
  const response = await api.app.inject(`/v1/receipts/${receipt}`)
  const byHeader = await api.app.inject({ url: '/v1/receipts', headers: { 'urna-receipt': receipt } })
  expect([byHeader.json(), byHeader.headers['cache-control']]).toEqual([response.json(), 'private, no-store'])
  expect(response.headers['cache-control']).toBe('private, no-store')
  const { status, detail, ...rest } = response.json()
  expect(rest).toEqual({ receipt, pollId: of.id })
  return { status, detail }
}

function counted(of: Poll, row: number): void {
  api.ballots.count({ pollId: of.id, voterKey, answers: ['1'] }, seq(row))
}

it('tells every fate of a ballot, each with its sentence', async () => {
  const strict = api.addPoll({ definition: { changesAllowed: false } })
  counted(poll, 5)
  counted(strict, 5)
  api.ballots.deadLetters.set(seq(2).toString('latin1'), 'late')
  api.ballots.deadLetters.set(seq(3).toString('latin1'), 'rejected')
  api.ballots.lowWater = { epoch: 1, stream: 0, below: seq(9), atMs: noonMs, beat: 1 }

  expect(await read(5)).toEqual({ status: 'counted', detail: 'Your ballot is counted.' })
  expect(await read(4)).toEqual({ status: 'replaced', detail: 'A later ballot of yours counts instead of this one.' })
  expect(await read(6, strict)).toEqual({
    status: 'rejected',
    detail: 'An earlier ballot of yours counts: this poll does not allow changes.',
  })
  expect(await read(2)).toEqual({ status: 'late', detail: 'Your ballot came after the poll had closed and does not count.' })
  expect(await read(3)).toEqual({ status: 'rejected', detail: 'This ballot does not fit the poll and does not count.' })
  expect(await read(9)).toEqual({ status: 'received', detail: 'Your ballot is safely received and waits to be counted.' })
  expect(await read(8)).toMatchObject({ status: 'lost', detail: expect.stringContaining('lost') })
})

it('knows only its own receipts', async () => {
  const good = receiptText(api.masterKey, { pollId: poll.id, voterKey, seq: seq(1) })
  const forged = `${good.slice(0, 20)}${good[20] === 'A' ? 'B' : 'A'}${good.slice(21)}`
  for (const text of ['x', forged, good.slice(1), `${good}A`, encodeURIComponent('☕'), 'a'.repeat(3_000)]) {
    expect((await api.app.inject(`/v1/receipts/${text}`)).statusCode, text).toBe(404)
  }
})

it('of a deleted poll says so', async () => {
  const deleted = api.addPoll({ deletedAtMs: noonMs })
  const receipt = receiptText(api.masterKey, { pollId: deleted.id, voterKey, seq: seq(1) })
  expect((await api.app.inject(`/v1/receipts/${receipt}`)).json()).toMatchObject({ status: 410, type: 'urn:urna:problem:poll-deleted' })
})

it('asks for the header where there is no receipt in the address', async () => {
  const response = await api.app.inject('/v1/receipts')
  expect(response.json()).toMatchObject({ type: 'urn:urna:problem:invalid-request', errors: [{ field: 'header urna-receipt' }] })
})
