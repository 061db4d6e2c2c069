import assert from 'node:assert/strict'
import { request } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { send } from '../../support/client.ts'
import type { Checks } from './checks.ts'
import { eventually } from './checks.ts'
import { healthOf, logsOf, output, type Place, stop, urlOf } from './engine.ts'
import { locked } from './urna-checks.ts'

/** Stands in for an api: writes down what arrives, and answers with its name, or at `/from` with who it was told is asking. A vote that is `held` it takes and never answers. */
const standIn = `
const { createServer } = require('node:http')
const name = process.env.NAME
createServer((request, response) => {
  const id = request.headers['idempotency-key']
  if (id !== undefined) console.log('got ' + id)
  request.resume().on('end', () => {
    if (request.url === '/vote' && id.startsWith('held')) return
    const { 'x-forwarded-for': address, 'x-forwarded-proto': protocol } = request.headers
    response.end(request.url === '/from' ? address + ', ' + protocol : name)
  })
}).listen(8080, () => console.log('listening'))
process.on('SIGTERM', () => process.exit())
`

interface Sent {
  readonly id: string
  readonly status: number
  readonly by: string
  readonly sinceMs: number
}

/** On a connection of its own: one that is kept may be closed by an older nginx when it reads its configuration again. */
function fetchOnce(url: string, id: string): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { method: 'POST', agent: false, headers: { 'idempotency-key': id }, timeout: 10_000 }, (incoming) => {
      let text = ''
      incoming.setEncoding('utf8').on('data', (part: string) => {
        text += part
      })
      incoming.once('end', () => resolve({ status: incoming.statusCode ?? 0, text })).once('error', reject)
    })
    outgoing.once('timeout', () => outgoing.destroy(new Error('no answer in time')))
    outgoing.once('error', reject)
    outgoing.end('{}')
  })
}

/** New connections and a fixed rate, whatever the answers are. */
class Voters {
  readonly answers: Sent[] = []
  readonly #url: string
  readonly #open: Promise<void>[] = []
  readonly #timer: NodeJS.Timeout
  #next = 0

  constructor(url: string, everyMs: number) {
    this.#url = url
    this.#timer = setInterval(() => this.#open.push(this.#send(`voter-${this.#next++}`)), everyMs)
  }

  async #send(id: string): Promise<void> {
    const sinceMs = Date.now()
    const answer = await fetchOnce(`${this.#url}/vote`, id).catch(() => null)
    this.answers.push({ id, status: answer?.status ?? 0, by: answer?.status === 200 ? answer.text : '', sinceMs })
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await Promise.all(this.#open)
  }
}

