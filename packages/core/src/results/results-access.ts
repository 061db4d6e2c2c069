import { type Poll, pollStateAt } from '../poll/poll.ts'

export interface ResultsReaderRights {
  /** Has a ballot in this poll, or a receipt of one. */
  readonly hasVoted: boolean
  /** Owns the poll. */
  readonly isOwner: boolean
}

export type ResultsAccess =
  | { readonly visible: true }
  | { readonly visible: false; readonly shown: 'after_voting' | 'after_closing' | 'owner' }

/** Who sees results, and when: asked by the API, the CSV and the compatible routes alike. */
export function resultsAccess(poll: Poll, nowMs: number, rights: ResultsReaderRights): ResultsAccess {
  const { resultsVisibility } = poll.definition
  if (rights.isOwner || resultsVisibility === 'always') return { visible: true }
  switch (resultsVisibility) {
    case 'after_voting':
      return rights.hasVoted ? { visible: true } : { visible: false, shown: resultsVisibility }
    case 'after_closing':
      return pollStateAt(poll.version, nowMs) === 'closed' ? { visible: true } : { visible: false, shown: resultsVisibility }
    case 'owner':
      return { visible: false, shown: resultsVisibility }
  }
}
