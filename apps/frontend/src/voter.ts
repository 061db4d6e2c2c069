import type { AccessLevel } from '@urna/contracts'
import { ownKey, readOwnKey } from './ballot-storage.ts'

/** As whom this browser votes in a poll. */
export interface Voter {
  readonly pollId: string
  readonly level: AccessLevel
  /**
   * What this voter's ballots are kept under in this browser; no secret. In polls of codes and accounts there is one for each voter: what one of them sent is
   * never shown, nor sent, as another's.
   */
  readonly name: string
  /** In polls of codes; else null. */
  readonly code: string | null
}

/** Whoever sits at this browser: in polls where it is the browser that votes. */
export function anybody(pollId: string, level: 'open' | 'guarded' = 'open'): Voter {
  return { pollId, level, name: pollId, code: null }
}

/** Whether the voter is the key of this browser, or the cookie that stands for it. */
export function isThisBrowser({ level }: Voter): boolean {
  return level === 'open' || level === 'guarded'
}

/** The key that goes with a new ballot; empty where it is nobody's. */
export function newBallotKey(voter: Voter): string {
  return isThisBrowser(voter) ? ownKey() : ''
}

/** Null where this browser never sent a ballot, or the voter is not this browser. */
export function knownKey(voter: Voter): string | null {
  return isThisBrowser(voter) ? readOwnKey() : null
}

const memory = new Map<string, string>()

/** Remembers, for this tab, who votes here: other pages show what that voter sent. */
export function noteVoter({ pollId, name }: Voter): void {
  memory.set(pollId, name)
  try {
    sessionStorage.setItem(`urna:voter:${pollId}`, name)
  } catch {
    // A browser that keeps nothing knows until the page is closed.
  }
}

/** The {@link Voter.name} of who votes in this tab. */
export function voterNameHere(pollId: string): string {
  try {
    return memory.get(pollId) ?? sessionStorage.getItem(`urna:voter:${pollId}`) ?? pollId
  } catch {
    return pollId
  }
}
