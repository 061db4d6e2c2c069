import type { Socket } from 'node:net'
import type { ProblemName } from '@urna/contracts'
import Fastify, { type FastifyBaseLogger, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { ProblemError, problemDocument } from './problems.ts'

/** Bodies of polls; routes with smaller ones say so. */
const bodyBytesMax = 1024 * 1024

export interface ServerOptions {
  readonly trustProxy: false | string[]
  readonly handleError: (error: unknown, request: FastifyRequest, reply: FastifyReply) => void
}

/** An empty server of ours: its limits, how it reads bodies, and its one error handler. */
export function createServer({ trustProxy, handleError }: ServerOptions): FastifyInstance {
  const app = Fastify({
    // Fastify with a logger listens to the end of every response. What is worth a line is logged where it happens.
    logger: false,
    trustProxy,
    bodyLimit: bodyBytesMax,
    // Slow senders hold memory: a body of at most 1 MiB has 30 s to arrive.
    requestTimeout: 30_000,
    // Longer than the idle time of usual load balancers (60 s), so that they never send into a connection that we are closing.
    keepAliveTimeout: 72_000,
    http: { headersTimeout: 20_000 },
    routerOptions: { maxParamLength: 128 },
    // While draining, requests on open connections get our own 503 (see index.ts).
    return503OnClosing: false,
    frameworkErrors: (error, request, reply) => handleError(error, request as FastifyRequest, reply as FastifyReply),
    clientErrorHandler: answerBrokenRequest,
  })
  app.setErrorHandler((error, request, reply) => handleError(error, request, reply))
  readJsonBodies(app)
  return app as unknown as FastifyInstance
}

/** JSON and nothing else, in valid UTF-8: with bytes replaced, two different user ids could become one voter. */
function readJsonBodies(app: {
  removeAllContentTypeParsers: FastifyInstance['removeAllContentTypeParsers']
  addContentTypeParser: unknown
}): void {
  app.removeAllContentTypeParsers()
  const add = app.addContentTypeParser as FastifyInstance['addContentTypeParser']
  add.call(app as FastifyInstance, 'application/json', { parseAs: 'buffer' }, (request, bytes, done) => {
    parseJson(request, bytes as Buffer, done)
  })
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** For addContentTypeParser. */
export function parseJson(_request: FastifyRequest, bytes: Buffer, done: (error: Error | null, body?: unknown) => void): void {
  let body: unknown
  let fault: ProblemError | null = null
  try {
    // No body at all is for the route to judge: some take it.
    if (bytes.length > 0) body = JSON.parse(utf8.decode(bytes))
  } catch (error) {
    // The parser's own message quotes the body.
    fault = new ProblemError('invalid-json', { detail: error instanceof SyntaxError ? 'expected JSON' : 'expected text in UTF-8' })
  }
  done(fault, body)
}

const brokenRequests: Readonly<Record<string, { status: string; problem: ProblemName; detail: string }>> = {
  HPE_HEADER_OVERFLOW: { status: '431 Request Header Fields Too Large', problem: 'invalid-request', detail: 'expected shorter headers' },
  ERR_HTTP_REQUEST_TIMEOUT: { status: '408 Request Timeout', problem: 'invalid-request', detail: 'expected the whole request sooner' },
}

/** What is no HTTP never becomes a request: it is answered on the socket itself. */
function answerBrokenRequest(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const known = brokenRequests[error.code ?? '']
  const document = problemDocument(known?.problem ?? 'invalid-request', { detail: known?.detail ?? 'expected an HTTP request' })
  const body = JSON.stringify({ ...document, ...(known !== undefined && { status: Number(known.status.slice(0, 3)) }) })
  socket.end(
    [
      `HTTP/1.1 ${known?.status ?? '400 Bad Request'}`,
      'Content-Type: application/problem+json',
      `Content-Length: ${Buffer.byteLength(body)}`,
      'Connection: close',
      '',
      body,
    ].join('\r\n'),
  )
}

/** Closes a server: what is being answered may end within the limit, then connections are cut. */
export async function closeServer(app: FastifyInstance, limitMs: number, logger: FastifyBaseLogger): Promise<void> {
  const cut = setTimeout(() => {
    logger.warn('connections did not end in time and are cut')
    app.server.closeAllConnections()
  }, limitMs)
  try {
    await app.close()
  } finally {
    clearTimeout(cut)
  }
}
