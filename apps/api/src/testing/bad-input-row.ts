import type { ProblemName } from '@urna/contracts'
import type { Poll } from '@urna/core'

/** Polls that every row may speak of. */
export interface Polls {
  readonly open: Poll
  /** Question 1: single of 3, required. Question 2: two or three of 4, optional. */
  readonly two: Poll
  readonly scheduled: Poll
  readonly closed: Poll
  readonly draft: Poll
  readonly deleted: Poll
}

export interface Row {
  readonly name: string
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE' | 'PATCH'
  /** Default: the ballots of the open poll. */
  readonly path?: (polls: Polls) => string
  readonly headers?: Record<string, string>
  /** Sent as it is if it is text or bytes, as JSON otherwise. */
  readonly body?: unknown
  readonly problem: ProblemName
  /** One of the fields that the problem names. */
  readonly field?: string
}

export const json = { 'content-type': 'application/json' }
export const choose = (...options: unknown[]) => ({ answers: [{ question: 1, options }] })
export const ballotsOf = (name: keyof Polls) => (polls: Polls) => `/v1/polls/${polls[name].id}/ballots`
