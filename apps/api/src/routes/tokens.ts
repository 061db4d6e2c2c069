import { newToken, tokenInput, tokenList } from '@urna/contracts'
import { type ApiToken, secretHash } from '@urna/core'
import { z } from 'zod'
import { apiTokenPrefix, signInFirst } from '../callers.ts'
import type { ApiContext, ZodScope } from '../context.ts'
import { json, responses } from '../openapi.ts'
import type { PeopleContext } from '../people.ts'
import { ProblemError } from '../problems.ts'
import { tokenOnWire } from '../wire-people.ts'

const tags = ['people']
const databaseProblems = ['invalid-request', 'database-unavailable', 'primary-unavailable'] as const
/** Of one user, expired ones too. */
export const tokensPerUserMax = 50
const dayMs = 86_400_000

/** One's own API tokens. A token makes none: who found one does not get another from it. */
export function tokenRoutes(context: ApiContext, { people }: PeopleContext): (app: ZodScope) => void {
  const { callers, dependencies } = context
  const { clock, ids } = dependencies
  return (app) => {
    app.get(
      '/v1/tokens',
      {
        config: { access: 'session' },
        schema: {
          tags,
          summary: 'Your API tokens, newest first',
          response: responses({ 200: json('The tokens, without what is secret', tokenList) }, databaseProblems),
        },
      },
      async (request, reply) => {
        const { userId } = await callers.expected(request)
        const tokens = await people.tokens.list(userId ?? 0)
        return reply.header('cache-control', 'private, no-store').send({ tokens: tokens.map(tokenOnWire) })
      },
    )

    app.post(
      '/v1/tokens',
      {
        config: { access: 'session' },
        schema: {
          tags,
          summary: 'Make an API token; this answer alone shows it',
          body: tokenInput,
          response: responses({ 201: json('The token', newToken) }, [
            ...databaseProblems,
            'invalid-json',
            'body-too-large',
            'unsupported-media-type',
          ]),
        },
      },
      async (request, reply) => {
        const caller = await callers.expected(request)
        const { name, scopes, expiresInDays } = request.body
        const allowed = callers.permissions(caller)
        const tooMuch = scopes.flatMap((scope, index) => (allowed.includes(scope) ? [] : [index]))
        if (tooMuch.length > 0) {
          const detail =
            allowed.length === 0 ? 'expected none: you have no permissions' : `expected what you may do yourself: ${allowed.join(', ')}`
          throw new ProblemError('invalid-request', { errors: tooMuch.map((index) => ({ field: `scopes[${index}]`, detail })) })
        }
        const userId = caller.userId ?? 0
        if ((await people.tokens.list(userId)).length >= tokensPerUserMax) {
          throw new ProblemError('forbidden', { detail: `you have ${tokensPerUserMax} tokens: delete one first` })
        }
        const nowMs = clock.nowMs()
        const secret = `${apiTokenPrefix}${ids.randomBytes(32).toString('base64url')}`
        const token: ApiToken = {
          id: ids.randomBytes(8).toString('hex'),
          userId,
          name,
          scopes: [...new Set(scopes)],
          createdAtMs: nowMs,
          expiresAtMs: nowMs + expiresInDays * dayMs,
          lastUsedAtMs: null,
        }
        // Asked with the writing: who ends all sessions meanwhile, with a new password, ends all tokens too.
        const isMade = await people.tokens.create(
          { ...token, hash: secretHash(secret) },
          {
            atMs: nowMs,
            actor: caller.actor,
            action: 'token.made',
            subject: `user ${userId}`,
            details: { token: token.id, scopes: token.scopes.join(' '), expiresAtMs: token.expiresAtMs },
          },
          caller.sessionHash ?? undefined,
        )
        if (!isMade) throw signInFirst()
        return reply
          .code(201)
          .header('cache-control', 'private, no-store')
          .send({ ...tokenOnWire(token), token: secret })
      },
    )

    app.delete(
      '/v1/tokens/:id',
      {
        config: { access: 'session' },
        schema: {
          tags,
          summary: 'Delete one of your API tokens: it opens nothing any more',
          params: z.object({ id: z.string().regex(/^[0-9a-f]{16}$/, 'expected the id of a token') }),
          response: responses({ 204: { description: 'Deleted' } }, [...databaseProblems, 'token-not-found']),
        },
      },
      async (request, reply) => {
        const { actor, userId } = await callers.expected(request)
        const { id } = request.params
        const entry = { atMs: clock.nowMs(), actor, action: 'token.deleted', subject: `user ${userId}`, details: { token: id } }
        if (!(await people.tokens.remove(userId ?? 0, id, entry))) throw new ProblemError('token-not-found')
        return reply.code(204).header('cache-control', 'private, no-store').send()
      },
    )
  }
}
