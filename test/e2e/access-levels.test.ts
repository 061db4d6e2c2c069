import { randomUUID } from 'node:crypto'
import { Worker } from 'node:worker_threads'
import { testApi } from '@urna/api/testing/test-api'
import type { Challenge, NewCodes } from '@urna/contracts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Answer, asAdministrator, openPoll, send, settledResults } from '../support/client.ts'
import { freePort } from '../support/free-port.ts'
import { StandaloneProcess, temporaryDirectory } from '../support/standalone-process.ts'

/** Crowds at polls that are not for everybody, over real HTTP. */

const question = { text: 'Which?', options: [{ text: 'one' }, { text: 'two' }] }
const answers = [{ question: 1, options: [1] }]
const problemOf = ({ text }: Answer) => ((JSON.parse(text) as { type?: string }).type ?? 'none').replace('urn:urna:problem:', '')

const vote = (base: string, pollId: string, headers: Record<string, string>, option = 1) =>
  send('POST', `${base}/v1/polls/${pollId}/ballots`, { body: { answers: [{ question: 1, options: [option] }] }, headers })
async function challengeOf(base: string, pollId: string, headers: Record<string, string>): Promise<Challenge> {
  const answer = await send('POST', `${base}/v1/polls/${pollId}/challenges`, { headers })
  if (answer.status !== 200) throw new Error(`no challenge: ${answer.status} ${answer.text}`)
  return JSON.parse(answer.text) as Challenge
}

/** Does it for each of `count`, `atOnce` at a time. */
async function each<Value>(count: number, atOnce: number, act: (index: number) => Promise<Value>): Promise<Value[]> {
  const done: Value[] = []
  let next = 0
  const run = async () => {
    while (next < count) {
      const index = next++
      done[index] = await act(index)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, run))
  return done
}

/** Threads that do the work of many browsers. */
function startSolvers(count: number): { solve(challenge: Challenge): Promise<string>; stop(): Promise<void> } {
  const waiting = new Map<number, (proof: string) => void>()
  const threads = Array.from({ length: count }, () => new Worker(new URL('./solving-thread.ts', import.meta.url)))
  for (const thread of threads) thread.on('message', ({ id, proof }: { id: number; proof: string }) => waiting.get(id)?.(proof))
  let lastId = 0
  return {
    solve: (challenge) =>
      new Promise((resolve) => {
        const id = ++lastId
        waiting.set(id, (proof) => {
          waiting.delete(id)
          resolve(proof)
        })
        threads[id % count]?.postMessage({ id, challenge })
      }),
    stop: async () => {
      await Promise.all(threads.map((thread) => thread.terminate()))
    },
  }
}

describe('a guarded poll and one address', () => {
  it('5,000 voters behind it: all but one in a thousand can vote, and those over the free ones have worked for it', {
    timeout: 120_000,
  }, async () => {
    // A thousandth of the real unit: the same steps, in the time of a test.
    const api = await testApi({ workUnit: 20 })
    const solvers = startSolvers(2)
    try {
      const { id } = api.addPoll({ definition: { access: 'guarded' } })
      await api.app.listen({ port: 0, host: '127.0.0.1' })
      const { port } = api.app.server.address() as { port: number }
      const base = `http://127.0.0.1:${port}`
      const worked: number[] = []
      const statuses = await each(5_000, 32, async () => {
        const voter = { 'idempotency-key': randomUUID() }
        const challenge = await challengeOf(base, id, voter)
        worked.push(challenge.maxNumber)
        const proof = await solvers.solve(challenge)
        return (await vote(base, id, { ...voter, 'urna-proof': proof })).status
      })
      const accepted = statuses.filter((status) => status === 202).length
      const keys = new Set(api.published.map(({ voterKey }) => Buffer.from(voterKey).toString('hex')))
      console.log(
        `5,000 voters of one address: ${accepted} voted; work 0 for ${worked.filter((max) => max === 0).length}, at most ${Math.max(...worked)}`,
      )
      expect(accepted).toBeGreaterThanOrEqual(4_995) // 99.9 %
      expect(keys.size).toBe(accepted)
      expect(worked.filter((maxNumber) => maxNumber === 0)).toHaveLength(50)
      expect(Math.max(...worked)).toBe(20 * 15)
    } finally {
      await solvers.stop()
      await api.app.close()
    }
  })
})

