import { idempotencyKey } from '@urna/contracts'
import { type Identity, type IdGenerator, identityOf, identityOfVoterCookie, type MasterKey, voterCookieOf } from '@urna/core'
import type { FastifyRequest } from 'fastify'
import { ProblemError } from './problems.ts'

export const voterCookieName = 'urna_voter'
const cookiePrefix = `${voterCookieName}=`
// 400 days, the longest that browsers keep a cookie.
const cookieAttributes = '; Path=/; HttpOnly; SameSite=Lax; Max-Age=34560000'

export interface Voter {
  readonly identity: Identity
  /** Value of the cookie that says the same. */
  readonly cookie: string
}

/** Finds out who votes on open polls: the cookie, else the Idempotency-Key, else somebody new. */
export class VoterIdentities {
  readonly #masterKey: MasterKey
  readonly #ids: IdGenerator
  readonly #mayBeHttps: boolean
  readonly #isHttps: boolean

  constructor(options: { masterKey: MasterKey; ids: IdGenerator; trustProxy: false | string[]; secureCookies?: boolean | undefined }) {
    this.#masterKey = options.masterKey
    this.#ids = options.ids
    // This server speaks plain HTTP itself: only a proxy that is believed can say that the voter came by HTTPS.
    this.#mayBeHttps = options.trustProxy !== false
    this.#isHttps = options.secureCookies === true
  }

  /** Who votes. Throws as {@link known} does. */
  ofBallot(headers: FastifyRequest['headers']): Voter {
    return this.known(headers) ?? this.#voterOf(identityOf('voter', this.#ids.randomBytes(16)))
  }

  /**
   * The voter that the cookie names, else the Idempotency-Key; null without either. Throws a problem if there is an Idempotency-Key that
   * is none: it is never just ignored, for it protects the voter.
   */
  known(headers: FastifyRequest['headers']): Voter | null {
    const key = headers['idempotency-key']
    if (key !== undefined && !isIdempotencyKey(key)) {
      throw new ProblemError('invalid-request', {
        errors: [{ field: 'header idempotency-key', detail: 'expected 16 to 255 printable ASCII characters without spaces' }],
      })
    }
    const fromCookie = this.ofCookie(headers.cookie)
    if (fromCookie !== null) return fromCookie
    return key === undefined ? null : this.#voterOf(identityOf('key', key as string))
  }

  /** The first voter cookie that we signed; null if there is none. */
  ofCookie(header: string | undefined): Voter | null {
    if (header === undefined) return null
    let start = 0
    while (start < header.length) {
      const semicolon = header.indexOf(';', start)
      const end = semicolon < 0 ? header.length : semicolon
      while (header[start] === ' ') start++
      if (header.startsWith(cookiePrefix, start)) {
        const cookie = header.slice(start + cookiePrefix.length, end).trimEnd()
        const identity = identityOfVoterCookie(this.#masterKey, cookie)
        if (identity !== null) return { identity, cookie }
      }
      start = end + 1
    }
    return null
  }

  #voterOf(identity: Identity): Voter {
    return { identity, cookie: voterCookieOf(this.#masterKey, identity) }
  }

  setCookie(request: FastifyRequest, voter: Voter): string {
    const secure = this.#isHttps || (this.#mayBeHttps && request.protocol === 'https') ? '; Secure' : ''
    return `${cookiePrefix}${voter.cookie}${cookieAttributes}${secure}`
  }
}

function isIdempotencyKey(value: unknown): value is string {
  return idempotencyKey.safeParse(value).success
}
