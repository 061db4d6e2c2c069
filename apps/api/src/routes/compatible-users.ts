import { compatibleUser, compatibleUserInput, compatibleUserList } from '@urna/contracts'
import { splitFullName, type User, type UserInput } from '@urna/core'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { ApiContext, ZodScope } from '../context.ts'
import { json, responses } from '../openapi.ts'
import { type PeopleContext, userProblem } from '../people.ts'
import { ProblemError } from '../problems.ts'
import { parseJson } from '../server.ts'
import { compatibleUserOnWire } from '../wire-people.ts'

const tags = ['compatible']
const databaseProblems = ['database-unavailable', 'primary-unavailable'] as const
const bodyProblems = ['invalid-request', 'invalid-json', 'body-too-large', 'unsupported-media-type'] as const
const params = z.object({ id: z.string() })
const namePartMax = 100

/** `/users` for clients of the systems that this one replaces. */
export function compatibleUserRoutes(context: ApiContext, { people, userAdministration }: PeopleContext): (app: ZodScope) => void {
  const { callers } = context
  const { users } = people

  function idOf(text: string): number {
    if (!/^[1-9]\d{0,9}$/.test(text)) throw new ProblemError('user-not-found')
    return Number(text)
  }

  async function expectUser(text: string): Promise<User> {
    const user = await users.find(idOf(text))
    if (user === null) throw new ProblemError('user-not-found')
    return user
  }

  async function actorOf(request: FastifyRequest) {
    return (await callers.expected(request)).actor
  }

  function send(reply: FastifyReply, body: object): FastifyReply {
    return reply.header('cache-control', 'private, no-store').send(body)
  }

  return (app) => {
    // Those clients send JSON and do not say so. With a token that is no door for pages of others: they cannot send one.
    app.addContentTypeParser('*', { parseAs: 'buffer' }, (request, bytes, done) => {
      if (request.headers.authorization === undefined) {
        return done(new ProblemError('unsupported-media-type', { detail: 'expected the header content-type: application/json' }))
      }
      parseJson(request, bytes as Buffer, done)
    })

    app.get(
      '/users',
      {
        config: { access: 'users.read' },
        schema: {
          tags,
          summary: 'Users; with username, the one of that name or none',
          description: 'At most 1,000, by number. Where there are more, the header Link names the next page.',
          querystring: z.object({
            username: z.string().max(200).optional(),
            limit: z.coerce.number('expected a number, 1..1000').int().min(1).max(1_000).default(1_000),
            after: z
              .string()
              .regex(/^[1-9]\d{0,9}$/, 'expected the number of a user')
              .optional(),
          }),
          response: responses({ 200: json('Users', compatibleUserList) }, ['invalid-request', ...databaseProblems]),
        },
      },
      async (request, reply) => {
        const { username, limit, after } = request.query
        if (username !== undefined) {
          const user = await users.findByUsername(username)
          return send(reply, user === null ? [] : [compatibleUserOnWire(user)])
        }
        const page = await users.list({ search: null, role: null, limit, after: after === undefined ? null : Number(after) })
        if (page.next !== null) reply.header('link', `</users?limit=${limit}&after=${page.next}>; rel="next"`)
        return send(reply, page.users.map(compatibleUserOnWire))
      },
    )

    app.post(
      '/users',
      {
        config: { access: 'users.change' },
        schema: {
          tags,
          summary: 'Make a user: a voter without a password',
          body: compatibleUserInput,
          response: responses({ 201: json('The user; the address in Location', compatibleUser) }, [
            ...bodyProblems,
            'username-taken',
            ...databaseProblems,
          ]),
        },
      },
      async (request, reply) => {
        const input = { ...inputOf(request.body), role: 'voter', password: null } as const
        const created = await userAdministration.create(input, await actorOf(request))
        if (!created.ok) throw userProblem(created.failure)
        return send(reply.code(201).header('location', `/users/${created.value.id}`), compatibleUserOnWire(created.value))
      },
    )

    app.get(
      '/users/:id',
      {
        config: { access: 'users.read' },
        schema: {
          tags,
          summary: 'One user',
          params,
          response: responses({ 200: json('The user', compatibleUser) }, ['user-not-found', ...databaseProblems]),
        },
      },
      async (request, reply) => send(reply, compatibleUserOnWire(await expectUser(request.params.id))),
    )

    app.put(
      '/users/:id',
      {
        config: { access: 'users.change' },
        schema: {
          tags,
          summary: 'Replace username, full name and e-mail address of a user',
          params,
          body: compatibleUserInput,
          response: responses({ 200: json('The user', compatibleUser) }, [
            ...bodyProblems,
            'user-not-found',
            'username-taken',
            ...databaseProblems,
          ]),
        },
      },
      async (request, reply) => {
        const { id, role } = await expectUser(request.params.id)
        const replaced = await userAdministration.replace(id, { ...inputOf(request.body), role }, await actorOf(request))
        if (!replaced.ok) throw userProblem(replaced.failure)
        return send(reply, compatibleUserOnWire(replaced.value))
      },
    )

    app.delete(
      '/users/:id',
      {
        config: { access: 'users.change' },
        schema: {
          tags,
          summary: 'Delete a user. Counted ballots stay',
          params,
          response: responses({ 204: { description: 'Deleted' } }, ['user-not-found', 'last-administrator', ...databaseProblems]),
        },
      },
      async (request, reply) => {
        const removed = await userAdministration.remove(idOf(request.params.id), await actorOf(request))
        if (!removed.ok) throw userProblem(removed.failure)
        return reply.code(204).header('cache-control', 'private, no-store').send()
      },
    )
  }
}

function inputOf({ username, full_name, email }: z.output<typeof compatibleUserInput>): Omit<UserInput, 'role'> {
  const names = splitFullName(full_name)
  if (names.name.length > namePartMax || names.secondName.length > namePartMax) {
    const detail = `expected at most ${namePartMax} characters before the first blank, and after it`
    throw new ProblemError('invalid-request', { errors: [{ field: 'full_name', detail }] })
  }
  return { ...names, username, email }
}
