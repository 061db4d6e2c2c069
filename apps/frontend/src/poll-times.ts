import type { Poll } from '@urna/contracts'
import type { Format } from './format.ts'
import type { Texts } from './texts/index.ts'

/** When the poll opens or closes, in the reader's own time. */
export function pollTimes({ state, opensAt, closesAt }: Poll, texts: Texts, format: Format): string {
  switch (state) {
    case 'draft':
    case 'scheduled':
      return opensAt === null ? '' : texts.poll.opensAt(format.instant(opensAt))
    case 'open':
      return closesAt === null ? texts.poll.open : texts.poll.openUntil(format.instant(closesAt))
    case 'closed':
      return closesAt === null ? texts.poll.closed : texts.poll.closedAt(format.instant(closesAt))
  }
}

/** The same beside the word for the state, as short as a list wants it. */
export function shortPollTimes({ state, opensAt, closesAt }: Poll, texts: Texts, format: Format): string {
  if (state === 'closed') return closesAt === null ? '' : texts.home.closed(format.shortInstant(closesAt))
  if (state === 'open') return closesAt === null ? '' : texts.home.until(format.shortInstant(closesAt))
  return opensAt === null ? '' : texts.home.opens(format.shortInstant(opensAt))
}
