import { Agent, request } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { adminToken } from './standalone-process.ts'

export interface Answer {
  readonly status: number
  readonly headers: Record<string, string | string[] | undefined>
  readonly text: string
}

const agent = new Agent({ keepAlive: true, maxSockets: 256 })

/** One HTTP request. Rejects when the connection fails: then nobody knows whether it arrived. */
export function send(
  method: string,
  url: string,
  options: { body?: unknown; headers?: Record<string, string>; timeoutMs?: number } = {},
): Promise<Answer> {
  const text = options.body === undefined ? undefined : typeof options.body === 'string' ? options.body : JSON.stringify(options.body)
  return new Promise((resolve, reject) => {
    const outgoing = request(
      url,
      {
        method,
        agent,
        timeout: options.timeoutMs ?? 10_000,
        headers: {
          ...(text === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
          ...options.headers,
        },
      },
      (incoming) => {
        let received = ''
        incoming.setEncoding('utf8')
        incoming.on('data', (chunk: string) => {
          received += chunk
        })
        incoming.on('error', reject)
        incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, text: received }))
      },
    )
    outgoing.on('timeout', () => outgoing.destroy(new Error('no answer in time')))
    outgoing.on('error', reject)
    outgoing.end(text)
  })
}

export async function getJson<Body>(url: string, headers: Record<string, string> = {}): Promise<Body> {
  const answer = await send('GET', url, { headers })
  if (answer.status !== 200) throw new Error(`GET ${url}: ${answer.status} ${answer.text}`)
  return JSON.parse(answer.text) as Body
}

export const asAdministrator = { authorization: `Bearer ${adminToken}` }

export interface TestPoll {
  readonly id: string
  readonly surveyId: number | null
}

/** Creates a poll and opens it. */
export async function openPoll(
  base: string,
  input: unknown,
  times: { opensAt?: string; closesAt?: string } = {},
  headers: Record<string, string> = asAdministrator,
): Promise<TestPoll> {
  const created = await send('POST', `${base}/v1/polls`, { body: input, headers })
  if (created.status !== 201) throw new Error(`poll not created: ${created.status} ${created.text}`)
  const { id } = JSON.parse(created.text) as TestPoll
  const opened = await send('POST', `${base}/v1/polls/${id}/open`, { body: times, headers })
  if (opened.status !== 200) throw new Error(`poll not opened: ${opened.status} ${opened.text}`)
  const poll = JSON.parse(opened.text) as TestPoll
  // Every copy of the api learns of it within a second.
  await until(async () => ((await getJson<{ state: string }>(`${base}/v1/polls/${id}`)).state === 'open' ? true : null))
  return poll
}

/** Waits until `look` returns something else than null; bounded. */
export async function until<Value>(look: () => Promise<Value | null>, timeoutMs = 20_000): Promise<Value> {
  const end = Date.now() + timeoutMs
  for (;;) {
    const value = await look()
    if (value !== null) return value
    if (Date.now() > end) throw new Error(`not so after ${timeoutMs} ms`)
    await delay(20)
  }
}

interface ResultsBody {
  readonly turnout: number
  readonly waiting: number
  readonly questions: { readonly answered: number; readonly options: { readonly number: number; readonly total: number }[] }[]
}

/** Results once the queue is empty and the shown copy is no older than that moment. */
export async function settledResults(
  base: string,
  pollId: string,
  withinMs = 20_000,
  headers: Record<string, string> = asAdministrator,
): Promise<ResultsBody> {
  const read = () => getJson<ResultsBody & { asOf: string | null }>(`${base}/v1/polls/${pollId}/results`, headers)
  // Two seconds: the janitor's beat is one, so an as-of after `emptySince` belongs to a snapshot in which everything is counted.
  const emptySince = await until(async () => ((await read()).waiting === 0 ? Date.now() : null), withinMs)
  return until(async () => {
    const results = await read()
    return results.waiting === 0 && results.asOf !== null && Date.parse(results.asOf) >= emptySince ? results : null
  }, withinMs)
}
