import type { ProblemName } from '@urna/contracts'
import { z } from 'zod'
import type { ApiContext, ZodScope } from '../context.ts'
import { acceptsEventStream } from '../event-stream.ts'
import { responses } from '../openapi.ts'
import { ProblemError } from '../problems.ts'
import { pollParams } from './polls.ts'
import { pollOf, receiptHeader, resultsProblems } from './results.ts'

const problems = [...resultsProblems, 'not-acceptable', 'too-many-readers', 'shutting-down'] as const satisfies ProblemName[]

const events = `The events. Each has \`data\` in one line of JSON; lines that begin with a colon only keep the connection open.

- \`results\`: the same document as that of \`GET /v1/polls/{id}/results\`, the whole of it; \`id\` is its ETag without the quotes. The first one comes at once, the next ones when the numbers changed, at most two a second; while they stand still, every five seconds, with a newer \`asOf\`. Who is slow gets the newest, not all.
- \`delayed\`, \`{"problem": "database-unavailable"}\`: the numbers cannot be read for the time being, and why. \`results\` come again by themselves.
- \`end\`: the last one. \`{"final": true}\`: nothing will change any more. \`{"problem": "results-hidden"}\`, \`poll-deleted\` or \`poll-not-found\`: who asks again gets that problem as a document.

A stream that ends without \`end\` was cut: connect again after the time of the field \`retry\`, to any server.`

const streamHeaders = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'private, no-store',
  // nginx would collect events until its buffer is full.
  'x-accel-buffering': 'no',
}

/**
 * `GET /v1/polls/{id}/results/live`: a stream of Server-Sent Events, written to the connection itself. @fastify/sse is not used: it formats
 * every event again for every reader (bytes too, line by line), keeps a promise and a timer for each, has no way to leave an event out for a
 * reader that is behind, and answers 406 with a document of its own.
 */
export function liveResultsRoute(context: ApiContext): (app: ZodScope) => void {
  const { inFlight, liveResults, metrics, resultsCache, resultsGate } = context
  return (app) => {
    app.get(
      '/v1/polls/:id/results/live',
      {
        config: { access: 'public' },
        schema: {
          tags: ['results'],
          summary: 'Results as they change, as Server-Sent Events',
          params: pollParams,
          headers: receiptHeader,
          response: responses({ 200: { description: events, content: { 'text/event-stream': { schema: z.string() } } } }, problems),
        },
      },
      async (request, reply) => {
        if (!acceptsEventStream(request.headers.accept)) {
          throw new ProblemError('not-acceptable', { detail: 'expected an accept header that takes text/event-stream' })
        }
        // Asked twice: here so that a crowd without a place costs no reading, below because others came meanwhile.
        liveResults.assertTakesReaders()
        const cached = await pollOf(context, request.params.id)
        const { rights } = await resultsGate.pass(request, cached)
        const first = await resultsCache.get(cached.poll)
        reply.headers(streamHeaders)
        if (request.method === 'HEAD') return reply.send()
        liveResults.assertTakesReaders()
        reply.hijack()
        // Gone meanwhile, and its close is over: it would stay for ever.
        if (reply.raw.destroyed) return reply
        inFlight.becomesStream(reply.raw)
        metrics.requests.observe({ method: 'GET', route: request.routeOptions.url ?? 'none', status: '200' }, reply.elapsedTime / 1_000)
        // What plugins set (CORS, nosniff) is with the reply, which is not asked any more.
        reply.raw.writeHead(200, reply.getHeaders() as Record<string, string>)
        liveResults.join({ poll: cached.poll, results: first, rights, out: reply.raw })
        return reply
      },
    )
  }
}
