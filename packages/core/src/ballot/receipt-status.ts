import { bytesEqual } from '../bytes.ts'
import { isFinal, type PollVersion } from '../poll/poll.ts'
import type { BallotRepository, DeadLetterReason } from '../ports/ballot-repository.ts'
import type { Receipt } from './receipt.ts'
import { compareSequences, epochOfSequence } from './sequence.ts'

export type ReceiptStatus = 'received' | 'counted' | 'replaced' | 'rejected' | 'late' | 'lost'

/**
 * What became of a ballot, by primary keys alone. `changesAllowed` and `version` (the newest) are the poll's.
 *
 * A ballot that is nowhere to be found is lost if everything that came with it is counted: by its sequence, or because the poll is final.
 * A queue without an order of all its ballots can say only the latter.
 *
 * The low water is read FIRST: whatever lies below it was committed before it was written, so the reads after it must find it.
 * The other way round a ballot committed between two reads would be called lost.
 */
export function receiptStatus(dependencies: {
  ballots: Pick<BallotRepository, 'find' | 'findDeadLetter' | 'readLowWater'>
  /** True when nothing of that epoch can be counted any more: its queue was wiped or replaced, and what was left of it is counted. */
  epochEnded?: (epoch: number) => boolean | Promise<boolean>
}) {
  const { ballots, epochEnded = () => false } = dependencies
  return async (
    receipt: Receipt,
    poll: { readonly changesAllowed: boolean; readonly version: PollVersion },
    stream = 0,
  ): Promise<ReceiptStatus> => {
    const { changesAllowed } = poll
    const epoch = epochOfSequence(receipt.seq)
    const ended = await epochEnded(epoch)
    const lowWater = await ballots.readLowWater(epoch, stream)
    const deadLetter: DeadLetterReason | null = await ballots.findDeadLetter(receipt.seq)
    const row = await ballots.find(receipt.pollId, receipt.voterKey)
    if (row !== null && bytesEqual(row.seq, receipt.seq)) return 'counted'
    if (deadLetter !== null) return deadLetter
    if (row !== null) {
      const beaten = compareSequences(row.seq, receipt.seq) > 0 === changesAllowed
      if (beaten) return changesAllowed ? 'replaced' : 'rejected'
    }
    const committed = lowWater !== null && (compareSequences(receipt.seq, lowWater.below) < 0 || isFinal(poll.version, lowWater.atMs))
    return committed || ended ? 'lost' : 'received'
  }
}
