import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import type { IncomingHttpHeaders } from 'node:http'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { connect } from 'node:tls'
import { makeCertificates } from '../servers/support/certificates.ts'
import { getJson, send, until } from '../support/client.ts'
import { freePort } from '../support/free-port.ts'
import { exitOnSignals, repository } from '../support/standalone-process.ts'
import { ComposeProject, whyNoCompose } from './compose-project.ts'
import { engineHost } from './container-engine.ts'

/**
 * The other ways to start it that deploy/compose has, each from nothing: one container; https; SQS; networks and a volume of somebody
 * else. Somebody votes, it is counted, and everything is taken down.
 *
 *     node test/deploy/smoke-variants.ts [names]      (all of them)
 *
 * About four minutes, once the images are there.
 */

const host = engineHost()
const cluster = ['compose.cluster.yaml']
const few = { APIS: '1', CONSUMERS: '1', REQUESTS_PER_SECOND: 'off' }
/** nginx looks every ten seconds; what it finds between the two files is no pair, and it waits for the next look. */
const newCertificateWithinMs = 45_000

interface Variant {
  readonly name: string
  run(): Promise<void>
}

function demand(holds: boolean, words: string): asserts holds {
  if (!holds) throw new Error(words)
}

async function project(
  name: string,
  files: readonly string[],
  variables: Record<string, string>,
  { isWell = true } = {},
): Promise<ComposeProject> {
  const made = new ComposeProject({
    name: `${process.env.COMPOSE_PROJECT_NAME || 'urna-smoke'}-${name}-${randomBytes(3).toString('hex')}`,
    files,
    variables,
  })
  await made.build()
  await (isWell ? made.up() : made.start())
  return made
}

/** Every published port, free on this machine. */
async function ports(): Promise<Record<'URNA_PORT' | 'LOAD_BALANCER_PORT' | 'FRONTEND_PORT' | 'HTTPS_PORT' | 'HTTP_PORT', string>> {
  const address = host === '127.0.0.1' ? '127.0.0.1' : '0.0.0.0'
  const names = [
    'URNA_PORT',
    'LOAD_BALANCER_PORT',
    'FRONTEND_PORT',
    'METRICS_PORT',
    'PRIMARY_PORT',
    'REPLICA_PORT',
    'HTTPS_PORT',
    'HTTP_PORT',
  ]
  const found = []
  for (const name of names) found.push([name, `${address}:${await freePort()}`])
  return Object.fromEntries(found)
}

function at(published: string, scheme = 'http'): string {
  return `${scheme}://${host}:${published.split(':').at(-1)}`
}

/** As the oldest of the apis does it: the demo poll, a user, a word. */
async function voteAndSeeItCounted(base: string): Promise<void> {
  const answer = await send('POST', `${base}/api/postVotes`, { body: { userID: 'somebody', vote: 'coca' } })
  demand(answer.status === 200 && answer.text.includes('200'), `the vote was not taken: ${answer.status} ${answer.text}`)
  await seeItCounted(base)
}

async function seeItCounted(base: string): Promise<void> {
  await until(async () => {
    const answer = await send('GET', `${base}/api/votes`).catch(() => null)
    return answer?.status === 200 && answer.text.includes('"coca":"1"') ? true : null
  }, 30_000)
}

