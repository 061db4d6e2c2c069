import { randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { readsOf } from '@urna/api/reads-of'
import { asAdministrator, singleChoice, type TestApi, testApi } from '@urna/api/testing/test-api'
import {
  hmacSha256,
  identityOf,
  type People,
  type Poll,
  type PollId,
  pollIdFromBytes,
  receiptText,
  rowSequence,
  sealPollSecret,
  unsealPollSecret,
  voterCookies,
  voterKeysOf,
} from '@urna/core'
import { entryOf, sampleSession, sampleToken, sampleUser } from '@urna/core/testing/people-samples'
import {
  FallbackDatabase,
  type FallbackEvent,
  migrate,
  openSqliteReader,
  openSqliteWriter,
  type Primary,
  type Replica,
  SqlBallotRepository,
  SqlPollRepository,
  sqlPeople,
} from '@urna/database'
import type { InjectOptions } from 'fastify'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../support/client.ts'
import { RecordedDatabase } from '../support/recorded-database.ts'
import { temporaryDirectory } from '../support/standalone-process.ts'

/**
 * Which server of the database gets which statement: two connections that record what they are asked, for every method of every repository
 * that an api is given, and for every route.
 */

type ServerName = 'primary' | 'replica'
/** What is read, by where it belongs; `primary`: what nobody else may answer. */
type Kind = 'definitions' | 'listings' | 'results' | 'primary'
type State = 'both' | 'primary away' | 'replica away' | 'primary only read' | 'no replica'

/** The rule. Null: nobody; it is answered with a problem of its own. */
const serverOf: Record<State, Record<Kind, ServerName | null>> = {
  both: { definitions: 'primary', listings: 'replica', results: 'replica', primary: 'primary' },
  'primary away': { definitions: 'replica', listings: 'replica', results: 'replica', primary: null },
  'replica away': { definitions: 'primary', listings: 'primary', results: 'primary', primary: 'primary' },
  'primary only read': { definitions: 'primary', listings: 'replica', results: 'replica', primary: null },
  'no replica': { definitions: 'primary', listings: 'primary', results: 'primary', primary: 'primary' },
}
const states = Object.keys(serverOf) as State[]

type Needs = Partial<Record<Kind, readonly string[]>>

const resultsTables = ['low_water', 'tallies', 'turnout']

let folder: { path: string; remove: () => void }
let writer: Primary
let reader: Replica
beforeAll(async () => {
  folder = temporaryDirectory()
  const path = join(folder.path, 'urna.db')
  writer = openSqliteWriter(path)
  await migrate(writer)
  reader = openSqliteReader(path)
})
afterAll(async () => {
  await reader.close()
  await writer.close()
  rmSync(folder.path, { recursive: true })
})

interface Subject {
  readonly primary: RecordedDatabase<Primary>
  readonly replica: RecordedDatabase<Replica>
  readonly database: FallbackDatabase
  readonly events: FallbackEvent[]
}

const opened: FallbackDatabase[] = []
afterEach(async () => {
  for (const database of opened.splice(0)) await database.close()
})

async function open(state: State): Promise<Subject> {
  const [primary, replica] = [new RecordedDatabase(writer), new RecordedDatabase(reader)]
  primary.isAway = state === 'primary away'
  replica.isAway = state === 'replica away'
  const events: FallbackEvent[] = []
  const database = new FallbackDatabase({
    primary: primary.database,
    replica: state === 'no replica' ? null : replica.database,
    fingerprint: '',
    auditHmac: hmacSha256(Buffer.alloc(32)),
    onEvent: (event) => events.push(event),
    inspect: async ({ role }) => {
      const { isAway } = role === 'primary' ? primary : replica
      if (isAway) throw Object.assign(new Error('away'), { code: 'URNA_CONNECTION_LOST' })
      return { isReadOnly: role === 'replica' || state === 'primary only read' }
    },
    probeEveryMs: 20,
  })
  opened.push(database)
  database.start()
  await until(async () => {
    const settled = database.primaryIsUp !== primary.isAway && (database.replicaIsUp ?? !replica.isAway) !== replica.isAway
    return settled ? true : null
  })
  return { primary, replica, database, events }
}

/** What each server must have been asked, in this state. */
function expectedTables(state: State, needs: Needs): Record<ServerName, string[]> {
  const tables: Record<ServerName, Set<string>> = { primary: new Set(), replica: new Set() }
  for (const [kind, names] of Object.entries(needs) as [Kind, readonly string[]][]) {
    const server = serverOf[state][kind]
    if (server !== null) for (const name of names) tables[server].add(name)
  }
  return { primary: [...tables.primary].sort(), replica: [...tables.replica].sort() }
}

function takeTables({ primary, replica }: Subject): Record<ServerName, string[]> {
  return { primary: primary.takeTables(), replica: replica.takeTables() }
}

describe('every method of every repository', () => {
  const id = pollIdFromBytes(randomBytes(10))
  const key = randomBytes(16)
  const seq = rowSequence({ epoch: 1, row: 1, index: 0 })
  const poll = (): Poll => ({ ...samplePoll(), id: pollIdFromBytes(randomBytes(10)) })
  const page = { limit: 10, after: null }

  // Changes of a user who is not there: they read, and write nothing.
  const nobody = 1_000_000
  const entry = entryOf('test')
  const newUser = () => sampleUser(randomBytes(8).toString('hex'))
  /** What is recorded locks the head of the audit trail first. */
  const recorded = (...tables: string[]): Needs => ({ primary: ['audit_head', 'audit_trail', ...tables] })

  type Call = readonly [needs: Needs, call: (database: FallbackDatabase) => Promise<unknown>]
  const calls: Record<
    'definitions' | 'listings' | 'results' | 'polls' | 'ballots' | 'settings' | `people.${keyof People}`,
    Record<string, Call>
  > = {
    definitions: {
      find: [{ definitions: ['polls'] }, ({ definitions }) => definitions.find(id)],
      findBySurveyId: [{ definitions: ['polls'] }, ({ definitions }) => definitions.findBySurveyId(9)],
      findVersion: [{ definitions: ['poll_versions'] }, ({ definitions }) => definitions.findVersion(id, 1)],
      // Left out of what is recorded; see its own test below.
      revisions: [{}, ({ definitions }) => definitions.revisions([id])],
      list: [{ definitions: ['polls'] }, ({ definitions }) => definitions.list({ ...page, publicOnly: true })],
    },
    listings: {
      list: [{ listings: ['polls'] }, ({ listings }) => listings.list({ ...page, publicOnly: true })],
      listSurveys: [{ listings: ['polls'] }, ({ listings }) => listings.listSurveys(10)],
    },
    results: {
      snapshot: [{ results: resultsTables }, ({ results }) => results.snapshot(id)],
      activityOf: [{ results: ['poll_activity', 'turnout'] }, ({ results }) => results.activityOf([id])],
    },
    polls: {
      create: [{ primary: ['poll_versions', 'polls'] }, ({ polls }) => polls.create(poll())],
      find: [{ primary: ['polls'] }, ({ polls }) => polls.find(id)],
      findBySurveyId: [{ primary: ['polls'] }, ({ polls }) => polls.findBySurveyId(9)],
      findVersion: [{ primary: ['poll_versions'] }, ({ polls }) => polls.findVersion(id, 1)],
      revisions: [{}, ({ polls }) => polls.revisions([id])],
      list: [{ primary: ['polls'] }, ({ polls }) => polls.list({ ...page, publicOnly: false })],
      listManaged: [{ primary: ['polls'] }, ({ polls }) => polls.listManaged({ ...page, ownerId: 1, search: 'x' })],
      listSurveys: [{ primary: ['polls'] }, ({ polls }) => polls.listSurveys(10)],
      updateDefinition: [{ primary: ['polls'] }, ({ polls }) => polls.updateDefinition(id, samplePoll().definition, 1)],
      addVersion: [{ primary: ['polls'] }, ({ polls }) => polls.addVersion(id, { version: 2, opensAtMs: 0, closesAtMs: null }, 1, false)],
      markDeleted: [{ primary: ['polls'] }, ({ polls }) => polls.markDeleted(id, 0, 1)],
    },
    ballots: {
      // An empty batch: nothing but its transaction.
      countBatch: [{}, ({ ballots }) => ballots.countBatch({ shard: 0, ballots: [], deadLetters: [], definitions: new Map() })],
      find: [{ primary: ['ballots'] }, ({ ballots }) => ballots.find(id, key)],
      findDeadLetter: [{ primary: ['dead_letters'] }, ({ ballots }) => ballots.findDeadLetter(seq)],
      readLowWater: [{ primary: ['low_water'] }, ({ ballots }) => ballots.readLowWater(1, 0)],
      writingServer: [{}, ({ ballots }) => ballots.writingServer()],
      writeLowWater: [
        { primary: ['low_water'] },
        ({ ballots }) => ballots.writeLowWater({ epoch: 1, stream: 0, below: seq, atMs: 1, beat: 1 }, 999),
      ],
      erase: [{ primary: ['ballots', 'poll_activity', 'tallies', 'turnout'] }, ({ ballots }) => ballots.erase(id)],
    },
    settings: { get: [{ primary: ['settings'] }, ({ settings }) => settings.get('x')] },
    'people.users': {
      create: [recorded('users'), ({ people }) => people.users.create(newUser(), entry)],
      createAll: [recorded('users'), ({ people }) => people.users.createAll([newUser()], entry)],
      find: [{ primary: ['users'] }, ({ people }) => people.users.find(1)],
      findByUsername: [{ primary: ['users'] }, ({ people }) => people.users.findByUsername('ana')],
      findByUsernames: [{ primary: ['users'] }, ({ people }) => people.users.findByUsernames(['ana'])],
      list: [{ primary: ['users'] }, ({ people }) => people.users.list({ ...page, search: 'a', role: null })],
      update: [recorded('users'), ({ people }) => people.users.update(nobody, { ...newUser(), atMs: 1 }, entry)],
      remove: [recorded('users'), ({ people }) => people.users.remove(nobody, entry)],
      findCredentials: [{ primary: ['users'] }, ({ people }) => people.users.findCredentials('ana')],
      setPassword: [recorded('users'), ({ people }) => people.users.setPassword(nobody, { passwordHash: '', atMs: 1 }, entry)],
      rehash: [{ primary: ['users'] }, ({ people }) => people.users.rehash(nobody, { from: 'a', to: 'b' })],
      votingId: [{ primary: ['users'] }, ({ people }) => people.users.votingId(1)],
      countAdministrators: [{ primary: ['users'] }, ({ people }) => people.users.countAdministrators()],
    },
    'people.sessions': {
      create: [recorded('users'), ({ people }) => people.sessions.create(sampleSession(nobody, 'x'), { replaces: null, keep: 1 }, entry)],
      find: [{ primary: ['sessions'] }, ({ people }) => people.sessions.find(key)],
      touch: [{ primary: ['sessions'] }, ({ people }) => people.sessions.touch(key, 1)],
      list: [{ primary: ['sessions'] }, ({ people }) => people.sessions.list(1)],
      remove: [recorded('sessions'), ({ people }) => people.sessions.remove(1, 'x', entry)],
      removeOlder: [{ primary: ['sessions'] }, ({ people }) => people.sessions.removeOlder({ createdBeforeMs: 1, lastSeenBeforeMs: 1 })],
    },
    'people.signInAttempts': {
      read: [{ primary: ['sign_in_attempts'] }, ({ people }) => people.signInAttempts.read([key])],
      addFailure: [{ primary: ['sign_in_attempts'] }, ({ people }) => people.signInAttempts.addFailure([randomBytes(32)], 1)],
      clear: [{ primary: ['sign_in_attempts'] }, ({ people }) => people.signInAttempts.clear([key])],
      removeOlder: [{ primary: ['sign_in_attempts'] }, ({ people }) => people.signInAttempts.removeOlder(0)],
    },
    'people.tokens': {
      create: [recorded('users'), ({ people }) => people.tokens.create(sampleToken(nobody, 'x'), entry)],
      find: [{ primary: ['api_tokens'] }, ({ people }) => people.tokens.find(key)],
      touch: [{ primary: ['api_tokens'] }, ({ people }) => people.tokens.touch('x', 1)],
      list: [{ primary: ['api_tokens'] }, ({ people }) => people.tokens.list(1)],
      remove: [recorded('api_tokens'), ({ people }) => people.tokens.remove(1, 'x', entry)],
    },
    'people.codes': {
      add: [recorded('voting_codes'), ({ people }) => people.codes.add(id, [], 1, entry)],
      find: [{ primary: ['voting_codes'] }, ({ people }) => people.codes.find(id, key)],
      list: [{ primary: ['voting_codes'] }, ({ people }) => people.codes.list(id, page)],
      revoke: [recorded('voting_codes'), ({ people }) => people.codes.revoke(id, 'x', 1, entry)],
      removeAll: [{ primary: ['voting_codes'] }, ({ people }) => people.codes.removeAll(id)],
    },
    'people.roll': {
      add: [recorded('users'), ({ people }) => people.roll.add(id, [nobody], entry)],
      remove: [recorded('voter_roll'), ({ people }) => people.roll.remove(id, nobody, entry)],
      find: [{ primary: ['voter_roll'] }, ({ people }) => people.roll.find(id, 1)],
      list: [{ primary: ['voter_roll'] }, ({ people }) => people.roll.list(id, page)],
      removeAll: [{ primary: ['voter_roll'] }, ({ people }) => people.roll.removeAll(id)],
    },
    'people.audit': {
      list: [{ primary: ['audit_trail'] }, ({ people }) => people.audit.list({ limit: 10, before: null })],
      verify: [{ primary: ['audit_head', 'audit_trail'] }, ({ people }) => people.audit.verify()],
    },
  }

  it('is in this table', async () => {
    const { database } = await open('both')
    for (const [name, methods] of Object.entries(calls)) {
      const [, port] = name.split('.')
      const view = port === undefined ? database[name as 'polls'] : database.people[port as keyof People]
      expect(Object.keys(view).sort()).toEqual(Object.keys(methods).sort())
    }
    const ports = Object.keys(calls).flatMap((name) => name.split('.')[1] ?? [])
    expect(Object.keys(database.people).sort()).toEqual(ports.sort())
  })

  for (const state of states) {
    it(`goes where it belongs: ${state}`, async () => {
      const subject = await open(state)
      for (const [view, methods] of Object.entries(calls)) {
        for (const [method, [needs, call]] of Object.entries(methods)) {
          const outcome = await call(subject.database).then(
            () => 'done',
            (error: Error) => error.name,
          )
          const onPrimaryOnly = !['definitions', 'listings', 'results'].includes(view)
          const expected = onPrimaryOnly && serverOf[state].primary === null ? 'PrimaryUnavailableError' : 'done'
          expect([view, method, outcome, takeTables(subject)]).toEqual([view, method, expected, expectedTables(state, needs)])
        }
      }
    })
  }

  it('revisions of copies are those of the primary, of the replica only while that does not answer', async () => {
    const subject = await open('both')
    const { primary, replica, database } = subject
    await database.definitions.revisions([id])
    expect([primary.statements.length, replica.statements.length]).toEqual([1, 0])
    primary.isAway = true
    await database.definitions.revisions([id])
    expect([primary.statements.length, replica.statements.length]).toEqual([1, 1])
    primary.isAway = false
    await until(async () => (database.primaryIsUp ? true : null))
    await database.definitions.revisions([id])
    expect([primary.statements.length, replica.statements.length]).toEqual([2, 1])
  })

  it('until when everything is counted, and which epochs have ended, the primary alone says', async () => {
    for (const state of states) {
      const subject = await open(state)
      for (const ask of [() => subject.database.countedUntilMs(), () => subject.database.epochEnded(1)]) {
        const outcome = await ask().then(
          () => 'done',
          (error: Error) => error.name,
        )
        expect(outcome).toBe(serverOf[state].primary === null ? 'PrimaryUnavailableError' : 'done')
        expect(takeTables(subject)).toEqual(expectedTables(state, { primary: ['low_water'] }))
      }
    }
  })

  it('how far the replica is behind is read on both, and nothing is known while one is away', async () => {
    for (const state of states) {
      const subject = await open(state)
      const lag = subject.database.replicaLagMs()
      if (state.endsWith('away')) await expect(lag).rejects.toThrow()
      // No low water yet in this file, or the same one: both read it.
      else expect([null, 0]).toContain(await lag)
      const { primary, replica } = takeTables(subject)
      if (state === 'no replica') expect([primary, replica]).toEqual([[], []])
      if (state === 'both') expect([primary, replica]).toEqual([['low_water'], ['low_water']])
    }
  })

  it('an epoch is registered on the primary; without one, the row that somebody registered is found wherever it can be read', async () => {
    const identity = randomBytes(32)
    for (const state of ['primary away', 'primary only read'] as const) {
      await expect((await open(state)).database.registerEpoch(identity)).rejects.toThrow('the primary')
    }
    const epoch = await (await open('both')).database.registerEpoch(identity)
    for (const state of states) {
      const subject = await open(state)
      expect(await subject.database.registerEpoch(identity)).toBe(epoch)
      const server = state === 'primary away' ? 'replica' : 'primary'
      expect(takeTables(subject)).toEqual({ primary: [], replica: [], [server]: ['queue_epochs'] })
    }
  })
})

/** Of a poll that no copy knows yet, so that its definition is read. */
interface Prepared {
  readonly poll: Poll
  readonly receipt: string
  readonly cookie: string
}

interface RouteCase {
  readonly route: string
  readonly name?: string
  readonly poll?: { visibility?: 'after_voting'; times?: 'draft' | 'final'; access?: 'guarded' | 'code' | 'account' }
  readonly needs: Needs
  readonly request: (prepared: Prepared) => InjectOptions
}

const path =
  (url: (prepared: Prepared) => string, options: InjectOptions = {}) =>
  (prepared: Prepared) => ({ ...options, url: url(prepared) })
const ofPoll = (rest: string, options: InjectOptions = {}) => path(({ poll }) => `/v1/polls/${poll.id}${rest}`, options)
const administering = (method: 'POST' | 'PUT' | 'DELETE', payload?: object): InjectOptions => ({
  method,
  headers: asAdministrator,
  ...(payload !== undefined && { payload }),
})
const newPoll = { title: 'New', questions: [{ text: 'Which?', options: [{ text: 'a' }, { text: 'b' }] }] }
const answers = { answers: [{ question: 1, options: [1] }] }
const definition: Needs = { definitions: ['polls'] }
const shown: Needs = { ...definition, results: resultsTables }

const audit = ['audit_head', 'audit_trail']
const routes: readonly RouteCase[] = [
  ...[
    '/v1/config',
    '/healthz',
    '/readyz',
    '/metrics',
    '/openapi.json',
    '/api/healthcheck',
    '/api/healthchecksqs',
    '/api/healthcheckmysql',
  ].map((url): RouteCase => ({ route: `GET ${url}`, needs: {}, request: path(() => url) })),
  { route: 'GET /v1/polls', needs: { listings: ['polls'] }, request: path(() => '/v1/polls') },
  {
    route: 'GET /v1/polls',
    name: 'administrator',
    needs: { primary: ['polls'] },
    request: path(() => '/v1/polls', { headers: asAdministrator }),
  },
  {
    route: 'POST /v1/polls',
    needs: { primary: [...audit, 'poll_versions', 'polls'] },
    request: path(() => '/v1/polls', administering('POST', newPoll)),
  },
  { route: 'GET /v1/polls/{id}', needs: definition, request: ofPoll('') },
  { route: 'GET /v1/polls/{id}', name: 'administrator', needs: { primary: ['polls'] }, request: ofPoll('', { headers: asAdministrator }) },
  {
    route: 'PUT /v1/polls/{id}',
    poll: { times: 'draft' },
    needs: { primary: [...audit, 'polls'] },
    request: ofPoll('', administering('PUT', newPoll)),
  },
  {
    route: 'DELETE /v1/polls/{id}',
    poll: { times: 'draft' },
    needs: { primary: [...audit, 'ballots', 'poll_activity', 'polls', 'tallies', 'turnout', 'voter_roll', 'voting_codes'] },
    request: ofPoll('', administering('DELETE')),
  },
  {
    route: 'POST /v1/polls/{id}/open',
    poll: { times: 'draft' },
    needs: { primary: [...audit, 'poll_versions', 'polls'] },
    request: ofPoll('/open', administering('POST', {})),
  },
  {
    route: 'POST /v1/polls/{id}/close',
    needs: { primary: [...audit, 'poll_versions', 'polls'] },
    request: ofPoll('/close', administering('POST', {})),
  },
  {
    route: 'POST /v1/polls/{id}/duplicate',
    needs: { primary: [...audit, 'poll_versions', 'polls'] },
    request: ofPoll('/duplicate', administering('POST')),
  },
  { route: 'POST /v1/polls/{id}/ballots', needs: definition, request: ofPoll('/ballots', { method: 'POST', payload: answers }) },
  {
    // Guarded polls go on without the primary: neither asks anything but what the poll is.
    route: 'POST /v1/polls/{id}/challenges',
    poll: { access: 'guarded' },
    needs: definition,
    request: (prepared) => ofPoll('/challenges', { method: 'POST', headers: { cookie: prepared.cookie } })(prepared),
  },
  {
    route: 'GET /v1/polls/{id}/codes',
    poll: { access: 'code' },
    needs: { primary: ['polls', 'voting_codes'] },
    request: ofPoll('/codes', { headers: asAdministrator }),
  },
  {
    route: 'POST /v1/polls/{id}/codes',
    poll: { access: 'code' },
    needs: { primary: [...audit, 'polls', 'voting_codes'] },
    request: ofPoll('/codes', administering('POST', { count: 2 })),
  },
  {
    route: 'GET /v1/polls/{id}/voters',
    poll: { access: 'account' },
    needs: { primary: ['polls', 'voter_roll'] },
    request: ofPoll('/voters', { headers: asAdministrator }),
  },
  {
    route: 'POST /v1/polls/{id}/voters',
    poll: { access: 'account' },
    needs: { primary: ['polls', 'users'] },
    request: ofPoll('/voters', administering('POST', { usernames: ['nobody'] })),
  },
  {
    route: 'GET /v1/polls/{id}/ballots/mine',
    needs: { ...definition, primary: ['ballots'] },
    request: (prepared) => ofPoll('/ballots/mine', { headers: { cookie: prepared.cookie } })(prepared),
  },
  { route: 'GET /v1/polls/{id}/results', needs: shown, request: ofPoll('/results') },
  {
    route: 'GET /v1/polls/{id}/results',
    name: 'after voting, by cookie',
    poll: { visibility: 'after_voting' },
    needs: { ...shown, primary: ['ballots'] },
    request: (prepared) => ofPoll('/results', { headers: { cookie: prepared.cookie } })(prepared),
  },
  {
    route: 'GET /v1/polls/{id}/results',
    name: 'after voting, by receipt',
    poll: { visibility: 'after_voting' },
    needs: shown,
    request: (prepared) => ofPoll('/results', { headers: { 'urna-receipt': prepared.receipt } })(prepared),
  },
  { route: 'GET /v1/polls/{id}/results.csv', needs: shown, request: ofPoll('/results.csv') },
  // Of a poll whose result is final: the stream ends by itself.
  { route: 'GET /v1/polls/{id}/results/live', poll: { times: 'final' }, needs: shown, request: ofPoll('/results/live') },
  {
    route: 'GET /v1/receipts/{id}',
    needs: { ...definition, primary: ['ballots', 'dead_letters', 'low_water'] },
    request: path(({ receipt }) => `/v1/receipts/${receipt}`),
  },
  {
    route: 'GET /v1/receipts',
    needs: { ...definition, primary: ['ballots', 'dead_letters', 'low_water'] },
    request: ({ receipt }) => ({ url: '/v1/receipts', headers: { 'urna-receipt': receipt } }),
  },
  { route: 'GET /surveys', needs: { listings: ['polls'] }, request: path(() => '/surveys') },
  { route: 'GET /surveys/{id}', needs: definition, request: path(({ poll }) => `/surveys/${poll.surveyId}`) },
  { route: 'GET /surveys/{id}/votes', needs: shown, request: path(({ poll }) => `/surveys/${poll.surveyId}/votes`) },
  {
    route: 'POST /vote',
    needs: definition,
    request: ({ poll }) => ({ method: 'POST', url: '/vote', payload: { survey_id: poll.surveyId, vote: 'coca' } }),
  },
  // DEFAULT_POLL is 1, and every copy of it is as good as another: what it needs was read by the first of these two.
  {
    route: 'POST /api/postVotes',
    needs: definition,
    request: path(() => '/api/postVotes', { method: 'POST', payload: { userID: 'id-1', vote: 'coca' } }),
  },
  { route: 'GET /api/votes', needs: { results: resultsTables }, request: path(() => '/api/votes') },
]

/**
 * Routes of people: all that they read and write is on the primary, and nowhere else. Each is asked with a session.
 */
const peopleRoutes: Record<string, Omit<InjectOptions, 'headers'>> = {
  'POST /v1/sessions': { method: 'POST', url: '/v1/sessions', payload: { username: 'nobody', password: 'nothing' } },
  'GET /v1/sessions': { url: '/v1/sessions' },
  'DELETE /v1/sessions/{id}': { method: 'DELETE', url: '/v1/sessions/0000000000000000' },
  'GET /v1/me': { url: '/v1/me' },
  'PUT /v1/me/password': { method: 'PUT', url: '/v1/me/password', payload: { current: 'x', password: 'a long password' } },
  'GET /v1/tokens': { url: '/v1/tokens' },
  'POST /v1/tokens': { method: 'POST', url: '/v1/tokens', payload: { name: 'x', scopes: ['users.read'] } },
  'DELETE /v1/tokens/{id}': { method: 'DELETE', url: '/v1/tokens/0000000000000000' },
  'GET /v1/users': { url: '/v1/users' },
  'POST /v1/users': { method: 'POST', url: '/v1/users', payload: { username: 'one' } },
  'GET /v1/users/{id}': { url: '/v1/users/99999' },
  'PUT /v1/users/{id}': { method: 'PUT', url: '/v1/users/99999', payload: { username: 'x' } },
  'DELETE /v1/users/{id}': { method: 'DELETE', url: '/v1/users/99999' },
  'PUT /v1/users/{id}/password': { method: 'PUT', url: '/v1/users/99999/password', payload: { password: 'a long password' } },
  'POST /v1/users/import': { method: 'POST', url: '/v1/users/import', payload: { csv: 'username\ntwo' } },
  'DELETE /v1/polls/{id}/codes/{codeId}': { method: 'DELETE', url: '/v1/polls/0000000000000000/codes/0000000000000000' },
  'DELETE /v1/polls/{id}/voters/{userId}': { method: 'DELETE', url: '/v1/polls/0000000000000000/voters/99999' },
  'GET /v1/audit': { url: '/v1/audit' },
  'GET /v1/system': { url: '/v1/system' },
  'GET /v1/managed-polls': { url: '/v1/managed-polls?search=nothing-has-this-title' },
  'GET /users': { url: '/users' },
  'POST /users': { method: 'POST', url: '/users', payload: { username: 'three' } },
  'GET /users/{id}': { url: '/users/99999' },
  'PUT /users/{id}': { method: 'PUT', url: '/users/99999', payload: { username: 'x' } },
  'DELETE /users/{id}': { method: 'DELETE', url: '/users/99999' },
}

function samplePoll(): Poll {
  return {
    id: '' as PollId,
    surveyId: null,
    ownerId: null,
    definition: {
      title: 'Coca or Pepsi?',
      description: '',
      questions: [singleChoice(['coca', 'pepsi'])],
      changesAllowed: true,
      resultsVisibility: 'always',
      access: 'open',
      listed: false,
    },
    version: { version: 1, opensAtMs: null, closesAtMs: null },
    revision: 1,
    createdAtMs: Date.UTC(2026, 0, 1),
    deletedAtMs: null,
    secretSealed: new Uint8Array(),
  }
}

describe('every route', () => {
  const epoch = 1
  let row = 0

  /** A poll in the database that no copy knows, with a ballot of somebody who has its receipt and a cookie. */
  async function prepare(api: Pick<TestApi, 'masterKey'>, wishes: RouteCase['poll'] = {}): Promise<Prepared> {
    const [polls, ballots] = [new SqlPollRepository(writer), new SqlBallotRepository(writer)]
    const { masterKey } = api
    const id = pollIdFromBytes(randomBytes(10))
    const sample = samplePoll()
    const made: Poll = {
      ...sample,
      id,
      // Unlisted: the warm-up of the copies leaves it out. It gets a survey id all the same.
      definition: { ...sample.definition, resultsVisibility: wishes.visibility ?? 'always', access: wishes.access ?? 'open' },
      secretSealed: sealPollSecret(masterKey, id, randomBytes(32)),
    }
    await polls.create(made)
    const opensAtMs = Date.UTC(2026, 0, 2)
    const closesAtMs = wishes.times === 'final' ? Date.UTC(2026, 0, 3) : null
    if (wishes.times !== 'draft') await polls.addVersion(id, { version: 2, opensAtMs, closesAtMs }, 1, true)
    const poll = (await polls.find(id)) as Poll
    const identity = identityOf('voter', randomBytes(16))
    const voterKey = voterKeysOf(unsealPollSecret(masterKey, id, made.secretSealed))(identity)
    const seq = rowSequence({ epoch, row: ++row, index: 0 })
    await ballots.countBatch({
      shard: 0,
      ballots: [{ pollId: id, pollVersion: 2, voterKey, seq, rank: seq, answers: ['1'], atMs: 0 }],
      deadLetters: [],
      definitions: new Map([[id, poll.definition]]),
    })
    return {
      poll,
      receipt: receiptText(masterKey, { pollId: id, voterKey, seq }),
      cookie: `urna_voter=${voterCookies(masterKey).write(identity)}`,
    }
  }

  async function start(state: State): Promise<{ api: TestApi; subject: Subject }> {
    const subject = await open(state)
    const api = await testApi(readsOf(subject.database))
    await until(async () => ((await api.app.inject('/readyz')).statusCode === 200 ? true : null))
    takeTables(subject)
    return { api, subject }
  }

  it('is in this table', async () => {
    const { api } = await start('both')
    const { paths } = (api.app as unknown as { swagger(): { paths: Record<string, object> } }).swagger()
    const documented = Object.entries(paths).flatMap(([url, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${url}`),
    )
    expect([...new Set([...routes.map(({ route }) => route), ...Object.keys(peopleRoutes)])].sort()).toEqual(documented.sort())
    await api.app.close()
  })

  it('of people asks the primary alone', async () => {
    const people = sqlPeople(writer, { auditHmac: hmacSha256(Buffer.alloc(32)) })
    const writing = await testApi({ people })
    const { headers } = await writing.signIn(await writing.addUser('administrator', 'administrator'))
    await writing.app.close()
    for (const state of states) {
      const { api, subject } = await start(state)
      for (const [route, options] of Object.entries(peopleRoutes)) {
        const { statusCode, body } = await api.app.inject({ ...options, headers })
        const { primary, replica } = takeTables(subject)
        expect([state, route, replica]).toEqual([state, route, []])
        if (serverOf[state].primary === null) {
          expect([state, route, statusCode, primary]).toEqual([state, route, 503, []])
          expect(body).toContain('primary-unavailable')
        } else {
          expect([state, route, statusCode < 500, primary.length > 0]).toEqual([state, route, true, true])
        }
      }
      await writer.db.deleteFrom('users').where('username', '<>', 'administrator').execute()
      await api.app.close()
    }
  })

  for (const state of states) {
    it(`asks the server that it should: ${state}`, async () => {
      const { api, subject } = await start(state)
      const lowWater = { epoch, stream: 0, below: rowSequence({ epoch, row: 0, index: 0 }), atMs: Date.UTC(2026, 5, 1), beat: 1 }
      await new SqlBallotRepository(writer).writeLowWater(lowWater, null)
      for (const { route, name = '', poll, needs, request } of routes) {
        const prepared = await prepare(api, poll)
        const answer = await api.app.inject(request(prepared))
        const asked = takeTables(subject)
        if (needs.primary !== undefined && serverOf[state].primary === null) {
          const { type } = JSON.parse(answer.body) as { type: string }
          expect([route, name, answer.statusCode, type]).toEqual([route, name, 503, 'urn:urna:problem:primary-unavailable'])
          const onPrimary = serverOf[state].definitions === 'primary' ? (needs.definitions ?? []) : []
          expect([route, name, asked.primary]).toEqual([route, name, onPrimary])
        } else {
          expect([route, name, answer.statusCode < 300, asked]).toEqual([route, name, true, expectedTables(state, needs)])
        }
      }
      await api.app.close()
    })
  }
})

describe('a server that goes away', () => {
  it('is found out by the first read, left alone by the others, and used again when it is back; every episode is told once', async () => {
    const { replica, primary, database, events } = await open('both')
    const id = pollIdFromBytes(randomBytes(10))
    events.length = 0
    replica.isAway = true
    for (let round = 0; round < 10; round++) await database.results.snapshot(id)
    expect(primary.takeTables()).toEqual(resultsTables)
    expect(events.filter(({ kind }) => kind === 'down')).toHaveLength(1)
    expect(events.filter(({ kind }) => kind === 'read-elsewhere')).toHaveLength(10)
    replica.isAway = false
    await until(async () => (database.replicaIsUp === true ? true : null))
    await database.results.snapshot(id)
    expect([primary.takeTables(), replica.takeTables()]).toEqual([[], resultsTables])
    expect(events.filter(({ kind }) => kind === 'up')).toHaveLength(1)
  })

  it('that both are away is an error that says so', async () => {
    const { replica, primary, database } = await open('both')
    replica.isAway = true
    primary.isAway = true
    await expect(database.results.snapshot(pollIdFromBytes(randomBytes(10)))).rejects.toMatchObject({ name: 'RetryableDatabaseError' })
    await expect(database.results.snapshot(pollIdFromBytes(randomBytes(10)))).rejects.toMatchObject({ name: 'ServerAwayError' })
    await expect(database.polls.find(pollIdFromBytes(randomBytes(10)))).rejects.toMatchObject({ name: 'PrimaryUnavailableError' })
  })
})
