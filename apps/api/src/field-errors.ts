import type { FieldError } from '@urna/contracts'
import type { z } from 'zod'

/** Parts of a request, as Fastify names them. */
export type BodyPart = 'body' | 'params' | 'querystring' | 'headers'

/** One entry of `error.validation`, as fastify-type-provider-zod makes it of a zod issue, or as {@link issuesOf} does. */
export interface Issue {
  readonly keyword: string
  readonly instancePath: string
  readonly message?: string
  readonly params: Record<string, unknown>
}

// A body of garbage has as many faults as it has parts.
const errorsMax = 20
const fieldLengthMax = 200

const prefixes: Readonly<Record<BodyPart, string>> = { body: '', params: 'path ', querystring: 'query ', headers: 'header ' }

/** `/questions/0/options/1/text` -> `questions[0].options[1].text`. */
function pathText(segments: readonly (string | number)[]): string {
  return segments
    .map((segment, index) => (/^[0-9]+$/.test(String(segment)) ? `[${segment}]` : index === 0 ? segment : `.${segment}`))
    .join('')
}

/** Our own messages begin with "expected"; zod's say it after a colon. */
function expectation(message: string | undefined): string {
  if (message === undefined) return 'expected something else'
  return message.startsWith('expected') ? message : message.replace(/^[A-Z][^:]*: /, '')
}

function unionExpectation(errors: readonly (readonly { message: string }[])[]): string {
  return [...new Set(errors.flatMap((issues) => issues.map((issue) => expectation(issue.message))))].join(', or ')
}

function fieldErrors(issue: Issue, part: BodyPart): FieldError[] {
  const path = issue.instancePath.split('/').filter((segment) => segment !== '')
  const at = (segments: readonly string[]) => {
    const text = pathText(segments)
    return `${prefixes[part]}${text === '' ? part : text}`.slice(0, fieldLengthMax)
  }
  if (issue.keyword === 'unrecognized_keys') {
    const keys = issue.params.keys as readonly string[]
    return keys.map((key) => ({ field: at([...path, key]), detail: 'expected no field of this name' }))
  }
  if (issue.keyword === 'invalid_union') {
    const errors = issue.params.errors as readonly (readonly { message: string }[])[]
    return [{ field: at(path), detail: unionExpectation(errors) }]
  }
  return [{ field: at(path), detail: expectation(issue.message) }]
}

export function fieldErrorsOf(issues: readonly Issue[], part: BodyPart): FieldError[] {
  return issues
    .slice(0, errorsMax)
    .flatMap((issue) => fieldErrors(issue, part))
    .slice(0, errorsMax)
}

/** For schemas that are not run by Fastify: the ballot route checks its body itself. */
export function issuesOf(error: z.core.$ZodError): Issue[] {
  return error.issues.map((issue) => ({
    keyword: issue.code,
    instancePath: `/${issue.path.join('/')}`,
    message: issue.message,
    params: { ...issue },
  }))
}
