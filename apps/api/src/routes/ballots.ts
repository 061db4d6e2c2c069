import { ballotInput, ballotReceived, idempotencyKey, ownBallot } from '@urna/contracts'
import { optionsOf, type PollId, parsePollId, receiptText } from '@urna/core'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { ApiContext, ZodScope } from '../context.ts'
import { ballotCors } from '../cross-origin.ts'
import type { CachedPoll } from '../definitions.ts'
import { fieldErrorsOf, issuesOf } from '../field-errors.ts'
import { documentedAs, json, responses } from '../openapi.ts'
import { ProblemError } from '../problems.ts'
import { assertTakesBallots, keepVoter } from '../take-ballot.ts'
import { pollParams } from './polls.ts'

const tags = ['ballots']
const voterHeaders = z.object({ 'idempotency-key': idempotencyKey.optional() })
export const ballotBytesMax = 64 * 1024

const ballotDocument = {
  tags,
  summary: 'Vote. Answered when the ballot is durably in the queue',
  description:
    'The voter is who the cookie says; without one, the Idempotency-Key (make it random, and keep it as secret as the cookie: it is the voter); without that, somebody new. The answer sets the cookie to the voter it took. A later ballot of the same voter replaces the earlier one, where the poll allows changes. After any 503, or no answer at all: send the same again, it counts once.',
  params: pollParams,
  headers: voterHeaders,
  body: ballotInput,
  response: responses({ 202: json('The ballot will be counted. Keep the receipt', ballotReceived) }, [
    'invalid-request',
    'invalid-json',
    'poll-not-found',
    'poll-not-open-yet',
    'poll-closed',
    'poll-deleted',
    'body-too-large',
    'unsupported-media-type',
    'invalid-answer',
    'overloaded',
    'queue-unavailable',
    'definitions-stale',
    'database-unavailable',
    'shutting-down',
  ]),
}

/**
 * `POST /v1/polls/{id}/ballots`: the hot path. A nation presses this button in the same minute, so nothing is here that is not needed
 * for it: no hooks, no plugins, no validation by the framework, no schema on the reply. `make bench` measures it.
 */
export function ballotIntakeRoute(context: ApiContext): (app: FastifyInstance) => void {
  const { definitions, dependencies, handleError, identities, inFlight, load, metrics, takeBallot } = context
  const { masterKey } = dependencies
  const crossOrigin = ballotCors(dependencies.allowedOrigins)

  async function submit(request: FastifyRequest, reply: FastifyReply, id: PollId, known: CachedPoll | undefined): Promise<void> {
    const parsed = ballotInput.safeParse(request.body)
    if (!parsed.success) throw new ProblemError('invalid-request', { errors: fieldErrorsOf(issuesOf(parsed.error), 'body') })
    const voter = identities.ofBallot(request.headers)
    const cached = known ?? (await definitions.find(id))
    if (cached === null) throw new ProblemError('poll-not-found')
    const { voterKey, seq, atMs } = await keepVoter(identities, request, reply, voter, takeBallot(cached, voter, parsed.data.answers))
    metrics.ballotsReceived++
    const receipt = receiptText(masterKey, { pollId: id, voterKey, seq })
    crossOrigin(request, reply)
    reply
      .code(202)
      .header('content-type', 'application/json; charset=utf-8')
      .header('cache-control', 'no-store')
      .header('x-content-type-options', 'nosniff')
      .header('set-cookie', identities.setCookie(request, voter))
      // Base64url, a fixed word and a number: nothing in it needs escaping.
      .send(`{"receipt":"${receipt}","status":"received","receivedAt":"${new Date(atMs).toISOString()}"}`)
  }

  function fail(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
    crossOrigin(request, reply)
    handleError(error, request, reply)
  }

  return (app) => {
    app.post<{ Params: { id: string } }>(
      '/v1/polls/:id/ballots',
      {
        bodyLimit: ballotBytesMax,
        config: { access: 'public', ...documentedAs(ballotDocument) },
        errorHandler: fail as (error: FastifyError) => void,
      },
      (request, reply) => {
        assertTakesBallots(inFlight, load)
        const id = parsePollId(request.params.id)
        if (id === null) {
          const errors = [{ field: 'path id', detail: 'expected a poll id: 16 characters of 0-9 and a-z without i, l, o, u' }]
          throw new ProblemError('invalid-request', { errors })
        }
        inFlight.begin()
        submit(request, reply, id, definitions.peek(id)).then(
          () => inFlight.end(),
          (error: unknown) => {
            inFlight.end()
            fail(error, request, reply)
          },
        )
      },
    )
  }
}

export function ownBallotRoute(context: ApiContext): (app: ZodScope) => void {
  const { definitions, dependencies, identities } = context
  const { ballots, masterKey } = dependencies
  return (app) => {
    app.get(
      '/v1/polls/:id/ballots/mine',
      {
        config: { access: 'public' },
        schema: {
          tags,
          summary: 'Your counted ballot',
          description:
            'The voter is the one that voting would take: who the cookie says; without one, the Idempotency-Key, which is all that is left to a browser that never saw the answer to its ballot.',
          params: pollParams,
          headers: voterHeaders,
          response: responses({ 200: json('The ballot', ownBallot) }, [
            'invalid-request',
            'poll-not-found',
            'ballot-not-found',
            'poll-deleted',
            'definitions-stale',
            'database-unavailable',
            'primary-unavailable',
          ]),
        },
      },
      async (request, reply) => {
        const id = request.params.id as PollId
        const cached = await definitions.find(id)
        if (cached === null) throw new ProblemError('poll-not-found')
        if (cached.poll.deletedAtMs !== null) throw new ProblemError('poll-deleted')
        const voter = identities.known(request.headers)
        if (voter === null) throw new ProblemError('ballot-not-found')
        const voterKey = cached.voterKeys(voter.identity)
        const stored = await ballots.find(id, voterKey)
        if (stored === null) throw new ProblemError('ballot-not-found')
        const answers = cached.poll.definition.questions.map((question, index) => ({
          question: question.number,
          options: optionsOf(question, stored.answers[index] ?? '') ?? [],
        }))
        const receipt = receiptText(masterKey, { pollId: id, voterKey, seq: stored.seq })
        return reply.header('cache-control', 'private, no-store').send({ answers, receipt })
      },
    )
  }
}
