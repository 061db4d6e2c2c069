import { randomBytes } from 'node:crypto'
import { type MasterKey, parseReceipt } from '@urna/core'
import { send, until } from './client.ts'
import type { PlantedSecret } from './planted-secrets.ts'
import { adminToken } from './standalone-process.ts'

export interface Sown {
  readonly secrets: PlantedSecret[]
  /** Polls that were made, newest last. */
  readonly pollIds: string[]
}

function mark(name: string): string {
  return `planted-${name}-${randomBytes(8).toString('hex')}`
}

/**
 * Uses an installation as people do, with something in every place that is nobody else's business, and then sends all of it to the wrong places, too.
 * Returns what must not be found. `url` may be a load balancer's.
 */
export async function sowSecrets(url: string, masterKey: MasterKey): Promise<Sown> {
  const secrets: PlantedSecret[] = [{ name: "administrator's token", value: adminToken }]
  const keep = (name: string, value: string): string => {
    secrets.push({ name, value })
    return value
  }
  const asAdministrator = { authorization: `Bearer ${adminToken}` }

  async function expectStatus(
    status: number,
    method: string,
    path: string,
    options: { body?: unknown; headers?: Record<string, string> } = {},
  ): Promise<{ headers: Record<string, string | string[] | undefined>; json: Record<string, unknown> }> {
    const answer = await send(method, `${url}${path}`, options)
    if (answer.status !== status) throw new Error(`${method} ${path.replace(/[0-9a-z]{16,}/g, '…')}: ${answer.status} ${answer.text}`)
    return { headers: answer.headers, json: answer.text === '' ? {} : (JSON.parse(answer.text) as Record<string, unknown>) }
  }
  const cookieOf = (headers: Record<string, string | string[] | undefined>): string =>
    [headers['set-cookie'] ?? []].flat().map((cookie) => cookie.split(';', 1)[0] ?? '')[0] ?? ''

  // --- A person, and how she signs in ---
  const username = keep('username', mark('username'))
  const password = keep('password', mark('password'))
  const person = {
    username,
    name: keep('name', mark('name')),
    secondName: keep('second name', mark('second-name')),
    email: keep('e-mail address', `${mark('email')}@school.example`),
    role: 'organizer',
    password,
  }
  const { json: user } = await expectStatus(201, 'POST', '/v1/users', { body: person, headers: asAdministrator })
  await expectStatus(401, 'POST', '/v1/sessions', { body: { username, password: keep('wrong password', mark('wrong-password')) } })
  // As happens: the password in the wrong field.
  await expectStatus(401, 'POST', '/v1/sessions', { body: { username: password, password } })
  await expectStatus(401, 'POST', '/v1/sessions', {
    body: { username: keep('unknown username', mark('unknown-username')), password: 'whatever it was' },
  })
  const browser = keep('browser', mark('browser'))
  const signedIn = await expectStatus(201, 'POST', '/v1/sessions', { body: { username, password }, headers: { 'user-agent': browser } })
  const session = { cookie: cookieOf(signedIn.headers) }
  keep('session cookie', session.cookie.split('=').slice(1).join('='))
  const tokenName = keep('token name', mark('token-name'))
  const { json: token } = await expectStatus(201, 'POST', '/v1/tokens', {
    body: { name: tokenName, scopes: ['polls.read'] },
    headers: session,
  })
  keep('API token', token.token as string)
  await expectStatus(200, 'GET', '/v1/managed-polls', { headers: { authorization: `Bearer ${token.token}` } })

  // --- Polls of each level, and a vote in each ---
  const optionText = keep("option's text", mark('option'))
  const pollIds: string[] = []
  async function openedPoll(access: string): Promise<string> {
    const question = { text: 'Which?', options: [{ text: optionText }, { text: 'something else' }] }
    const { json: poll } = await expectStatus(201, 'POST', '/v1/polls', {
      body: { title: `Planted, ${access}`, access, questions: [question] },
      headers: session,
    })
    const id = poll.id as string
    await expectStatus(200, 'POST', `/v1/polls/${id}/open`, { headers: session })
    // Every copy of the api learns of it within a second.
    await until(async () => ((await send('GET', `${url}/v1/polls/${id}`)).status === 200 ? true : null))
    await new Promise((resolve) => setTimeout(resolve, 1_500))
    pollIds.push(id)
    return id
  }
  const ballot = { answers: [{ question: 1, options: [1] }] }
  function keepReceipt(name: string, json: Record<string, unknown>): string {
    const receipt = keep(`receipt (${name})`, json.receipt as string)
    const parsed = parseReceipt(masterKey, receipt)
    if (parsed === null) throw new Error('a receipt that cannot be read')
    secrets.push({ name: 'voter key', value: parsed.voterKey })
    return receipt
  }

  const open = await openedPoll('open')
  const key = keep('Idempotency-Key', mark('idempotency-key'))
  const received = await expectStatus(202, 'POST', `/v1/polls/${open}/ballots`, { body: ballot, headers: { 'idempotency-key': key } })
  const receipt = keepReceipt('open', received.json)
  const voterCookie = cookieOf(received.headers)
  keep('voter cookie', voterCookie.split('=').slice(1).join('='))

  const guarded = await openedPoll('guarded')
  const guardedKey = keep('Idempotency-Key (guarded)', mark('guarded-key'))
  const { json: challenge } = await expectStatus(200, 'POST', `/v1/polls/${guarded}/challenges`, {
    headers: { 'idempotency-key': guardedKey },
  })
  // The first of an address are given one that 0 solves.
  const { algorithm, challenge: sum, salt, signature } = challenge
  const proof = keep('proof', Buffer.from(JSON.stringify({ algorithm, challenge: sum, number: 0, salt, signature })).toString('base64'))
  const guardedBallot = await expectStatus(202, 'POST', `/v1/polls/${guarded}/ballots`, {
    body: ballot,
    headers: { 'idempotency-key': guardedKey, 'urna-proof': proof },
  })
  keepReceipt('guarded', guardedBallot.json)

  const byCode = await openedPoll('code')
  const { json: made } = await expectStatus(201, 'POST', `/v1/polls/${byCode}/codes`, {
    body: { labels: [keep("code's label", mark('label'))] },
    headers: session,
  })
  const code = keep('voting code', (made.codes as { code: string }[])[0]?.code ?? '')
  secrets.push({ name: 'voting code', value: code.replaceAll('-', '') })
  const codeBallot = await expectStatus(202, 'POST', `/v1/polls/${byCode}/ballots`, { body: ballot, headers: { 'urna-voting-code': code } })
  keepReceipt('code', codeBallot.json)

  const byAccount = await openedPoll('account')
  await expectStatus(200, 'POST', `/v1/polls/${byAccount}/voters`, { body: { usernames: [username] }, headers: session })
  const accountBallot = await expectStatus(202, 'POST', `/v1/polls/${byAccount}/ballots`, { body: ballot, headers: session })
  keepReceipt('account', accountBallot.json)

  await expectStatus(200, 'POST', '/api/postVotes', { body: { userID: keep('userID', mark('userid')), vote: 'coca' } })

  // --- Looked up again, in each way ---
  await expectStatus(200, 'GET', `/v1/receipts/${receipt}`)
  await send('GET', `${url}/v1/receipts`, { headers: { 'urna-receipt': receipt } })
  await send('GET', `${url}/v1/polls/${open}/ballots/mine`, { headers: { cookie: voterCookie } })
  await send('GET', `${url}/v1/polls/${open}/results`, { headers: { 'urna-receipt': receipt, cookie: voterCookie } })

  await sendToWrongPlaces(
    url,
    secrets.flatMap(({ value }) => (typeof value === 'string' ? [value] : [])),
    open,
  )
  const changed = await expectStatus(204, 'PUT', '/v1/me/password', {
    body: { current: password, password: keep('new password', mark('new-password')) },
    headers: session,
  })
  const newSession = { cookie: cookieOf(changed.headers) }
  keep('session cookie', newSession.cookie.split('=').slice(1).join('='))
  // The first one ended with the old password.
  const { json: second } = await expectStatus(201, 'POST', '/v1/tokens', {
    body: { name: tokenName, scopes: ['polls.read'] },
    headers: newSession,
  })
  keep('API token', second.token as string)
  await expectStatus(200, 'GET', `/v1/users/${user.id as string}`, { headers: asAdministrator })
  return { secrets, pollIds }
}

