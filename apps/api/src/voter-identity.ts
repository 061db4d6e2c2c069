import { idempotencyKey } from '@urna/contracts'
import { type CookieVoter, type Identity, type IdGenerator, identityOf, type MasterKey, type VoterCookies, voterCookies } from '@urna/core'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { type Cookies, voterCookie } from './cookies.ts'
import { ProblemError } from './problems.ts'
import type { RequestOrigins } from './request-origins.ts'

/** The cookie is the value that says the same as the identity. */
export type Voter = CookieVoter

export interface VoterIdentitiesOptions {
  readonly masterKey: MasterKey
  readonly ids: IdGenerator
  readonly cookies: Cookies
  readonly origins: RequestOrigins
  /** Generations of the key of cookies; see core's voterCookies. */
  readonly cookieKeys?: { readonly key: number; readonly oldestKey: number } | undefined
}

/** Finds out who votes on open polls: the cookie, else the Idempotency-Key, else somebody new. */
export class VoterIdentities {
  readonly #ids: IdGenerator
  readonly #cookies: Cookies
  readonly #origins: RequestOrigins
  readonly #voterCookies: VoterCookies

  constructor({ masterKey, ids, cookies, origins, cookieKeys }: VoterIdentitiesOptions) {
    this.#ids = ids
    this.#cookies = cookies
    this.#origins = origins
    this.#voterCookies = voterCookies(masterKey, cookieKeys)
  }

  /** Who votes. Throws as {@link known} does. */
  ofBallot(request: FastifyRequest): Voter {
    return this.known(request) ?? this.#stranger()
  }

  /**
   * The voter that the cookie names, else the Idempotency-Key; null without either. Throws a problem if there is an Idempotency-Key that
   * is none: it is never just ignored, for it protects the voter.
   */
  known(request: FastifyRequest): Voter | null {
    const ofKey = this.#ofKey(request)
    return this.ofCookie(request) ?? ofKey
  }

  /** The first voter cookie that we signed; null if there is none, or if a page of a foreign origin sent it along. */
  ofCookie(request: FastifyRequest): Voter | null {
    if (request.headers.cookie === undefined || !this.#origins.mayUseCookies(request)) return null
    return this.#cookies.find(request, voterCookie, this.#voterCookies.read)
  }

  /** Gives the browser the cookie of the voter that was taken; none to a page of a foreign origin, which could not use it. */
  setCookie(request: FastifyRequest, reply: FastifyReply, voter: Voter): void {
    if (this.#origins.mayUseCookies(request)) reply.header('set-cookie', this.#cookies.set(request, voterCookie, voter.cookie))
  }

  #ofKey(request: FastifyRequest): Voter | null {
    const key = request.headers['idempotency-key']
    if (key === undefined) return null
    if (!isIdempotencyKey(key)) {
      throw new ProblemError('invalid-request', {
        errors: [{ field: 'header idempotency-key', detail: 'expected 16 to 255 printable ASCII characters without spaces' }],
      })
    }
    return this.#voterOf(identityOf('key', key))
  }

  #stranger(): Voter {
    return this.#voterOf(identityOf('voter', this.#ids.randomBytes(16)))
  }

  #voterOf(identity: Identity): Voter {
    return { identity, cookie: this.#voterCookies.write(identity) }
  }
}

function isIdempotencyKey(value: unknown): value is string {
  return idempotencyKey.safeParse(value).success
}
