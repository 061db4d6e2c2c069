import type { BallotInput } from '@urna/contracts'
import { randomKey } from './random-key.ts'

export type Answers = BallotInput['answers']

/** A ballot that is not confirmed yet. */
export interface PendingBallot {
  /** Sent with every try, so that all of them are one voter. */
  key: string
  answers: Answers
  /** False while the voter edits it: then a reload must not send it. */
  send: boolean
  /** True once a try may have arrived without our hearing of it. */
  mayHaveArrived: boolean
}

/** The ballot the server confirmed last. */
export interface SentBallot {
  receipt: string
  receivedAt: string
  answers: Answers
}

// Where the browser refuses localStorage (private windows, strict settings) the pages still work until they are closed.
const memory = new Map<string, string>()

const ownKeyName = 'urna:key'

/**
 * The key of this browser: it goes with every ballot, in every poll, so that the first ballot of any poll already belongs to the voter
 * whom the cookie will name. With a key for each poll, an answer lost in one poll and a cookie from another would make two voters of one.
 * (What the server makes of it differs from poll to poll, so nobody can follow a voter from one to another.)
 */
export function ownKey(): string {
  const known = readOwnKey()
  if (known !== null) return known
  const key = randomKey()
  write(ownKeyName, JSON.stringify(key))
  return key
}

/** Null where this browser never sent a ballot. */
export function readOwnKey(): string | null {
  return read<string>(ownKeyName)
}

export function readPending(pollId: string): PendingBallot | null {
  return read<PendingBallot>(pendingName(pollId))
}

export function savePending(pollId: string, pending: PendingBallot): void {
  write(pendingName(pollId), JSON.stringify(pending))
}

export function readSent(pollId: string): SentBallot | null {
  return read<SentBallot>(sentName(pollId))
}

/** As if it had never been sent: the server knows nothing of it any more. */
export function forgetSent(pollId: string): void {
  write(sentName(pollId), null)
}

/** Keeps the confirmed ballot and forgets the pending one, in an order in which a crash loses neither. */
export function saveSent(pollId: string, sent: SentBallot): void {
  write(sentName(pollId), JSON.stringify(sent))
  write(pendingName(pollId), null)
}

function pendingName(pollId: string): string {
  return `urna:pending:${pollId}`
}

function sentName(pollId: string): string {
  return `urna:sent:${pollId}`
}

function read<T>(name: string): T | null {
  const text = memory.get(name) ?? readLocal(name)
  if (text === null) return null
  try {
    return JSON.parse(text) as T
  } catch {
    return null
  }
}

function readLocal(name: string): string | null {
  try {
    return localStorage.getItem(name)
  } catch {
    return null
  }
}

function write(name: string, text: string | null): void {
  memory.delete(name)
  try {
    if (text === null) localStorage.removeItem(name)
    else localStorage.setItem(name, text)
  } catch {
    if (text !== null) memory.set(name, text)
  }
}
