import type { FastifyCorsOptions } from '@fastify/cors'
import type { FastifyReply, FastifyRequest } from 'fastify'

/** Routes that older clients call from pages of any origin. They need no cookie, and get none from there. */
const anyOriginPath = /^\/(surveys|vote|api\/postVotes|api\/votes)(\/|$|\?)/

/** Date: pages count down by the server's clock. */
const exposedHeaders = ['Date', 'Location', 'Retry-After', 'ETag', 'WWW-Authenticate']
const shared: FastifyCorsOptions = {
  methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
  // Those that some route reads. What a page would like to send besides is no business of ours.
  allowedHeaders: ['Content-Type', 'Authorization', 'Idempotency-Key', 'If-None-Match', 'Urna-Receipt', 'Urna-Proof', 'Urna-Voting-Code'],
  exposedHeaders,
  maxAge: 600,
  // Strict would answer an OPTIONS that is no preflight with its own text instead of a problem.
  strictPreflight: false,
}

/** Which pages of other origins may call which route, for @fastify/cors. Origins are compared as they are, character by character. */
export function corsOptionsOf(allowedOrigins: readonly string[] | '*') {
  const anyOrigin: FastifyCorsOptions = { ...shared, origin: '*', credentials: false }
  const noOrigin: FastifyCorsOptions = { ...shared, origin: false }
  const listed = new Map<string, FastifyCorsOptions>()
  if (allowedOrigins !== '*') for (const origin of allowedOrigins) listed.set(origin, { ...shared, origin, credentials: true })
  return (request: FastifyRequest, callback: (error: Error | null, options: FastifyCorsOptions) => void): void => {
    if (allowedOrigins === '*' || anyOriginPath.test(request.raw.url ?? '')) callback(null, anyOrigin)
    // The plugin says Vary: Origin in every case.
    else callback(null, listed.get(request.headers.origin ?? '') ?? noOrigin)
  }
}

/** The same for the ballot route, which has no plugins: the headers of a cross-origin answer, nothing for our own pages. */
export function ballotCors(allowedOrigins: readonly string[] | '*'): (request: FastifyRequest, reply: FastifyReply) => void {
  if (allowedOrigins === '*') {
    return (_request, reply) => {
      reply.header('access-control-allow-origin', '*').header('access-control-expose-headers', exposedHeaders.join(', '))
    }
  }
  if (allowedOrigins.length === 0) return () => {}
  const allowed = new Set(allowedOrigins)
  return (request, reply) => {
    reply.header('vary', 'Origin')
    const { origin } = request.headers
    if (origin === undefined || !allowed.has(origin)) return
    reply
      .header('access-control-allow-origin', origin)
      .header('access-control-allow-credentials', 'true')
      .header('access-control-expose-headers', exposedHeaders.join(', '))
  }
}
