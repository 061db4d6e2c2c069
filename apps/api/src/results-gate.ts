import { type BallotRepository, type Clock, type MasterKey, type Poll, parseReceipt, type ResultsAccess, resultsAccess } from '@urna/core'
import type { FastifyRequest } from 'fastify'
import type { Administrator } from './administrator.ts'
import type { CachedPoll } from './definitions.ts'
import { ProblemError } from './problems.ts'
import type { VoterIdentities } from './voter-identity.ts'

/** Whose eyes an answer is for: `private` where it was shown because of who asked. */
export type Audience = 'public' | 'private'

export interface ResultsGateOptions {
  readonly administrator: Administrator
  readonly ballots: Pick<BallotRepository, 'find'>
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
  async pass(request: FastifyRequest, cached: CachedPoll): Promise<Audience> {
    const { administrator, clock } = this.#options
    const { poll } = cached
    const isOwner = administrator.asks(request)
    if (poll.deletedAtMs !== null) throw new ProblemError('poll-deleted')
    if (poll.version.opensAtMs === null && !isOwner) throw new ProblemError('poll-not-found')
    const nowMs = clock.nowMs()
    const forAll = resultsAccess(poll, nowMs, { hasVoted: false, isOwner: false })
    if (forAll.visible) return 'public'
    // A ballot is looked up only where it decides.
    const hasVoted = !isOwner && poll.definition.resultsVisibility === 'after_voting' && (await this.#hasVoted(request, cached))
    const access = resultsAccess(poll, nowMs, { hasVoted, isOwner })
    if (access.visible) return 'private'
    throw new ProblemError('results-hidden', { detail: whenShown(access, poll) })
  }

  async #hasVoted(request: FastifyRequest, { poll, voterKeys }: CachedPoll): Promise<boolean> {
    const { ballots, identities, masterKey } = this.#options
    const receipt = request.headers['urna-receipt']
    if (typeof receipt === 'string' && parseReceipt(masterKey, receipt)?.pollId === poll.id) return true
    const voter = identities.ofCookie(request.headers.cookie)
    return voter !== null && (await ballots.find(poll.id, voterKeys(voter.identity))) !== null
  }
}

function whenShown(access: ResultsAccess & { visible: false }, poll: Poll): string {
  switch (access.shown) {
    case 'after_voting':
      return 'Results of this poll show once you have voted in it.'
    case 'after_closing': {
      const { closesAtMs } = poll.version
      return closesAtMs === null
        ? 'Results of this poll show when it is closed.'
        : `Results of this poll show when it closes, at ${new Date(closesAtMs).toISOString()}.`
    }
    case 'owner':
      return 'Results of this poll show only to its owner.'
  }
}
