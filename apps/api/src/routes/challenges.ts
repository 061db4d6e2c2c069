import { challenge as challengeSchema, idempotencyKey } from '@urna/contracts'
import type { PollId } from '@urna/core'
import { z } from 'zod'
import type { ApiContext, ZodScope } from '../context.ts'
import { json, responses } from '../openapi.ts'
import { ProblemError } from '../problems.ts'
import { pollParams } from './polls.ts'

/** `POST /v1/polls/{id}/challenges`. Never sets a cookie: who the voter is, the ballot says. */
export function challengeRoute(context: ApiContext): (app: ZodScope) => void {
  const { definitions, voters, workChallenges } = context
  return (app) => {
    app.post(
      '/v1/polls/:id/challenges',
      {
        config: { access: 'public' },
        // There is nothing to say in a body.
        bodyLimit: 1_024,
        schema: {
          tags: ['ballots'],
          summary: 'Ask for the work that a vote in a guarded poll needs',
          description:
            'For the voter that voting would take: who the cookie says, else the Idempotency-Key. Find the number, and send it with the ballot in the header `urna-proof`. The first voters of an address in an hour (50, if not set otherwise) get `maxNumber` 0, whose number is 0: no work. Asking again for the same voter counts nobody twice.',
          params: pollParams,
          headers: z.object({ 'idempotency-key': idempotencyKey.optional() }),
          response: responses({ 200: json('The challenge', challengeSchema) }, [
            'invalid-request',
            'poll-not-found',
            'poll-not-open-yet',
            'poll-closed',
            'poll-state',
            'poll-deleted',
            'body-too-large',
            'definitions-stale',
            'database-unavailable',
          ]),
        },
      },
      async (request, reply) => {
        const id = request.params.id as PollId
        const cached = await definitions.find(id)
        if (cached === null) throw new ProblemError('poll-not-found')
        voters.assertOpen(cached)
        const { access } = cached.poll.definition
        if (access !== 'guarded') throw new ProblemError('poll-state', { detail: `only guarded polls ask for work, this one is ${access}` })
        const { identity } = voters.ofChallenge(request)
        const { expiresAtMs, ...challenge } = await workChallenges.make(id, identity, request.ip)
        return reply.header('cache-control', 'no-store').send({ ...challenge, expiresAt: new Date(expiresAtMs).toISOString() })
      },
    )
  }
}
