import { randomInt } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Answer, getJson, openPoll, send, settledResults } from '../support/client.ts'
import { freePort } from '../support/free-port.ts'
import { StandaloneProcess, temporaryDirectory } from '../support/standalone-process.ts'

/** The shipped process on SQLite: what a cookie of which one bit is another can do. */

const voters = 20
const flips = 10_000
const atOnce = 64
const cookiePrefix = 'urna_voter='

const directory = temporaryDirectory()
let urna: StandaloneProcess
beforeAll(async () => {
  urna = await new StandaloneProcess({ dataDirectory: directory.path, port: await freePort() }).ready()
})
afterAll(async () => {
  await urna.stop()
  directory.remove()
})

function vote(pollId: string, option: number, cookie?: string): Promise<Answer> {
  const headers: Record<string, string> = cookie === undefined ? {} : { cookie }
  return send('POST', `${urna.url}/v1/polls/${pollId}/ballots`, { body: { answers: [{ question: 1, options: [option] }] }, headers })
}

function flipBit(bytes: Buffer, bit: number): Buffer {
  const flipped = Buffer.from(bytes)
  flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7))
  return flipped
}

/** A bit of what the cookie says, or of the text that it is written in, as far as a header may hold the character. */
function flipped(value: string): string {
  for (;;) {
    const isOfText = randomInt(2) === 0
    const bytes = Buffer.from(value, isOfText ? 'latin1' : 'base64url')
    const other = flipBit(bytes, randomInt(bytes.length * 8)).toString(isOfText ? 'latin1' : 'base64url')
    if (/^[\x20-\x7e\x80-\xff]*$/.test(other)) return other
  }
}

it(`${flips} cookies of which a bit is flipped: each is somebody new, none is an error, no ballot of another is touched`, {
  timeout: 120_000,
}, async () => {
  const { id } = await openPoll(urna.url, {
    title: 'Flips',
    questions: [{ text: 'Which?', options: [{ text: 'own' }, { text: 'flipped' }] }],
  })
  const cookies: string[] = []
  const receipts: string[] = []
  for (let voter = 0; voter < voters; voter++) {
    const answer = await vote(id, 1)
    cookies.push(String(answer.headers['set-cookie']).split(';')[0] ?? '')
    receipts.push((JSON.parse(answer.text) as { receipt: string }).receipt)
  }
  expect(cookies[0]).toMatch(/^urna_voter=[\w-]{66}$/)

  let sent = 0
  const statuses = new Map<number, number>()
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      while (sent < flips) {
        const own = cookies[sent++ % voters]?.slice(cookiePrefix.length) ?? ''
        const { status } = await vote(id, 2, cookiePrefix + flipped(own))
        statuses.set(status, (statuses.get(status) ?? 0) + 1)
      }
    }),
  )
  expect([...statuses]).toEqual([[202, flips]])

  // 20 voters for `own`, and each flipped cookie is one voter more for `flipped`.
  const { turnout, questions } = await settledResults(urna.url, id, 60_000)
  expect(turnout).toBe(voters + flips)
  expect(questions[0]?.options.map(({ total }) => total)).toEqual([voters, flips])
  for (const [voter, cookie] of cookies.entries()) {
    const mine = await getJson(`${urna.url}/v1/polls/${id}/ballots/mine`, { cookie })
    expect(mine).toEqual({ answers: [{ question: 1, options: [1] }], receipt: receipts[voter] })
  }
  // And a whole cookie still is its voter: the test sees a change where there is one.
  await vote(id, 2, cookies[0])
  expect((await settledResults(urna.url, id)).questions[0]?.options.map(({ total }) => total)).toEqual([voters - 1, flips + 1])
})
