import type { ApiFailure } from './api.ts'
import type { Texts } from './texts/index.ts'

/** One sentence that says what happened, in the reader's language. */
export function describeFailure({ failure: texts }: Texts, { reason, status, problemName }: ApiFailure): string {
  if (reason === 'no-connection' || reason === 'no-answer') return texts[reason]
  // A server newer than this page may know problems that these texts do not.
  const known = problemName === null ? undefined : texts.problems[problemName]
  if (known !== undefined) return known
  if (status === 429) return texts.tooMany
  if (reason === 'busy') return texts.busy
  if (status === 401) return texts.problems.unauthorized
  return status === 403 ? texts.forbidden : texts.refused
}
