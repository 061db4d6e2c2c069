import { ApiFailure, postBallot } from './api.ts'
import { type Answers, type PendingBallot, readPending, readSent, type SentBallot, savePending, saveSent } from './ballot-storage.ts'
import { loadPart } from './load-part.ts'
import type { Proof } from './proof.ts'
import { retryDelay } from './retry.ts'
import { newBallotKey, type Voter } from './voter.ts'

export type SendState =
  | { step: 'editing' }
  /** `failure`: of the try before this one, null for the first. `calculating`: the work comes first that the server asks for. */
  | { step: 'sending'; failure: ApiFailure | null; calculating: boolean }
  /** Unconfirmed; the next try comes by itself. */
  | { step: 'waiting'; failure: ApiFailure }
  | { step: 'refused'; failure: ApiFailure }
  | { step: 'received'; ballot: SentBallot }

/** Why the ballot that is being sent is not confirmed yet; null before the first try has failed. */
export function lastFailure(state: SendState): ApiFailure | null {
  return state.step === 'sending' || state.step === 'waiting' ? state.failure : null
}

/** Sends the ballots of one voter in one poll, again and again until the server has confirmed or refused. */
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

/** One sender a voter and poll for as long as the page is open: looking at another page must not stop the sending. */
export function ballotSender(voter: Voter): BallotSender {
  let sender = senders.get(voter.name)
  if (sender === undefined) {
    sender = createBallotSender(voter)
    senders.set(voter.name, sender)
  }
  return sender
}

/** A proof that the server does not take is made anew so often, then the voter hears of it. */
const renewalsMax = 3

export function createBallotSender(voter: Voter): BallotSender {
  const { name } = voter
  let state: SendState = { step: 'editing' }
  let confirmed: SentBallot | null = null
  let failures = 0
  let proof: Proof | null = null
  let renewals = 0
  let timer: ReturnType<typeof setTimeout> | undefined
  // Grows whenever what happens next is decided anew, so that the outcome of an older try cannot overrule it.
  let turn = 0
  let underWay: AbortController | undefined
  const listeners = new Set<() => void>()

  function become(next: SendState): void {
    state = next
    if (next.step === 'received') confirmed = next.ballot
    warnBeforeLeaving(name, next.step === 'sending' || next.step === 'waiting')
    for (const listener of listeners) listener()
  }

  async function attempt(pending: PendingBallot): Promise<void> {
    turn += 1
    const thisTurn = turn
    const controller = new AbortController()
    underWay = controller
    clearTimeout(timer)
    const failure = lastFailure(state)
    try {
      if (voter.level === 'guarded') {
        savePending(name, pending)
        become({ step: 'sending', failure, calculating: false })
        await prove(pending.key, controller.signal, () => {
          if (thisTurn === turn) become({ step: 'sending', failure, calculating: true })
        })
        if (thisTurn !== turn) return
        // That took a while: another tab may have sent this ballot, or a newer one.
        if (!isStill(pending, readPending(name))) return retry()
      }
      // Said before it is so: if the page is closed while the try is under way, the next visit must know of it.
      savePending(name, { ...pending, mayHaveArrived: true })
      become({ step: 'sending', failure, calculating: false })
      const sent = { idempotencyKey: pending.key, proof: proof?.text ?? null }
      const { receipt, receivedAt } = await postBallot(voter, sent, { answers: pending.answers }, controller.signal)
      if (typeof receipt !== 'string') throw new ApiFailure('no-answer')
      const ballot = { receipt, receivedAt, answers: pending.answers }
      // The voter may have gone back to the form meanwhile: then that form goes on, with the same key.
      if (thisTurn !== turn) return
      saveSent(name, ballot)
      become({ step: 'received', ballot })
    } catch (error) {
      if (!(error instanceof ApiFailure)) throw error
      if (thisTurn !== turn) return
      if (isAboutProof(error) && renewals < renewalsMax) {
        renewals += 1
        proof = null
        return attempt(pending)
      }
      if (error.reason === 'refused') {
        savePending(name, { ...pending, send: false })
        become({ step: 'refused', failure: error })
        return
      }
      failures += 1
      become({ step: 'waiting', failure: error })
      timer = setTimeout(retry, retryDelay(failures, error.retryAfter))
    }
  }

  /** Sees to it that there is a proof for what is sent next. */
  async function prove(key: string, signal: AbortSignal, onWork: () => void): Promise<void> {
    const { getProof, isFresh } = await loadPart(() => import('./proof.ts'))
    if (!isFresh(proof)) proof = await getProof(voter.pollId, key, signal, onWork)
  }

  function retry(): void {
    // Read again before every try: another tab may have sent a newer ballot, which this older one must not replace.
    const pending = readPending(name)
    if (pending?.send) {
      void attempt(pending)
      return
    }
    const sent = readSent(name)
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
      renewals = 0
      const earlier = readPending(name)
      void attempt({ key: earlier?.key ?? newBallotKey(voter), answers, send: true, mayHaveArrived: earlier?.mayHaveArrived ?? false })
    },
    resume() {
      if (state.step === 'editing' && readPending(name)?.send) retry()
    },
    tryNow: retryIfWaiting,
    edit() {
      turn += 1
      // Stopped as far as it can be: if it arrived later than the changed answers, it would replace them.
      underWay?.abort()
      clearTimeout(timer)
      const pending = readPending(name)
      if (pending !== null) savePending(name, { ...pending, send: false })
      become({ step: 'editing' })
    },
  }
}

/** The same ballot is still to be sent. */
function isStill(pending: PendingBallot, now: PendingBallot | null): boolean {
  return now?.send === true && now.key === pending.key && JSON.stringify(now.answers) === JSON.stringify(pending.answers)
}

function isAboutProof({ problemName }: ApiFailure): boolean {
  return problemName === 'proof-required' || problemName === 'proof-expired' || problemName === 'proof-invalid'
}

function askBeforeLeaving(event: BeforeUnloadEvent): void {
  event.preventDefault()
}

/** Names of voters whose ballot is not confirmed. */
const unconfirmed = new Set<string>()

function warnBeforeLeaving(voterName: string, warn: boolean): void {
  if (warn) unconfirmed.add(voterName)
  else unconfirmed.delete(voterName)
  if (unconfirmed.size > 0) globalThis.addEventListener?.('beforeunload', askBeforeLeaving)
  else globalThis.removeEventListener?.('beforeunload', askBeforeLeaving)
}
