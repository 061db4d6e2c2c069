import {
  databaseStatus,
  type ProblemName,
  queueStatus,
  surveyList,
  surveyNotFound,
  survey as surveySchema,
  surveyVotes,
  userVoteBadRequest,
  userVoteInput,
  userVoteStatus,
  voteCounted,
  voteInput,
  voteTotals,
} from '@urna/contracts'
import { identityOf, type Poll } from '@urna/core'
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { ApiContext, ZodScope } from '../context.ts'
import type { CachedPoll } from '../definitions.ts'
import type { DependencyName } from '../dependencies.ts'
import { json, responses } from '../openapi.ts'
import { ProblemError, problemOf } from '../problems.ts'
import { ShortCache } from '../short-cache.ts'
import { assertTakesBallots, keepVoter } from '../take-ballot.ts'
import { surveyTimestamp } from '../wire.ts'
import { ballotBytesMax } from './ballots.ts'

const tags = ['compatible']
const surveysMax = 1_000
const voteProblems = [
  'poll-not-found',
  'poll-not-open-yet',
  'poll-closed',
  'body-too-large',
  'unsupported-media-type',
  'invalid-answer',
  'overloaded',
  'queue-unavailable',
  'definitions-stale',
  'database-unavailable',
  'shutting-down',
] as const satisfies ProblemName[]
const votesProblems = [
  'results-hidden',
  'poll-not-found',
  'definitions-stale',
  'database-unavailable',
  'primary-unavailable',
] as const satisfies ProblemName[]
const surveyParams = z.object({ id: z.string() })
const badRequest = z.object({ badRequest: z.string() })

