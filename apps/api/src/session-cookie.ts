import { secretHash } from '@urna/core'
import type { FastifyRequest } from 'fastify'
import type { CookieKind, Cookies } from './cookies.ts'
import type { RequestOrigins } from './request-origins.ts'

const sessionCookie: CookieKind = { name: 'urna_session', sameSite: 'Strict', maxAgeSeconds: null }
const secretPattern = /^[A-Za-z0-9_-]{43}$/

export interface SessionCookieOptions {
  readonly cookies: Cookies
  readonly origins: Pick<RequestOrigins, 'mayUseCookies'>
}

/** The cookie that names a session: 32 random bytes as base64url, of which only the hash is kept. */
export class SessionCookies {
  readonly #cookies: Cookies
  readonly #origins: Pick<RequestOrigins, 'mayUseCookies'>

  constructor({ cookies, origins }: SessionCookieOptions) {
    this.#cookies = cookies
    this.#origins = origins
  }

  /** SHA-256 of the secret that came with the request; null: none, nothing that we could have made, or sent along by a page of a foreign origin. */
  hashOf(request: FastifyRequest): Buffer | null {
    if (request.headers.cookie === undefined || !this.#origins.mayUseCookies(request)) return null
    return this.#cookies.find(request, sessionCookie, (value) => (secretPattern.test(value) ? secretHash(value) : null))
  }

  /** For the header set-cookie. The browser forgets it after `maxAgeSeconds`. */
  set(request: FastifyRequest, secret: string, maxAgeSeconds: number): string {
    return this.#cookies.set(request, { ...sessionCookie, maxAgeSeconds }, secret)
  }

  /** Makes the browser forget it. */
  clear(request: FastifyRequest): string {
    return this.#cookies.clear(request, sessionCookie)
  }
}
