import { hash, randomBytes } from 'node:crypto'
import {
  commandLine,
  openMasterKey,
  type People,
  type Permission,
  type Poll,
  type PollDefinition,
  type PollId,
  type PublishableBallot,
  pollIdFromBytes,
  type Question,
  type Role,
  rowSequence,
  sealPollSecret,
  secretHash,
  systemIds,
  type User,
} from '@urna/core'
import { InMemoryPeople } from '@urna/core/testing/in-memory-people'
import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import { Registry } from 'prom-client'
import { apiTokenPrefix } from '../callers.ts'
import type { ApiDependencies } from '../dependencies.ts'
import { buildApi } from '../index.ts'
import { FakeBallots } from './fake-ballots.ts'
import { FakePolls } from './fake-polls.ts'

export const adminToken = 'a-token-of-the-administrator'
export const asAdministrator = { authorization: `Bearer ${adminToken}` }
/** 21 November 2026, noon. */
export const noonMs = Date.UTC(2026, 10, 21, 12)

export interface TestApi {
  readonly app: FastifyInstance
  readonly polls: FakePolls
  readonly ballots: FakeBallots
  /** Those of this api, unless others were given. */
  readonly people: InMemoryPeople
  readonly published: PublishableBallot[]
  readonly log: { level: string; fields: Record<string, unknown>; message: string }[]
  readonly masterKey: ReturnType<typeof openMasterKey>
  readonly clock: { ms: number; nowMs(): number }
  /** What publish does instead, if it is set. */
  publish: ((ballot: PublishableBallot) => Promise<{ seq: Buffer; atMs: number }>) | null
  queueAnswers: boolean
  databaseAnswers: boolean
  waiting: number
  addPoll(changes?: PollChanges): Poll
  /** A user without a password. */
  addUser(role: Role, username?: string): Promise<User>
  /** A new user of this role, or the one given, and the headers of a session. */
  signIn(who: Role | User): Promise<SignedIn>
  /** The headers of an API token of this user. */
  tokenOf(user: User, scopes: readonly Permission[], expiresAtMs?: number): Promise<{ authorization: string }>
}

export interface SignedIn {
  readonly user: User
  readonly headers: { readonly cookie: string }
  readonly sessionId: string
}

export interface PollChanges {
  readonly definition?: Partial<PollDefinition>
  readonly opensAtMs?: number | null
  readonly closesAtMs?: number | null
  readonly deletedAtMs?: number
  readonly surveyId?: number
  readonly ownerId?: number
}

export function singleChoice(texts: readonly string[], changes: Partial<Question> = {}): Question {
  const options = texts.map((text, index) => ({ number: index + 1, text }))
  return { number: 1, text: 'Which?', method: 'single', required: true, min: 1, max: 1, options, ...changes }
}

let pollsMade = 0
let usersMade = 0

