import type { LiveResultsDelayed, LiveResultsEnd, Problem, ProblemName, Results } from '@urna/contracts'
import { createParser } from 'eventsource-parser'
import { ApiFailure, getResults, openLiveResults } from './api.ts'
import { newerResults } from './newer-results.ts'
import { retryDelay, withJitter } from './retry.ts'
import { serverNowMs } from './server-clock.ts'

/** `live`: the stream is connected and has brought something. `ended`: the results are final, nothing will change. */
export type Link = 'connecting' | 'live' | 'waiting' | 'ended'

export interface LiveState {
  /** The newest results; they stay while newer ones fail. */
  readonly results: Results | null
  readonly link: Link
  /** Why there is no stream, or none of its news; null if there is nothing to say. */
  readonly failure: ApiFailure | null
}

export interface LiveResults {
  state(): LiveState
  /** The stream opens with the first listener and closes with the last. */
  subscribe(listener: () => void): () => void
  tryNow(): void
}

/** The server sends at least a comment every 15 s: after more than two of those without anything, the connection is dead. */
const silenceMilliseconds = 40_000
/** A proxy that holds events back until it has many of them is no stream. */
const firstEventMilliseconds = 10_000
/** What is hidden may be shown earlier than it was said, but that is not worth asking often. */
const hiddenMilliseconds = 30_000
const provenMilliseconds = 10_000
const retryMillisecondsMax = 10_000

/**
 * Results as they are counted, over one stream that is opened again by itself: after a random wait that grows, so that a crowd that lost
 * its server together does not come back together. While streams fail but the server answers, it asks for the results the plain way.
 */