const standalone: Variant = {
  name: 'standalone',
  async run() {
    const chosen = await ports()
    const base = at(chosen.URNA_PORT)
    const made = await project('one', ['compose.yaml'], { ...chosen, REQUESTS_PER_SECOND: 'off', EXPORT_EVERY: '*/2 * * * * *' })
    await voteAndSeeItCounted(base)
    const page = await send('GET', `${base}/`, { headers: { accept: 'text/html' } })
    demand(page.status === 200 && page.text.includes('<html'), `the pages: ${page.status}`)
    demand((await made.exec('urna', ['cat', '/data/first-run.txt'])).includes('Password of the user admin'), 'no first-run.txt')
    const container = await made.containerOf('urna')
    const startedAt = () => made.docker(['inspect', '-f', '{{.State.StartedAt}}', container])
    const before = await startedAt()
    await made.exec('urna', ['/bin/sh', '-c', 'kill -9 $(cat /proc/1/task/1/children)']).catch(() => {})
    await until(async () => ((await startedAt()) === before ? null : true), 30_000)
    await seeItCounted(base)
    await until(async () => ((await made.exec('urna', ['/bin/sh', '-c', 'cat /exports/*.csv'])).includes(',coca,1,') ? true : null))
    await made.run(['stop'])
    await made.run(['start'])
    await seeItCounted(base)
    await made.down()
  },
}

const tls: Variant = {
  name: 'tls',
  async run() {
    const chosen = await ports()
    const name = 'vote.test'
    const publicUrl = `https://${name}:${chosen.HTTPS_PORT.split(':').at(-1)}`
    const folders = [makeCertificates(name), makeCertificates(name)] as const
    // Not well before there is a certificate.
    const variables = { ...few, ...chosen, PUBLIC_URL: publicUrl }
    const made = await project('tls', [...cluster, 'compose.tls.yaml'], variables, { isWell: false })
    try {
      const plain = await until(() => send('POST', `${at(chosen.HTTP_PORT)}/v1/anything?a=b`, { body: {} }).catch(() => null))
      demand(
        plain.status === 308 && plain.headers.location === `${publicUrl}/v1/anything?a=b`,
        `http: ${plain.status} ${plain.headers.location}`,
      )
      for (const port of [chosen.LOAD_BALANCER_PORT, chosen.FRONTEND_PORT]) {
        demand((await send('GET', at(port)).catch(() => null)) === null, `port ${port} is published beside https`)
      }
      // What the engine asks; it would say "starting" for a while in any case.
      const isWell = await made.exec('tls', ['urna-frontend', 'health']).then(
        () => true,
        () => false,
      )
      demand(!isWell, 'https is called healthy without a certificate')
      for (const [index, folder] of folders.entries()) {
        await putCertificate(made, folder)
        const ask = (path: string, options: Asked = {}) => askByTls(`${at(chosen.HTTPS_PORT, 'https')}${path}`, publicUrl, folder, options)
        await until(async () => ((await ask('/').catch(() => null))?.status === 200 ? true : null), newCertificateWithinMs)
        // For a moment those that have the old one take connections too.
        await delay(2_000)
        const page = await ask('/')
        demand(page.text.includes('<div id=') && page.headers['strict-transport-security'] !== undefined, 'the pages by https')
        demand((await ask('/settings.js')).text.includes("apiUrl: ''"), 'the pages do not look for the api at their own address')
        const vote = await ask('/api/postVotes', { body: { userID: 'somebody', vote: 'coca' }, headers: { origin: publicUrl } })
        demand(vote.status === 200, `the vote by https: ${vote.status} ${vote.text}`)
        // 1 by the user, who is the same each time, and 1 by each earlier ballot.
        await until(async () => ((await ask('/api/votes')).text.includes(`"coca":"${1 + index}"`) ? true : null))
        const { polls } = JSON.parse((await ask('/v1/polls')).text) as { polls: { id: string; surveyId: number }[] }
        const poll = polls.find(({ surveyId }) => surveyId === 1)
        const ballot = await ask(`/v1/polls/${poll?.id}/ballots`, { body: { answers: [{ question: 1, options: [1] }] } })
        demand(ballot.status === 202, `the ballot by https: ${ballot.status} ${ballot.text}`)
        const [cookie = ''] = ballot.headers['set-cookie'] ?? []
        demand(/^__Host-[^;]+;.*; Secure/.test(cookie), `the cookie by https: ${cookie.replace(/=[^;]*/, '=...')}`)
      }
      await until(async () => ((await made.health('tls')) === 'healthy' ? true : null), 30_000)
      await made.down()
    } finally {
      for (const folder of folders) rmSync(folder, { recursive: true })
    }
  },
}

