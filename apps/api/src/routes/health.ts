import { healthy, publicConfig, readiness } from '@urna/contracts'
import { z } from 'zod'
import type { ApiContext, ZodScope } from '../context.ts'
import { json, responses } from '../openapi.ts'

const tags = ['service']

export function healthRoutes(context: ApiContext): (app: ZodScope) => void {
  const { definitions, dependencies, health, inFlight, load } = context

  async function ready(): Promise<z.infer<typeof readiness>> {
    const asked = health.names.map(async (name) => [name, { ok: await health.answers(name) }] as const)
    const answers: Record<string, { ok: boolean }> = Object.fromEntries(await Promise.all(asked))
    const essentialsAnswer = dependencies.essential.every((name) => answers[name]?.ok === true)
    return {
      ready: !inFlight.draining && definitions.ready && essentialsAnswer,
      dependencies: {
        ...answers,
        definitions: definitions.ready ? { ok: true } : { ok: false, detail: 'the polls were not read yet' },
      },
    }
  }

  return (app) => {
    app.get(
      '/v1/config',
      {
        config: { access: 'public' },
        schema: { tags, summary: 'What a page needs to know first', response: responses({ 200: json('The configuration', publicConfig) }) },
      },
      (_request, reply) => {
        const now = new Date(dependencies.clock.nowMs()).toISOString()
        reply.header('cache-control', 'no-store').send({ name: 'Urna', version: dependencies.version, now })
      },
    )

    app.get(
      '/healthz',
      {
        config: { access: 'public', duringDrain: true },
        schema: {
          tags,
          summary: 'Whether this process is alive',
          response: responses({ 200: json('It is', healthy), 503: { description: 'A loop of it hangs' } }),
        },
      },
      (_request, reply) => {
        const alive = load.loop.healthy() && (dependencies.loopsTurn?.() ?? true)
        reply.header('cache-control', 'no-store')
        if (alive) reply.send({ message: 'OK' })
        else reply.code(503).header('retry-after', '5').send({ message: 'a loop of this process has not turned for a minute' })
      },
    )

    app.get(
      '/readyz',
      {
        config: { access: 'public', duringDrain: true },
        schema: {
          tags,
          summary: 'Whether this process takes requests',
          response: responses({ 200: json('It does', readiness), 503: json('It does not', readiness) }),
        },
      },
      async (_request, reply) => {
        const state = await ready()
        reply.header('cache-control', 'no-store')
        if (!state.ready) reply.code(503).header('retry-after', '1')
        return reply.send(state)
      },
    )

    app.get(
      '/metrics',
      {
        config: { access: 'public', duringDrain: true },
        schema: {
          tags,
          summary: 'Figures for Prometheus',
          response: responses({ 200: { description: 'The figures', content: { 'text/plain': { schema: z.string() } } } }),
        },
      },
      async (_request, reply) => {
        const { registry } = dependencies.metrics
        return reply
          .header('content-type', registry.contentType)
          .header('cache-control', 'no-store')
          .send(await registry.metrics())
      },
    )

    app.get(
      '/openapi.json',
      {
        config: { access: 'public' },
        schema: { tags, summary: 'This document', response: responses({ 200: { description: 'OpenAPI 3.1' } }) },
      },
      (_request, reply) => {
        reply.header('cache-control', 'public, no-cache').send(app.swagger())
      },
    )
  }
}
