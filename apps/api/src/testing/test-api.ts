import { hash } from 'node:crypto'
import {
  openMasterKey,
  type Poll,
  type PollDefinition,
  type PollId,
  type PublishableBallot,
  pollIdFromBytes,
  type Question,
  rowSequence,
  sealPollSecret,
  systemIds,
} from '@urna/core'
import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import { Registry } from 'prom-client'
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

/** An api on fakes. A published ballot is durably nowhere, and counted if the test says so. */
export async function testApi(changes: Partial<ApiDependencies> = {}): Promise<TestApi> {
  const masterKey = openMasterKey(Buffer.alloc(32, 7))
  const polls = new FakePolls()
  const ballots = new FakeBallots()
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