/** No certificate at first, and an authority to ask. */
const acme: Variant = {
  name: 'acme',
  async run() {
    const chosen = await ports()
    const publicUrl = `https://vote.test:${chosen.HTTPS_PORT.split(':').at(-1)}`
    const files = [...cluster, 'compose.tls.yaml', join(import.meta.dirname, 'acme-authority.yaml')]
    const made = await project('acme', files, { ...few, ...chosen, PUBLIC_URL: publicUrl, COMPOSE_PROFILES: 'acme' })
    const issuer = await until(() => issuerAt(at(chosen.HTTPS_PORT, 'https'), 'vote.test').catch(() => null), 90_000).catch(async () => {
      throw new Error(`no certificate came:\n${await made.run(['logs', '--no-color', 'acme', 'authority', 'tls'])}`)
    })
    demand(/^Pebble Intermediate/.test(issuer), `the certificate is signed by ${issuer}`)
    await made.down()
  },
}

/** Who signed the certificate for `name` there. */
function issuerAt(url: string, name: string): Promise<string> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname, port: Number(port), servername: name, rejectUnauthorized: false, timeout: 5_000 }, () => {
      const { issuer, subjectaltname } = socket.getPeerCertificate()
      socket.destroy()
      if (subjectaltname === `DNS:${name}`) resolve(String(issuer.CN))
      else reject(new Error(`a certificate for ${subjectaltname}`))
    })
    socket.on('timeout', () => socket.destroy(new Error('no answer in time')))
    socket.on('error', reject)
  })
}

interface Asked {
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

/** Believes nobody but the authority in `folder`. */
function askByTls(url: string, publicUrl: string, folder: string, { body, headers }: Asked) {
  const { host: name, hostname: servername } = new URL(publicUrl)
  return new Promise<{ status: number; headers: IncomingHttpHeaders; text: string }>((resolve, reject) => {
    const outgoing = request(
      url,
      {
        method: body === undefined ? 'GET' : 'POST',
        agent: false,
        ca: readFileSync(join(folder, 'ca.pem')),
        servername,
        timeout: 10_000,
        headers: { host: name, accept: 'text/html, application/json', 'content-type': 'application/json', ...headers },
      },
      (incoming) => {
        let text = ''
        incoming.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk
        })
        incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, text }))
      },
    )
    outgoing.on('timeout', () => outgoing.destroy(new Error('no answer in time')))
    outgoing.on('error', reject)
    outgoing.end(body === undefined ? undefined : JSON.stringify(body))
  })
}

/** Into the volume, as a person would copy files into a folder: also where the engine is another machine. */
async function putCertificate(made: ComposeProject, folder: string): Promise<void> {
  const container =
    (await made.run(['run', '-d', '--rm', '--no-deps', '-v', 'certificates:/new', '--entrypoint', 'sleep', 'tls', '60']))
      .split('\n')
      .at(-1) ?? ''
  try {
    await made.docker(['cp', join(folder, 'server.key'), `${container}:/new/privkey.pem`])
    await made.docker(['exec', '-u', '0', container, 'chmod', '0644', '/new/privkey.pem'])
    await made.docker(['cp', join(folder, 'server.pem'), `${container}:/new/fullchain.pem`])
  } finally {
    await made.docker(['rm', '-f', container])
  }
}

