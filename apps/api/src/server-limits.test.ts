import { connect, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type TestApi, testApi } from './testing/test-api.ts'

/** What a connection may ask for, over a real socket. Limits and times are small ones; the defaults are in server.ts. */

let api: TestApi
let port: number
let ballots: string
beforeAll(async () => {
  api = await testApi({
    serverLimits: {
      connectionsMax: 5,
      headerBytesMax: 12 * 1024,
      headersTimeoutMs: 300,
      requestTimeoutMs: 600,
      timeoutsCheckedEveryMs: 50,
    },
  })
  ballots = `/v1/polls/${api.addPoll().id}/ballots`
  await api.app.listen({ port: 0, host: '127.0.0.1' })
  port = (api.app.server.address() as { port: number }).port
})
afterAll(() => api.app.close())
beforeEach(async () => {
  while ((await openConnections()) > 0) await delay(5)
})

const openConnections = () =>
  new Promise<number>((resolve, reject) =>
    api.app.server.getConnections((error, count) => (error === null ? resolve(count) : reject(error))),
  )

/** Sends these bytes and gives back all that comes until the server closes, and when. */
function exchange(text: string): Promise<{ received: string; afterMs: number }> {
  const startedMs = performance.now()
  return new Promise((resolve) => {
    let received = ''
    const socket = connect(port, '127.0.0.1', () => socket.write(text))
    socket.setEncoding('utf8').on('data', (part: string) => {
      received += part
    })
    socket.on('error', () => {})
    socket.on('close', () => resolve({ received, afterMs: performance.now() - startedMs }))
  })
}

const head = (lines: readonly string[], path = '/v1/config', method = 'GET') =>
  `${[`${method} ${path} HTTP/1.1`, 'Host: x', 'Connection: close', ...lines].join('\r\n')}\r\n\r\n`
const fillers = (count: number) => Array.from({ length: count }, (_, index) => `X-${index}: 1`)
const post = (lines: readonly string[]) => `${head(['Content-Type: application/json', 'Content-Length: 2', ...lines], ballots, 'POST')}{}`

describe('limits of a connection', () => {
  it('takes so many bytes of headers, and no more', async () => {
    expect((await exchange(head([`X-Long: ${'x'.repeat(12_000)}`]))).received).toMatch(/^HTTP\/1\.1 200 /)
    expect((await exchange(head([`X-Long: ${'x'.repeat(12_500)}`]))).received).toMatch(/^HTTP\/1\.1 431 /)
  })

  it.each([101, 102, 200, 1_500])('refuses %i headers instead of overlooking the last ones', async (count) => {
    // Origin comes last: a server that leaves out what is too much would see no page's request.
    const lines = (others: number) => [...fillers(count - others - 1), 'Origin: https://evil.example']
    // Beyond our own limit Node refuses by itself, of some number on.
    for (const text of [post(lines(4)), head(lines(2))]) {
      const { received } = await exchange(text)
      expect(received).toMatch(/^HTTP\/1\.1 (400|431) /)
      if (count === 101) expect(received).toContain('expected at most 100 headers')
    }
    expect(api.published).toEqual([])
  })

  it('takes 100 headers', async () => {
    expect((await exchange(head(fillers(98)))).received).toMatch(/^HTTP\/1\.1 200 /)
    expect((await exchange(post([...fillers(95), 'Origin: https://evil.example']))).received).toContain('origin-refused')
  })

  it.each(['/v1/polls', '/nothing', '/v1/polls/x/ballots'])('takes no addresses longer than 2,048 characters at %s', async (path) => {
    const method = path.endsWith('ballots') ? 'POST' : 'GET'
    const long = (length: number) => `${path}?${'x'.repeat(length - path.length - 1)}`
    const body = method === 'POST' ? ['Content-Type: application/json', 'Content-Length: 2'] : []
    const ask = async (length: number) => (await exchange(head(body, long(length), method) + (method === 'POST' ? '{}' : ''))).received
    expect(await ask(2_049)).toContain('expected at most 2048 characters')
    expect(await ask(2_048)).not.toContain('expected at most 2048 characters')
  })

  it('ends a request whose headers do not come', async () => {
    const { received, afterMs } = await exchange('GET /v1/config HTTP/1.1\r\nHost: x\r\nX-Slow: ')
    expect(received).toMatch(/^HTTP\/1\.1 408 /)
    expect(afterMs).toBeGreaterThan(250)
    expect(afterMs).toBeLessThan(5_000)
  })

  it('ends a request whose body does not come, however slowly it drips', async () => {
    const startedMs = performance.now()
    let socket: Socket | undefined
    const received = await new Promise<string>((resolve) => {
      let text = ''
      socket = connect(port, '127.0.0.1', () => {
        socket?.write(head(['Content-Type: application/json', 'Content-Length: 1000'], ballots, 'POST'))
      })
      const drip = setInterval(() => socket?.write(' '), 50)
      socket.setEncoding('utf8').on('data', (part: string) => {
        text += part
      })
      socket.on('error', () => {})
      socket.on('close', () => {
        clearInterval(drip)
        resolve(text)
      })
    })
    expect(received).toMatch(/^HTTP\/1\.1 408 /)
    expect(performance.now() - startedMs).toBeLessThan(5_000)
    expect(api.published).toEqual([])
  })

  it('closes connections beyond the limit at once, says so once, and takes new ones when others go', async () => {
    const held = await Promise.all(
      Array.from(
        { length: 5 },
        () =>
          new Promise<Socket>((resolve) => {
            const socket = connect(port, '127.0.0.1', () => resolve(socket))
            socket.on('error', () => {})
          }),
      ),
    )
    while ((await openConnections()) < 5) await delay(5)
    for (let time = 0; time < 3; time++) expect((await exchange(head([]))).received).toBe('')
    expect(api.log.filter(({ level }) => level === 'warn')).toMatchObject([{ fields: { connectionsMax: 5 } }])
    for (const socket of held) socket.destroy()
    while ((await openConnections()) > 0) await delay(5)
    expect((await exchange(head([]))).received).toMatch(/^HTTP\/1\.1 200 /)
  })
})
