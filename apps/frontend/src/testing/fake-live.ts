import type { LiveResultsDelayed, LiveResultsEnd, Results } from '@urna/contracts'
import type { Answer, FakeApi } from './fake-api.ts'

const encoder = new TextEncoder()

export function eventBytes(event: string, data: unknown): Uint8Array<ArrayBuffer> {
  return encoder.encode(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`)
}

/** One stream of server-sent events, from the server's side. */
export class FakeStream {
  readonly body: ReadableStream<Uint8Array<ArrayBuffer>>
  /** False once either side has ended it. */
  open = true
  #controller: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>> | undefined

  constructor(signal: AbortSignal | undefined) {
    this.body = new ReadableStream({
      start: (controller) => {
        this.#controller = controller
      },
      cancel: () => {
        this.open = false
      },
    })
    signal?.addEventListener('abort', () => this.#fail(new DOMException('The operation was aborted.', 'AbortError')))
  }

  bytes(bytes: Uint8Array<ArrayBuffer>): void {
    if (!this.open) throw new Error('the page has closed this stream, or the test has')
    this.#controller?.enqueue(bytes)
  }

  text(text: string): void {
    this.bytes(encoder.encode(text))
  }

  results(results: Results): void {
    this.bytes(eventBytes('results', results))
  }

  delayed(delayed: LiveResultsDelayed): void {
    this.bytes(eventBytes('delayed', delayed))
  }

  /** The last event, and the end of the stream behind it. */
  end(reason: LiveResultsEnd): void {
    this.bytes(eventBytes('end', reason))
    this.close()
  }

  /** Ends in good order, as behind a proxy that is restarted. */
  close(): void {
    this.open = false
    this.#controller?.close()
  }

  /** The connection breaks. */
  lose(): void {
    this.#fail(new TypeError('network error'))
  }

  #fail(error: Error): void {
    if (!this.open) return
    this.open = false
    this.#controller?.error(error)
  }
}

/** The address of a poll's live results: every request opens a stream, which begins with what `first` says at that time. */
export class FakeLive {
  readonly streams: FakeStream[] = []
  first: Results | null

  constructor(first: Results | null = null) {
    this.first = first
  }

  readonly answer: Answer = ({ signal }) => {
    const stream = new FakeStream(signal)
    this.streams.push(stream)
    stream.text('retry: 2500\n\n')
    if (this.first !== null) stream.results(this.first)
    return new Response(stream.body, { headers: { 'Content-Type': 'text/event-stream; charset=utf-8' } })
  }

  /** The newest stream. */
  get stream(): FakeStream {
    const stream = this.streams.at(-1)
    if (stream === undefined) throw new Error('no stream was asked for')
    return stream
  }

  /** How many streams the page holds open. */
  get open(): number {
    return this.streams.filter((stream) => stream.open).length
  }
}

/** Gives a poll live results, which begin with these. */
export function giveLive(api: FakeApi, pollId: string, first: Results | null = null): FakeLive {
  const live = new FakeLive(first)
  api.on(`GET /v1/polls/${pollId}/results/live`, live.answer)
  return live
}
