import { me, ownPasswordInput, sessionInput, sessionList } from '@urna/contracts'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { Caller } from '../callers.ts'
import type { ApiContext, ZodScope } from '../context.ts'
import { assertHardToGuess } from '../guessable-password.ts'
import { json, responses } from '../openapi.ts'
import { delayedProblem, type PeopleContext, userProblem } from '../people.ts'
import { loggable, ProblemError } from '../problems.ts'
import { sessionOnWire, userOnWire } from '../wire-people.ts'

const tags = ['people']
const databaseProblems = ['invalid-request', 'database-unavailable', 'primary-unavailable'] as const
const bodyProblems = ['invalid-json', 'body-too-large', 'unsupported-media-type'] as const
const bodyBytesMax = 16 * 1024

/** Signing in and out, and one's own account. */
export function sessionRoutes(context: ApiContext, { people, signIn, userAdministration }: PeopleContext): (app: ZodScope) => void {
  const { callers, dependencies, origins, sessionCookies } = context
  const { clock } = dependencies

  function meOf(caller: Pick<Caller, 'role' | 'scopes' | 'user' | 'session'>): z.infer<typeof me> {
    const { user, session } = caller
    return {
      user: user === null ? null : userOnWire(user),
      permissions: callers.permissions(caller),
      sessionEndsAt: session === null ? null : new Date(session.createdAtMs + callers.sessionMs).toISOString(),
    }
  }

  /** The caller of a route that takes sessions alone. */
  async function sessionOf(request: FastifyRequest) {
    const { actor, session, sessionHash, user } = await callers.expected(request)
    if (session === null || sessionHash === null || user === null) throw new ProblemError('forbidden')
    return { actor, session, sessionHash, user }
  }

  function send(reply: FastifyReply, body: object): FastifyReply {
    return reply.header('cache-control', 'private, no-store').send(body)
  }

  return (app) => {
    app.post(
      '/v1/sessions',
      {
        config: { access: 'public' },
        bodyLimit: bodyBytesMax,
        schema: {
          tags,
          summary: 'Sign in: sets the cookie of a new session',
          description:
            'The session that came with the request ends. After some wrong guesses nothing is checked for a while, not even the right password: Retry-After says how long.',
          body: sessionInput,
          response: responses({ 201: json('Who is signed in, and what they may do', me) }, [
            ...databaseProblems,
            ...bodyProblems,
            'origin-refused',
            'sign-in-failed',
            'sign-in-delayed',
            'overloaded',
          ]),
        },
      },
      async (request, reply) => {
        // With ALLOWED_ORIGINS=* any page may write, but none signs its visitor in as somebody else.
        if (!origins.mayUseCookies(request)) throw new ProblemError('origin-refused')
        const label = request.headers['user-agent'] ?? ''
        const begun = await signIn.begin({ ...request.body, address: request.ip, label }, sessionCookies.hashOf(request))
        if (!begun.ok) throw begun.failure.kind === 'delayed' ? delayedProblem(begun.failure) : new ProblemError('sign-in-failed')
        const { user, session, secret } = begun.value
        reply.code(201).header('set-cookie', sessionCookies.set(request, secret, Math.ceil(callers.sessionMs / 1_000)))
        return send(reply, meOf({ role: user.role, scopes: null, user, session }))
      },
    )

    app.get(
      '/v1/sessions',
      {
        config: { access: 'session' },
        schema: {
          tags,
          summary: 'Your sessions, newest first',
          response: responses({ 200: json('The sessions', sessionList) }, databaseProblems),
        },
      },
      async (request, reply) => {
        const { session, user } = await sessionOf(request)
        const nowMs = clock.nowMs()
        const alive = (await people.sessions.list(user.id)).filter((one) => callers.isAlive(one, nowMs))
        return send(reply, { sessions: alive.map((one) => sessionOnWire(one, session.id)) })
      },
    )

    app.delete(
      '/v1/sessions/:id',
      {
        config: { access: 'session' },
        schema: {
          tags,
          summary: 'End one of your sessions; `current`: the one that asks',
          params: z.object({ id: z.string().regex(/^([0-9a-f]{16}|current)$/, 'expected the id of a session, or current') }),
          response: responses({ 204: { description: 'Ended' } }, [...databaseProblems, 'session-not-found']),
        },
      },
      async (request, reply) => {
        const { actor, session, user } = await sessionOf(request)
        const id = request.params.id === 'current' ? session.id : request.params.id
        const entry = { atMs: clock.nowMs(), actor, action: 'session.ended', subject: `user ${user.id}`, details: { session: id } }
        if (!(await people.sessions.remove(user.id, id, entry))) throw new ProblemError('session-not-found')
        if (id === session.id) reply.header('set-cookie', sessionCookies.clear(request))
        return reply.code(204).header('cache-control', 'private, no-store').send()
      },
    )

    app.get(
      '/v1/me',
      {
        config: { access: 'signed-in' },
        schema: {
          tags,
          summary: 'Who you are, and what you may do',
          response: responses({ 200: json('You', me) }, databaseProblems),
        },
      },
      async (request, reply) => send(reply, meOf(await callers.expected(request))),
    )

    app.put(
      '/v1/me/password',
      {
        config: { access: 'session' },
        bodyLimit: bodyBytesMax,
        schema: {
          tags,
          summary: 'Set your password: all your sessions and API tokens end, and the answer sets the cookie of a new session',
          body: ownPasswordInput,
          response: responses({ 204: { description: 'Set' } }, [...databaseProblems, ...bodyProblems, 'sign-in-delayed', 'overloaded']),
        },
      },
      async (request, reply) => {
        const { actor, session, user } = await sessionOf(request)
        const { current, password } = request.body
        const who = { username: user.username, address: request.ip }
        // Whoever finds an open browser guesses no faster than at the door.
        const checked = await signIn.check({ ...who, password: current })
        if (!checked.ok) {
          if (checked.failure.kind === 'delayed') throw delayedProblem(checked.failure)
          throw new ProblemError('invalid-request', { errors: [{ field: 'current', detail: 'expected your password as it is now' }] })
        }
        await assertHardToGuess(password, user)
        const set = await userAdministration.setPassword(user.id, password, actor)
        if (!set.ok) throw userProblem(set.failure)
        // This session ends with the others: whoever has a copy of its cookie must not go on. The browser that asked gets another one.
        // The password is set by now: where that fails, it costs a sign-in and no more.
        const begun = await signIn.begin({ ...who, password, label: session.label }, null).catch((error: unknown) => {
          dependencies.logger.warn(loggable(error), 'no session began after a new password')
          return null
        })
        const maxAgeSeconds = Math.ceil(callers.sessionMs / 1_000)
        const cookie = begun?.ok === true ? sessionCookies.set(request, begun.value.secret, maxAgeSeconds) : sessionCookies.clear(request)
        reply.header('set-cookie', cookie)
        return reply.code(204).header('cache-control', 'private, no-store').send()
      },
    )
  }
}
