/** How old what a page shows is, measured against the voters who have their 202. */

/** Older than this is late. */
export const staleMsMax = 2_000
const instantEveryMs = 100

/** What one page showed while it was open. All times are of one clock; the last event stays shown until the page closes. */
export interface PageLog {
  readonly openedAtMs: number
  readonly closedAtMs: number
  readonly events: readonly ShownEvent[]
}

export interface ShownEvent {
  readonly atMs: number
  readonly turnout: number
}

export interface Staleness {
  readonly worstMs: number
  /** The end of the last time that the page was late; null if it never was. */
  readonly lateUntilMs: number | null
  /** Every 100 ms of the page's life; and how many of them it was not late at. */
  readonly instants: number
  readonly rightInstants: number
  /** How many times the turnout became less. */
  readonly backwards: number
}

/**
 * A page is as stale as the oldest acknowledgement that it does not show: with a turnout of 7, the time since the eighth voter had the
 * 202. While it shows nothing at all, the time since it was opened. `acknowledgedAtMs`: of each voter's first ballot, ascending.
 */
export function stalenessOf(page: PageLog, acknowledgedAtMs: readonly number[]): Staleness {
  let worstMs = 0
  let lateUntilMs: number | null = null
  let instants = 0
  let rightInstants = 0
  let backwards = 0
  let instantMs = page.openedAtMs
  for (let index = -1; index < page.events.length; index++) {
    const event = page.events[index]
    const untilMs = page.events[index + 1]?.atMs ?? page.closedAtMs
    if (event !== undefined && event.turnout < (page.events[index - 1]?.turnout ?? 0)) backwards++
    const missingSinceMs = event === undefined ? page.openedAtMs : (acknowledgedAtMs[event.turnout] ?? Number.POSITIVE_INFINITY)
    worstMs = Math.max(worstMs, untilMs - missingSinceMs)
    if (untilMs - missingSinceMs > staleMsMax) lateUntilMs = untilMs
    for (; instantMs < untilMs; instantMs += instantEveryMs) {
      instants++
      if (instantMs - missingSinceMs <= staleMsMax) rightInstants++
    }
  }
  return { worstMs, lateUntilMs, instants, rightInstants, backwards }
}

/** How many of the ascending times are before this one. */
export function countBefore(times: readonly number[], limit: number): number {
  let low = 0
  let high = times.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((times[middle] ?? Number.POSITIVE_INFINITY) < limit) low = middle + 1
    else high = middle
  }
  return low
}
