import type {
  AuditList,
  CodeList,
  ManagedPollList,
  Me,
  NewCodes,
  NewToken,
  NewUserInput,
  Permission,
  Poll,
  PollInput,
  Role,
  RollAdded,
  RollList,
  SessionList,
  System,
  TokenList,
  User,
  UserImport,
  UserInput,
  UserList,
} from '@urna/contracts'
import { ApiFailure, readJson, request } from '../api.ts'

/** Every function throws an {@link ApiFailure} for anything but success. Whoever asks is known by the session's cookie, which no script can read. */

/** Null: nobody is signed in. */
export async function getMe(signal: AbortSignal): Promise<Me | null> {
  try {
    return await ask<Me>('GET', '/v1/me', { signal })
  } catch (error) {
    if (error instanceof ApiFailure && error.status === 401) return null
    throw error
  }
}

export function signIn(username: string, password: string): Promise<Me> {
  return ask('POST', '/v1/sessions', { body: { username, password } })
}

/** Ends a session of one's own; `current` is this one. */
export function endSession(id: string): Promise<void> {
  return tell('DELETE', `/v1/sessions/${encodeURIComponent(id)}`)
}

export function getSessions(signal: AbortSignal): Promise<SessionList> {
  return ask('GET', '/v1/sessions', { signal })
}

export function changeOwnPassword(input: { current: string; password: string }): Promise<void> {
  return tell('PUT', '/v1/me/password', input)
}

export function getTokens(signal: AbortSignal): Promise<TokenList> {
  return ask('GET', '/v1/tokens', { signal })
}

export function makeToken(input: { name: string; scopes: Permission[]; expiresInDays: number }): Promise<NewToken> {
  return ask('POST', '/v1/tokens', { body: input })
}

export function revokeToken(id: string): Promise<void> {
  return tell('DELETE', `/v1/tokens/${encodeURIComponent(id)}`)
}

export function getManagedPolls(query: { search: string; after: string | null }, signal: AbortSignal): Promise<ManagedPollList> {
  return ask('GET', `/v1/managed-polls${queryText({ ...query, limit: '20' })}`, { signal })
}

export function getOwnPoll(id: string, signal: AbortSignal): Promise<Poll> {
  return ask('GET', pollPath(id), { signal })
}

export function createPoll(input: PollInput): Promise<Poll> {
  return ask('POST', '/v1/polls', { body: input })
}

export function savePoll(id: string, input: PollInput): Promise<Poll> {
  return ask('PUT', pollPath(id), { body: input })
}

export interface PollTimes {
  opensAt: string | null
  closesAt: string | null
}

export function openPoll(id: string, times: PollTimes): Promise<Poll> {
  return ask('POST', `${pollPath(id)}/open`, { body: times })
}

export function closePoll(id: string, closesAt: string | null): Promise<Poll> {
  return ask('POST', `${pollPath(id)}/close`, { body: { closesAt } })
}

export function duplicatePoll(id: string): Promise<Poll> {
  return ask('POST', `${pollPath(id)}/duplicate`)
}

export function deletePoll(id: string): Promise<void> {
  return tell('DELETE', pollPath(id))
}

export function getCodes(pollId: string, after: string | null, signal: AbortSignal): Promise<CodeList> {
  return ask('GET', `${pollPath(pollId)}/codes${queryText({ limit: '50', after })}`, { signal })
}

export function makeCodes(pollId: string, input: { count: number } | { labels: string[] }): Promise<NewCodes> {
  return ask('POST', `${pollPath(pollId)}/codes`, { body: input, ...longWork })
}

export function revokeCode(pollId: string, codeId: string): Promise<void> {
  return tell('DELETE', `${pollPath(pollId)}/codes/${encodeURIComponent(codeId)}`)
}

export function getRoll(pollId: string, after: string | null, signal: AbortSignal): Promise<RollList> {
  return ask('GET', `${pollPath(pollId)}/voters${queryText({ limit: '50', after })}`, { signal })
}

export function addToRoll(pollId: string, usernames: string[]): Promise<RollAdded> {
  return ask('POST', `${pollPath(pollId)}/voters`, { body: { usernames }, ...longWork })
}

export function removeFromRoll(pollId: string, userId: string): Promise<void> {
  return tell('DELETE', `${pollPath(pollId)}/voters/${encodeURIComponent(userId)}`)
}

export interface UserQuery {
  search: string
  role: Role | null
  after: string | null
}

export function getUsers(query: UserQuery, signal: AbortSignal): Promise<UserList> {
  return ask('GET', `/v1/users${queryText({ ...query, limit: '50' })}`, { signal })
}

export function createUser(input: NewUserInput): Promise<User> {
  return ask('POST', '/v1/users', { body: input })
}

export function changeUser(id: string, input: UserInput): Promise<User> {
  return ask('PUT', userPath(id), { body: input })
}

export function setPassword(id: string, password: string): Promise<void> {
  return tell('PUT', `${userPath(id)}/password`, { password })
}

export function deleteUser(id: string): Promise<void> {
  return tell('DELETE', userPath(id))
}

export function importUsers(input: { csv: string; dryRun: boolean }): Promise<UserImport> {
  return ask('POST', '/v1/users/import', { body: input, ...longWork })
}

/** `before`: the number of a record; older ones follow. */
export function getAudit(before: number | null, signal: AbortSignal): Promise<AuditList> {
  return ask('GET', `/v1/audit${queryText({ limit: '50', before: before === null ? null : String(before) })}`, { signal })
}

export function getSystem(signal: AbortSignal): Promise<System> {
  return ask('GET', '/v1/system', { signal })
}

function pollPath(id: string): string {
  return `/v1/polls/${encodeURIComponent(id)}`
}

function userPath(id: string): string {
  return `/v1/users/${encodeURIComponent(id)}`
}

/** Without what is empty. */
function queryText(values: Record<string, string | null>): string {
  const query = new URLSearchParams(Object.entries(values).filter((entry): entry is [string, string] => (entry[1] ?? '') !== ''))
  return query.size === 0 ? '' : `?${query}`
}

interface Asking {
  body?: unknown
  signal?: AbortSignal
  /** Where the server has more to do than usual. */
  withinMilliseconds?: number
}

/** Thousands of rows or codes. */
const longWork = { withinMilliseconds: 120_000 }

async function ask<T>(method: string, path: string, asking: Asking = {}): Promise<T> {
  return readJson<T>(await sent(method, path, asking))
}

/** For what is answered with success alone. */
async function tell(method: string, path: string, body?: unknown): Promise<void> {
  await sent(method, path, { body })
}

function sent(method: string, path: string, { body, signal, withinMilliseconds }: Asking): Promise<Response> {
  const init: RequestInit = { method }
  if (body !== undefined) {
    init.headers = { 'Content-Type': 'application/json' }
    init.body = JSON.stringify(body)
  }
  if (signal !== undefined) init.signal = signal
  return request(path, init, withinMilliseconds)
}
