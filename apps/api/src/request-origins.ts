import type { FastifyRequest } from 'fastify'
import { ProblemError } from './problems.ts'

export interface RequestOriginsOptions {
  /** The address that voters use, as PUBLIC_URL says it; null: only requests tell. */
  readonly publicUrl: string | null
  readonly allowedOrigins: readonly string[] | '*'
}

/** own: our pages, or no browser at all; listed: in ALLOWED_ORIGINS; any: let in only because ALLOWED_ORIGINS is `*`. */
type Standing = 'own' | 'listed' | 'any' | 'refused'

/**
 * Which page a request comes from, as its browser says it. A browser cannot be made to lie about Origin and Sec-Fetch-Site by the page that
 * it shows, and sends at least one of them with every write; whoever sends neither is no browser, and has nobody's cookies.
 */
export class RequestOrigins {
  readonly #publicOrigin: string | null
  readonly #publicHost: string | null
  readonly #listed: ReadonlySet<string>
  readonly #takesAny: boolean

  constructor({ publicUrl, allowedOrigins }: RequestOriginsOptions) {
    const url = publicUrl === null ? null : new URL(publicUrl)
    this.#publicOrigin = url?.origin ?? null
    this.#publicHost = url?.host ?? null
    this.#listed = new Set(allowedOrigins === '*' ? [] : allowedOrigins)
    this.#takesAny = allowedOrigins === '*'
  }

  /** Throws `origin-refused` unless the request comes from a page that may change something here, or from no browser. */
  assertMayWrite(request: FastifyRequest): void {
    if (this.#standingOf(request) !== 'refused') return
    const detail = 'expected a request of a page of this server, or of an origin in ALLOWED_ORIGINS'
    throw new ProblemError('origin-refused', { detail })
  }

  /** Whether cookies of this request say who sent it. With `*` anybody's page can make a visitor's browser send them. */
  mayUseCookies(request: FastifyRequest): boolean {
    // A read without Origin is a link that somebody followed: what it answers, no other page can see.
    if (request.headers.origin === undefined && isSafe(request.method)) return true
    const standing = this.#standingOf(request)
    return standing === 'own' || standing === 'listed'
  }

  #standingOf(request: FastifyRequest): Standing {
    const { origin, 'sec-fetch-site': site } = request.headers
    if (origin === undefined) return site === undefined || site === 'same-origin' || site === 'none' ? 'own' : 'refused'
    if (origin === this.#publicOrigin) return 'own'
    if (this.#listed.has(origin)) return 'listed'
    if (this.#isOwnHost(request, origin, site)) return 'own'
    // `null` is a frame or a file of nobody knows whom.
    return this.#takesAny && origin !== 'null' ? 'any' : 'refused'
  }

  /**
   * The origin has the host that the request was sent to. Its scheme is not known here (something in front may speak TLS), but PUBLIC_URL
   * knows that of its host, and a browser that sends Sec-Fetch-Site compares schemes, too.
   */
  #isOwnHost(request: FastifyRequest, origin: string, site: string | string[] | undefined): boolean {
    const { host } = request
    if (host === this.#publicHost || (site !== undefined && site !== 'same-origin')) return false
    return origin === `http://${host}` || origin === `https://${host}`
  }
}

/** Nothing of ours is changed by it. */
export function isSafe(method: string): boolean {
  return method === 'GET' || method === 'HEAD' || method === 'OPTIONS'
}