/** An api on fakes. A published ballot is durably nowhere, and counted if the test says so. */
export async function testApi(changes: Partial<ApiDependencies> = {}): Promise<TestApi> {
  const masterKey = openMasterKey(Buffer.alloc(32, 7))
  const polls = new FakePolls()
  const ballots = new FakeBallots()
  const inMemory = new InMemoryPeople({ onUserRemoved: (userId) => polls.removeOwner(userId) })
  const people: People = changes.people ?? inMemory
  const log: TestApi['log'] = []
  const write = (level: string) => (fields: unknown, message?: string) => {
    log.push(
      typeof fields === 'string'
        ? { level, fields: {}, message: fields }
        : { level, fields: fields as Record<string, unknown>, message: message ?? '' },
    )
  }
  const logger = { level: 'info', silent() {} } as unknown as FastifyBaseLogger
  for (const level of ['fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const) logger[level] = write(level)
  logger.child = () => logger

  const clock = {
    ms: noonMs,
    nowMs() {
      return this.ms
    },
  }
  const api: Omit<TestApi, 'app'> = {
    polls,
    ballots,
    people: inMemory,
    published: [],
    log,
    masterKey,
    clock,
    publish: null,
    queueAnswers: true,
    databaseAnswers: true,
    waiting: 0,
    addPoll({ definition, opensAtMs = noonMs - 3_600_000, closesAtMs = null, deletedAtMs, surveyId, ownerId } = {}) {
      const id = pollIdFromBytes(Buffer.from(String(++pollsMade).padStart(10, '0'))) as PollId
      const poll: Poll = {
        id,
        surveyId: surveyId ?? null,
        ownerId: ownerId ?? null,
        definition: {
          title: 'Coca or Pepsi?',
          description: '',
          questions: [singleChoice(['coca', 'pepsi'])],
          changesAllowed: true,
          resultsVisibility: 'always',
          access: 'open',
          listed: true,
          ...definition,
        },
        version: { version: 2, opensAtMs, closesAtMs },
        revision: 2,
        createdAtMs: noonMs - 7_200_000,
        deletedAtMs: deletedAtMs ?? null,
        secretSealed: sealPollSecret(masterKey, id, Buffer.alloc(32, pollsMade)),
      }
      polls.polls.set(id, poll)
      return poll
    },
    async addUser(role, username = `${role}-${++usersMade}`) {
      const input = { username, name: 'Ana', secondName: '', email: '', role }
      const atMs = clock.ms
      const entry = { atMs, actor: commandLine, action: 'user.created', details: {} }
      const created = await people.users.create({ ...input, passwordHash: null, votingId: randomBytes(16), atMs }, entry)
      if (created.kind !== 'done') throw new Error(`there is a user ${username}`)
      return (await people.users.find(created.id)) as User
    },
    async signIn(who) {
      const user = typeof who === 'string' ? await api.addUser(who) : who
      const secret = randomBytes(32).toString('base64url')
      const id = randomBytes(8).toString('hex')
      const session = { id, userId: user.id, createdAtMs: clock.ms, lastSeenAtMs: clock.ms, label: 'test', hash: secretHash(secret) }
      const entry = { atMs: clock.ms, actor: commandLine, action: 'session.began', subject: `user ${user.id}`, details: {} }
      await people.sessions.create(session, { replaces: null, keep: 20 }, entry)
      return { user, headers: { cookie: `urna_session=${secret}` }, sessionId: id }
    },
    async tokenOf(user, scopes, expiresAtMs = clock.ms + 86_400_000) {
      const secret = `${apiTokenPrefix}${randomBytes(32).toString('base64url')}`
      const id = randomBytes(8).toString('hex')
      const token = { id, userId: user.id, name: 'test', scopes, createdAtMs: clock.ms, expiresAtMs, lastUsedAtMs: null }
      const entry = { atMs: clock.ms, actor: commandLine, action: 'token.made', subject: `user ${user.id}`, details: {} }
      await people.tokens.create({ ...token, hash: secretHash(secret) }, entry)
      return { authorization: `Bearer ${secret}` }
    },
  }
  let row = 0
  const app = await buildApi({
    publisher: {
      async publish(ballot) {
        if (api.publish !== null) return api.publish(ballot)
        api.published.push(ballot)
        return { seq: rowSequence({ epoch: 1, row: ++row, index: 0 }), atMs: clock.ms }
      },
      check: async () => api.queueAnswers,
      close: async () => {},
    },
    polls,
    ballots,
    people: inMemory,
    results: ballots,
    queueDepth: async () => ({ ballots: api.waiting, oldestAtMs: null }),
    masterKey,
    adminTokenHash: hash('sha256', adminToken, 'buffer'),
    clock,
    ids: systemIds,
    defaultPoll: 1,
    allowedOrigins: [],
    trustProxy: false,
    version: '0.0.0-test',
    logger,
    metrics: { registry: new Registry() },
    dependencyChecks: { queue: async () => api.queueAnswers, database: async () => api.databaseAnswers },
    essential: ['queue'],
    countedUntilMs: async () => ballots.asOfMs,
    csv: (results, { bom }) => [bom ? '\uFEFF' : '', 'poll\r\n', ...results.map(({ poll }) => `${poll.id}\r\n`)],
    ...changes,
  })
  await app.ready()
  return Object.assign(api, { app })
}