const sqs: Variant = {
  name: 'sqs',
  async run() {
    const chosen = await ports()
    const { devDependencies } = getPackage()
    const files = [...cluster, 'compose.sqs.yaml', join(import.meta.dirname, 'sqs-emulator.yaml')]
    const made = await project('sqs', files, {
      ...few,
      ...chosen,
      FAUXQS_VERSION: devDependencies.fauxqs ?? '',
      SQS_ENDPOINT: 'http://sqs:4566',
      AWS_REGION: 'sa-east-1',
      // Anybody may do everything there; only their form is looked at.
      AWS_ACCESS_KEY: 'A'.repeat(20),
      AWS_SECRET_KEY: 'a'.repeat(40),
    })
    const services = (await made.run(['ps', '--services'])).split('\n')
    demand(!services.includes('redis'), 'Redis runs beside SQS')
    await voteAndSeeItCounted(at(chosen.LOAD_BALANCER_PORT))
    const { sqsStatus } = await getJson<{ sqsStatus: string }>(`${at(chosen.LOAD_BALANCER_PORT)}/api/healthcheck`)
    demand(sqsStatus === 'OK', `the api says of its queue: ${sqsStatus}`)
    await made.down()
  },
}

function getPackage(): { devDependencies: Record<string, string> } {
  return JSON.parse(readFileSync(join(repository, 'packages/queue/package.json'), 'utf8')) as { devDependencies: Record<string, string> }
}

const external: Variant = {
  name: 'external',
  async run() {
    const chosen = await ports()
    const name = `${process.env.COMPOSE_PROJECT_NAME || 'urna-smoke'}-${randomBytes(3).toString('hex')}`
    const names = { FRONTEND_NETWORK: `${name}-frontend`, BACKEND_NETWORK: `${name}-backend`, DATA_VOLUME: `${name}-data` }
    const folder = mkdtempSync(join(tmpdir(), 'urna-data-'))
    const made = new ComposeProject({ name, files: [...cluster, 'compose.external.yaml'], variables: { ...few, ...chosen, ...names } })
    try {
      await made.docker(['network', 'create', names.FRONTEND_NETWORK])
      await made.docker(['network', 'create', '--internal', names.BACKEND_NETWORK])
      const options = ['--opt', 'type=none', '--opt', 'o=bind', '--opt', `device=${folder}`]
      await made.docker(['volume', 'create', '--driver', 'local', ...options, names.DATA_VOLUME])
      await made.build()
      await made.up()
      await voteAndSeeItCounted(at(chosen.LOAD_BALANCER_PORT))
      await made.down()
      // Neither is ours to remove.
      await made.docker(['network', 'inspect', names.FRONTEND_NETWORK, names.BACKEND_NETWORK])
      await made.docker(['volume', 'inspect', names.DATA_VOLUME])
    } finally {
      await made.down().catch(() => {})
      await made.docker(['volume', 'rm', '-f', names.DATA_VOLUME]).catch(() => {})
      await made.docker(['network', 'rm', names.FRONTEND_NETWORK, names.BACKEND_NETWORK]).catch(() => {})
      rmSync(folder, { recursive: true, force: true })
    }
  },
}

exitOnSignals()
const variants = [standalone, tls, acme, sqs, external]
const wanted = process.argv.slice(2)
const unknown = wanted.filter((name) => !variants.some((variant) => variant.name === name))
if (unknown.length > 0) {
  console.error(`There is no ${unknown.join(', ')}. There are: ${variants.map(({ name }) => name).join(', ')}`)
  process.exit(1)
}
const why = whyNoCompose()
if (why !== null) {
  console.log(`SKIPPED: ${why}\n0 passed, 0 failed, 1 skipped`)
  process.exit(0)
}
let failed = 0
const chosen = variants.filter(({ name }) => wanted.length === 0 || wanted.includes(name))
for (const variant of chosen) {
  const beganMs = performance.now()
  const problem = await variant.run().then(
    () => null,
    (error: Error) => error.message,
  )
  console.log(`${variant.name}: ${problem === null ? 'ok' : `FAILED ${problem}`} (${((performance.now() - beganMs) / 1_000).toFixed(0)} s)`)
  if (problem !== null) failed++
}
console.log(`smoke-variants: ${chosen.length - failed} passed, ${failed} failed`)
process.exit(failed === 0 ? 0 : 1)
