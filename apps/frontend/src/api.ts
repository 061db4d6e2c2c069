import type {
  BallotInput,
  BallotReceived,
  Challenge,
  Me,
  OwnBallot,
  Poll,
  PollList,
  Problem,
  ProblemName,
  Receipt,
  Results,
} from '@urna/contracts'
import { noteServerDate } from './server-clock.ts'
import { apiUrl } from './settings.ts'
import type { Voter } from './voter.ts'

const timeoutMilliseconds = 10_000
const problemPrefix = 'urn:urna:problem:'

/** Why there is no usable answer: `refused` means that asking the same again would bring the same. */
export type FailureReason = 'no-connection' | 'no-answer' | 'busy' | 'refused'

export class ApiFailure extends Error {
  readonly reason: FailureReason
  /** HTTP status, 0 if there was no answer. */
  readonly status: number
  readonly problem: Problem | null
  /** Seconds the server asks us to wait. */
  readonly retryAfter: number | null

  constructor(reason: FailureReason, status = 0, problem: Problem | null = null, retryAfter: number | null = null) {
    super(problem?.title ?? `${reason} ${status}`)
    this.reason = reason
    this.status = status
    this.problem = problem
    this.retryAfter = retryAfter
  }

  /** Of the server's table of problems; null where something else answered. */
  get problemName(): ProblemName | null {
    const name = this.problem?.type?.startsWith(problemPrefix) ? this.problem.type.slice(problemPrefix.length) : null
    return name as ProblemName | null
  }
}

export function getPolls(after: string | null, signal: AbortSignal): Promise<PollList> {
  const query = after === null ? '' : `?after=${encodeURIComponent(after)}`
  return getJson<PollList>(`/v1/polls${query}`, signal)
}

export function getPoll(pollId: string, signal: AbortSignal): Promise<Poll> {
  return getJson<Poll>(pollPath(pollId), signal)
}

/** The ballot this voter has in the poll, null if there is none. `idempotencyKey`: of a ballot that was never confirmed. */
export async function getOwnBallot(voter: Voter, idempotencyKey: string | null, signal: AbortSignal): Promise<OwnBallot | null> {
  try {
    const response = await request(`${pollPath(voter.pollId)}/ballots/mine`, { ...sentBy(voter, idempotencyKey), signal })
    return await readJson<OwnBallot>(response)
  } catch (error) {
    if (error instanceof ApiFailure && error.problemName === 'ballot-not-found') return null
    throw error
  }
}

/** `idempotencyKey`: empty where it is not the voter. `proof`: in guarded polls, else null. */
export async function postBallot(
  voter: Voter,
  { idempotencyKey, proof }: { idempotencyKey: string; proof: string | null },
  ballot: BallotInput,
  signal: AbortSignal,
): Promise<BallotReceived> {
  const { headers, ...credentials } = sentBy(voter, idempotencyKey === '' ? null : idempotencyKey)
  const response = await request(`${pollPath(voter.pollId)}/ballots`, {
    method: 'POST',
    ...credentials,
    headers: { 'Content-Type': 'application/json', ...headers, ...(proof !== null && { 'Urna-Proof': proof }) },
    body: JSON.stringify(ballot),
    signal,
  })
  // Any other success is not the api speaking (a hotel's sign-in page answers 200): the vote is not received.
  if (response.status !== 202) throw new ApiFailure('no-answer', response.status)
  return readJson<BallotReceived>(response)
}

/** Says who votes. Where a code does, nothing else goes with it: not the cookie that would tie the vote to what else this browser does. */
function sentBy({ code }: Voter, idempotencyKey: string | null): { headers: Record<string, string>; credentials?: RequestCredentials } {
  if (code !== null) return { headers: { 'Urna-Voting-Code': code }, credentials: 'omit' }
  return { headers: idempotencyKey === null ? {} : { 'Idempotency-Key': idempotencyKey } }
}

/** What this voter has to solve before a vote in a guarded poll. */
export async function postChallenge(pollId: string, idempotencyKey: string, signal: AbortSignal): Promise<Challenge> {
  const headers = { 'Idempotency-Key': idempotencyKey }
  const challenge = await readJson<Challenge>(await request(`${pollPath(pollId)}/challenges`, { method: 'POST', headers, signal }))
  if (typeof challenge.salt !== 'string' || typeof challenge.maxNumber !== 'number') throw new ApiFailure('no-answer')
  return challenge
}

