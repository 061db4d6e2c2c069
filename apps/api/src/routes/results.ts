import { Readable } from 'node:stream'
import { type ProblemName, results } from '@urna/contracts'
import type { PollId } from '@urna/core'
import { z } from 'zod'
import { sendCacheable } from '../cacheable.ts'
import type { ApiContext, ZodScope } from '../context.ts'
import type { CachedPoll } from '../definitions.ts'
import { json, responses } from '../openapi.ts'
import { ProblemError } from '../problems.ts'
import { pollParams } from './polls.ts'

const tags = ['results']
export const resultsProblems = [
  'invalid-request',
  'unauthorized',
  'results-hidden',
  'poll-not-found',
  'poll-deleted',
  'definitions-stale',
  'database-unavailable',
  'primary-unavailable',
] as const satisfies ProblemName[]

export const receiptHeader = z.object({
  'urna-receipt': z.string().optional().describe('A receipt of this poll: shows that you have voted'),
})

export async function pollOf({ definitions }: ApiContext, id: string): Promise<CachedPoll> {
  const cached = await definitions.find(id as PollId)
  if (cached === null) throw new ProblemError('poll-not-found')
  return cached
}

export function resultsRoutes(context: ApiContext): (app: ZodScope) => void {
  const { dependencies, resultsCache, resultsGate } = context
  return (app) => {
    app.get(
      '/v1/polls/:id/results',
      {
        config: { access: 'public' },
        schema: {
          tags,
          summary: 'Results: everything accepted until `asOf` is in these numbers',
          params: pollParams,
          headers: receiptHeader,
          response: responses({ 200: json('The results', results), 304: { description: 'Still those of If-None-Match' } }, resultsProblems),
        },
      },
      async (request, reply) => {
        const cached = await pollOf(context, request.params.id)
        const { audience } = await resultsGate.pass(request, cached)
        return sendCacheable(request, reply, audience, await resultsCache.get(cached.poll))
      },
    )

    app.get(
      '/v1/polls/:id/results.csv',
      {
        config: { access: 'public' },
        schema: {
          tags,
          summary: 'Results as CSV',
          params: pollParams,
          headers: receiptHeader,
          querystring: z.object({ bom: z.enum(['0', '1']).default('0').describe('1: begins with a byte order mark, for Excel') }),
          response: responses({ 200: { description: 'The file', content: { 'text/csv': { schema: z.string() } } } }, resultsProblems),
        },
      },
      async (request, reply) => {
        const cached = await pollOf(context, request.params.id)
        const { audience } = await resultsGate.pass(request, cached)
        const { results } = await resultsCache.get(cached.poll)
        const time = new Date(dependencies.clock.nowMs()).toISOString().replaceAll(/[-:]|\.\d+/g, '')
        return reply
          .header('content-type', 'text/csv; charset=utf-8')
          .header('content-disposition', `attachment; filename="results-${cached.poll.id}-${time}.csv"`)
          .header('cache-control', `${audience}, no-cache`)
          .send(Readable.from(dependencies.csv([results], { bom: request.query.bom === '1' }), { objectMode: false }))
      },
    )
  }
}
