import { bytesKey, compareBytes } from '../bytes.ts'
import type { PollDefinition, PollId } from '../poll/poll.ts'
import type { CountableBallot, CountBatch, DeadLetter } from '../ports/ballot-repository.ts'
import type { QueuedBallot } from '../ports/ballot-subscriber.ts'
import type { MasterKey } from '../secrets/master-key.ts'
import { type FindJudged, judge } from './judge.ts'

export function deadLetterOf(
  masterKey: Pick<MasterKey, 'seal'>,
  queued: QueuedBallot,
  reason: DeadLetter['reason'],
  detail: string,
): DeadLetter {
  const payloadSealed = masterKey.seal(queued.raw(), `dead letter ${queued.seq.toString('hex')}`)
  return { seq: queued.seq, reason, detail, atMs: queued.atMs, payloadSealed }
}

/**
 * Ballots out of the queue -> one batch for the repository: judge EVERY ballot first (else a late ballot could hide a good one), keep
 * the one with the greatest rank a voter and poll, sort by primary key (consumers that lock in one order do not deadlock).
 */
export function formBatch(input: {
  queued: readonly QueuedBallot[]
  find: FindJudged
  shard: number
  masterKey: Pick<MasterKey, 'seal'>
}): CountBatch {
  const deadLetters: DeadLetter[] = []
  const definitions = new Map<PollId, PollDefinition>()
  const newest = new Map<string, CountableBallot>()
  for (const queued of input.queued) {
    const verdict = judge(queued, input.find)
    if (!verdict.ok) {
      deadLetters.push(deadLetterOf(input.masterKey, queued, verdict.reason, verdict.detail))
      continue
    }
    const { ballot } = verdict
    if (!definitions.has(ballot.pollId)) {
      const judged = input.find(ballot.pollId, ballot.pollVersion)
      if (judged !== null) definitions.set(ballot.pollId, judged.definition)
    }
    const key = ballot.pollId + bytesKey(ballot.voterKey)
    const other = newest.get(key)
    if (other === undefined || compareBytes(ballot.rank, other.rank) > 0) newest.set(key, ballot)
  }
  return { shard: input.shard, ballots: [...newest.values()].sort(byPrimaryKey), deadLetters, definitions }
}

function byPrimaryKey(left: CountableBallot, right: CountableBallot): number {
  if (left.pollId !== right.pollId) return left.pollId < right.pollId ? -1 : 1
  return compareBytes(left.voterKey, right.voterKey)
}