/** Routes for clients of the systems that this one replaces. Their shapes never change: the tests hold them. */
export function compatibleRoutes(context: ApiContext): (app: ZodScope) => void {
  const { definitions, dependencies, handleError, identities, inFlight, load, metrics, resultsCache, resultsGate, takeBallot } = context
  const { clock, defaultPoll, polls, listings = polls } = dependencies
  const surveys = new ShortCache<string>({ keepMs: 1_000, entriesMax: 1 })

  /** The poll behind a survey id (only listed polls that were opened have one); null for what the survey routes do not show. */
  async function findSurvey(surveyId: number): Promise<CachedPoll | null> {
    const cached = await definitions.findBySurveyId(surveyId)
    return cached === null || cached.poll.deletedAtMs !== null ? null : cached
  }

  async function findSurveyOfPath(id: string): Promise<CachedPoll | null> {
    return /^[1-9][0-9]{0,8}$/.test(id) ? findSurvey(Number(id)) : null
  }

  async function pollOfDefault(): Promise<CachedPoll> {
    const cached = await findSurvey(defaultPoll)
    if (cached === null) throw new ProblemError('poll-not-found', { detail: 'the survey that DEFAULT_POLL names does not exist' })
    return cached
  }

  function noSurvey(reply: FastifyReply): FastifyReply {
    return reply.code(404).send({ message: 'Survey not found.' })
  }

  /** Takes a vote given as the text of an option of the only question. */
  async function vote(cached: CachedPoll, voter: Parameters<typeof takeBallot>[1], optionText: string): Promise<void> {
    const wanted = optionText.normalize('NFC').trim()
    const option = cached.poll.definition.questions[0]?.options.find(({ text }) => text === wanted)
    if (option === undefined)
      throw new ProblemError('invalid-answer', { errors: [{ field: 'vote', detail: 'expected the text of an option' }] })
    try {
      await takeBallot(cached, voter, [{ question: 1, options: [option.number] }])
    } catch (error) {
      if (!(error instanceof ProblemError) || error.problem !== 'invalid-answer') throw error
      const errors = (error.details.errors ?? []).map(({ detail }) => ({ field: 'vote', detail }))
      throw new ProblemError('invalid-answer', { errors })
    }
    metrics.ballotsReceived++
  }

  return (app) => {
    app.get(
      '/surveys',
      {
        config: { access: 'public' },
        schema: {
          tags,
          summary: 'Listed polls of one question',
          response: responses({ 200: json('Surveys', surveyList) }, ['database-unavailable']),
        },
      },
      async (_request, reply) => {
        const body = await surveys.get('', async () => JSON.stringify({ surveys: (await listings.listSurveys(surveysMax)).map(surveyOf) }))
        return reply.header('content-type', 'application/json; charset=utf-8').header('cache-control', 'public, no-cache').send(body)
      },
    )

    app.get(
      '/surveys/:id',
      {
        config: { access: 'public' },
        schema: {
          tags,
          summary: 'One survey',
          params: surveyParams,
          response: responses({ 200: json('The survey', surveySchema), 404: json('There is none', surveyNotFound) }, [
            'definitions-stale',
            'database-unavailable',
          ]),
        },
      },
      async (request, reply) => {
        const cached = await findSurveyOfPath(request.params.id)
        return cached === null ? noSurvey(reply) : reply.header('cache-control', 'public, no-cache').send(surveyOf(cached.poll))
      },
    )

    app.get(
      '/surveys/:id/votes',
      {
        config: { access: 'public' },
        schema: {
          tags,
          summary: 'Votes of a survey',
          params: surveyParams,
          response: responses({ 200: json('Votes', surveyVotes), 404: json('There is no such survey', surveyNotFound) }, votesProblems),
        },
      },
      async (request, reply) => {
        const cached = await findSurveyOfPath(request.params.id)
        if (cached === null) return noSurvey(reply)
        const { audience } = await resultsGate.pass(request, cached)
        const { results } = await resultsCache.get(cached.poll)
        const votes = (results.questions[0]?.options ?? []).map(({ text, total }) => ({ vote: text, total }))
        return reply
          .header('cache-control', `${audience}, no-cache`)
          .send({ votes, timestamp: surveyTimestamp(results.asOfMs ?? clock.nowMs()) })
      },
    )

    app.post(
      '/vote',
      {
        config: { access: 'public' },
        bodyLimit: ballotBytesMax,
        schema: {
          tags,
          summary: 'Vote in a survey',
          body: voteInput,
          response: responses({ 200: json('The vote will be counted', voteCounted) }, ['invalid-request', 'invalid-json', ...voteProblems]),
        },
      },
      async (request, reply) => {
        assertTakesBallots(inFlight, load)
        const voter = identities.ofBallot(request.headers)
        const cached = await findSurvey(Number(request.body.survey_id))
        if (cached === null)
          throw new ProblemError('poll-not-found', { errors: [{ field: 'survey_id', detail: 'expected the id of a survey' }] })
        await keepVoter(identities, request, reply, voter, vote(cached, voter, request.body.vote))
        return reply
          .header('cache-control', 'no-store')
          .header('set-cookie', identities.setCookie(request, voter))
          .send({ message: 'Vote successfully counted' })
      },
    )

    app.post(
      '/api/postVotes',
      {
        config: { access: 'public' },
        bodyLimit: ballotBytesMax,
        schema: {
          tags,
          summary: 'Vote in the default poll as userID; the same userID again updates its vote',
          body: userVoteInput,
          response: responses(
            { 200: json('The vote will be counted', userVoteStatus), 400: json('The body is not one', badRequest) },
            voteProblems,
          ),
        },
        errorHandler(error: FastifyError, request: FastifyRequest, reply: FastifyReply) {
          const { name } = problemOf(error)
          // Whatever is wrong with the body, older clients know one answer to it.
          if (name !== 'invalid-json' && name !== 'invalid-request') return handleError(error, request, reply)
          metrics.countProblem(name)
          reply.code(400).header('cache-control', 'no-store').send(userVoteBadRequest)
        },
      },
      async (request, reply) => {
        assertTakesBallots(inFlight, load)
        const cached = await pollOfDefault()
        await vote(cached, { identity: identityOf('userid', request.body.userID) }, request.body.vote)
        return reply.header('cache-control', 'no-store').send({ voteStatus: 200 })
      },
    )

    app.get(
      '/api/votes',
      {
        config: { access: 'public' },
        schema: { tags, summary: 'Votes of the default poll', response: responses({ 200: json('Votes', voteTotals) }, votesProblems) },
      },
      async (request, reply) => {
        const cached = await pollOfDefault()
        const { audience } = await resultsGate.pass(request, cached)
        const { results } = await resultsCache.get(cached.poll)
        // Written by hand: as properties of an object an option called `__proto__` would vanish, and "2" would come before "10".
        const votes = (results.questions[0]?.options ?? []).map(({ text, total }) => `${JSON.stringify(text)}:"${total}"`)
        return reply
          .header('content-type', 'application/json; charset=utf-8')
          .header('cache-control', `${audience}, no-cache`)
          .send(`{"votes":{${votes.join(',')}}}`)
      },
    )

    healthChecks(app, context)
  }
}

function healthChecks(app: ZodScope, { health }: ApiContext): void {
  const routes: [url: string, dependency: DependencyName, key: string, shape: z.ZodType][] = [
    ['/api/healthcheck', 'queue', 'sqsStatus', queueStatus],
    ['/api/healthchecksqs', 'queue', 'sqsStatus', queueStatus],
    ['/api/healthcheckmysql', 'database', 'mysqlStatus', databaseStatus],
  ]
  for (const [url, dependency, key, shape] of routes) {
    app.get(
      url,
      {
        config: { access: 'public', duringDrain: true },
        schema: {
          tags,
          summary: `Whether the ${dependency} answers`,
          response: responses({ 200: json('It does', shape), 503: json('It does not', shape) }),
        },
      },
      async (_request, reply) => {
        reply.header('cache-control', 'no-store')
        if (await health.answers(dependency)) return reply.send({ [key]: 'OK' })
        return reply
          .code(503)
          .header('retry-after', '5')
          .send({ [key]: 'NOK' })
      },
    )
  }
}

function surveyOf(poll: Poll): { id: number | null; name: string; choices: string[]; created_at: string } {
  return {
    id: poll.surveyId,
    name: poll.definition.title,
    choices: poll.definition.questions[0]?.options.map(({ text }) => text) ?? [],
    created_at: surveyTimestamp(poll.createdAtMs),
  }
}
