import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { extname, join, resolve, sep } from 'node:path'

const types: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
}

export interface PageServer {
  readonly url: string
  /** What /settings.js says; null: the file of the build. */
  settings: string | null
  close(): Promise<void>
}

/** Serves built pages at an address of their own, as a web server in front of them would: nothing of the api is here. */
export async function servePages(folder: string, options: { port: number; apiUrl: string }): Promise<PageServer> {
  const root = resolve(folder)
  let settings: string | null = null
  const server = createServer(async (request, response) => {
    const path = new URL(request.url ?? '/', 'http://localhost').pathname
    const file = join(root, path)
    const found = file.startsWith(root + sep) && extname(file) !== '' && existsSync(file) ? file : join(root, 'index.html')
    response.setHeader('content-type', types[extname(found)] ?? 'application/octet-stream')
    response.setHeader('content-security-policy', `default-src 'self'; connect-src 'self' ${options.apiUrl}`)
    response.end(path === '/settings.js' && settings !== null ? settings : await readFile(found))
  })
  await new Promise<void>((resolveListening) => server.listen(options.port, '127.0.0.1', resolveListening))
  return {
    url: `http://127.0.0.1:${options.port}`,
    get settings() {
      return settings
    },
    set settings(text) {
      settings = text
    },
    close() {
      server.closeAllConnections()
      return new Promise((resolveClosed) => server.close(() => resolveClosed()))
    },
  }
}
