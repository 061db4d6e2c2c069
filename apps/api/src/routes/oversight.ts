import { auditList, auditQuery, system } from '@urna/contracts'
import type { ApiContext, ZodScope } from '../context.ts'
import { json, responses } from '../openapi.ts'
import type { PeopleContext } from '../people.ts'
import { auditRecordOnWire } from '../wire-people.ts'

const tags = ['oversight']
const answerMsMax = 1_000

/** What auditors and administrators see of the whole. */
export function auditRoute({ people }: PeopleContext): (app: ZodScope) => void {
  return (app) => {
    app.get(
      '/v1/audit',
      {
        config: { access: 'audit.read' },
        schema: {
          tags,
          summary: 'Who changed what, newest first',
          querystring: auditQuery,
          response: responses({ 200: json('One page of the audit trail', auditList) }, [
            'invalid-request',
            'database-unavailable',
            'primary-unavailable',
          ]),
        },
      },
      async (request, reply) => {
        const { limit, before } = request.query
        const { records, next } = await people.audit.list({ limit, before: before ?? null })
        return reply.header('cache-control', 'private, no-store').send({ records: records.map(auditRecordOnWire), next })
      },
    )
  }
}

export function systemRoute(context: ApiContext): (app: ZodScope) => void {
  const { dependencies, health } = context
  const { clock, countedUntilMs, queueConsumers, queueDepth, replicaLagMs, version } = dependencies
  return (app) => {
    app.get(
      '/v1/system',
      {
        config: { access: 'system.read' },
        schema: {
          tags,
          summary: 'Backlog, consumers, replica lag. What is not known is null',
          response: responses({ 200: json('How it is going', system) }),
        },
      },
      async (_request, reply) => {
        const hasReplica = health.names.includes('replica')
        const [depth, consumers, countedUntil, lagMs, queueIsUp, databaseIsUp, replicaIsUp] = await Promise.all([
          orNull(queueDepth),
          orNull(async () => (queueConsumers === undefined ? null : queueConsumers())),
          orNull(countedUntilMs),
          orNull(async () => (replicaLagMs === undefined ? null : replicaLagMs())),
          health.answers('queue'),
          health.answers('database'),
          hasReplica ? health.answers('replica') : false,
        ])
        const oldestAtMs = depth?.oldestAtMs ?? null
        return reply.header('cache-control', 'private, no-store').send({
          version,
          queue: {
            ok: queueIsUp,
            waiting: depth?.ballots ?? null,
            oldestAgeSeconds: oldestAtMs === null ? null : Math.max(0, clock.nowMs() - oldestAtMs) / 1_000,
            consumers,
          },
          counting: { countedUntil: countedUntil === null ? null : new Date(countedUntil).toISOString() },
          database: {
            ok: databaseIsUp,
            replica: hasReplica ? { ok: replicaIsUp, lagSeconds: lagMs === null ? null : lagMs / 1_000 } : null,
          },
        })
      },
    )
  }
}

/** Null where it is not known, or not soon enough: this page is for the time when something does not answer. */
async function orNull<Value>(ask: () => Promise<Value>): Promise<Value | null> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(resolve, answerMsMax, null)
  })
  try {
    return await Promise.race([ask(), late])
  } catch {
    return null
  } finally {
    clearTimeout(timer)
  }
}
