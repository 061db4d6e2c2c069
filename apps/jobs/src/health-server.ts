import { createServer, type IncomingMessage } from 'node:http'

export interface HealthServerOptions {
  readonly port: number
  readonly host: string
  /** The loop turned not long ago, whatever its dependencies did. */
  readonly isAlive: () => boolean
  /** What has to be so for this process to do its job, by name. */
  readonly readiness: () => Promise<Readonly<Record<string, { ok: boolean; detail?: string }>>>
  readonly metrics: { readonly contentType: string; text(): Promise<string> }
}

export interface HealthServer {
  readonly port: number
  close(): Promise<void>
}

interface Answer {
  readonly status: number
  readonly contentType: string
  readonly body: string
}

/** `/healthz`, `/readyz` and `/metrics`, and nothing else. */
export async function startHealthServer(options: HealthServerOptions): Promise<HealthServer> {
  const server = createServer((request, response) => {
    answer(options, request)
      .catch(() => json(500, { message: 'failed' }))
      .then(({ status, contentType, body }) => {
        const headers = { 'content-type': contentType, 'content-length': Buffer.byteLength(body), 'cache-control': 'no-store' }
        response.writeHead(status, headers).end(request.method === 'HEAD' ? undefined : body)
      })
      .catch(() => response.destroy())
  })
  server.requestTimeout = 10_000
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port, options.host, resolve)
  })
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
  switch (url?.split('?', 1)[0]) {
    case '/healthz':
      return options.isAlive() ? json(200, { message: 'OK' }) : json(503, { message: 'the loop does not turn' })
    case '/readyz': {
      const dependencies = await options.readiness()
      const ready = Object.values(dependencies).every(({ ok }) => ok)
      return json(ready ? 200 : 503, { ready, dependencies })
    }
    case '/metrics':
      return { status: 200, contentType: options.metrics.contentType, body: await options.metrics.text() }
    default:
      return json(404, { message: 'there is nothing at this address' })
  }
}

function json(status: number, body: object): Answer {
  return { status, contentType: 'application/json; charset=utf-8', body: JSON.stringify(body) }
}
