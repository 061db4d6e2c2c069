import { ApiFailure } from '../api.ts'
import { describeFailure } from '../describe-failure.ts'
import type { Texts } from '../texts/index.ts'
import type { AdministrationTexts } from './texts/index.ts'

/** The part of the installation that does not answer; null: none, or it cannot be told which. */
export function partAway(failure: unknown): 'api' | 'database' | 'queue' | null {
  if (!(failure instanceof ApiFailure)) return null
  if (failure.reason === 'no-connection' || failure.reason === 'no-answer') return 'api'
  switch (failure.problemName) {
    case 'database-unavailable':
    case 'primary-unavailable':
    case 'definitions-stale':
      return 'database'
    case 'queue-unavailable':
      return 'queue'
    // A proxy in front of it answers in its place.
    case null:
      return failure.status >= 502 && failure.status <= 504 ? 'api' : null
    default:
      return null
  }
}

/** One sentence: which part is away, or what the api said no to. */
export function describe(failure: unknown, words: AdministrationTexts, texts: Texts): string {
  const part = partAway(failure)
  if (part !== null) return words.away[part]
  return failure instanceof ApiFailure ? describeFailure(texts, failure) : words.away.unknown
}

/** False: asking the same again would bring the same. */
export function mayPass(failure: unknown): boolean {
  return !(failure instanceof ApiFailure) || failure.reason !== 'refused'
}
