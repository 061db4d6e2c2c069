import {
  codeList,
  codeQuery,
  codesInput,
  codesMax,
  newCodes,
  pollId as pollIdSchema,
  rollAdded,
  rollInput,
  rollList,
  rollQuery,
  userId as userIdSchema,
} from '@urna/contracts'
import { type Actor, type Poll, type PollId, type Result, type VotersFault, voterAdministration } from '@urna/core'
import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { ApiContext, ZodScope } from '../context.ts'
import { json, responses } from '../openapi.ts'
import { ProblemError } from '../problems.ts'
import { pollParams } from './polls.ts'

const tags = ['voters']
const problems = ['invalid-request', 'poll-not-found', 'poll-deleted', 'database-unavailable', 'primary-unavailable'] as const
const bodyProblems = ['invalid-json', 'body-too-large', 'unsupported-media-type'] as const
const addingProblems = [...problems, ...bodyProblems, 'poll-state', 'poll-final'] as const
const codeParams = pollParams.extend({ codeId: z.string().regex(/^[0-9a-f]{16}$/, 'expected the id of a code: 16 hexadecimal digits') })
const voterParams = z.object({ id: pollIdSchema, userId: userIdSchema })

/** Who may vote: voting codes and voter rolls, as organizers make them. Secrets of codes are shown once, and kept nowhere. */
export function voterRoutes(context: ApiContext): (app: ZodScope) => void {
  const { callers, dependencies } = context
  const { clock, countedUntilMs, ids, logger, people, polls } = dependencies

  const { addVoters, makeCodes, removeVoter, revokeCode } = voterAdministration({ ...people, polls, clock, ids, countedUntilMs })

  /** The poll as it is on the primary, and who asks; throws where it is not theirs. */
  async function reached(
    request: FastifyRequest,
    id: string,
    permission: 'voters.read' | 'voters.change',
  ): Promise<{ poll: Poll; actor: Actor }> {
    const caller = await callers.expected(request)
    const poll = callers.reached(caller, permission, await polls.find(id as PollId))
    if (poll.deletedAtMs !== null) throw new ProblemError('poll-deleted')
    return { poll, actor: caller.actor }
  }

  function changed(request: FastifyRequest, poll: Poll, what: string): void {
    logger.info({ method: request.method, route: request.routeOptions.url, pollId: poll.id }, what)
  }

  return (app) => {
    app.get(
      '/v1/polls/:id/codes',
      {
        config: { access: 'voters.read' },
        schema: {
          tags,
          summary: 'Voting codes of a poll, without the codes themselves',
          params: pollParams,
          querystring: codeQuery,
          response: responses({ 200: json('One page, in the order in which they were made', codeList) }, problems),
        },
      },
      async (request, reply) => {
        const { poll } = await reached(request, request.params.id, 'voters.read')
        const { limit, after } = request.query
        const { codes, ...page } = await people.codes.list(poll.id, { limit, after: after ?? null })
        const shown = codes.map(({ id, label, createdAtMs, revokedAtMs }) => ({
          id,
          label,
          createdAt: new Date(createdAtMs).toISOString(),
          revokedAt: revokedAtMs === null ? null : new Date(revokedAtMs).toISOString(),
        }))
        return reply.header('cache-control', 'private, no-store').send({ codes: shown, ...page })
      },
    )

    app.post(
      '/v1/polls/:id/codes',
      {
        config: { access: 'voters.change' },
        schema: {
          tags,
          summary: 'Make voting codes. They are shown in this answer, and never again',
          description:
            'So many codes, or one for each label. Each is one voter: who uses it again replaces the ballot. Voters follow `/p/{poll}#code={code}`.',
          params: pollParams,
          body: codesInput,
          response: responses({ 201: json('The codes', newCodes) }, [...addingProblems, 'too-many-codes']),
        },
      },
      async (request, reply) => {
        const { poll, actor } = await reached(request, request.params.id, 'voters.change')
        const { count = 0, labels = Array<string>(count).fill('') } = request.body
        const codes = expectVoters(await makeCodes(poll, labels, codesMax, actor))
        changed(request, poll, 'voting codes made')
        return reply.code(201).header('cache-control', 'private, no-store').send({ codes })
      },
    )

    app.delete(
      '/v1/polls/:id/codes/:codeId',
      {
        config: { access: 'voters.change' },
        schema: {
          tags,
          summary: 'Revoke a voting code. A ballot that was given with it stays',
          params: codeParams,
          response: responses({ 204: { description: 'Nobody votes with it any more' } }, [...problems, 'code-not-found']),
        },
      },
      async (request, reply) => {
        const { poll, actor } = await reached(request, request.params.id, 'voters.change')
        if (!(await revokeCode(poll, request.params.codeId, actor))) throw new ProblemError('code-not-found')
        changed(request, poll, 'voting code revoked')
        return reply.code(204).send()
      },
    )

    app.get(
      '/v1/polls/:id/voters',
      {
        config: { access: 'voters.read' },
        schema: {
          tags,
          summary: 'The voter roll of a poll',
          params: pollParams,
          querystring: rollQuery,
          response: responses({ 200: json('One page, by number of the user', rollList) }, problems),
        },
      },
      async (request, reply) => {
        const { poll } = await reached(request, request.params.id, 'voters.read')
        const { limit, after } = request.query
        const { users, next, total } = await people.roll.list(poll.id, { limit, after: after === undefined ? null : Number(after) })
        const shown = users.map(({ id, username, name, secondName }) => ({ id: String(id), username, name, secondName }))
        return reply.header('cache-control', 'private, no-store').send({ users: shown, next: next === null ? null : String(next), total })
      },
    )

    app.post(
      '/v1/polls/:id/voters',
      {
        config: { access: 'voters.change' },
        schema: {
          tags,
          summary: 'Put users on the voter roll',
          params: pollParams,
          body: rollInput,
          response: responses({ 200: json('How many were added, and whom nobody knows', rollAdded) }, addingProblems),
        },
      },
      async (request, reply) => {
        const { poll, actor } = await reached(request, request.params.id, 'voters.change')
        const added = expectVoters(await addVoters(poll, request.body.usernames, actor))
        changed(request, poll, 'voters added')
        return reply.header('cache-control', 'private, no-store').send(added)
      },
    )

    app.delete(
      '/v1/polls/:id/voters/:userId',
      {
        config: { access: 'voters.change' },
        schema: {
          tags,
          summary: 'Take a user off the voter roll. A ballot that was given stays',
          params: voterParams,
          response: responses({ 204: { description: 'That user does not vote in this poll any more' } }, [...problems, 'user-not-found']),
        },
      },
      async (request, reply) => {
        const { poll, actor } = await reached(request, request.params.id, 'voters.change')
        const isRemoved = await removeVoter(poll, Number(request.params.userId), actor)
        if (!isRemoved) throw new ProblemError('user-not-found', { detail: 'nobody of this number is on the voter roll' })
        changed(request, poll, 'voter removed')
        return reply.code(204).send()
      },
    )
  }
}

function expectVoters<Value>(result: Result<Value, VotersFault>): Value {
  if (result.ok) return result.value
  const fault = result.failure
  switch (fault.kind) {
    case 'other_level':
      throw new ProblemError('poll-state', { detail: `this poll is of access ${fault.level}: voters are not named this way there` })
    case 'final':
      throw new ProblemError('poll-final')
    case 'deleted':
      throw new ProblemError('poll-deleted')
    case 'too_many_codes':
      throw new ProblemError('too-many-codes', { detail: `expected at most ${codesMax} codes in a poll, revoked ones included` })
  }
}
