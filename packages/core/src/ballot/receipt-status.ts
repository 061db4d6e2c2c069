import { bytesEqual } from '../bytes.ts'
import type { BallotRepository, DeadLetterReason } from '../ports/ballot-repository.ts'
import type { Receipt } from './receipt.ts'
import { compareSequences, epochOfSequence } from './sequence.ts'

export type ReceiptStatus = 'received' | 'counted' | 'replaced' | 'rejected' | 'late' | 'lost'

/**
 * What became of a ballot, by primary keys alone. `changesAllowed` is the poll's.
 *
 * The low water is read FIRST: whatever lies below it was committed before it was written, so the reads after it must find it.
 * The other way round a ballot committed between two reads would be called lost.
 */
export function receiptStatus(dependencies: {
  ballots: Pick<BallotRepository, 'find' | 'findDeadLetter' | 'readLowWater'>
  /** True when nothing of that epoch can be counted any more: its queue was wiped or replaced, and what was left of it is counted. */
  epochEnded?: (epoch: number) => boolean
}) {
  const { ballots, epochEnded = () => false } = dependencies
  return async (receipt: Receipt, changesAllowed: boolean, stream = 0): Promise<ReceiptStatus> => {
    const epoch = epochOfSequence(receipt.seq)
    const ended = epochEnded(epoch)
    const lowWater = await ballots.readLowWater(epoch, stream)
    const deadLetter: DeadLetterReason | null = await ballots.findDeadLetter(receipt.seq)
    if (deadLetter !== null) return deadLetter
    const row = await ballots.find(receipt.pollId, receipt.voterKey)
    if (row !== null) {
      if (bytesEqual(row.seq, receipt.seq)) return 'counted'
      const beaten = compareSequences(row.seq, receipt.seq) > 0 === changesAllowed
      if (beaten) return changesAllowed ? 'replaced' : 'rejected'
    }
    const committed = lowWater !== null && compareSequences(receipt.seq, lowWater.below) < 0
    return committed || ended ? 'lost' : 'received'
  }
}
