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

// By the name of a voter, see voter.ts.

export function readPending(voterName: string): PendingBallot | null {
  return read<PendingBallot>(pendingName(voterName))
}

export function savePending(voterName: string, pending: PendingBallot): void {
  write(pendingName(voterName), JSON.stringify(pending))
}

export function readSent(voterName: string): SentBallot | null {
  return read<SentBallot>(sentName(voterName))
}

/** As if it had never been sent: the server knows nothing of it any more. */
export function forgetSent(voterName: string): void {
  write(sentName(voterName), null)
}

/** Keeps the confirmed ballot and forgets the pending one, in an order in which a crash loses neither. */
export function saveSent(voterName: string, sent: SentBallot): void {
  write(sentName(voterName), JSON.stringify(sent))
  write(pendingName(voterName), null)
}

function pendingName(voterName: string): string {
  return `urna:pending:${voterName}`
}

function sentName(voterName: string): string {
  return `urna:sent:${voterName}`
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
