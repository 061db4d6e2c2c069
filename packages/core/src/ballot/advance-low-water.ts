import type { BallotQueueMaintenance, LowWater } from '../ports/ballot-queue-maintenance.ts'
import type { BallotRepository } from '../ports/ballot-repository.ts'
import { compareSequences } from './sequence.ts'

/** `older`: the database has lost a low water. `another-server`: it may have lost what was committed after its last low water. */
export type RewindReason = 'older' | 'another-server'

export type JanitorEvent =
  | {
      readonly kind: 'rewound'
      readonly stream: number
      readonly why: RewindReason
      readonly entries: number
      readonly gap: boolean
    }
  | { readonly kind: 'advanced'; readonly stream: number; readonly atMs: number; readonly trimmedEntries: number }
  | { readonly kind: 'contended'; readonly stream: number }
  /** The clock is behind the queue's time, which never goes back: it was set back, or had been wrong. Ballots are judged by the queue's. */
  | { readonly kind: 'clock'; readonly stream: number; readonly behindMs: number }

/** More than this between the clock and the queue's time is an alarm. */
export const clockDifferenceMsMax = 5_000

/** How long entries stay in the queue after they are counted: time to notice that a failover lost commits. */
export const replayWindowMs = 15 * 60_000

/**
 * One beat of the janitor, for every stream: move the low water up, keep a copy in the queue, trim what is behind it.
 *
 * If the database's row is older than the queue's copy, the primary has lost commits (a failover, a restored backup): nothing is
 * advanced or trimmed, the queue delivers again from the database's row on. Counting is idempotent, so that is always safe.
 *
 * Older is told by the beat, too: the place stands still while somebody holds an old entry, and later ones are counted meanwhile. And when
 * another server takes the writes, it may have the newest row and yet lack what was committed after it: that is counted again as well.
 */
export function advanceLowWater(dependencies: {
  ballots: Pick<BallotRepository, 'readLowWater' | 'writeLowWater' | 'writingServer'>
  queue: BallotQueueMaintenance
  beforeTrim?: () => void
}) {
  const { ballots, queue } = dependencies
  return async (): Promise<JanitorEvent[]> => {
    const events: JanitorEvent[] = []
    const server = await ballots.writingServer()
    for (const { epoch, stream } of await queue.positions()) {
      // The copy first: another janitor writes the row before it, so the row can be newer than this copy, but not older.
      const copy = await queue.storedLowWater(stream)
      const rowOfCopy = copy === null ? null : await ballots.readLowWater(copy.epoch, stream)
      // By the epoch of the copy, which the queue may have left behind since: commits may be lost with the failover that ended it.
      const why = copy === null ? null : whyRewind(copy, rowOfCopy, server)
      if (why !== null) {
        const { entries, gap } = await queue.rewind(stream, rowOfCopy === null ? null : { ...rowOfCopy, server })
        events.push({ kind: 'rewound', stream, why, entries, gap })
        continue
      }
      const row = copy?.epoch === epoch ? rowOfCopy : await ballots.readLowWater(epoch, stream)
      // Taken last: a position from before another janitor's rewind must not be written after it. The beat decides the rest.
      const position = (await queue.positions()).find((candidate) => candidate.stream === stream)
      if (position === undefined || position.epoch !== epoch) continue
      if (position.clockBehindMs > clockDifferenceMsMax) events.push({ kind: 'clock', stream, behindMs: position.clockBehindMs })
      // Only ever growing: after a rewind the position is behind until everything is counted again.
      const grows = row === null || compareSequences(position.below, row.below) >= 0
      const next: LowWater = {
        epoch,
        stream,
        below: grows ? position.below : row.below,
        atMs: grows ? Math.max(position.atMs, row?.atMs ?? 0) : row.atMs,
        beat: (row?.beat ?? 0) + 1,
        server,
      }
      if (!(await ballots.writeLowWater(next, row?.beat ?? null))) {
        events.push({ kind: 'contended', stream })
        continue
      }
      await queue.storeLowWater(next)
      dependencies.beforeTrim?.()
      events.push({ kind: 'advanced', stream, atMs: next.atMs, trimmedEntries: await queue.trim(next) })
    }
    return events
  }
}

function whyRewind(copy: LowWater, row: LowWater | null, server: string): RewindReason | null {
  if (row === null || row.beat < copy.beat || compareSequences(row.below, copy.below) < 0) return 'older'
  return (copy.server ?? '') === server ? null : 'another-server'
}