/** As a broken client, a curious one, or a person in a hurry would: whatever the answer is, nothing of it may be written down. */
async function sendToWrongPlaces(url: string, values: readonly string[], pollId: string): Promise<void> {
  for (const value of values) {
    const inPath = encodeURIComponent(value)
    const requests: [method: string, path: string, options: { body?: unknown; headers?: Record<string, string> }][] = [
      ['GET', `/${inPath}`, {}],
      ['GET', `/v1/polls/${inPath}`, {}],
      ['POST', `/v1/polls/${inPath}/ballots`, { body: { answers: [] } }],
      ['GET', `/v1/receipts/${inPath}`, {}],
      ['GET', `/v1/polls?after=${inPath}`, {}],
      ['GET', `/v1/polls/${pollId}/results?${inPath}=1`, {}],
      ['GET', '/v1/users', { headers: { authorization: `Bearer ${value}` } }],
      ['GET', '/v1/me', { headers: { cookie: `urna_session=${value}; urna_voter=${value}` } }],
      ['POST', `/v1/polls/${pollId}/ballots`, { body: { answers: [{ question: 1, options: [value] }], [value]: value } }],
      ['POST', `/v1/polls/${pollId}/ballots`, { body: `{"answers": "${value}` }],
      ['POST', `/v1/polls/${pollId}/ballots`, { body: 'x', headers: { 'content-type': 'text/plain', 'urna-voting-code': value } }],
      ['POST', '/v1/sessions', { body: { username: value } }],
      ['POST', '/api/postVotes', { body: { userID: value, vote: value } }],
      ['POST', '/vote', { body: { survey_id: value, vote: value } }],
      ['DELETE', `/v1/polls/${inPath}`, {}],
      ['PATCH', `/users/${inPath}`, { body: { [value]: value } }],
    ]
    await Promise.all(requests.map(([method, path, options]) => send(method, `${url}${path}`, options).catch(() => null)))
  }
}
