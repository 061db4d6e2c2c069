import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'

export interface HealthServerOptions {
  readonly port: number
  readonly host: string
  /** The loop turned not long ago, whatever its dependencies did. */
  readonly isAlive: () => boolean
  /** What has to be so for this process to do its job, by name. */
  readonly readiness: () => Promise<Readonly<Record<string, { ok: boolean; detail?: string }>>>
  readonly metrics: { readonly contentType: string; text(): Promise<string> }
  /** Routes of older clients: of which entry of `readiness` `/api/healthchecksqs` and `/api/healthcheckmysql` speak. */
  readonly compatible?: Readonly<Record<'queue' | 'database', string>>
}

export interface HealthServer {
  readonly port: number
  close(): Promise<void>
}

interface Answer {
  readonly status: number
  readonly contentType?: string
  readonly body: string
}

/** The few routes of a process that serves nobody but its operators: no framework is needed for them. */
export async function startHealthServer(options: HealthServerOptions): Promise<HealthServer> {
  const server = createServer((request, response) => {
    answer(options, request)
      .catch((): Answer => json(500, { message: 'failed' }))
      .then((found) => send(request, response, found))
      .catch(() => response.destroy())
  })
  server.requestTimeout = 10_000
  await listen(server, options)
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : options.port,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeAllConnections()
      await closed
    },
  }
}

async function answer(options: HealthServerOptions, { method, url }: IncomingMessage): Promise<Answer> {
  if (method !== 'GET' && method !== 'HEAD') return json(405, { message: 'expected GET' })
  const path = url?.split('?', 1)[0] ?? ''
  switch (path) {
    case '/healthz':
      return options.isAlive() ? json(200, { message: 'OK' }) : json(503, { message: 'the loop does not turn' })
    case '/readyz': {
      const dependencies = await options.readiness()
      const ready = Object.values(dependencies).every(({ ok }) => ok)
      return json(ready ? 200 : 503, { ready, dependencies })
    }
    case '/metrics':
      return { status: 200, contentType: options.metrics.contentType, body: await options.metrics.text() }
  }
  const compatible = options.compatible === undefined ? null : compatibleCheck(options.compatible, path)
  if (compatible === null) return json(404, { message: 'there is nothing at this address' })
  const ok = (await options.readiness())[compatible.dependency]?.ok === true
  return json(ok ? 200 : 503, { [compatible.key]: ok ? 'OK' : 'NOK' })
}

function compatibleCheck(names: NonNullable<HealthServerOptions['compatible']>, path: string) {
  if (path === '/api/healthcheck' || path === '/api/healthchecksqs') return { key: 'sqsStatus', dependency: names.queue }
  return path === '/api/healthcheckmysql' ? { key: 'mysqlStatus', dependency: names.database } : null
}

function json(code: number, body: object): Answer {
  return { status: code, body: JSON.stringify(body) }
}

function send({ method }: IncomingMessage, response: ServerResponse, found: Answer): void {
  response.writeHead(found.status, {
    'content-type': found.contentType ?? 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(found.body),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...(found.status === 503 && { 'retry-after': '5' }),
    ...(found.status === 405 && { allow: 'GET, HEAD' }),
  })
  response.end(method === 'HEAD' ? undefined : found.body)
}

function listen(server: Server, { port, host }: { port: number; host: string }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.removeListener('error', reject)
      resolve()
    })
  })
}
