import type { FastifyRequest } from 'fastify'

/** A cookie of ours, by the name that it has without TLS. */
export interface CookieKind {
  readonly name: string
  /** Lax where a link from elsewhere must find the same person, Strict where nobody comes by a link. */
  readonly sameSite: 'Lax' | 'Strict'
  /** Null: until the browser is closed. */
  readonly maxAgeSeconds: number | null
}

// 400 days, the longest that browsers keep a cookie.
export const voterCookie: CookieKind = { name: 'urna_voter', sameSite: 'Lax', maxAgeSeconds: 34_560_000 }

export interface CookiesOptions {
  /** People come by https only. */
  readonly isHttps: boolean
  /** Proxies that are believed when they say that somebody came by https. */
  readonly trustProxy: false | readonly string[]
}

/**
 * Cookies of ours in requests and answers. Over https they are called `__Host-...`: browsers take such a one only from this very host,
 * secure, for all its paths, so neither a neighbour on a subdomain nor plain http can plant one; and no other name is read there.
 * Never readable by scripts.
 */
export class Cookies {
  readonly #isHttps: boolean
  readonly #mayBeHttps: boolean

  constructor({ isHttps, trustProxy }: CookiesOptions) {
    this.#isHttps = isHttps
    // This server speaks plain HTTP itself: only a proxy that is believed can say more.
    this.#mayBeHttps = trustProxy !== false
  }

  /** The first value of this cookie that `read` makes something of; null if there is none. */
  find<Found>(request: FastifyRequest, kind: CookieKind, read: (value: string) => Found | null): Found | null {
    const header = request.headers.cookie
    if (header === undefined) return null
    const prefix = `${this.#nameOf(request, kind)}=`
    let start = 0
    while (start < header.length) {
      const semicolon = header.indexOf(';', start)
      const end = semicolon < 0 ? header.length : semicolon
      while (header[start] === ' ') start++
      if (header.startsWith(prefix, start)) {
        const found = read(header.slice(start + prefix.length, end).trimEnd())
        if (found !== null) return found
      }
      start = end + 1
    }
    return null
  }

  /** The text of a Set-Cookie header. */
  set(request: FastifyRequest, kind: CookieKind, value: string): string {
    const lasts = kind.maxAgeSeconds === null ? '' : `; Max-Age=${kind.maxAgeSeconds}`
    const secure = this.#cameByHttps(request) ? '; Secure' : ''
    return `${this.#nameOf(request, kind)}=${value}; Path=/; HttpOnly; SameSite=${kind.sameSite}${lasts}${secure}`
  }

  /** The text of a Set-Cookie header that removes it. */
  clear(request: FastifyRequest, kind: CookieKind): string {
    return this.set(request, { ...kind, maxAgeSeconds: 0 }, '')
  }

  #nameOf(request: FastifyRequest, { name }: CookieKind): string {
    return this.#cameByHttps(request) ? `__Host-${name}` : name
  }

  #cameByHttps(request: FastifyRequest): boolean {
    return this.#isHttps || (this.#mayBeHttps && request.protocol === 'https')
  }
}
