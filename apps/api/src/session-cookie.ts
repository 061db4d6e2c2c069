import { secretHash } from '@urna/core'
import type { FastifyRequest } from 'fastify'

const plainName = 'urna_session'
/** Browsers take a cookie of this name only over TLS, from this very host, for all of it: no neighbour can plant one. */
const tlsName = `__Host-${plainName}`
const secretPattern = /^[A-Za-z0-9_-]{43}$/

export interface SessionCookieOptions {
  readonly trustProxy: false | string[]
  readonly secureCookies?: boolean | undefined
}

/** The cookie that names a session: 32 random bytes as base64url, of which only the hash is kept. */
export class SessionCookies {
  readonly #mayBeHttps: boolean
  readonly #isHttps: boolean

  constructor({ trustProxy, secureCookies }: SessionCookieOptions) {
    this.#mayBeHttps = trustProxy !== false
    this.#isHttps = secureCookies === true
  }

  /** SHA-256 of the secret that came with the request; null: none, or nothing that we could have made. */
  hashOf(request: FastifyRequest): Buffer | null {
    const prefix = `${this.#name(request)}=`
    const value = request.headers.cookie
      ?.split(';')
      .map((part) => part.trim())
      .find((part) => part.startsWith(prefix))
      ?.slice(prefix.length)
    return value !== undefined && secretPattern.test(value) ? secretHash(value) : null
  }

  /** For the header set-cookie. The browser forgets it after `maxAgeSeconds`. */
  set(request: FastifyRequest, secret: string, maxAgeSeconds: number): string {
    return this.#cookie(request, secret, maxAgeSeconds)
  }

  /** Makes the browser forget it. */
  clear(request: FastifyRequest): string {
    return this.#cookie(request, '', 0)
  }

  #cookie(request: FastifyRequest, value: string, maxAgeSeconds: number): string {
    const secure = this.#isSecure(request) ? '; Secure' : ''
    return `${this.#name(request)}=${value}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${maxAgeSeconds}${secure}`
  }

  #name(request: FastifyRequest): string {
    return this.#isSecure(request) ? tlsName : plainName
  }

  #isSecure(request: FastifyRequest): boolean {
    return this.#isHttps || (this.#mayBeHttps && request.protocol === 'https')
  }
}
