import { type FieldError, type Problem, type ProblemName, problems, problemType } from '@urna/contracts'
import {
  PasswordsOverloadedError,
  PermanentDatabaseError,
  PrimaryUnavailableError,
  QueueOverloadedError,
  QueueUnavailableError,
  RetryableDatabaseError,
} from '@urna/core'
import type { FastifyBaseLogger, FastifyReply, FastifyRequest } from 'fastify'
import { type BodyPart, fieldErrorsOf, type Issue } from './field-errors.ts'

export interface ProblemDetails {
  readonly detail?: string
  readonly errors?: readonly FieldError[]
  /** ISO 8601. */
  readonly at?: string
  readonly shown?: Problem['shown']
  /** Seconds. Default, with 429 and 503: 1..5. */
  readonly retryAfter?: number
  readonly headers?: Readonly<Record<string, string>>
}

/** An answer that is a problem: thrown anywhere in a request, written by the one error handler. */
export class ProblemError extends Error {
  override name = 'ProblemError'
  readonly problem: ProblemName
  readonly details: ProblemDetails

  constructor(problem: ProblemName, details: ProblemDetails = {}) {
    super(problem)
    this.problem = problem
    this.details = details
  }
}

const problemMediaType = 'application/problem+json'

/** Seconds to wait, 1..5 with jitter: a crowd that was refused together does not come back together. */
function retryAfterSeconds(): number {
  return 1 + Math.floor(Math.random() * 5)
}

/** The document of a problem. Each one of status 429 or 503 says when to come back. */
export function problemDocument(name: ProblemName, details: ProblemDetails = {}): Problem {
  const { status, title } = problems[name]
  return {
    type: problemType(name),
    title,
    status,
    ...(details.detail !== undefined && { detail: details.detail }),
    ...(details.errors !== undefined && { errors: [...details.errors] }),
    ...(details.at !== undefined && { at: details.at }),
    ...(details.shown !== undefined && { shown: details.shown }),
    ...((status === 503 || status === 429) && { retryAfter: details.retryAfter ?? retryAfterSeconds() }),
  }
}

export function sendProblem(reply: FastifyReply, name: ProblemName, details: ProblemDetails = {}): FastifyReply {
  const document = problemDocument(name, details)
  reply.code(document.status).header('content-type', problemMediaType).header('cache-control', 'no-store')
  if (document.retryAfter !== undefined) reply.header('retry-after', String(document.retryAfter))
  if (details.headers !== undefined) reply.headers(details.headers)
  return reply.send(JSON.stringify(document))
}

interface FrameworkError {
  readonly code?: string
  readonly statusCode?: number
  readonly validation?: readonly Issue[]
  readonly validationContext?: BodyPart
}

/** Fastify's own errors, by their codes. */
const frameworkProblems: Readonly<Record<string, [ProblemName, ProblemDetails]>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: ['body-too-large', {}],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: ['unsupported-media-type', { detail: 'expected the header content-type: application/json' }],
  FST_ERR_CTP_INVALID_JSON_BODY: ['invalid-json', {}],
  FST_ERR_CTP_EMPTY_JSON_BODY: ['invalid-json', { detail: 'expected a body' }],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: ['invalid-request', { detail: 'expected as many bytes as content-length says' }],
  FST_ERR_BAD_URL: ['invalid-request', { errors: [{ field: 'path', detail: 'expected a well-formed address' }] }],
  // No address of ours has a part that long.
  FST_ERR_MAX_PARAM_LENGTH: ['not-found', {}],
}

const problemOfStatus: Readonly<Record<number, ProblemName>> = {
  400: 'invalid-request',
  401: 'unauthorized',
  404: 'not-found',
  405: 'method-not-allowed',
  413: 'body-too-large',
  414: 'not-found',
  415: 'unsupported-media-type',
}

/** The problem that an error is to the one who asked. Says nothing of our insides. */
export function problemOf(error: unknown): { name: ProblemName; details: ProblemDetails } {
  if (error instanceof ProblemError) return { name: error.problem, details: error.details }
  if (error instanceof QueueOverloadedError) return { name: 'overloaded', details: {} }
  if (error instanceof PasswordsOverloadedError)
    return { name: 'overloaded', details: { detail: 'Many people sign in at this moment. Try again' } }
  if (error instanceof QueueUnavailableError)
    return {
      name: 'queue-unavailable',
      details: {
        detail: 'It may or may not have arrived. Send again, with the cookie of this answer or the same Idempotency-Key: it counts once',
      },
    }
  if (error instanceof PrimaryUnavailableError) return { name: 'primary-unavailable', details: {} }
  if (error instanceof RetryableDatabaseError) return { name: 'database-unavailable', details: {} }
  if (typeof error === 'object' && error !== null) {
    const { code, statusCode, validation, validationContext } = error as FrameworkError
    if (validation !== undefined) {
      return { name: 'invalid-request', details: { errors: fieldErrorsOf(validation, validationContext ?? 'body') } }
    }
    const known = code === undefined ? undefined : frameworkProblems[code]
    if (known !== undefined) return { name: known[0], details: known[1] }
    // Only where Fastify or the HTTP parser says so: a status on any other error is not meant for the client.
    if (statusCode !== undefined && (code?.startsWith('FST_') || code === 'ECONNRESET')) {
      const name = problemOfStatus[statusCode]
      if (name !== undefined) return { name, details: {} }
    }
  }
  return { name: 'internal-error', details: {} }
}

/** What may be logged of an error. Messages of databases quote values (a voter key in "duplicate entry"), so of those only the code. */
export function loggable(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { error: typeof error }
  if (error instanceof PermanentDatabaseError || error instanceof RetryableDatabaseError) {
    return { error: error.name, code: (error.cause as { code?: unknown } | undefined)?.code }
  }
  const { cause } = error
  return {
    error: error.name,
    code: (error as { code?: unknown }).code,
    stack: error.stack,
    ...(cause instanceof Error && { cause: cause.name }),
  }
}

/** Once in this time for each kind of 503: a full queue would otherwise write a line for every voter. */
const sameLineAgainAfterMs = 10_000

/** The one error handler: every error of every route ends here. Logs what is our fault, with the route's pattern and never the address. */
export function errorHandler(logger: FastifyBaseLogger, onProblem: (name: ProblemName) => void) {
  const loggedAtMs = new Map<ProblemName, number>()
  return (error: unknown, request: FastifyRequest, reply: FastifyReply): void => {
    const { name, details } = problemOf(error)
    const { status } = problems[name]
    onProblem(name)
    if (status >= 500 && name !== 'shutting-down') {
      const fields = { method: request.method, route: request.routeOptions.url, problem: name, ...loggable(error) }
      if (status === 500) logger.error(fields, 'a request failed')
      else if (performance.now() - (loggedAtMs.get(name) ?? Number.NEGATIVE_INFINITY) >= sameLineAgainAfterMs) {
        loggedAtMs.set(name, performance.now())
        logger.warn(fields, 'requests are refused')
      }
    }
    if (reply.raw.headersSent) {
      // Half an answer is out already: the broken connection is the only way left to say that it is not whole.
      reply.raw.destroy()
      return
    }
    sendProblem(reply, name, details)
  }
}
