import { type ProblemName, proofHeader, votingCodeHeader } from '@urna/contracts'
import {
  type Clock,
  checkProof,
  type Identity,
  identityOf,
  type MasterKey,
  type People,
  PrimaryUnavailableError,
  parseVotingCode,
  RetryableDatabaseError,
  refusalNow,
  secretHash,
  type VotingCodeSecret,
} from '@urna/core'
import type { FastifyRequest } from 'fastify'
import type { Caller, Callers } from './callers.ts'
import type { CachedPoll } from './definitions.ts'
import { ProblemError } from './problems.ts'
import { refusalProblem } from './take-ballot.ts'
import type { Voter, VoterIdentities } from './voter-identity.ts'

/** Somebody whose ballot is taken. */
export interface AdmittedVoter {
  readonly identity: Identity
  /** Value of the voter cookie that says the same; null in polls that neither read nor set it. */
  readonly cookie: string | null
}

/** Somebody who asks for the own ballot. */
export interface KnownVoter {
  readonly identity: Identity
  /** Why this voter could not vote now; null: nothing that is known here. */
  readonly refusal: ProblemName | null
}

export interface VotersOptions {
  readonly callers: Pick<Callers, 'of' | 'visitor'>
  readonly clock: Clock
  readonly identities: VoterIdentities
  readonly masterKey: MasterKey
  readonly people: Pick<People, 'codes' | 'roll' | 'users'>
}

/**
 * Who may vote, by the poll's access level. The level alone decides what is looked at: in polls of codes and accounts neither the voter cookie nor the
 * Idempotency-Key is anybody. Codes and rolls are read on the primary: while that is away, 503 `primary-unavailable`.
 */
export class Voters {
  readonly #options: VotersOptions

  constructor(options: VotersOptions) {
    this.#options = options
  }

  /** Who votes with this request, once the poll is known to be open. Throws the problem if nobody may. */
  async ofBallot(request: FastifyRequest, cached: CachedPoll): Promise<AdmittedVoter> {
    this.assertOpen(cached)
    switch (cached.poll.definition.access) {
      case 'open':
        return this.#options.identities.ofBallot(request)
      case 'guarded':
        return this.#withProof(request, cached)
      case 'code':
        return this.#withCode(request, cached)
      case 'account':
        return this.#onRoll(request, cached)
    }
  }

