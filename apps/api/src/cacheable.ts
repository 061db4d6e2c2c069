import { hash } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'

export interface CacheableBody {
  readonly body: string
  readonly etag: string
}

export function etagOf(body: string): string {
  return `"${hash('sha256', body, 'base64url').slice(0, 22)}"`
}

/** JSON that a browser or cache may keep, but asks about before it shows it again; 304 if it is still the same. */
export function sendCacheable(
  request: FastifyRequest,
  reply: FastifyReply,
  scope: 'public' | 'private',
  { body, etag }: CacheableBody,
): FastifyReply {
  reply.header('etag', etag).header('cache-control', `${scope}, no-cache`)
  if (isKnown(request.headers['if-none-match'], etag)) return reply.code(304).send()
  return reply.header('content-type', 'application/json; charset=utf-8').send(body)
}

function isKnown(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false
  return ifNoneMatch.split(',').some((text) => {
    const candidate = text.trim()
    // Proxies that compress make a tag weak; for a GET the weak comparison is the right one.
    return candidate === '*' || candidate === etag || candidate === `W/${etag}`
  })
}