export function createLiveResults(pollId: string, receipt: () => string | null): LiveResults {
  let state: LiveState = { results: null, link: 'connecting', failure: null }
  let failures = 0
  /** How long the server asks to wait before the stream is opened again; it tells every reader another time. */
  let retryMilliseconds = 0
  let timer: ReturnType<typeof setTimeout> | undefined
  let controller: AbortController | undefined
  const listeners = new Set<() => void>()

  function become(change: Partial<LiveState>): void {
    state = { ...state, ...change }
    for (const listener of listeners) listener()
  }

  function take(fresh: Results): void {
    become({ results: state.results === null ? fresh : newerResults(state.results, fresh), link: 'live', failure: null })
  }

  async function connect(): Promise<void> {
    stop()
    const mine = new AbortController()
    controller = mine
    if (state.link !== 'connecting') become({ link: 'connecting' })
    const failure = asTemporary(await follow(mine))
    if (mine.signal.aborted || state.link === 'ended') return
    failures += 1
    if (failure === null) {
      timer = setTimeout(connect, retryDelay(failures, null))
    } else if (failure.status === 403) {
      become({ results: null, link: 'waiting', failure })
      timer = setTimeout(connect, hiddenDelay(failure))
    } else if (failure.reason === 'refused') {
      become({ results: null, link: 'ended', failure })
    } else {
      become({ link: 'waiting', failure })
      timer = setTimeout(connect, Math.max(retryDelay(failures, failure.retryAfter), retryMilliseconds))
      retryMilliseconds = 0
      if (failure.reason !== 'no-connection') void askOnce(mine.signal)
    }
  }

  /** Reads the stream until it ends, and tells why it did; null: the server has a reason, and gives it to who asks again. */
  async function follow(mine: AbortController): Promise<ApiFailure | null> {
    let refused = false
    // The stream has a signal of its own: silence ends it, and must not look as if the page had.
    const stream = new AbortController()
    const abort = () => stream.abort()
    mine.signal.addEventListener('abort', abort)
    let watchdog = setTimeout(abort, firstEventMilliseconds)
    // A stream that is cut as soon as it has begun is a failed try.
    const proven = setTimeout(() => {
      failures = 0
    }, provenMilliseconds)
    const parser = createParser({
      onRetry(milliseconds) {
        retryMilliseconds = Math.min(milliseconds, retryMillisecondsMax)
      },
      onEvent({ event, data }) {
        if (event === 'results') take(JSON.parse(data) as Results)
        if (event === 'delayed')
          become({ link: 'live', failure: new ApiFailure('busy', 503, problemOf(JSON.parse(data) as LiveResultsDelayed)) })
        if (event === 'end') {
          if ('final' in (JSON.parse(data) as LiveResultsEnd)) become({ link: 'ended', failure: null })
          else refused = true
        }
      },
    })
    try {
      const body = await openLiveResults(pollId, receipt(), stream.signal)
      const reader = body.pipeThrough(new TextDecoderStream()).getReader()
      for (;;) {
        const { done, value } = await reader.read()
        if (done || mine.signal.aborted) break
        parser.feed(value)
        clearTimeout(watchdog)
        watchdog = setTimeout(abort, state.link === 'live' ? silenceMilliseconds : firstEventMilliseconds)
      }
      return refused ? null : new ApiFailure('no-connection')
    } catch (error) {
      if (error instanceof ApiFailure) return error
      return new ApiFailure(stream.signal.aborted ? 'no-answer' : 'no-connection')
    } finally {
      clearTimeout(watchdog)
      clearTimeout(proven)
      mine.signal.removeEventListener('abort', abort)
      stream.abort()
    }
  }

  async function askOnce(signal: AbortSignal): Promise<void> {
    try {
      const fresh = await getResults(pollId, receipt(), signal)
      if (!signal.aborted) become({ results: state.results === null ? fresh : newerResults(state.results, fresh) })
    } catch {
      // The stream's own failure is shown already.
    }
  }

  function stop(): void {
    clearTimeout(timer)
    controller?.abort()
  }

  /** A page that nobody looks at holds no connection: browsers have few for one server, shared by all tabs. */
  function followVisibility(): void {
    if (state.link === 'ended') return
    if (document.hidden) stop()
    else void connect()
  }

  /** The browser knows before the silence does. */
  function loseConnection(): void {
    if (state.link === 'ended') return
    stop()
    become({ link: 'waiting', failure: new ApiFailure('no-connection') })
  }

  function connectIfWaiting(): void {
    if (state.link === 'waiting' && !document.hidden) void connect()
  }

  return {
    state: () => state,
    subscribe(listener) {
      listeners.add(listener)
      if (listeners.size === 1) {
        document.addEventListener('visibilitychange', followVisibility)
        addEventListener('online', connectIfWaiting)
        addEventListener('offline', loseConnection)
        if (!document.hidden) void connect()
      }
      return () => {
        listeners.delete(listener)
        if (listeners.size > 0) return
        document.removeEventListener('visibilitychange', followVisibility)
        removeEventListener('online', connectIfWaiting)
        removeEventListener('offline', loseConnection)
        stop()
      }
    },
    tryNow: connectIfWaiting,
  }
}

const finalRefusals: readonly (ProblemName | null)[] = ['invalid-request', 'poll-not-found', 'poll-deleted']

/** Who refuses the stream without saying that there is no such poll is no api that has streams: it may have plain results. */
function asTemporary(failure: ApiFailure | null): ApiFailure | null {
  const isFinal = failure === null || failure.reason !== 'refused' || failure.status === 403 || finalRefusals.includes(failure.problemName)
  return isFinal ? failure : new ApiFailure('busy', failure.status)
}

/** When it is known at what time results will show, then; the random part spreads the crowd that waits for it. */
function hiddenDelay({ problem }: ApiFailure): number {
  const leftMs = problem?.at === undefined ? Number.NaN : Date.parse(problem.at) - serverNowMs()
  const untilShown = leftMs > 0 ? leftMs + 500 + Math.random() * 2_000 : Number.POSITIVE_INFINITY
  return Math.min(untilShown, withJitter(hiddenMilliseconds))
}

function problemOf({ problem }: LiveResultsDelayed): Problem {
  return { type: `urn:urna:problem:${problem}`, title: '', status: 503 }
}
