import { z } from 'zod'
import { resultsVisibility } from './poll.ts'

/** Every problem this API answers with: name -> status and title. `type` on the wire is `urn:urna:problem:<name>`, and never changes. */
export const problems = {
  'invalid-request': { status: 400, title: 'The request does not have the expected form' },
  'invalid-json': { status: 400, title: 'The body is not JSON' },
  unauthorized: { status: 401, title: 'Sign in first' },
  'origin-refused': { status: 403, title: 'Pages of that origin may not do this' },
  'results-hidden': { status: 403, title: 'Results of this poll are not shown yet' },
  'not-found': { status: 404, title: 'There is nothing at this address' },
  'poll-not-found': { status: 404, title: 'There is no such poll' },
  'ballot-not-found': { status: 404, title: 'No ballot of yours is counted in this poll' },
  'receipt-not-found': { status: 404, title: 'This is no receipt of ours' },
  'method-not-allowed': { status: 405, title: 'This address does not take that method' },
  'not-acceptable': { status: 406, title: 'This address answers with another media type' },
  'poll-not-open-yet': { status: 409, title: 'The poll is not open yet' },
  'poll-closed': { status: 409, title: 'The poll is closed' },
  'poll-frozen': { status: 409, title: 'The questions of a poll cannot change once it is opened or scheduled' },
  'poll-state': { status: 409, title: 'The poll is in a state that does not allow this' },
  'poll-final': { status: 409, title: 'The result is final' },
  'poll-deleted': { status: 410, title: 'The poll was deleted' },
  'body-too-large': { status: 413, title: 'The body is too large' },
  'unsupported-media-type': { status: 415, title: 'The body must be JSON' },
  'invalid-answer': { status: 422, title: 'An answer does not fit the poll' },
  'too-many-requests': { status: 429, title: 'Too many requests come from this address' },
  'internal-error': { status: 500, title: 'Something broke on our side' },
  overloaded: { status: 503, title: 'Too many ballots are waiting' },
  'too-many-readers': { status: 503, title: 'Too many readers follow results here' },
  'queue-unavailable': { status: 503, title: 'The ballot queue did not confirm in time' },
  'definitions-stale': { status: 503, title: 'The polls could not be read' },
  'database-unavailable': { status: 503, title: 'The database does not answer' },
  'primary-unavailable': { status: 503, title: 'The database that takes changes does not answer. Voting goes on' },
  'shutting-down': { status: 503, title: 'This server is shutting down' },
} as const satisfies Record<string, { status: number; title: string }>

export type ProblemName = keyof typeof problems

export const fieldError = z.object({
  /** Where: a path into the body (`answers[0].options`), or `header idempotency-key`, `query after`, `path id`. */
  field: z.string(),
  /** What was expected there. */
  detail: z.string(),
})

/** RFC 9457 problem details, media type `application/problem+json`. */
export const problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string().optional(),
  errors: z.array(fieldError).optional(),
  /** With `poll-not-open-yet`: when it opens. With `poll-closed`: when it closed. With `results-hidden`, `after_closing`: when it closes, if that is known. ISO 8601 in UTC. */
  at: z.string().optional(),
  /** With `results-hidden`: what shows them. */
  shown: resultsVisibility.exclude(['always']).optional(),
  /** With 429 and 503: seconds to wait, as in the Retry-After header. */
  retryAfter: z.int().optional(),
})

export type FieldError = z.infer<typeof fieldError>
export type Problem = z.infer<typeof problem>

export function problemType(name: ProblemName): string {
  return `urn:urna:problem:${name}`
}
