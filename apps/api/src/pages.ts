import { existsSync } from 'node:fs'
import { join, sep } from 'node:path'
import fastifyStatic from '@fastify/static'
import fastifySwaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Addresses } from './addresses.ts'
import { ProblemError } from './problems.ts'
import { pageHeaders } from './security-headers.ts'

/** The folder of the pages that were built beside this app; null where they were not. */
export function builtPages(): string | null {
  const folder = join(import.meta.dirname, '../../frontend/dist')
  return existsSync(join(folder, 'index.html')) ? folder : null
}

/** The built pages. Every file is an address of its own; other addresses of pages are answered with index.html, see {@link notFound}. */
export async function registerPages(app: FastifyInstance, pagesRoot: string): Promise<void> {
  if (!existsSync(join(pagesRoot, 'index.html'))) throw new Error(`there is no index.html in ${pagesRoot}: build the pages first`)
  await app.register(fastifyStatic, {
    root: pagesRoot,
    wildcard: false,
    cacheControl: false,
    // The build writes them: a crowd on telephones loads a third of the bytes.
    preCompressed: true,
    setHeaders(reply, path) {
      reply.headers(pageHeaders)
      // The build names these files by their content: a new content has a new name.
      const immutable = path.includes(`${sep}assets${sep}`)
      reply.header('Cache-Control', immutable ? 'public, max-age=31536000, immutable' : 'public, no-cache')
    },
  })
}

/** The pages of /docs. */
export async function registerDocs(app: FastifyInstance): Promise<void> {
  await app.register(fastifySwaggerUi, {
    routePrefix: '/docs',
    uiConfig: { docExpansion: 'list', deepLinking: true },
    staticCSP: {
      'default-src': ["'self'"],
      'img-src': ["'self'", 'data:'],
      // Swagger UI sets style attributes.
      'style-src': ["'self'", "'unsafe-inline'"],
      'frame-ancestors': ["'none'"],
      'base-uri': ["'none'"],
      'form-action': ["'none'"],
    },
  })
}

/** What happens at an address that does not exist, or does not take that method. */
export function notFound(addresses: Addresses, hasPages: boolean) {
  return (request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    const path = request.raw.url?.split('?', 1)[0] ?? '/'
    const methods = addresses.methodsOf(path)
    if (methods.length > 0 && !methods.includes(request.method)) {
      throw new ProblemError('method-not-allowed', { headers: { allow: methods.join(', ') } })
    }
    if (hasPages && isPage(request, path)) return reply.sendFile('index.html')
    throw new ProblemError('not-found')
  }
}

/** An address typed into a browser: the frontend's router knows what it means. */
function isPage(request: FastifyRequest, path: string): boolean {
  return (
    (request.method === 'GET' || request.method === 'HEAD') &&
    !path.startsWith('/v1/') &&
    !path.startsWith('/api/') &&
    (request.headers.accept?.includes('text/html') ?? false)
  )
}