/** Who is signed in; null: nobody. */
export async function getMe(signal: AbortSignal): Promise<Me | null> {
  try {
    return await getJson<Me>('/v1/me', signal)
  } catch (error) {
    if (error instanceof ApiFailure && error.problemName === 'unauthorized') return null
    throw error
  }
}

export function getReceipt(receipt: string, signal: AbortSignal): Promise<Receipt> {
  return getJson<Receipt>('/v1/receipts', signal, receiptHeader(receipt))
}

export function getResults(pollId: string, receipt: string | null, signal: AbortSignal): Promise<Results> {
  return getJson<Results>(`${pollPath(pollId)}/results`, signal, receiptHeader(receipt))
}

/** The stream of results: server-sent events. Resolves when the server has begun to answer. */
export async function openLiveResults(
  pollId: string,
  receipt: string | null,
  signal: AbortSignal,
): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
  const headers = { Accept: 'text/event-stream', ...receiptHeader(receipt) }
  const response = await answered(`${pollPath(pollId)}/results/live`, { headers, signal, cache: 'no-store' }, signal)
  const isStream = response.headers.get('Content-Type')?.startsWith('text/event-stream') ?? false
  if (response.body === null || !isStream) throw new ApiFailure('no-answer', response.status)
  return response.body
}

export function resultsCsvUrl(pollId: string): string {
  return `${apiUrl}${pollPath(pollId)}/results.csv`
}

/** The CSV for a voter who must show the receipt to see results: a plain link cannot send a header. */
export async function getResultsCsv(pollId: string, receipt: string): Promise<Blob> {
  const response = await request(`${pollPath(pollId)}/results.csv`, { headers: receiptHeader(receipt) })
  return response.blob()
}

function pollPath(pollId: string): string {
  return `/v1/polls/${encodeURIComponent(pollId)}`
}

function receiptHeader(receipt: string | null): Record<string, string> {
  return receipt === null ? {} : { 'Urna-Receipt': receipt }
}

async function getJson<T>(path: string, signal: AbortSignal, headers: Record<string, string> = {}): Promise<T> {
  return readJson<T>(await request(path, { headers, signal }))
}

/** Resolves with a response of success, its body already here; everything else is thrown as an {@link ApiFailure}. */
export async function request(path: string, init: RequestInit, withinMilliseconds = timeoutMilliseconds): Promise<Response> {
  const controller = new AbortController()
  let timedOut = false
  const timer = setTimeout(() => {
    timedOut = true
    controller.abort()
  }, withinMilliseconds)
  const abort = () => controller.abort()
  init.signal?.addEventListener('abort', abort)
  try {
    const response = await answered(path, init, controller.signal)
    // The body is read within the time limit too: an answer that stops half-way is no answer.
    const body = await response.arrayBuffer()
    return new Response(body.byteLength === 0 ? null : body, response)
  } catch (error) {
    if (error instanceof ApiFailure) throw error
    throw new ApiFailure(timedOut ? 'no-answer' : 'no-connection')
  } finally {
    clearTimeout(timer)
    init.signal?.removeEventListener('abort', abort)
  }
}

/** Resolves when an answer of success has begun; throws an {@link ApiFailure} for any other answer. */
async function answered(path: string, init: RequestInit, signal: AbortSignal): Promise<Response> {
  // An api at another address knows the voter by its cookie only if the browser is told to send it there.
  const credentials = apiUrl === '' ? 'same-origin' : 'include'
  const response = await fetch(`${apiUrl}${path}`, { credentials, ...init, signal })
  noteServerDate(response.headers.get('Date'))
  if (!response.ok) throw await failureOf(response)
  return response
}

export async function readJson<T>(response: Response): Promise<T> {
  try {
    return (await response.json()) as T
  } catch {
    throw new ApiFailure('no-answer', response.status)
  }
}

async function failureOf(response: Response): Promise<ApiFailure> {
  const { status } = response
  const isProblem = response.headers.get('Content-Type')?.startsWith('application/problem+json') ?? false
  const problem = isProblem ? await readJson<Problem>(response).catch(() => null) : null
  // What the api did not say itself (a proxy's 404 or 408, say) may be otherwise a moment later; but who must sign in there must.
  const fromElsewhere = problem === null && status !== 401 && status !== 403
  const temporary = fromElsewhere || status === 429 || status >= 500
  return new ApiFailure(
    temporary ? 'busy' : 'refused',
    status,
    problem,
    secondsOf(response.headers.get('Retry-After')) ?? problem?.retryAfter ?? null,
  )
}

function secondsOf(retryAfter: string | null): number | null {
  return retryAfter !== null && /^\d+$/.test(retryAfter) ? Number(retryAfter) : null
}
