import { ApiFailure } from '../api.ts'
import type { AdministrationTexts } from './texts/index.ts'

/** What is wrong, in words, by field: `questions[0].options[1].text`. */
export type Faults = Readonly<Record<string, string>>

/** What zod says of a value, as far as it is needed here. */
export interface Issue {
  readonly code?: string | undefined
  readonly path: readonly PropertyKey[]
  readonly message: string
}

export interface Schema<Value> {
  safeParse(input: unknown): { success: true; data: Value } | { success: false; error: { issues: readonly Issue[] } }
}

/** Fields are named as the api names them. */
export function fieldOf(path: readonly PropertyKey[]): string {
  return path.map((part, index) => (typeof part === 'number' ? `[${part}]` : index === 0 ? String(part) : `.${String(part)}`)).join('')
}

/** The first fault of each field. */
export function faultsOfIssues(issues: readonly Issue[], texts: AdministrationTexts): Faults {
  const faults: Record<string, string> = {}
  for (const issue of issues) faults[fieldOf(issue.path)] ??= faultText(issue, texts)
  return faults
}

/** What the api found wrong in a form. Empty: it refused for another reason, or did not answer. */
export function faultsOfFailure(failure: unknown, texts: AdministrationTexts): Faults {
  if (!(failure instanceof ApiFailure)) return {}
  if (failure.problemName === 'username-taken') return { username: texts.faults.usernameTaken }
  const faults: Record<string, string> = {}
  for (const { field, detail } of failure.problem?.errors ?? []) faults[field] ??= detailText(detail, texts)
  return faults
}

/** What the api says of a field, or of a row of an import, in the reader's language. */
export function detailText(detail: string, texts: AdministrationTexts): string {
  return ownMessage(detail, texts) ?? texts.faults.refused(detail)
}

/** In the reader's language: by the issue's code, and by its message where it is one of our own. */
function faultText(issue: Issue, texts: AdministrationTexts): string {
  const { faults } = texts
  const own = ownMessage(issue.message, texts)
  if (own !== null) return own
  const { minimum, maximum, origin } = issue as { minimum?: number | bigint; maximum?: number | bigint; origin?: string }
  switch (issue.code) {
    case 'too_small':
      if (origin === 'array') return faults.fewestEntries(Number(minimum))
      return origin === 'string' ? faults.empty : faults.least(Number(minimum))
    case 'too_big':
      if (origin === 'array') return faults.mostEntries(Number(maximum))
      return origin === 'string' ? faults.longest(Number(maximum)) : faults.most(Number(maximum))
    case 'invalid_type':
      return faults.missing
    default:
      return faults.refused(issue.message)
  }
}

/** The messages of packages/contracts, each as it begins there. What is not among them is shown as it is. */
function ownMessage(message: string, { faults }: AdministrationTexts): string | null {
  const number = Number(/\d+/.exec(message)?.[0] ?? 0)
  const messages: readonly (readonly [string, string])[] = [
    ['expected text that is not empty', faults.empty],
    ['expected text without control characters', faults.controlCharacters],
    ['expected well-formed Unicode text', faults.controlCharacters],
    ['expected a username without blanks', faults.blanks],
    ['expected an e-mail address', faults.email],
    [`expected at least ${number} characters`, faults.shortest(number)],
    [`expected at most ${number} characters`, faults.longest(number)],
    ['expected a text that no other option', faults.sameOption],
    ['expected at most the number of options', faults.moreThanOptions(number)],
    ['expected min to be at most max', faults.minAboveMax],
    ['expected an instant after the opening', faults.closesTooEarly],
    ['expected at least ten seconds from now', faults.closesTooSoon],
    ['expected an instant', faults.instant],
    // Of an import.
    ['expected a password that is harder to guess', faults.guessable],
    ['expected a username that nobody else has', faults.usernameTaken],
    ['expected a username that is not in line', faults.usernameTwice(number)],
    ['expected one of "', faults.oneOf(namedIn(message, /"([a-z]+)"/g))],
    ['expected one of username', faults.oneColumnOf(namedIn(message, /([a-z_]+)(?:,|$)/g))],
    ['expected each column once', faults.columnTwice],
    ['expected this column', faults.columnMissing],
    ['expected either full_name, or', faults.fullNameAndParts],
    ['expected a heading with the column', faults.heading],
    ['expected at least one row', faults.noRows],
    [`expected at most ${number} rows with a password`, faults.mostPasswords(number)],
    [`expected at most ${number} rows`, faults.mostRows(number)],
    [`expected ${number} cells, as in the heading`, faults.cells(number, Number(/got (\d+)/.exec(message)?.[1] ?? 0))],
    ['expected the quotation mark that closes', faults.quotes],
    ['expected a shorter row', faults.quotes],
    ['expected quotation marks around', faults.quotes],
  ]
  return messages.find(([beginning]) => message.startsWith(beginning))?.[1] ?? null
}

function namedIn(message: string, pattern: RegExp): string {
  return [...message.matchAll(pattern)].map(([, name]) => name).join(', ')
}
