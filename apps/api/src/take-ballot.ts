import {
  type AcceptedBallot,
  type Answer,
  type BallotPublisher,
  type BallotRefusal,
  type Clock,
  QueueUnavailableError,
  submitBallot,
} from '@urna/core'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { CachedPoll } from './definitions.ts'
import type { InFlight } from './in-flight.ts'
import type { LoadMonitor } from './load-monitor.ts'
import { ProblemError } from './problems.ts'
import type { Voter, VoterIdentities } from './voter-identity.ts'
import type { AdmittedVoter } from './voters.ts'

export type TakeBallot = (cached: CachedPoll, voter: Pick<Voter, 'identity'>, answers: readonly Answer[]) => Promise<AcceptedBallot>

/** The intake behind every route that takes a vote. Resolves when the ballot is durably in the queue; throws the problem otherwise. */
export function ballotTaker(options: { publisher: BallotPublisher; clock: Clock }): TakeBallot {
  const submit = submitBallot(options)
  return async ({ poll, voterKeys }, { identity }, answers) => {
    if (poll.deletedAtMs !== null) throw new ProblemError('poll-deleted')
    const outcome = await submit({ poll, voterKeys, identity, answers })
    if (outcome.ok) return outcome.value
    throw refusalProblem(outcome.failure)
  }
}

/** Throws if this process takes no ballots now. */
export function assertTakesBallots(inFlight: InFlight, load: LoadMonitor): void {
  if (inFlight.draining) throw shuttingDown()
  if (load.overloaded) throw new ProblemError('overloaded')
}

export function shuttingDown(): ProblemError {
  return new ProblemError('shutting-down', { headers: { connection: 'close' } })
}

export function refusalProblem(refusal: BallotRefusal): ProblemError {
  switch (refusal.kind) {
    case 'not_open_yet':
      return new ProblemError('poll-not-open-yet', refusal.opensAtMs === null ? {} : { at: new Date(refusal.opensAtMs).toISOString() })
    case 'closed':
      return new ProblemError('poll-closed', refusal.closedAtMs === null ? {} : { at: new Date(refusal.closedAtMs).toISOString() })
    case 'invalid_answers':
      return new ProblemError('invalid-answer', { errors: refusal.faults })
  }
}

/** What an answer does about the voter cookie. In polls whose voters have none of it: nothing. */
export function setVoterCookie(identities: VoterIdentities, request: FastifyRequest, reply: FastifyReply, voter: AdmittedVoter): void {
  if (voter.cookie !== null) identities.setCookie(request, reply, voter as Voter)
}

/** With an unknown outcome the answer sets the cookie too: whoever sends again with it is the same voter, and counts once. */
export async function keepVoter<Value>(
  identities: VoterIdentities,
  request: FastifyRequest,
  reply: FastifyReply,
  voter: AdmittedVoter,
  taking: Promise<Value>,
): Promise<Value> {
  try {
    return await taking
  } catch (error) {
    if (error instanceof QueueUnavailableError) setVoterCookie(identities, request, reply, voter)
    throw error
  }
}
