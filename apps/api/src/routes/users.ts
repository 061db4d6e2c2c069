import {
  importBytesMax,
  newUserInput,
  passwordInput,
  type Role,
  type UserImport,
  userId as userIdSchema,
  userImport,
  userImportInput,
  userInput,
  userList,
  userQuery,
  user as userSchema,
} from '@urna/contracts'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { ApiContext, ZodScope } from '../context.ts'
import { assertHardToGuess } from '../guessable-password.ts'
import { json, responses } from '../openapi.ts'
import { type PeopleContext, userProblem } from '../people.ts'
import { ProblemError } from '../problems.ts'
import { importFaultsMax, judgeImport, takenFault } from '../users-csv.ts'
import { userOnWire } from '../wire-people.ts'

const tags = ['people']
const databaseProblems = ['invalid-request', 'database-unavailable', 'primary-unavailable'] as const
const bodyProblems = ['invalid-json', 'body-too-large', 'unsupported-media-type'] as const
const params = z.object({ id: userIdSchema })
const previewRowsMax = 20

/** The directory of people. */
export function userRoutes(context: ApiContext, { people, userAdministration }: PeopleContext): (app: ZodScope) => void {
  const { callers } = context
  const { users } = people

  async function actorOf(request: FastifyRequest) {
    return (await callers.expected(request)).actor
  }

  /** Throws where a token would make somebody more than it is itself. `before`: the role that the user has. */
  async function assertMayGive(request: FastifyRequest, roles: Iterable<Role>, before: () => Promise<Role | null> = async () => null) {
    const caller = await callers.expected(request)
    for (const role of new Set(roles)) {
      if (callers.mayGive(caller, role) || role === (await before())) continue
      throw new ProblemError('forbidden', { detail: `this token may not give the role ${role}: it lacks permissions of that role` })
    }
  }

  function send(reply: FastifyReply, body: object): FastifyReply {
    return reply.header('cache-control', 'private, no-store').send(body)
  }

  return (app) => {
    app.get(
      '/v1/users',
      {
        config: { access: 'users.read' },
        schema: {
          tags,
          summary: 'Users, by number',
          querystring: userQuery,
          response: responses({ 200: json('One page of users', userList) }, databaseProblems),
        },
      },
      async (request, reply) => {
        const { search, role, limit, after } = request.query
        const page = await users.list({
          search: search ?? null,
          role: role ?? null,
          limit,
          after: after === undefined ? null : Number(after),
        })
        return send(reply, {
          users: page.users.map(userOnWire),
          next: page.next === null ? null : String(page.next),
          total: page.total,
        })
      },
    )

    app.post(
      '/v1/users',
      {
        config: { access: 'users.change' },
        schema: {
          tags,
          summary: 'Make a user',
          body: newUserInput,
          response: responses({ 201: json('The user; the address in Location', userSchema) }, [
            ...databaseProblems,
            ...bodyProblems,
            'username-taken',
            'overloaded',
          ]),
        },
      },
      async (request, reply) => {
        const { password, ...input } = request.body
        await assertMayGive(request, [input.role])
        if (password !== null && password !== undefined) await assertHardToGuess(password, input)
        const created = await userAdministration.create({ ...input, password: password ?? null }, await actorOf(request))
        if (!created.ok) throw userProblem(created.failure)
        return send(reply.code(201).header('location', `/v1/users/${created.value.id}`), userOnWire(created.value))
      },
    )

    app.get(
      '/v1/users/:id',
      {
        config: { access: 'users.read' },
        schema: {
          tags,
          summary: 'One user',
          params,
          response: responses({ 200: json('The user', userSchema) }, [...databaseProblems, 'user-not-found']),
        },
      },
      async (request, reply) => {
        const user = await users.find(Number(request.params.id))
        if (user === null) throw new ProblemError('user-not-found')
        return send(reply, userOnWire(user))
      },
    )

    app.put(
      '/v1/users/:id',
      {
        config: { access: 'users.change' },
        schema: {
          tags,
          summary: 'Replace all of a user but the password',
          params,
          body: userInput,
          response: responses({ 200: json('The user', userSchema) }, [
            ...databaseProblems,
            ...bodyProblems,
            'user-not-found',
            'username-taken',
            'last-administrator',
          ]),
        },
      },
      async (request, reply) => {
        const id = Number(request.params.id)
        await assertMayGive(request, [request.body.role], async () => (await users.find(id))?.role ?? null)
        const replaced = await userAdministration.replace(id, request.body, await actorOf(request))
        if (!replaced.ok) throw userProblem(replaced.failure)
        return send(reply, userOnWire(replaced.value))
      },
    )

    app.delete(
      '/v1/users/:id',
      {
        config: { access: 'users.change' },
        schema: {
          tags,
          summary: 'Delete a user, with sessions, tokens and places on voter rolls. Counted ballots stay',
          params,
          response: responses({ 204: { description: 'Deleted' } }, [...databaseProblems, 'user-not-found', 'last-administrator']),
        },
      },
      async (request, reply) => {
        const removed = await userAdministration.remove(Number(request.params.id), await actorOf(request))
        if (!removed.ok) throw userProblem(removed.failure)
        return reply.code(204).header('cache-control', 'private, no-store').send()
      },
    )

    app.put(
      '/v1/users/:id/password',
      {
        config: { access: 'users.change', apiTokens: false },
        schema: {
          tags,
          summary: 'Set the password of somebody else; their sessions and API tokens end',
          params,
          body: passwordInput,
          response: responses({ 204: { description: 'Set' } }, [...databaseProblems, ...bodyProblems, 'user-not-found', 'overloaded']),
        },
      },
      async (request, reply) => {
        const { actor, userId } = await callers.expected(request)
        const id = Number(request.params.id)
        // Who found an administrator's browser open must not get a password by it.
        if (id === userId)
          throw new ProblemError('forbidden', { detail: 'set your own password at PUT /v1/me/password: it asks for the one you have' })
        const user = await users.find(id)
        if (user === null) throw new ProblemError('user-not-found')
        await assertHardToGuess(request.body.password, user)
        const set = await userAdministration.setPassword(id, request.body.password, actor)
        if (!set.ok) throw userProblem(set.failure)
        return reply.code(204).header('cache-control', 'private, no-store').send()
      },
    )

    app.post(
      '/v1/users/import',
      {
        config: { access: 'users.change' },
        // Quotation marks and line breaks are two bytes each in JSON.
        bodyLimit: 2 * importBytesMax + 1_024,
        schema: {
          tags,
          summary: 'Make users from CSV; at first only say what would happen',
          description:
            'Comma or semicolon; columns `username`, `name`, `second_name` (or `full_name`), `email`, `role`, `password` in any order. All rows are taken or none. At most 500 rows with a password in one request: each takes a while.',
          body: userImportInput,
          response: responses({ 200: json('What would happen, or has happened', userImport) }, [
            ...databaseProblems,
            ...bodyProblems,
            'import-invalid',
            'overloaded',
          ]),
        },
      },
      async (request, reply) => {
        const { csv, dryRun } = request.body
        const judged = await judgeImport(csv, (usernames) => users.findByUsernames(usernames))
        const roles = judged.rows.map(({ user }) => user.role)
        await assertMayGive(request, roles)
        if (!dryRun) {
          if (judged.faultsTotal > 0) throw invalidImport(judged.faults, judged.faultsTotal)
          const taken = await userAdministration.createAll(
            judged.rows.map(({ user }) => user),
            await actorOf(request),
          )
          // Somebody made a user of that name in between.
          if (!taken.ok) {
            const faults = takenFaults(judged.rows, taken.failure)
            throw invalidImport(faults, faults.length)
          }
        }
        const answer: UserImport = {
          dryRun,
          rows: judged.rowsTotal,
          created: dryRun ? 0 : judged.rows.length,
          faults: judged.faults,
          faultsTotal: judged.faultsTotal,
          preview: judged.rows.slice(0, previewRowsMax).map(({ user: { password: _password, ...shown } }) => shown),
        }
        return send(reply, answer)
      },
    )
  }
}

function takenFaults(rows: readonly { line: number; user: { username: string } }[], usernames: readonly string[]) {
  const taken = new Set(usernames)
  return rows
    .filter(({ user }) => taken.has(user.username))
    .slice(0, importFaultsMax)
    .map(({ line }) => takenFault(line))
}

function invalidImport(faults: readonly { line: number; column: string; detail: string }[], total: number): ProblemError {
  return new ProblemError('import-invalid', {
    detail: `nothing was taken: ${total} ${total === 1 ? 'fault' : 'faults'}`,
    errors: faults.map(({ line, column, detail }) => ({ field: `csv line ${line}${column === '' ? '' : ` ${column}`}`, detail })),
  })
}
