import { type ManagedPoll, managedPollList, managedPollQuery } from '@urna/contracts'
import type { Poll, PollId, User } from '@urna/core'
import type { ApiContext, ZodScope } from '../context.ts'
import { json, responses } from '../openapi.ts'
import type { PeopleContext } from '../people.ts'
import { pollOnWire } from '../wire.ts'

/** Polls as their organizers see them. */
export function managedPollsRoute(context: ApiContext, { people }: PeopleContext): (app: ZodScope) => void {
  const { callers, dependencies } = context
  const { clock, polls, results } = dependencies

  async function ownersOf(listed: readonly Poll[]): Promise<Map<number, User>> {
    const ids = new Set(listed.flatMap(({ ownerId }) => ownerId ?? []))
    const owners = await Promise.all([...ids].map((id) => people.users.find(id)))
    return new Map(owners.flatMap((owner) => (owner === null ? [] : [[owner.id, owner] as const])))
  }

  return (app) => {
    app.get(
      '/v1/managed-polls',
      {
        config: { access: 'polls.read' },
        schema: {
          tags: ['polls'],
          summary: 'Polls as their organizers see them, newest first: one’s own, or all',
          querystring: managedPollQuery,
          response: responses({ 200: json('One page of polls', managedPollList) }, [
            'invalid-request',
            'database-unavailable',
            'primary-unavailable',
          ]),
        },
      },
      async (request, reply) => {
        const { search, limit, after } = request.query
        const caller = await callers.expected(request)
        const ownerId = callers.reach(caller, 'polls.read') === 'all' ? null : caller.userId
        const page = await polls.listManaged({ ownerId, search: search ?? null, limit, after: (after ?? null) as PollId | null })
        const nowMs = clock.nowMs()
        const [owners, activity] = await Promise.all([ownersOf(page.polls), results.activityOf(page.polls.map(({ id }) => id))])
        const listed = page.polls.map((poll): ManagedPoll => {
          const owner = poll.ownerId === null ? undefined : owners.get(poll.ownerId)
          const { turnout = 0, lastBallotAtMs = null } = activity.get(poll.id) ?? {}
          return {
            ...pollOnWire(poll, nowMs),
            owner: owner === undefined ? null : { id: String(owner.id), username: owner.username },
            turnout,
            lastActivityAt: new Date(lastActivityMs(poll, lastBallotAtMs, nowMs)).toISOString(),
          }
        })
        return reply.header('cache-control', 'private, no-store').send({ polls: listed, next: page.next })
      },
    )
  }
}

/** Made, opened, closed, or voted in: whichever was last. */
function lastActivityMs({ createdAtMs, version }: Poll, lastBallotAtMs: number | null, nowMs: number): number {
  const times = [createdAtMs, lastBallotAtMs, version.opensAtMs, version.closesAtMs].filter((ms) => ms !== null)
  return Math.max(createdAtMs, ...times.filter((ms) => ms <= nowMs))
}
