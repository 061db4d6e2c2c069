import fastifySwagger, { type SwaggerTransform, type SwaggerTransformObject } from '@fastify/swagger'
import * as contracts from '@urna/contracts'
import { type ProblemName, problems } from '@urna/contracts'
import type { FastifyInstance, FastifySchema } from 'fastify'
import { createJsonSchemaTransform, createJsonSchemaTransformObject } from 'fastify-type-provider-zod'
import type { OpenAPIV3_1 } from 'openapi-types'
import { z } from 'zod'
import type { Access } from './callers.ts'

const documentedSchemas = {
  Poll: contracts.poll,
  PollList: contracts.pollList,
  NewPoll: contracts.pollInput,
  OpenPoll: contracts.openPollInput,
  ClosePoll: contracts.closePollInput,
  Ballot: contracts.ballotInput,
  BallotReceived: contracts.ballotReceived,
  Challenge: contracts.challenge,
  NewCodes: contracts.newCodes,
  CodeList: contracts.codeList,
  VoterRoll: contracts.rollList,
  OwnBallot: contracts.ownBallot,
  Receipt: contracts.receipt,
  Results: contracts.results,
  Problem: contracts.problem,
  PublicConfig: contracts.publicConfig,
  Readiness: contracts.readiness,
  Survey: contracts.survey,
  User: contracts.user,
  UserList: contracts.userList,
  NewUser: contracts.newUserInput,
  ReplaceUser: contracts.userInput,
  UserImport: contracts.userImport,
  CompatibleUser: contracts.compatibleUser,
  Me: contracts.me,
  SessionList: contracts.sessionList,
  Token: contracts.token,
  TokenList: contracts.tokenList,
  AuditList: contracts.auditList,
  System: contracts.system,
  ManagedPollList: contracts.managedPollList,
}

// Not zod's global registry: two servers in one process (tests) would register the same names twice.
const schemaRegistry = z.registry<{ id?: string }>()
for (const [id, schema] of Object.entries(documentedSchemas)) schemaRegistry.add(schema, { id })

const zodTransform = createJsonSchemaTransform({ schemaRegistry }) as SwaggerTransform

/** What a route's `access` means to who reads the document: who gets in, how they say who they are, and what strangers are told. */
function withAccess(schema: FastifySchema, access: Access | undefined): FastifySchema {
  if (access === undefined || access === 'public') return schema
  const needs =
    access === 'signed-in'
      ? 'For whoever is signed in.'
      : access === 'session'
        ? 'For whoever signed in with a password; never with a token.'
        : `Needs the permission \`${access}\`.`
  return {
    ...schema,
    description: [schema.description, needs].filter(Boolean).join(' '),
    security: access === 'session' ? [{ session: [] }] : [{ token: [] }, { session: [] }],
    response: responses((schema.response ?? {}) as Responses, ['unauthorized', 'forbidden']),
  }
}

/** Zod's transformer knows responses with a schema only: those without a body go round it. */
const transform: SwaggerTransform = (given) => {
  const document = given.schema === undefined ? given : { ...given, schema: withAccess(given.schema, given.route.config?.access) }
  const all = Object.entries((document.schema?.response ?? {}) as Responses)
  if (all.length === 0) return zodTransform(document)
  const withBody = Object.fromEntries(all.filter(([, response]) => response.content !== undefined))
  const { schema, url } = zodTransform({ ...document, schema: { ...document.schema, response: withBody } } as typeof given)
  const response: Record<string, unknown> = { ...(schema.response as Record<string, unknown>) }
  // `null` is how @fastify/swagger is told that there is no body.
  for (const [status, { description, content }] of all) if (content === undefined) response[status] = { description, type: 'null' }
  return { schema: { ...schema, response }, url }
}
const zodTransformObject: SwaggerTransformObject = createJsonSchemaTransformObject({ schemaRegistry })

/** Each schema comes once for requests and once for replies: those that nothing refers to are left out. */
const transformObject: SwaggerTransformObject = (input) => {
  const document = zodTransformObject(input) as OpenAPIV3_1.Document
  const schemas = document.components?.schemas ?? {}
  const used = new Set<string>()
  const visit = (part: unknown) => {
    for (const [, name = ''] of JSON.stringify(part).matchAll(/"#\/components\/schemas\/([^"]+)"/g)) {
      if (used.has(name)) continue
      used.add(name)
      visit(schemas[name] ?? null)
    }
  }
  visit(document.paths ?? {})
  const kept = Object.fromEntries(Object.entries(schemas).filter(([name]) => used.has(name)))
  return { ...document, components: { ...document.components, schemas: kept } }
}

export async function registerOpenApi(app: FastifyInstance, version: string): Promise<void> {
  await app.register(fastifySwagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Urna',
        version,
        description: 'Self-hosted voting. Errors are RFC 9457 problem details; their types never change.',
        license: { name: 'MIT', identifier: 'MIT' },
      },
      tags: [
        { name: 'polls', description: 'Polls. Who changes them needs a session or a token.' },
        { name: 'ballots', description: 'Ballots, and the receipts that say what became of them.' },
        { name: 'results' },
        { name: 'voters', description: 'Voting codes and voter rolls: who may vote in polls that are not for everybody.' },
        { name: 'people', description: 'Signing in, API tokens, and the directory of people.' },
        { name: 'oversight', description: 'The audit trail, and how the whole is doing.' },
        { name: 'compatible', description: 'Routes kept for clients of the systems this one replaces.' },
        { name: 'service', description: 'Health and figures of this process.' },
      ],
      components: {
        securitySchemes: {
          token: { type: 'http', scheme: 'bearer', description: 'An API token of a user, or the administrator’s token.' },
          session: {
            type: 'apiKey',
            in: 'cookie',
            name: 'urna_session',
            description: 'From signing in. Over TLS it is `__Host-urna_session`.',
          },
        },
      },
    },
    transform,
    transformObject,
  })
}

/** For a route that Fastify must not validate: documented as if it did. */
export function documentedAs(schema: FastifySchema): { swaggerTransform: SwaggerTransform } {
  return { swaggerTransform: (document) => transform({ ...document, schema }) }
}

interface Responses {
  [status: number]: { description: string; content?: Record<string, { schema: z.ZodType }> }
}

export function json(description: string, schema: z.ZodType) {
  return { description, content: { 'application/json': { schema } } }
}

/** Responses of a route: the good ones, and the problems it can answer with, by their names. */
export function responses(good: Responses, problemNames: readonly ProblemName[] = []): Responses {
  const all: Responses = { ...good }
  for (const name of problemNames) {
    const { status } = problems[name]
    const description = [all[status]?.description, `\`${name}\``].filter(Boolean).join(', ')
    all[status] = { description, content: { ...all[status]?.content, 'application/problem+json': { schema: contracts.problem } } }
  }
  return all
}