  /** Whose ballot this request asks for; null: it names nobody. Throws the problem if it names nobody who could have one. */
  async ofOwnBallot(request: FastifyRequest, { poll }: CachedPoll): Promise<KnownVoter | null> {
    switch (poll.definition.access) {
      case 'open':
      case 'guarded': {
        const voter = this.#options.identities.known(request)
        return voter === null ? null : { identity: voter.identity, refusal: null }
      }
      case 'code': {
        const secret = codeOf(request)
        const code = await this.#onPrimary(({ codes }) => codes.find(poll.id, secretHash(secret)))
        if (code === null) throw new ProblemError('code-invalid')
        // A ballot given with it stays, and is its voter's to see.
        return { identity: identityOf('code', secret), refusal: code.revokedAtMs === null ? null : 'code-revoked' }
      }
      case 'account': {
        const { userId } = await this.#signedIn(request)
        const isOnRoll = (await this.#onPrimary(({ roll }) => roll.find(poll.id, userId))) !== null
        const votingId = await this.#onPrimary(({ users }) => users.votingId(userId))
        return votingId === null ? null : { identity: identityOf('user', votingId), refusal: isOnRoll ? null : 'not-on-roll' }
      }
    }
  }

  /** Who reads results that show once one has voted; null: nobody that is known. */
  async ofReader(request: FastifyRequest, { poll }: CachedPoll): Promise<Identity | null> {
    switch (poll.definition.access) {
      case 'open':
      case 'guarded':
        return this.#options.identities.ofCookie(request)?.identity ?? null
      case 'code': {
        const header = request.headers[votingCodeHeader]
        const secret = typeof header === 'string' ? parseVotingCode(header) : null
        return secret === null ? null : identityOf('code', secret)
      }
      case 'account': {
        const userId = sessionUser(await this.#options.callers.visitor(request))
        const votingId = userId === null ? null : await this.#onPrimary(({ users }) => users.votingId(userId))
        return votingId === null ? null : identityOf('user', votingId)
      }
    }
  }

  /** Who asks for a challenge: exactly whom the ballot route would take. */
  ofChallenge(request: FastifyRequest): Voter {
    const voter = this.#options.identities.known(request)
    if (voter !== null) return voter
    throw new ProblemError('invalid-request', {
      errors: [
        {
          field: 'header idempotency-key',
          detail: 'expected in a guarded poll where no voter cookie comes with the request: it is the voter',
        },
      ],
    })
  }

  /** Throws unless the poll takes ballots now. */
  assertOpen({ poll }: CachedPoll): void {
    if (poll.deletedAtMs !== null) throw new ProblemError('poll-deleted')
    const refusal = refusalNow(poll, this.#options.clock.nowMs())
    if (refusal !== null) throw refusalProblem(refusal)
  }

  #withProof(request: FastifyRequest, { poll }: CachedPoll): Voter {
    const { clock, masterKey } = this.#options
    const voter = this.ofChallenge(request)
    const proof = request.headers[proofHeader]
    if (typeof proof !== 'string') {
      throw new ProblemError('proof-required', {
        detail: `expected the header ${proofHeader}: ask for a challenge at POST /v1/polls/${poll.id}/challenges`,
      })
    }
    const checked = checkProof(masterKey, proof, { pollId: poll.id, identity: voter.identity, nowMs: clock.nowMs() })
    if (checked.ok) return voter
    throw checked.failure === 'expired'
      ? new ProblemError('proof-expired', { detail: 'ask for another challenge' })
      : new ProblemError('proof-invalid', {
          detail: 'expected a solved challenge of this poll for this voter (the same cookie or Idempotency-Key)',
        })
  }

  async #withCode(request: FastifyRequest, { poll }: CachedPoll): Promise<AdmittedVoter> {
    const secret = codeOf(request)
    const code = await this.#onPrimary(({ codes }) => codes.find(poll.id, secretHash(secret)))
    if (code === null) throw new ProblemError('code-invalid')
    if (code.revokedAtMs !== null) throw new ProblemError('code-revoked')
    return { identity: identityOf('code', secret), cookie: null }
  }

  async #onRoll(request: FastifyRequest, { poll }: CachedPoll): Promise<AdmittedVoter> {
    const { userId } = await this.#signedIn(request)
    const votingId = await this.#onPrimary(({ roll }) => roll.find(poll.id, userId))
    if (votingId === null) throw new ProblemError('not-on-roll')
    return { identity: identityOf('user', votingId), cookie: null }
  }

  async #signedIn(request: FastifyRequest): Promise<{ userId: number }> {
    const userId = sessionUser(await this.#onPrimary(() => this.#options.callers.of(request)))
    if (userId !== null) return { userId }
    throw new ProblemError('unauthorized', { detail: 'expected a session: who votes in this poll signs in with username and password' })
  }

  async #onPrimary<Value>(read: (people: VotersOptions['people']) => Promise<Value>): Promise<Value> {
    try {
      return await read(this.#options.people)
    } catch (error) {
      if (!(error instanceof PrimaryUnavailableError || error instanceof RetryableDatabaseError)) throw error
    }
    throw new ProblemError('primary-unavailable', {
      detail: 'who may vote in this poll is kept on the primary, which does not answer: send again',
    })
  }
}

/** Only somebody who is there in person votes: no token does. */
function sessionUser(caller: Caller | null): number | null {
  return caller?.via === 'session' ? caller.userId : null
}

function codeOf(request: FastifyRequest): VotingCodeSecret {
  const header = request.headers[votingCodeHeader]
  if (typeof header !== 'string' || header === '') {
    throw new ProblemError('code-required', { detail: `expected the header ${votingCodeHeader}` })
  }
  const secret = parseVotingCode(header)
  if (secret === null) throw new ProblemError('code-invalid', { detail: 'expected 26 letters and digits' })
  return secret
}
