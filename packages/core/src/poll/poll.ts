declare const brand: unique symbol
/** 16 characters of Crockford's base 32, lower case: 10 random bytes. */
export type PollId = string & { readonly [brand]: 'PollId' }

export type CountingMethod = 'single' | 'multiple'
export type ResultsVisibility = 'always' | 'after_voting' | 'after_closing' | 'owner'
/**
 * Who may vote. `open`: everybody; `guarded`: everybody, with proof of work when many come from one address; `code`: who has a voting code;
 * `account`: who is on the voter roll.
 */
export type AccessLevel = 'open' | 'guarded' | 'code' | 'account'

export interface Option {
  /** 1..100, stable: ballots and tallies name the option by it. */
  readonly number: number
  readonly text: string
}

export interface Question {
  /** 1..20, stable. */
  readonly number: number
  readonly text: string
  readonly method: CountingMethod
  readonly required: boolean
  /** Fewest and most options of a voter who answers. */
  readonly min: number
  readonly max: number
  readonly options: readonly Option[]
}

/** What is frozen when the poll opens or its opening is scheduled. */
export interface PollDefinition {
  readonly title: string
  readonly description: string
  readonly questions: readonly Question[]
  readonly changesAllowed: boolean
  readonly resultsVisibility: ResultsVisibility
  readonly access: AccessLevel
  readonly listed: boolean
}

/** Immutable. Each ballot carries the number of the version it was validated by, and is judged by that version. */
export interface PollVersion {
  readonly version: number
  /** Epoch milliseconds; null: a draft, never open. */
  readonly opensAtMs: number | null
  /** Epoch milliseconds; null: open until somebody closes it. */
  readonly closesAtMs: number | null
}

export interface Poll {
  readonly id: PollId
  /** The small number at the survey routes, or null. */
  readonly surveyId: number | null
  /** The user whose poll it is; null: nobody's, then only administrators (and the administrator's token) change it. */
  readonly ownerId: number | null
  readonly definition: PollDefinition
  /** The newest version. */
  readonly version: PollVersion
  /** Grows with every change of anything, drafts included: tells a stale copy. */
  readonly revision: number
  readonly createdAtMs: number
  readonly deletedAtMs: number | null
  /** The poll's secret, 32 bytes, sealed with the master key. */
  readonly secretSealed: Uint8Array
}

export type PollState = 'draft' | 'scheduled' | 'open' | 'closed'

/** State of a poll version at an instant (epoch milliseconds). A poll is open from opensAt, included, to closesAt, excluded. */
export function pollStateAt(version: PollVersion, atMs: number): PollState {
  if (version.opensAtMs === null) return 'draft'
  if (version.closesAtMs !== null && atMs >= version.closesAtMs) return 'closed'
  return atMs < version.opensAtMs ? 'scheduled' : 'open'
}

/** How long after closing the count waits for stragglers before it calls the result final. */
export const finalAfterClosingMs = 30_000

/** Final: everything accepted until 30 s after closing is counted. `countedUntilMs` is the low water's time, null if there is none. */
export function isFinal(version: PollVersion, countedUntilMs: number | null): boolean {
  return version.closesAtMs !== null && countedUntilMs !== null && countedUntilMs > version.closesAtMs + finalAfterClosingMs
}
