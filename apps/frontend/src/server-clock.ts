/**
 * The server's clock, as its answers tell it: polls open and close by that one, and a visitor's may be minutes off.
 * The Date header has whole seconds, so a difference of up to 1.5 s is none.
 */

const toleranceMs = 1_500

let aheadMs = 0

/** Milliseconds since 1970, by the server's clock as far as it is known. */
export function serverNowMs(): number {
  return Date.now() + aheadMs
}

/** Takes the Date header of an answer that has just arrived. */
export function noteServerDate(header: string | null): void {
  const dateMs = header === null ? Number.NaN : Date.parse(header)
  if (Number.isNaN(dateMs)) return
  // Written in the middle of its second, on average.
  const heardAheadMs = dateMs + 500 - Date.now()
  if (Math.abs(heardAheadMs - aheadMs) > toleranceMs) aheadMs = Math.abs(heardAheadMs) > toleranceMs ? heardAheadMs : 0
}
