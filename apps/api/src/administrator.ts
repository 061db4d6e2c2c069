import { hash, timingSafeEqual } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { ProblemError } from './problems.ts'

/** Tells the administrator by the token, `Authorization: Bearer <token>`. */
export class Administrator {
  readonly #tokenHash: () => Buffer | null

  /** `tokenHash`: the SHA-256 of the token; null while it is not known. */
  constructor(tokenHash: Buffer | (() => Buffer | null)) {
    this.#tokenHash = () => {
      const known = typeof tokenHash === 'function' ? tokenHash() : tokenHash
      if (known !== null && known.length !== 32) throw new RangeError('expected the SHA-256 of the administrator token, 32 bytes')
      return known
    }
    this.#tokenHash()
  }

  /** False: no token (another scheme may be a proxy's own business). Throws if there is a token and it is wrong, or cannot be checked. */
  asks(request: FastifyRequest): boolean {
    const { authorization } = request.headers
    if (authorization === undefined || !/^bearer(\s|$)/i.test(authorization)) return false
    const tokenHash = this.#tokenHash()
    if (tokenHash === null) {
      throw new ProblemError('primary-unavailable', { detail: 'the administrator’s token cannot be checked: it is kept on the primary' })
    }
    // The hashes are compared, in constant time: how long it takes says nothing about the token.
    if (timingSafeEqual(hash('sha256', authorization.slice(6).trim(), 'buffer'), tokenHash)) return true
    throw unauthorized('the token is not the administrator’s')
  }

  /** As an onRequest hook: a stranger gets 401 before anything of the request is read or judged. */
  readonly required = (request: FastifyRequest, _reply: FastifyReply, done: (error?: Error) => void): void => {
    try {
      if (!this.asks(request)) throw unauthorized('expected the header authorization: Bearer <administrator token>')
    } catch (error) {
      done(error as Error)
      return
    }
    done()
  }
}

function unauthorized(detail: string): ProblemError {
  return new ProblemError('unauthorized', { detail, headers: { 'www-authenticate': 'Bearer' } })
}
