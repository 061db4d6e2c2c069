import { closePollInput, openPollInput, pollId as pollIdSchema, pollInput, pollList, poll as pollSchema } from '@urna/contracts'
import { type Actor, type Poll, type PollFault, type PollId, pollStateAt, type Result } from '@urna/core'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { etagOf, sendCacheable } from '../cacheable.ts'
import type { ApiContext, ZodScope } from '../context.ts'
import { json, responses } from '../openapi.ts'
import { ProblemError } from '../problems.ts'
import { ShortCache } from '../short-cache.ts'
import { definitionOf, pollListOnWire, pollOnWire } from '../wire.ts'

export const pollParams = z.object({ id: pollIdSchema })
const listQuery = z.object({
  limit: z.coerce.number('expected a number, 1..100').int().min(1).max(100).default(50),
  after: pollIdSchema.optional(),
})

const tags = ['polls']
/** What every route that writes can answer. */
const writingProblems = ['invalid-request', 'database-unavailable', 'primary-unavailable'] as const
const bodyProblems = ['invalid-json', 'body-too-large', 'unsupported-media-type'] as const

export function pollRoutes(context: ApiContext): (app: ZodScope) => void {
  const { administration, callers, definitions, dependencies } = context
  const { clock, logger, polls, listings = polls } = dependencies
  const publicLists = new ShortCache<{ body: string; etag: string }>({ keepMs: 1_000, entriesMax: 100 })

  /** What the administrator changed, this process knows at once; the others learn it within a second. */
  function changed(request: FastifyRequest, action: string, poll: Poll): Poll {
    definitions.put(poll)
    publicLists.clear()
    logger.info({ method: request.method, route: request.routeOptions.url, pollId: poll.id }, `poll ${action}`)
    return poll
  }

  /** Who changes a poll; that they may was asked before. */
  async function actorOf(request: FastifyRequest): Promise<Actor> {
    return (await callers.expected(request)).actor
  }

  async function expectPoll(id: PollId, result: Result<Poll, PollFault>): Promise<Poll> {
    if (result.ok) return result.value
    const fault = result.failure
    switch (fault.kind) {
      case 'not_found':
        throw new ProblemError((await polls.find(id)) === null ? 'poll-not-found' : 'poll-deleted')
      case 'frozen':
        throw new ProblemError('poll-frozen')
      case 'final':
        throw new ProblemError('poll-final')
      case 'state':
        throw new ProblemError('poll-state', { detail: fault.detail })
      case 'invalid':
        throw new ProblemError('invalid-request', { errors: [{ field: fault.field, detail: fault.detail }] })
    }
  }

  function sendPoll(reply: FastifyReply, poll: Poll): FastifyReply {
    return reply.header('cache-control', 'private, no-store').send(pollOnWire(poll, clock.nowMs()))
  }

  function sendCreated(reply: FastifyReply, poll: Poll): FastifyReply {
    return sendPoll(reply.code(201).header('location', `/v1/polls/${poll.id}`), poll)
  }

  return (app) => {
    app.get(
      '/v1/polls',
      {
        config: { access: 'public' },
        schema: {
          tags,
          summary: 'Listed polls, newest first; with a token all that it may read',
          querystring: listQuery,
          response: responses({ 200: json('One page of polls', pollList) }, [
            'invalid-request',
            'unauthorized',
            'database-unavailable',
            'primary-unavailable',
          ]),
        },
      },
      async (request, reply) => {
        const { limit, after } = request.query
        const page = { limit, after: (after ?? null) as PollId | null }
        const caller = await callers.byToken(request)
        const reach = callers.reach(caller, 'polls.read')
        if (reach !== null) {
          const listing =
            reach === 'all'
              ? await polls.list({ ...page, publicOnly: false })
              : await polls.listManaged({ ...page, ownerId: caller?.userId ?? 0, search: null })
          return reply.header('cache-control', 'private, no-store').send(pollListOnWire(listing, clock.nowMs()))
        }
        const listed = await publicLists.get(`${limit} ${after ?? ''}`, async () => {
          const body = JSON.stringify(pollListOnWire(await listings.list({ ...page, publicOnly: true }), clock.nowMs()))
          return { body, etag: etagOf(body) }
        })
        return sendCacheable(request, reply, 'public', listed)
      },
    )

    app.get(
      '/v1/polls/:id',
      {
        config: { access: 'public' },
        schema: {
          tags,
          summary: 'One poll; a draft only to those who may read it',
          params: pollParams,
          response: responses({ 200: json('The poll', pollSchema) }, [
            'invalid-request',
            'unauthorized',
            'poll-not-found',
            'poll-deleted',
            'definitions-stale',
            'database-unavailable',
            'primary-unavailable',
          ]),
        },
      },
      async (request, reply) => {
        const id = request.params.id as PollId
        const caller = await callers.visitor(request)
        // Who manages polls sees what was just written, not a copy.
        const manages = callers.reach(caller, 'polls.read') !== null
        const poll = manages ? await polls.find(id) : ((await definitions.find(id))?.poll ?? null)
        if (poll === null) throw new ProblemError('poll-not-found')
        if (poll.deletedAtMs !== null) throw new ProblemError('poll-deleted')
        if (callers.reaches(caller, 'polls.read', poll)) return sendPoll(reply, poll)
        const nowMs = clock.nowMs()
        if (pollStateAt(poll.version, nowMs) === 'draft') throw new ProblemError('poll-not-found')
        const body = JSON.stringify(pollOnWire(poll, nowMs))
        return sendCacheable(request, reply, 'public', { body, etag: etagOf(body) })
      },
    )

    app.post(
      '/v1/polls',
      {
        config: { access: 'polls.change' },
        schema: {
          tags,
          summary: 'Make a poll: a draft until it is opened',
          body: pollInput,
          response: responses({ 201: json('The draft; its address in Location', pollSchema) }, [...writingProblems, ...bodyProblems]),
        },
      },
      async (request, reply) => {
        const poll = await administration.create(definitionOf(request.body), await actorOf(request))
        return sendCreated(reply, changed(request, 'created', poll))
      },
    )

    app.put(
      '/v1/polls/:id',
      {
        config: { access: 'polls.change' },
        schema: {
          tags,
          summary: 'Replace the definition of a draft',
          params: pollParams,
          body: pollInput,
          response: responses({ 200: json('The poll', pollSchema) }, [
            ...writingProblems,
            ...bodyProblems,
            'poll-not-found',
            'poll-frozen',
            'poll-state',
            'poll-deleted',
          ]),
        },
      },
      async (request, reply) => {
        const id = request.params.id as PollId
        const poll = await expectPoll(id, await administration.edit(id, definitionOf(request.body), await actorOf(request)))
        return sendPoll(reply, changed(request, 'edited', poll))
      },
    )

    app.post(
      '/v1/polls/:id/open',
      {
        config: { access: 'polls.change' },
        schema: {
          tags,
          summary: 'Open a draft, now or at opensAt; or give an opened poll another closing time',
          params: pollParams,
          body: openPollInput.nullish(),
          response: responses({ 200: json('The poll', pollSchema) }, [
            ...writingProblems,
            ...bodyProblems,
            'poll-not-found',
            'poll-final',
            'poll-state',
            'poll-deleted',
          ]),
        },
      },
      async (request, reply) => {
        const id = request.params.id as PollId
        const times = { opensAtMs: instantMs(request.body?.opensAt), closesAtMs: instantMs(request.body?.closesAt) }
        const poll = await expectPoll(id, await administration.open(id, times, await actorOf(request)))
        return sendPoll(reply, changed(request, 'opened', poll))
      },
    )

    app.post(
      '/v1/polls/:id/close',
      {
        config: { access: 'polls.change' },
        schema: {
          tags,
          summary: 'Close an open poll in ten seconds, or at closesAt',
          params: pollParams,
          body: closePollInput.nullish(),
          response: responses({ 200: json('The poll', pollSchema) }, [
            ...writingProblems,
            ...bodyProblems,
            'poll-not-found',
            'poll-state',
            'poll-deleted',
          ]),
        },
      },
      async (request, reply) => {
        const id = request.params.id as PollId
        const poll = await expectPoll(id, await administration.close(id, instantMs(request.body?.closesAt), await actorOf(request)))
        return sendPoll(reply, changed(request, 'closed', poll))
      },
    )

    app.post(
      '/v1/polls/:id/duplicate',
      {
        config: { access: 'polls.change' },
        schema: {
          tags,
          summary: 'A new draft with the same definition',
          params: pollParams,
          response: responses({ 201: json('The draft; its address in Location', pollSchema) }, [
            ...writingProblems,
            'poll-not-found',
            'poll-deleted',
          ]),
        },
      },
      async (request, reply) => {
        const id = request.params.id as PollId
        const poll = await expectPoll(id, await administration.duplicate(id, await actorOf(request)))
        return sendCreated(reply, changed(request, 'duplicated', poll))
      },
    )

    app.delete(
      '/v1/polls/:id',
      {
        config: { access: 'polls.change' },
        schema: {
          tags,
          summary: 'Delete a draft, or a poll whose result is final, with its ballots',
          params: pollParams,
          response: responses({ 204: { description: 'Deleted' } }, [...writingProblems, 'poll-not-found', 'poll-state', 'poll-deleted']),
        },
      },
      async (request, reply) => {
        const id = request.params.id as PollId
        changed(request, 'deleted', await expectPoll(id, await administration.remove(id, await actorOf(request))))
        return reply.code(204).send()
      },
    )
  }
}

function instantMs(text: string | null | undefined): number | null {
  return text === null || text === undefined ? null : Date.parse(text)
}
