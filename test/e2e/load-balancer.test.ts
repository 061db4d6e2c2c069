import { type FSWatcher, mkdirSync, watch, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { pageHeaders, pagePolicy, securityHeaders } from '@urna/api/security-headers'
import { importBytesMax } from '@urna/contracts'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { send, until } from '../support/client.ts'
import { NginxProcess } from '../support/nginx-process.ts'
import { temporaryDirectory } from '../support/standalone-process.ts'
import { missingPrograms } from './cluster-process.ts'

interface Seen {
  readonly api: number
  readonly method: string
  readonly url: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

type Answering = (seen: Seen, response: ServerResponse) => void

/** Two apis that do as they are told, behind nginx with the configuration of deploy/nginx. */
class Balanced {
  readonly seen: Seen[] = []
  answer: Answering = () => {}
  /** Bodies and answers that did not stay in memory. */
  readonly filesWritten: string[] = []
  readonly #directory = temporaryDirectory()
  readonly #apis: Server[] = []
  readonly #watchers: FSWatcher[] = []
  #nginx: NginxProcess | null = null

  get nginx(): NginxProcess {
    if (this.#nginx === null) throw new Error('nginx is started before the first test')
    return this.#nginx
  }

  get url(): string {
    return this.nginx.url
  }

  get port(): number {
    return Number(new URL(this.url).port)
  }

  get pagesUrl(): string {
    return this.nginx.pagesUrl
  }

  get folder(): string {
    return this.#directory.path
  }

  get errors(): string {
    return this.nginx.errors
  }

  get requests(): string {
    return this.nginx.requests
  }

  async start(): Promise<void> {
    const ports = await Promise.all([0, 1].map((api) => this.#startApi(api)))
    const pages = join(this.folder, 'pages')
    mkdirSync(join(pages, 'assets'), { recursive: true })
    for (const [name, text] of [
      ['index.html', '<p>page</p>'],
      ['assets/index-1.js', 'hashed'],
      ['settings.js', 'settings'],
    ] as const) {
      writeFileSync(join(pages, name), text)
    }
    this.#nginx = await NginxProcess.start({ folder: this.folder, pages, apiPorts: ports })
    // They would be gone as soon as they are there.
    for (const name of ['client-bodies', 'answers']) {
      this.#watchers.push(watch(join(this.folder, name), (_kind, file) => this.filesWritten.push(`${name}/${file}`)))
    }
  }

  async stop(): Promise<void> {
    await this.#nginx?.stop()
    for (const watcher of this.#watchers) watcher.close()
    for (const api of this.#apis) {
      api.closeAllConnections()
      await new Promise((resolve) => api.close(resolve))
    }
    this.#directory.remove()
  }

  /** The door is shut: connections are refused. */
  async shut(api: number): Promise<() => Promise<void>> {
    const server = this.#apis[api] as Server
    const { port } = server.address() as AddressInfo
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
    return () => new Promise((resolve) => server.listen(port, '127.0.0.1', resolve))
  }

  async #startApi(api: number): Promise<number> {
    const server = createServer((request, response) => {
      let body = ''
      request.setEncoding('utf8').on('data', (text: string) => {
        body += text
      })
      request.on('end', () => {
        const seen = { api, method: request.method ?? '', url: request.url ?? '', headers: request.headers, body }
        this.seen.push(seen)
        this.answer(seen, response)
      })
    })
    this.#apis.push(server)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return (server.address() as AddressInfo).port
  }
}

const poll = '/v1/polls/0123456789abcdef'
const ballots = `${poll}/ballots`
const receipt = 'A'.repeat(67)

/** JSON that differs each time. */
function numbered(cacheControl: string, more: Record<string, string> = {}): Answering {
  let number = 0
  return (_seen, response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'cache-control': cacheControl, ...more })
    response.end(`{"number":${++number}}`)
  }
}

const isMissing = missingPrograms().includes('nginx')
const name = 'the load balancer'
describe.skipIf(isMissing)(isMissing ? `${name} (skipped: apt-get install nginx)` : name, () => {
  const balanced = new Balanced()
  beforeAll(() => balanced.start())
  afterAll(() => balanced.stop())
  beforeEach(() => {
    balanced.seen.length = 0
    balanced.answer = numbered('no-store')
  })
  /** Who failed ten times is not asked for a second. */
  async function backAgain(): Promise<void> {
    balanced.seen.length = 0
    await until(async () => {
      await post()
      return new Set(balanced.seen.map(({ api }) => api)).size === 2 ? true : null
    }, 5_000)
  }
  const post = (headers: Record<string, string> = {}) => send('POST', `${balanced.url}${ballots}`, { body: { answers: [] }, headers })

  describe('a ballot', () => {
    it('goes to one api, as it came, with the address of its sender and nothing that the sender says of it', async () => {
      expect((await post({ 'idempotency-key': 'k'.repeat(16), 'x-forwarded-for': '192.0.2.1' })).status).toBe(200)
      expect(balanced.seen).toHaveLength(1)
      expect(balanced.seen[0]).toMatchObject({ method: 'POST', url: ballots, body: '{"answers":[]}' })
      expect(balanced.seen[0]?.headers).toMatchObject({
        host: `127.0.0.1:${balanced.port}`,
        'idempotency-key': 'k'.repeat(16),
        'x-forwarded-for': '127.0.0.1',
        'x-forwarded-proto': 'http',
      })
    })

    it.each([1, 2, 3, 4])('is never sent again once an api may have read it (try %i)', async () => {
      balanced.answer = (_seen, response) => response.destroy()
      const answer = await post()
      expect(balanced.seen).toHaveLength(1)
      expect(answer.status).toBe(503)
      expect(answer.headers['retry-after']).toMatch(/^[1-5]$/)
      expect(answer.headers['content-type']).toBe('application/problem+json')
      expect(answer.headers['cache-control']).toBe('no-store')
      expect(JSON.parse(answer.text)).toMatchObject({
        type: 'urn:urna:problem:no-api-answered',
        status: 503,
        retryAfter: Number(answer.headers['retry-after']),
      })
    })

    it('is 503 before the pages give up, when an api does not answer at all', async () => {
      balanced.answer = () => {}
      const startedAt = performance.now()
      expect((await post()).status).toBe(503)
      expect(performance.now() - startedAt).toBeLessThan(9_500)
      expect(balanced.seen).toHaveLength(1)
    })

    it('goes to the other api while one takes no connections, and is 503 while none does', async () => {
      const openAgain = [await balanced.shut(0)]
      for (let count = 0; count < 20; count++) expect((await post()).status).toBe(200)
      expect(balanced.seen.map(({ api }) => api)).toEqual(Array.from({ length: 20 }, () => 1))
      openAgain.push(await balanced.shut(1))
      expect((await post()).status).toBe(503)
      for (const open of openAgain) await open()
      await backAgain()
    })

    it('is answered as the api answers: its own 502 and 504 too', async () => {
      for (const status of [502, 504]) {
        balanced.answer = (_seen, response) => response.writeHead(status).end('mine')
        expect(await post()).toMatchObject({ status, text: 'mine' })
      }
    })

    it('may have 64 KiB, and is refused in our form beyond', async () => {
      const body = (bytes: number) => ({ body: 'x'.repeat(bytes), headers: { 'content-type': 'application/json' } })
      expect((await send('POST', `${balanced.url}${ballots}`, body(65_536))).status).toBe(200)
      const refused = await send('POST', `${balanced.url}${ballots}`, body(65_537))
      expect([refused.status, refused.headers['content-type']]).toEqual([413, 'application/problem+json'])
      expect(JSON.parse(refused.text)).toMatchObject({ type: 'urn:urna:problem:body-too-large', status: 413 })
      expect((await send('POST', `${balanced.url}/v1/polls`, body(1_000_000))).status).toBe(200)
      expect(balanced.filesWritten).toEqual([])
    })

    it('may be a whole list of users, which takes its time', { timeout: 40_000 }, async () => {
      balanced.answer = (seen, response) =>
        setTimeout(() => response.end(String(seen.body.length)), seen.body.length > 5_000_000 ? 16_000 : 0)
      const list = (bytes: number) =>
        send('POST', `${balanced.url}/v1/users/import`, {
          body: 'x'.repeat(bytes),
          headers: { 'content-type': 'application/json' },
          timeoutMs: 30_000,
        })
      const most = 2 * importBytesMax + 1_024
      expect((await list(most + 1)).status).toBe(413)
      expect(await list(most)).toMatchObject({ status: 200, text: String(most) })
      expect(balanced.filesWritten).toEqual([])
    })

    it('is not how strangers read the figures of an api', async () => {
      expect((await send('GET', `${balanced.url}/metrics`)).status).toBe(404)
      expect(balanced.seen).toEqual([])
    })

    it('leaves no address, and what is asked leaves no query and no receipt, in any log', async () => {
      balanced.answer = (_seen, response) => response.destroy()
      await post()
      await send('POST', `${balanced.url}/vote`, { body: {} })
      const secret = `${balanced.url}/v1/receipts/${receipt}`
      for (const url of [
        secret,
        `${secret}?a=secret-query`,
        `${balanced.url}/V1//x/Receipts/${receipt}`,
        `${balanced.url}/users?username=secret-query`,
        `${balanced.url}/${'a'.repeat(26)}/${receipt}/x`,
      ]) {
        expect((await send('GET', url)).status).toBe(503)
      }
      balanced.answer = numbered('no-store')
      await send('GET', `${balanced.url}/wrong/${receipt}`)
      await until(async () => (balanced.requests.includes('/wrong/-') ? true : null))
      expect(balanced.requests).toMatch(/ POST \/v1\/polls\/0123456789abcdef\/ballots 503 /)
      expect(balanced.requests).toMatch(/ POST \/vote 503 /)
      expect(balanced.requests).toMatch(/ GET \/v1\/receipts\/- 503 /)
      for (const log of [balanced.requests, balanced.errors]) expect(log).not.toMatch(/AAAA|aaaa|secret-query|\?|client/)
      // Only after `api=`: which of ours was asked.
      expect(balanced.requests).not.toMatch(/(?<!api=[\d.:, -]*)\b127\.0\.0\.1/)
      expect(balanced.errors).not.toMatch(/ballots|vote/)
      await backAgain()
    })
  })

  it('keeps a large answer in memory too, while its reader is slow', async () => {
    const text = 'x'.repeat(4_000_000)
    balanced.answer = (_seen, response) => response.writeHead(200, { 'cache-control': 'no-store' }).end(text)
    const socket = connect(balanced.port, '127.0.0.1').pause()
    socket.write(`GET ${poll}/results.csv HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)
    await delay(200)
    let bytes = 0
    socket.on('data', (part) => {
      bytes += part.length
    })
    socket.resume()
    await new Promise((resolve) => socket.once('close', resolve))
    expect(bytes).toBeGreaterThan(text.length)
    expect(balanced.filesWritten).toEqual([])
  })

  describe('polls and results', () => {
    const get = (path: string, headers: Record<string, string> = {}) => send('GET', `${balanced.url}${path}`, { headers })
    let run = 0
    let path = ''
    /** What is kept is gone with its second: a test that is about one begins where enough of it is left. */
    const untilLeft = async (ms: number) => {
      if (Date.now() % 1_000 > 1_000 - ms) await delay(1_000 - (Date.now() % 1_000))
    }
    beforeEach(async () => {
      await untilLeft(500)
      path = `${poll}/results?run=${run++}`
      balanced.answer = numbered('public, no-cache', { etag: '"e"', vary: 'Origin' })
    })

    it('are asked for once a second, whoever asks', async () => {
      const answers = await Promise.all(Array.from({ length: 50 }, () => get(path)))
      expect(answers.filter(({ text }) => text === '{"number":1}').length).toBeGreaterThan(30)
      // One, where the machine is not so busy that an answer takes longer than others wait for it.
      expect(balanced.seen.length).toBeLessThan(20)
      expect((await get(path)).headers['cache-status']).toBe('load-balancer; hit')
      await delay(1_000)
      expect(await get(path)).toMatchObject({ text: '{"number":2}' })
    })

    it('are gone with the second, also when they were asked for at its end', async () => {
      await untilLeft(900)
      await delay(950 - (Date.now() % 1_000))
      await get(path)
      await delay(100)
      expect(await get(path)).toMatchObject({ text: '{"number":2}' })
    })

    it('are another answer at another address or query', async () => {
      await get(path)
      for (const other of [`${path}&b=1`, poll, '/v1/polls', '/v1/polls?limit=1', '/surveys', '/surveys/1/votes', '/api/votes'])
        await get(other)
      expect(balanced.seen).toHaveLength(8)
    })

    it.each(['cookie', 'authorization', 'urna-receipt', 'idempotency-key', 'urna-voting-code', 'urna-proof'])(
      'are asked for anew with %s, and not kept',
      async (header) => {
        await get(path)
        for (const number of [2, 3]) {
          expect(await get(path, { [header]: '0' })).toMatchObject({ text: `{"number":${number}}` })
          expect(balanced.seen.at(-1)?.headers[header]).toBe('0')
        }
        expect(await get(path)).toMatchObject({ text: '{"number":1}' })
      },
    )

    it.each(['private, no-cache', 'no-store', 'public, no-store', 'private, max-age=60', 'max-age=60', ''])(
      'are not kept when the api says "%s"',
      async (said) => {
        balanced.answer = numbered(said)
        expect([(await get(path)).text, (await get(path)).text]).toEqual(['{"number":1}', '{"number":2}'])
      },
    )

    it('are not kept with a cookie in them, nor when they are no success', async () => {
      balanced.answer = numbered('public, no-cache', { 'set-cookie': 'a=b' })
      expect([(await get(path)).text, (await get(path)).text]).toEqual(['{"number":1}', '{"number":2}'])
      balanced.answer = (_seen, response) => response.writeHead(404, { 'cache-control': 'public' }).end(String(balanced.seen.length))
      expect([(await get(path)).text, (await get(path)).text]).toEqual(['3', '4'])
    })

    it('are 304 for whoever has them, from here or from the api', async () => {
      const known = { 'if-none-match': 'W/"e"' }
      expect((await get(path)).headers.etag).toBe('"e"')
      expect(await get(path, known)).toMatchObject({ status: 304, text: '' })
      expect(await get(path, { ...known, cookie: 'a=b' })).toMatchObject({ status: 304, text: '' })
    })

    it('are told apart by Origin, as the api asks', async () => {
      balanced.answer = (seen, response) => {
        const { origin } = seen.headers
        const cors = origin === undefined ? {} : { 'access-control-allow-origin': origin }
        response.writeHead(200, { 'cache-control': 'public, no-cache', vary: 'Origin', ...cors }).end('{}')
      }
      await get(path)
      for (const origin of ['https://a.example', 'https://b.example', 'https://a.example']) {
        expect((await get(path, { origin })).headers['access-control-allow-origin']).toBe(origin)
      }
      expect((await get(path)).headers['access-control-allow-origin']).toBeUndefined()
      expect(balanced.seen).toHaveLength(3)
    })

    it('are asked of the next api when one breaks the connection', async () => {
      balanced.answer = (_seen, response) => {
        if (balanced.seen.length === 1) response.destroy()
        else numbered('public, no-cache')(_seen, response)
      }
      expect((await get(path)).status).toBe(200)
      expect(new Set(balanced.seen.map(({ api }) => api)).size).toBe(2)
    })
  })

  it('passes every event of live results on at once, and closes the stream when the reader goes', async () => {
    let out: ServerResponse | null = null
    let isClosed = false
    balanced.answer = (_seen, response) => {
      out = response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'private, no-store' })
      response.on('close', () => {
        isClosed = true
      })
      response.write('data: 1\n\n')
    }
    const socket = connect(balanced.port, '127.0.0.1')
    let received = ''
    socket.setEncoding('utf8').on('data', (text: string) => {
      received += text
    })
    socket.write(`GET ${poll}/results/live HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\n\r\n`)
    for (const event of ['data: 1', 'data: 2', 'data: 3']) {
      await until(async () => (received.includes(event) ? true : null), 2_000)
      ;(out as ServerResponse | null)?.write(`data: ${Number(event.at(-1)) + 1}\n\n`)
    }
    expect(received).toContain('text/event-stream')
    socket.destroy()
    await until(async () => (isClosed ? true : null), 2_000)
  })

  describe('the pages', () => {
    const get = (path: string, accept = 'text/html') => send('GET', `${balanced.pagesUrl}${path}`, { headers: { accept } })

    it.each(['/', '/p/0123456789abcdef', '/receipts'])('are at %s, asked for anew each time, and speak to the api only', async (path) => {
      const { status, text, headers } = await get(path)
      expect([status, text]).toEqual([200, '<p>page</p>'])
      expect(headers).toMatchObject({
        'content-type': 'text/html',
        'cache-control': 'public, no-cache',
        ...securityHeaders(null),
        ...pageHeaders,
        'content-security-policy': pagePolicy.replace("connect-src 'self'", "connect-src 'self' https://api.example"),
      })
    })

    it('keep what is named by its content for ever, and nothing that is not there', async () => {
      const { status, headers } = await get('/assets/index-1.js')
      expect([status, headers['cache-control'], headers['content-type']]).toEqual([
        200,
        'public, max-age=31536000, immutable',
        'text/javascript',
      ])
      expect((await get('/settings.js')).text).toBe('settings')
      for (const path of ['/assets/index-2.js', '/v1/polls', '/api/votes']) expect((await get(path)).status).toBe(404)
      expect((await get('/no-page.js', '*/*')).status).toBe(404)
      // A check from outside, or somebody with curl.
      expect((await get('/', '*/*')).status).toBe(200)
      expect((await get('/healthz')).text).toBe('{"message":"OK"}')
    })
  })
})
