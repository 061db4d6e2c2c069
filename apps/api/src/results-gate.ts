import type { ProblemName } from '@urna/contracts'
import {
  type BallotRepository,
  type Clock,
  type MasterKey,
  type Poll,
  parseReceipt,
  type ResultsReaderRights,
  resultsAccess,
} from '@urna/core'
import type { FastifyRequest } from 'fastify'
import type { Callers } from './callers.ts'
import type { CachedPoll } from './definitions.ts'
import { type ProblemDetails, ProblemError } from './problems.ts'
import type { VoterIdentities } from './voter-identity.ts'

/** Whose eyes an answer is for: `private` where it was shown because of who asked. */
export type Audience = 'public' | 'private'

/** That somebody may see results, and why. */
export interface Admission {
  readonly audience: Audience
  /** Enough to ask {@link ResultsGate.refusal} again later, without the request. */
  readonly rights: ResultsReaderRights
}

export interface Refusal {
  readonly problem: ProblemName
  readonly details: ProblemDetails
}

/** The rights of everybody. */
export const noRights: ResultsReaderRights = { hasVoted: false, isOwner: false }

export interface ResultsGateOptions {
  readonly ballots: Pick<BallotRepository, 'find'>
  readonly callers: Callers
  readonly clock: Clock
  readonly identities: VoterIdentities
  readonly masterKey: MasterKey
}

/** Lets through to results who may see them. */
export class ResultsGate {
  readonly #options: ResultsGateOptions

  constructor(options: ResultsGateOptions) {
    this.#options = options
  }

  /** Throws the problem if this request may not see the results of this poll. */
  async pass(request: FastifyRequest, cached: CachedPoll): Promise<Admission> {
    const { poll } = cached
    const { callers } = this.#options
    const byToken = await callers.byToken(request)
    if (this.refusal(poll, noRights) === null) {
      return { audience: 'public', rights: { hasVoted: false, isOwner: callers.reaches(byToken, 'polls.read', poll) } }
    }
    // Who is signed in is looked up only where it decides.
    const isOwner = callers.reaches(byToken ?? (await callers.visitor(request)), 'polls.read', poll)
    // A ballot is looked up only where it decides.
    const decides = this.refusal(poll, { hasVoted: false, isOwner }) !== null && this.refusal(poll, { hasVoted: true, isOwner }) === null
    const rights = { hasVoted: decides && (await this.#hasVoted(request, cached)), isOwner }
    const refusal = this.refusal(poll, rights)
    if (refusal !== null) throw new ProblemError(refusal.problem, refusal.details)
    return { audience: 'private', rights }
  }

  /** What keeps somebody with these rights from the results now; null: nothing. Reads nothing. */
  refusal(poll: Poll, rights: ResultsReaderRights): Refusal | null {
    if (poll.deletedAtMs !== null) return { problem: 'poll-deleted', details: {} }
    if (poll.version.opensAtMs === null && !rights.isOwner) return { problem: 'poll-not-found', details: {} }
    const access = resultsAccess(poll, this.#options.clock.nowMs(), rights)
    return access.visible ? null : { problem: 'results-hidden', details: whenShown(access.shown, poll) }
  }

  async #hasVoted(request: FastifyRequest, { poll, voterKeys }: CachedPoll): Promise<boolean> {
    const { ballots, identities, masterKey } = this.#options
    const receipt = request.headers['urna-receipt']
    if (typeof receipt === 'string' && parseReceipt(masterKey, receipt)?.pollId === poll.id) return true
    const voter = identities.ofCookie(request.headers.cookie)
    return voter !== null && (await ballots.find(poll.id, voterKeys(voter.identity))) !== null
  }
}

function whenShown(shown: 'after_voting' | 'after_closing' | 'owner', poll: Poll): ProblemDetails {
  switch (shown) {
    case 'after_voting':
      return { shown, detail: 'Results of this poll show once you have voted in it.' }
    case 'after_closing': {
      const { closesAtMs } = poll.version
      if (closesAtMs === null) return { shown, detail: 'Results of this poll show when it is closed.' }
      const at = new Date(closesAtMs).toISOString()
      return { shown, at, detail: `Results of this poll show when it closes, at ${at}.` }
    }
    case 'owner':
      return { shown, detail: 'Results of this poll show only to its owner.' }
  }
}