export async function loadBalancerChecks(checks: Checks, place: Place, tags: { urna: string; frontend: string }): Promise<void> {
  const network = place.name('network', 'balanced')
  await output(['network', 'create', network])
  const startApi = async (name: string) => {
    const container = await place.start(
      name,
      ...['--network', network, '--network-alias', 'api', '--env', `NAME=${name}`, '--entrypoint', 'node', tags.urna, '-e', standIn],
    )
    await eventually(
      'listening',
      () => logsOf(container),
      (text) => text.includes('listening'),
    )
    return container
  }
  const gotBy = async (name: string) =>
    (await logsOf(place.name('container', name))).split('\n').flatMap((line) => (line.startsWith('got ') ? [line.slice(4)] : []))

  const balancer = await place.start(
    'balancer',
    ...[...locked, '--network', network, '--publish', '8080', '--env', 'ROLE=load-balancer', tags.frontend],
  )
  const url = await urlOf(balancer, 8080)

  await checks.check('load balancer: starts before there is any api, and says so', async () => {
    const { status, headers, text } = await eventually(
      'answers',
      () => send('GET', `${url}/v1/polls`),
      () => true,
    )
    assert.deepEqual([status, headers['content-type']], [503, 'application/problem+json'])
    assert.match(text, /no-api-answered/)
    assert.ok(Number(headers['retry-after']) >= 1)
    return undefined
  })

  await checks.check('load balancer: of two apis one dies and a third comes; requests follow, and no POST is sent twice', async () => {
    const first = await startApi('api-1')
    await startApi('api-2')
    const names = async () => {
      const seen = await Promise.all(Array.from({ length: 20 }, () => send('GET', `${url}/who`)))
      return [...new Set(seen.map(({ status, text }) => (status === 200 ? text : String(status))))].sort()
    }
    await eventually('both answer', names, (seen) => seen.join() === 'api-1,api-2', 10_000)

    const voters = new Voters(url, 10)
    let third = 0
    try {
      await delay(1_000)
      await output(['kill', first])
      await delay(2_500)
      await startApi('api-3')
      third = Date.now()
      await delay(4_000)
    } finally {
      await voters.stop()
    }
    const { answers } = voters
    const byThird = answers.filter(({ by }) => by === 'api-3').map(({ sinceMs }) => sinceMs)
    const followedMs = Math.min(...byThird) - third
    assert.ok(followedMs < 2_000, `the third api got nothing for ${followedMs} ms`)
    const received = (await Promise.all(['api-1', 'api-2', 'api-3'].map(gotBy))).flat().filter((id) => id.startsWith('voter-'))
    assert.equal(received.length, new Set(received).size, 'a POST arrived twice')
    // 503: whoever was with the api that died. Nothing else, and no connection that breaks.
    const others = answers.filter(({ status }) => status !== 200 && status !== 503)
    assert.deepEqual(others, [])
    const refused = answers.filter(({ status }) => status === 503).length
    assert.ok(answers.length > 200, `only ${answers.length} requests`)
    assert.ok(refused <= answers.length / 100, `${refused} of ${answers.length} got 503`)
    assert.deepEqual(await names(), ['api-2', 'api-3'])
    return `${answers.length} POSTs, ${refused} of them 503; the third got its first after ${Math.max(0, followedMs)} ms`
  })

  await checks.check('load balancer: what an api took and did not answer goes to nobody else', async () => {
    const ids = ['held-1', 'held-2', 'held-3', 'held-4']
    const hold = (id: string) =>
      send('POST', `${url}/vote`, { body: '{}', headers: { 'idempotency-key': id }, timeoutMs: 15_000 }).then(
        ({ status }) => status,
        () => 'no answer',
      )
    const pending = ids.map(hold)
    await eventually(
      'taken',
      async () => (await Promise.all(['api-2', 'api-3'].map(gotBy))).flat().filter((id) => id.startsWith('held')).length,
      (count) => count === ids.length,
    )
    // While the other one is there, and would take them.
    const dying = await gotBy('api-2')
    await output(['kill', place.name('container', 'api-2')])
    const ofTheDead = pending.filter((_answer, index) => dying.includes(ids[index] ?? ''))
    assert.ok(ofTheDead.length > 0)
    assert.deepEqual([...new Set(await Promise.all(ofTheDead))], [503])
    await output(['kill', place.name('container', 'api-3')])
    assert.deepEqual(
      await Promise.all(pending),
      ids.map(() => 503),
    )
    await startApi('api-4')
    await eventually(
      'the next answers',
      () => send('GET', `${url}/who`),
      ({ text }) => text === 'api-4',
      5_000,
    )
    const received = (await Promise.all(['api-2', 'api-3', 'api-4'].map(gotBy))).flat().filter((id) => id.startsWith('held'))
    assert.deepEqual(received.sort(), ids)
    return undefined
  })

  await checks.check('load balancer: passes on what is said of the address of a visitor only behind a proxy', async () => {
    const behindProxy = await place.start(
      'behind-proxy',
      ...[...locked, '--network', network, '--publish', '8080', '--env', 'ROLE=load-balancer', '--env', 'BEHIND_PROXY=yes', tags.frontend],
    )
    const from = async (address: string) =>
      (await send('GET', `${address}/from`, { headers: { 'x-forwarded-for': '192.0.2.1', 'x-forwarded-proto': 'https' } })).text.split(', ')
    const behind = await urlOf(behindProxy, 8080)
    const told = await eventually(
      'answers',
      () => from(behind),
      (words) => words.length === 3,
    )
    assert.deepEqual([told[0], told[2]], ['192.0.2.1', 'https'])
    // The engine's own address, from which it publishes ports.
    assert.deepEqual(await from(url), [told[1], 'http'])
    const { status, stderr } = await place.run(
      ...[...locked, '--network', 'none', '--env', 'ROLE=load-balancer', '--env', 'BEHIND_PROXY=1', tags.frontend],
    )
    assert.equal(status, 2)
    assert.match(stderr, /BEHIND_PROXY: expected yes or no; got: 1/)
    return undefined
  })

  await checks.check('load balancer: goes healthy, writes no address into its log, and ends in order', async () => {
    await eventually(
      'healthy',
      () => healthOf(balancer),
      (health) => health === 'healthy',
    )
    const log = await logsOf(balancer)
    assert.match(log, /POST \/vote 200 .* api=\d/)
    assert.match(log, /the apis are now \d+\.\d+\.\d+\.\d+/)
    const requests = log.split('\n').filter((line) => / said=/.test(line))
    // Addresses of apis only, behind `api=`.
    assert.deepEqual(
      requests.filter((line) => /\d+\.\d+\.\d+\.\d+/.test(line.replace(/api=.* said=/, 'said='))),
      [],
    )
    const { status, seconds } = await stop(balancer)
    assert.equal(status, 0)
    assert.ok(seconds < 8, `${seconds} s`)
    return `${seconds.toFixed(1)} s`
  })
}
