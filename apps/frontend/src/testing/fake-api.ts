import { type Problem, type ProblemName, problems, problemType } from '@urna/contracts'

/** One request, as it left the page. */
export interface Asked {
  readonly method: string
  /** With the query; with the origin too if the request went to another one. */
  readonly path: string
  readonly headers: Headers
  readonly body: unknown
  readonly credentials: RequestCredentials | undefined
  readonly signal: AbortSignal | undefined
}

export type Answer = (asked: Asked) => Response | Promise<Response>

export function json(body: unknown, status = 200, headers: Record<string, string> = {}): Answer {
  return () => new Response(JSON.stringify(body), { status, headers: { 'Content-Type': 'application/json', ...headers } })
}

export function problem(name: ProblemName, more: Partial<Problem> = {}, headers: Record<string, string> = {}): Answer {
  const { status, title } = problems[name]
  return json({ type: problemType(name), title, status, ...more }, status, { 'Content-Type': 'application/problem+json', ...headers })
}

/** What a proxy, a firewall or a hotel's sign-in page answers in place of the api. */
export function elsewhere(status: number, headers: Record<string, string> = {}): Answer {
  return () => new Response('<html>not the api</html>', { status, headers: { 'Content-Type': 'text/html', ...headers } })
}

export const noConnection: Answer = () => Promise.reject(new TypeError('Failed to fetch'))

/** The request is taken, and never answered. */
export const silence: Answer = () => new Promise(() => {})

/** Stands in place of `fetch`: answers by method and path, with real responses, and ends what the page aborts as a browser does. */
export class FakeApi {
  readonly asked: Asked[] = []
  /** Requests that no test has an answer for. */
  readonly unexpected: string[] = []
  readonly #answers = new Map<string, Answer[]>()

  /** `route`: `GET /v1/polls`. Each answer is given once, the last one again and again; what was said of the route before is forgotten. */
  on(route: string, ...answers: Answer[]): void {
    this.#answers.set(route, answers)
  }

  asks(route: string): Asked[] {
    return this.asked.filter((asked) => routeOf(asked) === route)
  }

  readonly fetch = (input: RequestInfo | URL, init: RequestInit = {}): Promise<Response> => {
    const { method = 'GET', body, credentials, signal } = init
    const asked: Asked = {
      method,
      path: String(input),
      headers: new Headers(init.headers),
      body: typeof body === 'string' ? JSON.parse(body) : undefined,
      credentials,
      signal: signal ?? undefined,
    }
    this.asked.push(asked)
    const route = routeOf(asked)
    const answers = this.#answers.get(route) ?? []
    const answer = answers.length > 1 ? answers.shift() : answers[0]
    if (answer === undefined) {
      this.unexpected.push(route)
      return Promise.reject(new TypeError(`no answer for ${route}`))
    }
    return new Promise((resolve, reject) => {
      const abort = () => reject(new DOMException('The operation was aborted.', 'AbortError'))
      if (signal?.aborted) abort()
      signal?.addEventListener('abort', abort)
      Promise.resolve(answer(asked)).then(resolve, reject)
    })
  }
}

/** Receipts are asked about at one address, each in a header. */
function routeOf({ method, path, headers }: Asked): string {
  return path === '/v1/receipts' ? `${method} ${path} of ${headers.get('Urna-Receipt')}` : `${method} ${path}`
}
