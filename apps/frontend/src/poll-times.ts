import type { Poll } from '@urna/contracts'
import { formatInstant } from './format.ts'
import { texts } from './texts.ts'

/** When the poll opens or closes, in the reader's own time. */
export function pollTimes({ state, opensAt, closesAt }: Poll): string {
  switch (state) {
    case 'draft':
    case 'scheduled':
      return opensAt === null ? '' : texts.poll.opensAt(formatInstant(opensAt))
    case 'open':
      return closesAt === null ? texts.poll.open : texts.poll.openUntil(formatInstant(closesAt))
    case 'closed':
      return closesAt === null ? texts.poll.closed : texts.poll.closedAt(formatInstant(closesAt))
  }
}

/** The same beside the word for the state, as short as a list wants it. */
export function shortPollTimes({ state, opensAt, closesAt }: Poll): string {
  if (state === 'closed') return closesAt === null ? '' : formatInstant(closesAt)
  if (state === 'open') return closesAt === null ? '' : texts.home.until(formatInstant(closesAt))
  return opensAt === null ? '' : texts.home.opens(formatInstant(opensAt))
}
