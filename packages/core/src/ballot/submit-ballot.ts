import { type Poll, type PollState, pollStateAt } from '../poll/poll.ts'
import type { BallotPublisher } from '../ports/ballot-publisher.ts'
import type { Clock } from '../ports/clock.ts'
import { failure, type Result, success } from '../result.ts'
import { type Answer, type AnswerFault, canonicalAnswers } from './answers.ts'
import type { Identity, VoterKeys } from './identity.ts'
import { timeliness } from './judge.ts'
import type { Sequence } from './sequence.ts'

export interface AcceptedBallot {
  readonly voterKey: Buffer
  readonly seq: Sequence
  readonly atMs: number
}

export type BallotRefusal =
  | { readonly kind: 'not_open_yet'; readonly opensAtMs: number | null }
  | { readonly kind: 'closed'; readonly closedAtMs: number | null }
  | { readonly kind: 'invalid_answers'; readonly faults: readonly AnswerFault[] }

/**
 * Takes a ballot: validate, voter key, publish. What it resolves with `ok` is durably in the queue, and will be counted.
 * Throws what {@link BallotPublisher.publish} throws.
 */
export function submitBallot(dependencies: { publisher: BallotPublisher; clock: Clock }) {
  const { publisher, clock } = dependencies
  return async (input: {
    poll: Poll
    voterKeys: VoterKeys
    identity: Identity
    answers: readonly Answer[]
  }): Promise<Result<AcceptedBallot, BallotRefusal>> => {
    const { definition, version, id } = input.poll
    const refusal = refusalNow(input.poll, clock.nowMs())
    if (refusal !== null) return failure(refusal)
    const answers = canonicalAnswers(definition, input.answers)
    if (!answers.ok) return failure({ kind: 'invalid_answers', faults: answers.failure })
    const voterKey = input.voterKeys(input.identity)
    const { seq, atMs } = await publisher.publish({ pollId: id, pollVersion: version.version, voterKey, answers: answers.value })
    // The queue's clock decides, for the voter and for the count alike: the poll may have closed while the ballot was on its way.
    switch (timeliness(version, atMs)) {
      case 'in_time':
        return success({ voterKey, seq, atMs })
      case 'late':
        return failure(notOpen(input.poll, 'closed'))
      case 'early':
        return failure(notOpen(input.poll, 'scheduled'))
    }
  }
}

/** Why the poll takes no ballot at this instant; null: it does. */
export function refusalNow(poll: Poll, nowMs: number): BallotRefusal | null {
  const state = pollStateAt(poll.version, nowMs)
  return state === 'open' ? null : notOpen(poll, state)
}

function notOpen(poll: Poll, state: PollState): BallotRefusal {
  return state === 'closed'
    ? { kind: 'closed', closedAtMs: poll.version.closesAtMs }
    : { kind: 'not_open_yet', opensAtMs: poll.version.opensAtMs }
}
