import { ApiFailure, postBallot } from './api.ts'
import {
  type Answers,
  ownKey,
  type PendingBallot,
  readPending,
  readSent,
  type SentBallot,
  savePending,
  saveSent,
} from './ballot-storage.ts'
import { retryDelay } from './retry.ts'

export type SendState =
  | { step: 'editing' }
  /** `failure`: of the try before this one, null for the first. */
  | { step: 'sending'; failure: ApiFailure | null }
  /** Unconfirmed; the next try comes by itself. */
  | { step: 'waiting'; failure: ApiFailure }
  | { step: 'refused'; failure: ApiFailure }
  | { step: 'received'; ballot: SentBallot }

/** Why the ballot that is being sent is not confirmed yet; null before the first try has failed. */
export function lastFailure(state: SendState): ApiFailure | null {
  return state.step === 'sending' || state.step === 'waiting' ? state.failure : null
}

/** Sends the ballots of one poll, again and again until the server has confirmed or refused. */
export interface BallotSender {
  state(): SendState
  /** The newest ballot confirmed since the page was opened. */
  confirmed(): SentBallot | null
  subscribe(listener: () => void): () => void
  send(answers: Answers): void
  /** Sends what an earlier visit of this page left unconfirmed, if anything. */
  resume(): void
  tryNow(): void
  /** Back to the form. A try that is under way may still arrive; the key stays, so it is the same voter. */
  edit(): void
}

const senders = new Map<string, BallotSender>()

/** One sender a poll for as long as the page is open: looking at another page must not stop the sending. */
export function ballotSender(pollId: string): BallotSender {
  let sender = senders.get(pollId)
  if (sender === undefined) {
    sender = createBallotSender(pollId)
    senders.set(pollId, sender)
  }
  return sender
}

export function createBallotSender(pollId: string): BallotSender {
  let state: SendState = { step: 'editing' }
  let confirmed: SentBallot | null = null
  let failures = 0
  let timer: ReturnType<typeof setTimeout> | undefined
  // Grows whenever what happens next is decided anew, so that the outcome of an older try cannot overrule it.
  let turn = 0
  let underWay: AbortController | undefined
  const listeners = new Set<() => void>()

  function become(next: SendState): void {
    state = next
    if (next.step === 'received') confirmed = next.ballot
    warnBeforeLeaving(pollId, next.step === 'sending' || next.step === 'waiting')
    for (const listener of listeners) listener()
  }

  async function attempt(pending: PendingBallot): Promise<void> {
    turn += 1
    const thisTurn = turn
    const controller = new AbortController()
    underWay = controller
    clearTimeout(timer)
    // Said before it is so: if the page is closed while the try is under way, the next visit must know of it.
    savePending(pollId, { ...pending, mayHaveArrived: true })
    become({ step: 'sending', failure: state.step === 'waiting' ? state.failure : null })
    try {
      const { receipt, receivedAt } = await postBallot(pollId, pending.key, { answers: pending.answers }, controller.signal)
      if (typeof receipt !== 'string') throw new ApiFailure('no-answer')
      const ballot = { receipt, receivedAt, answers: pending.answers }
      // The voter may have gone back to the form meanwhile: then that form goes on, with the same key.
      if (thisTurn !== turn) return
      saveSent(pollId, ballot)
      become({ step: 'received', ballot })
    } catch (error) {
      if (!(error instanceof ApiFailure)) throw error
      if (thisTurn !== turn) return
      if (error.reason === 'refused') {
        savePending(pollId, { ...pending, send: false })
        become({ step: 'refused', failure: error })
        return
      }
      failures += 1
      become({ step: 'waiting', failure: error })
      timer = setTimeout(retry, retryDelay(failures, error.retryAfter))
    }
  }

  function retry(): void {
    // Read again before every try: another tab may have sent a newer ballot, which this older one must not replace.
    const pending = readPending(pollId)
    if (pending?.send) {
      void attempt(pending)
      return
    }
    const sent = readSent(pollId)
    become(pending === null && sent !== null ? { step: 'received', ballot: sent } : { step: 'editing' })
  }

  function retryIfWaiting(): void {
    if (state.step !== 'waiting') return
    clearTimeout(timer)
    retry()
  }

  globalThis.addEventListener?.('online', retryIfWaiting)

  return {
    state: () => state,
    confirmed: () => confirmed,
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    send(answers) {
      if (state.step === 'sending') return
      failures = 0
      const earlier = readPending(pollId)
      void attempt({ key: earlier?.key ?? ownKey(), answers, send: true, mayHaveArrived: earlier?.mayHaveArrived ?? false })
    },
    resume() {
      if (state.step === 'editing' && readPending(pollId)?.send) retry()
    },
    tryNow: retryIfWaiting,
    edit() {
      turn += 1
      // Stopped as far as it can be: if it arrived later than the changed answers, it would replace them.
      underWay?.abort()
      clearTimeout(timer)
      const pending = readPending(pollId)
      if (pending !== null) savePending(pollId, { ...pending, send: false })
      become({ step: 'editing' })
    },
  }
}

function askBeforeLeaving(event: BeforeUnloadEvent): void {
  event.preventDefault()
}

/** Polls whose ballot is not confirmed. */
const unconfirmed = new Set<string>()

function warnBeforeLeaving(pollId: string, warn: boolean): void {
  if (warn) unconfirmed.add(pollId)
  else unconfirmed.delete(pollId)
  if (unconfirmed.size > 0) globalThis.addEventListener?.('beforeunload', askBeforeLeaving)
  else globalThis.removeEventListener?.('beforeunload', askBeforeLeaving)
}
