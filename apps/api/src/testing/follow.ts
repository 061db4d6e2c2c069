import { type Agent, type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http'

export interface StreamedEvent {
  readonly event: string
  readonly id: string | null
  // biome-ignore lint/suspicious/noExplicitAny: what the event says, for the test to judge
  readonly data: any
}

export interface Followed {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly response: IncomingMessage
  /** Events that have come and were not asked for by `next`. */
  readonly unread: StreamedEvent[]
  /** Everything that has come, as text. */
  readonly text: () => string
  /** The next event; rejects if the stream ends before. */
  next(): Promise<StreamedEvent>
  /** Resolves with the whole text when the stream or answer is at its end, cut or not. */
  readonly ended: Promise<string>
  leave(): void
}

/** Opens a stream of events, on a connection of its own. Resolves with the head of the answer, whatever it is. */
export function follow(
  port: number,
  path: string,
  options: { headers?: Record<string, string>; method?: string; agent?: Agent } = {},
): Promise<Followed> {
  const { promise, resolve, reject } = Promise.withResolvers<Followed>()
  const outgoing = request({ port, host: '127.0.0.1', path, agent: false, ...options }, (response) => {
    let text = ''
    let parsed = 0
    const unread: StreamedEvent[] = []
    const waiting: { resolve: (event: StreamedEvent) => void; reject: (error: Error) => void }[] = []
    response.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
      for (let end = text.indexOf('\n\n', parsed); end >= 0; end = text.indexOf('\n\n', parsed)) {
        const fields = new Map(
          text
            .slice(parsed, end)
            .split('\n')
            .map((line): [string, string] => [line.slice(0, line.indexOf(': ')), line.slice(line.indexOf(': ') + 2)]),
        )
        parsed = end + 2
        const data = fields.get('data')
        if (data === undefined) continue
        const event = { event: fields.get('event') ?? 'message', id: fields.get('id') ?? null, data: JSON.parse(data) }
        const first = waiting.shift()
        if (first === undefined) unread.push(event)
        else first.resolve(event)
      }
    })
    response.on('error', () => {})
    const ended = new Promise<string>((done) => {
      response.on('close', () => {
        for (const { reject } of waiting.splice(0)) reject(new Error(`the stream ended after: ${text}`))
        done(text)
      })
    })
    resolve({
      status: response.statusCode ?? 0,
      headers: response.headers,
      response,
      unread,
      text: () => text,
      next() {
        const event = unread.shift()
        if (event !== undefined) return Promise.resolve(event)
        if (response.closed) return Promise.reject(new Error(`the stream ended after: ${text}`))
        return new Promise((resolve, reject) => waiting.push({ resolve, reject }))
      },
      ended,
      leave: () => outgoing.destroy(),
    })
  })
  outgoing.on('error', reject)
  outgoing.end()
  return promise
}
