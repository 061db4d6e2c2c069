import { z } from 'zod'

// Control characters and the line/paragraph separators: they have no place in one line of text, and some change how the rest of a page or a CSV reads.
const controlCharacter = /[\p{Cc}\u2028\u2029]/u
// As above, but a line break and a tab may stand in longer text.
const controlCharacterButBreaks = /(?![\t\n\r])[\p{Cc}\u2028\u2029]/u

function text(maxLength: number, forbidden: RegExp) {
  return z
    .string()
    .max(maxLength)
    .refine((value) => value.isWellFormed(), 'expected well-formed Unicode text')
    .refine((value) => !forbidden.test(value), 'expected text without control characters')
    .transform((value) => value.normalize('NFC').trim())
}

/** One line of text, 1..max characters after trimming, in Unicode normal form C (so that equal texts are equal bytes). */
export function line(maxLength: number) {
  return text(maxLength, controlCharacter).refine((value) => value.length > 0, 'expected text that is not empty')
}

/** As {@link line}, but it may be empty. */
export function optionalLine(maxLength: number) {
  return text(maxLength, controlCharacter)
}

/** Text of several lines, possibly empty. */
export function lines(maxLength: number) {
  return text(maxLength, controlCharacterButBreaks)
}

/** An instant as ISO 8601 with a zone, e.g. `2026-11-21T20:59:07Z`. */
export const instant = z.iso.datetime({ offset: true, error: 'expected an instant such as 2026-11-21T20:59:07Z' })