describe('the shipped process', () => {
  const directory = temporaryDirectory()
  let urna: StandaloneProcess
  beforeAll(async () => {
    urna = await new StandaloneProcess({ dataDirectory: directory.path, port: await freePort() }).ready()
  })
  afterAll(async () => {
    await urna.stop()
    directory.remove()
  })

  async function newCodes(pollId: string, count: number): Promise<NewCodes['codes']> {
    const made = await send('POST', `${urna.url}/v1/polls/${pollId}/codes`, { body: { count }, headers: asAdministrator })
    if (made.status !== 201) throw new Error(`no codes: ${made.status} ${made.text}`)
    return (JSON.parse(made.text) as NewCodes).codes
  }

  it('10,000 fresh cookies and keys of one address, without work: 50 pass', { timeout: 120_000 }, async () => {
    const { id } = await openPoll(urna.url, { title: 'Flood', access: 'guarded', questions: [question] })
    // Half of them votes in an open poll first, for a cookie that is really ours.
    const open = await openPoll(urna.url, { title: 'Cookies', questions: [question] })
    const outcomes = await each(10_000, 32, async (index) => {
      const voter: Record<string, string> = { 'idempotency-key': randomUUID() }
      if (index % 2 === 0) {
        const given = await vote(urna.url, open.id, {})
        if (given.status === 202) voter.cookie = String(given.headers['set-cookie']).split(';')[0] ?? ''
      }
      // What costs nothing: no proof, or the number that free challenges have.
      if (index % 10 === 9) return problemOf(await vote(urna.url, id, voter))
      const { algorithm, challenge, salt, signature } = await challengeOf(urna.url, id, voter)
      const proof = Buffer.from(JSON.stringify({ algorithm, challenge, salt, signature, number: 0 })).toString('base64')
      const answer = await vote(urna.url, id, { ...voter, 'urna-proof': proof })
      return answer.status === 202 ? 'taken' : problemOf(answer)
    })
    const count = (outcome: string) => outcomes.filter((one) => one === outcome).length
    console.log(
      `10,000 without work: ${count('taken')} taken, ${count('proof-invalid')} proof-invalid, ${count('proof-required')} proof-required`,
    )
    expect(count('taken')).toBe(50)
    expect(count('proof-required')).toBe(1_000)
    expect(count('proof-invalid')).toBe(10_000 - 1_000 - 50)
    expect((await settledResults(urna.url, id)).turnout).toBe(50)
  })

  it('1,000 uses of one code at once: one voter', async () => {
    const { id } = await openPoll(urna.url, { title: 'One code', access: 'code', questions: [question] })
    const [code, other] = await newCodes(id, 2)
    const taken = await Promise.all(
      Array.from({ length: 1_000 }, (_, index) =>
        vote(urna.url, id, { 'urna-voting-code': code?.code ?? '', 'idempotency-key': randomUUID() }, (index % 2) + 1),
      ),
    )
    expect(taken.filter(({ status }) => status === 202)).toHaveLength(1_000)
    expect(taken.filter(({ headers }) => headers['set-cookie'] !== undefined)).toEqual([])
    const results = await settledResults(urna.url, id)
    expect([results.turnout, results.questions[0]?.options.reduce((sum, { total }) => sum + total, 0)]).toEqual([1, 1])
    await vote(urna.url, id, { 'urna-voting-code': other?.code ?? '' })
    expect((await settledResults(urna.url, id)).turnout).toBe(2)
    const mine = await send('GET', `${urna.url}/v1/polls/${id}/ballots/mine`, { headers: { 'urna-voting-code': other?.code ?? '' } })
    expect(JSON.parse(mine.text)).toMatchObject({ answers })
  })

  it('1,000 uses of one proof at once: one voter', async () => {
    const { id } = await openPoll(urna.url, { title: 'One proof', access: 'guarded', questions: [question] })
    const voter = { 'idempotency-key': randomUUID() }
    const solvers = startSolvers(1)
    const proof = await solvers.solve(await challengeOf(urna.url, id, voter))
    await solvers.stop()
    const [taken, stolen] = await Promise.all([
      Promise.all(Array.from({ length: 1_000 }, () => vote(urna.url, id, { ...voter, 'urna-proof': proof }))),
      Promise.all(Array.from({ length: 1_000 }, () => vote(urna.url, id, { 'idempotency-key': randomUUID(), 'urna-proof': proof }))),
    ])
    expect(taken.filter(({ status }) => status === 202)).toHaveLength(1_000)
    expect(new Set(stolen.map(problemOf))).toEqual(new Set(['proof-invalid']))
    expect((await settledResults(urna.url, id)).turnout).toBe(1)
  })

  it('refuses codes of other polls, revoked and malformed ones, each by its name', async () => {
    const [one, two] = [
      await openPoll(urna.url, { title: 'One', access: 'code', questions: [question] }),
      await openPoll(urna.url, { title: 'Two', access: 'code', questions: [question] }),
    ]
    const [code, revoked] = await newCodes(one.id, 2)
    const using = (text: string, pollId = one.id) => vote(urna.url, pollId, { 'urna-voting-code': text }).then(problemOf)
    const gone = await send('DELETE', `${urna.url}/v1/polls/${one.id}/codes/${revoked?.id}`, { headers: asAdministrator })
    expect(gone.status).toBe(204)
    expect(await using(code?.code ?? '', two.id)).toBe('code-invalid')
    expect(await using(revoked?.code ?? '')).toBe('code-revoked')
    expect(await using('nonsense')).toBe('code-invalid')
    expect(problemOf(await vote(urna.url, one.id, {}))).toBe('code-required')
    expect(await using(code?.code ?? '')).toBe('none')
  })
})
