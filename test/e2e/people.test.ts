import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { until } from '../support/client.ts'
import { freePort } from '../support/free-port.ts'
import { adminToken, StandaloneProcess, temporaryDirectory } from '../support/standalone-process.ts'

/** Signing in at a process as somebody would start it: real database, real passwords, real cookies. */

const password = 'a password for tests alone'
let urna: StandaloneProcess
let directory: ReturnType<typeof temporaryDirectory>
beforeAll(async () => {
  directory = temporaryDirectory()
  const environment = { ADMIN_PASSWORD: password, LOG_LEVEL: 'debug' }
  urna = await new StandaloneProcess({ dataDirectory: directory.path, port: await freePort(), environment }).ready()
})
afterAll(async () => {
  await urna.stop('SIGKILL')
  directory.remove()
})

async function ask(method: string, path: string, { cookie, token, body }: { cookie?: string; token?: string; body?: object } = {}) {
  const headers = new Headers()
  if (cookie !== undefined) headers.set('cookie', cookie)
  if (token !== undefined) headers.set('authorization', `Bearer ${token}`)
  if (body !== undefined) headers.set('content-type', 'application/json')
  const response = await fetch(`${urna.url}${path}`, { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) })
  const text = await response.text()
  return { status: response.status, headers: response.headers, json: text === '' ? null : JSON.parse(text) }
}

const signIn = (username: string, given: string) => ask('POST', '/v1/sessions', { body: { username, password: given } })
const cookieOf = ({ headers }: Awaited<ReturnType<typeof ask>>) => headers.getSetCookie()[0]?.split(';')[0] ?? ''

it('the first administrator signs in, makes an organizer, whose poll is theirs alone', async () => {
  const administrator = cookieOf(await signIn('ADMIN', password))
  const csv = 'username;role;password\nana;organizer;a long password\nbruno;organizer;a long password\n'
  expect((await ask('POST', '/v1/users/import', { cookie: administrator, body: { csv, dryRun: false } })).json.created).toBe(2)
  const [ana, bruno] = [cookieOf(await signIn('ana', 'a long password')), cookieOf(await signIn('bruno', 'a long password'))]
  const poll = { title: 'Lunch', questions: [{ text: 'Which?', options: [{ text: 'a' }, { text: 'b' }] }] }
  const { id } = (await ask('POST', '/v1/polls', { cookie: ana, body: poll })).json
  const { token } = (await ask('POST', '/v1/tokens', { cookie: ana, body: { name: 'x', scopes: ['polls.read'] } })).json
  const titles = async (who: object) => (await ask('GET', '/v1/managed-polls', who)).json.polls.map(({ title }: { title: string }) => title)
  expect([await titles({ cookie: ana }), await titles({ token }), await titles({ cookie: bruno })]).toEqual([['Lunch'], ['Lunch'], []])
  expect((await ask('POST', `/v1/polls/${id}/open`, { token, body: {} })).status).toBe(403)
  expect((await ask('POST', `/v1/polls/${id}/open`, { cookie: bruno, body: {} })).status).toBe(404)
  expect((await ask('POST', `/v1/polls/${id}/open`, { cookie: ana, body: {} })).status).toBe(200)
  const { records } = (await ask('GET', '/v1/audit', { cookie: administrator })).json
  const told = records.map(({ actor, action }: { actor: string; action: string }) => `${actor}: ${action}`)
  expect(told.slice(0, 3)).toEqual(['user 2: poll.opened', 'user 2: token.made', 'user 2: poll.created'])
  expect((await ask('GET', '/v1/system', { cookie: administrator })).json).toMatchObject({
    queue: { ok: true, consumers: 1 },
    database: { ok: true },
  })
  // Nothing secret is in what the process wrote, nor in its files.
  const written = urna.output + ['urna.db', 'urna.db-wal'].map((name) => readFileSync(join(directory.path, name), 'latin1')).join('')
  for (const secret of [token, ana.split('=')[1], password, 'a long password', adminToken])
    expect(written.includes(secret as string)).toBe(false)
})

it('of forty guesses at once three are checked, and the right password has to wait then', async () => {
  const outcomes = await Promise.all(Array.from({ length: 40 }, (_, index) => signIn('bruno', `guess ${index}`)))
  const statuses = outcomes.map(({ status }) => status)
  expect(statuses.filter((status) => status === 401).length).toBeLessThanOrEqual(3)
  expect(statuses.filter((status) => status !== 401 && status !== 429)).toEqual([])
  // Until the delay is one that a slow machine does not sleep through.
  await until(async () => (Number((await signIn('bruno', 'wrong')).headers.get('retry-after')) >= 4 ? true : null))
  const late = await signIn('bruno', 'a long password')
  expect([late.status, Number(late.headers.get('retry-after')) >= 1]).toEqual([429, true])
  expect((await signIn('admin', password)).status).toBe(201)
})
