import { mkdirSync, writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { asAdministrator, openPoll, send, type TestPoll, until } from '../support/client.ts'
import { freePort } from '../support/free-port.ts'
import { NginxProcess } from '../support/nginx-process.ts'
import { StandaloneProcess, temporaryDirectory } from '../support/standalone-process.ts'
import { missingPrograms } from './cluster-process.ts'

/**
 * Real nginx in front of the shipped process, both as talkative as they get: whatever somebody sends, no log says from where, and none
 * holds what is only that person's.
 */

// Another address of this machine: one that stands nowhere else.
const address = '127.0.0.77'
const planted = {
  query: 'planted-query',
  cookie: `planted-cookie-${'c'.repeat(60)}`,
  code: 'PLANTEDCODE0123456789ABCDEF',
  token: 'planted-token-of-nobody',
  key: 'planted-key-of-a-voter',
  forwarded: '203.0.113.77',
  forwarded6: '2001:db8:77::77',
}

/** One request from that address, as it is written; resolves with all that comes. */
function ask(port: number, lines: readonly string[], body = ''): Promise<string> {
  return new Promise((resolve) => {
    let received = ''
    const socket = connect({ port, host: '127.0.0.1', localAddress: address }, () => {
      socket.write(
        `${[...lines, 'Host: vote.example', 'Connection: close', `Content-Length: ${Buffer.byteLength(body)}`].join('\r\n')}\r\n\r\n${body}`,
      )
    })
    socket.setEncoding('utf8').on('data', (part: string) => {
      received += part
    })
    socket.on('error', () => {})
    socket.on('close', () => resolve(received))
  })
}

const missing = missingPrograms().filter((name) => name === 'nginx')
const name = 'the logs of nginx and of the process behind it'
describe.skipIf(missing.length > 0)(missing.length === 0 ? name : `${name} (skipped: apt-get install nginx)`, () => {
  const directory = temporaryDirectory()
  let urna: StandaloneProcess
  let nginx: NginxProcess
  let poll: TestPoll
  let port = 0
  const answers: string[] = []

  beforeAll(async () => {
    const apiPort = await freePort()
    urna = await new StandaloneProcess({
      dataDirectory: join(directory.path, 'data'),
      port: apiPort,
      environment: { LOG_LEVEL: 'trace', TRUSTED_PROXIES: '127.0.0.1', REQUESTS_PER_SECOND: '10' },
    }).ready()
    const pages = join(directory.path, 'pages')
    const folder = join(directory.path, 'nginx')
    for (const made of [pages, folder]) mkdirSync(made)
    writeFileSync(join(pages, 'index.html'), '<p>page</p>')
    nginx = await NginxProcess.start({ folder, pages, apiPorts: [apiPort], connectionsMax: 24 })
    port = Number(new URL(nginx.url).port)
    poll = await openPoll(urna.url, { title: 'Logs', questions: [{ text: 'Which?', options: [{ text: 'a' }, { text: 'b' }] }] })
  }, 60_000)
  afterAll(async () => {
    await nginx.stop()
    await urna.stop()
    directory.remove()
  })

  it('say nothing of who asked, and nothing of what only they know', { timeout: 60_000 }, async () => {
    const vote = JSON.stringify({ answers: [{ question: 1, options: [1] }] })
    const taken = await send('POST', `${urna.url}/v1/polls/${poll.id}/ballots`, { body: vote, headers: { 'idempotency-key': planted.key } })
    const { receipt } = JSON.parse(taken.text) as { receipt: string }
    const [ownCookie = ''] = String(taken.headers['set-cookie']).split(';')
    const headers = [
      `X-Forwarded-For: ${planted.forwarded}, ${planted.forwarded6}`,
      `X-Real-IP: ${planted.forwarded}`,
      `Forwarded: for=${planted.forwarded}`,
      `Cookie: ${ownCookie}; a=${planted.cookie}`,
      `Urna-Voting-Code: ${planted.code}`,
      `Urna-Receipt: ${receipt}`,
      `Idempotency-Key: ${planted.key}`,
      `User-Agent: ${planted.query}`,
      `Referer: https://vote.example/?${planted.query}#${planted.code}`,
    ]
    const paths = [
      `/v1/polls/${poll.id}/ballots`,
      `/v1/polls/${poll.id}/ballots/mine?${planted.query}`,
      `/v1/polls/${poll.id}/results?${planted.query}`,
      `/v1/receipts/${receipt}`,
      `/v1/receipts/${receipt}?${planted.query}`,
      `/wrong/${planted.code}/${receipt}`,
      `/${ownCookie.slice('urna_voter='.length)}`,
      `/vote?code=${planted.code}`,
      `/%00/${planted.query.slice(0, 7)}?${planted.query}`,
      `/v1/polls?after=${planted.query}`,
    ]
    const json = 'Content-Type: application/json'
    for (const path of paths) {
      for (const method of ['GET', 'POST', 'DELETE', 'BREW']) {
        answers.push(await ask(port, [`${method} ${path} HTTP/1.1`, json, ...headers], method === 'POST' ? vote : ''))
      }
      answers.push(
        await ask(port, [`POST ${path} HTTP/1.1`, json, ...headers, `Authorization: Bearer ${planted.token}`], `{"x":"${planted.code}"`),
      )
      answers.push(await ask(port, [`POST ${path} HTTP/1.1`, json, ...headers], 'x'.repeat(1_100_000)))
      answers.push(await ask(port, [`POST ${path} HTTP/1.1`, json, ...headers, 'Origin: https://evil.example'], vote))
    }
    answers.push(await ask(port, [`GET /${'x'.repeat(40_000)} HTTP/1.1`, ...headers]), await ask(port, [`no http ${planted.code}`]))
    // More of them at once than one address may send, and than nginx has connections for.
    answers.push(...(await Promise.all(Array.from({ length: 30 }, () => ask(port, ['GET /v1/config HTTP/1.1', ...headers])))))
    const held: Socket[] = []
    for (let count = 0; count < 60; count++) {
      const socket = connect({ port, host: '127.0.0.1', localAddress: address })
      socket.on('error', () => {})
      const head = [`POST /vote?${planted.query} HTTP/1.1`, 'Host: x', json, ...headers, 'Content-Length: 2']
      socket.write(`${head.join('\r\n')}\r\n\r\n{`)
      held.push(socket)
    }
    // Taken in first, and all done then: nginx has no connection left to the process behind it, and says so at its level alert.
    await delay(300)
    for (const socket of held) socket.write('}')
    await delay(500)
    for (const socket of held) socket.destroy()
    // The process behind it goes away in the middle of it all.
    await urna.stop('SIGKILL')
    answers.push(await ask(port, [`GET /v1/receipts/${receipt}?${planted.query} HTTP/1.1`, ...headers]))
    await until(async () => (/ 503 /.test(nginx.requests) ? true : null))

    // It was all of that: refused, too many, too large, taken.
    const statuses = new Set(answers.map((answer) => answer.slice(9, 12)))
    for (const status of ['202', '200', '400', '403', '404', '405', '413', '429', '503']) expect([...statuses]).toContain(status)
    expect(nginx.requests.split('\n').length).toBeGreaterThan(100)
    const logs = { requests: nginx.requests.replaceAll(/api=[\d.:, -]+/g, 'api='), errors: nginx.errors, process: urna.output }
    const secrets = [
      address,
      ...Object.values(planted),
      receipt,
      ownCookie.slice('urna_voter='.length),
      asAdministrator.authorization.slice(7),
    ]
    for (const [log, text] of Object.entries(logs)) {
      for (const secret of secrets)
        expect([log, secret, text.split('\n').filter((line) => line.includes(secret))]).toEqual([log, secret, []])
      expect([log, text.split('\n').filter((line) => /client: |request: |\?/.test(line))]).toEqual([log, []])
    }
  })
})
