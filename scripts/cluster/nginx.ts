import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type ClusterFolder, writeWhole } from './folder.ts'
import type { ProcessPlan } from './supervised.ts'

export interface NginxOptions {
  readonly port: number
  readonly pagesPort: number
  readonly folder: ClusterFolder
  readonly program: string
  /** Of the project. */
  readonly repository: string
  readonly environment: Readonly<Record<string, string>>
}

const templates = ['load-balancer', 'pages'] as const

/** Writes nginx's configuration out of deploy/nginx, as a container's start does, and says how nginx is started. */
export function planNginx({ port, pagesPort, folder, program, repository, environment }: NginxOptions): ProcessPlan {
  const home = folder.subfolder('nginx')
  folder.subfolder('nginx/conf.d')
  const values: Record<string, string> = {
    NGINX_FOLDER: home,
    LISTEN: `127.0.0.1:${port}`,
    API_SERVERS: `include ${join(home, 'apis.conf')};`,
    // Nobody is in front of it.
    FORWARDED_FOR: '$remote_addr',
    FORWARDED_PROTO: '$scheme',
    WORKERS: 'auto',
    // A file: what a program in Node calls a pipe cannot be opened by its name /dev/stdout.
    REQUEST_LOG: requestLog(folder),
    PAGES_LISTEN: `127.0.0.1:${pagesPort}`,
    PAGES_ROOT: join(repository, 'apps/frontend/dist'),
    PAGES_SETTINGS: join(home, 'settings.js'),
    API_ORIGINS: originsOf(port).join(' '),
  }
  for (const name of templates) writeWhole(join(home, 'conf.d', `${name}.conf`), filledIn(repository, `${name}.conf`, values))
  writeWhole(join(home, 'nginx.conf'), filledIn(repository, 'nginx.conf', values))
  // The same name as that of the pages: a browser keeps the voter's cookie from another site.
  writeWhole(join(home, 'settings.js'), `globalThis.urnaSettings = { apiUrl: 'http://' + location.hostname + ':${port}' }\n`)
  const user = process.getuid?.() === 0 ? 'user root; ' : ''
  return {
    name: 'nginx',
    command: [program, '-e', 'stderr', '-c', join(home, 'nginx.conf'), '-g', `${user}daemon off;`],
    environment,
    workingDirectory: home,
    isReady: async () => (await fetch(`http://127.0.0.1:${pagesPort}/healthz`)).ok,
    readyWithinMs: 10_000,
    stopSignal: 'SIGQUIT',
    // Open streams of live results are cut after five seconds.
    stopWithinMs: 8_000,
    shows: (line) => line,
  }
}

export function requestLog(folder: ClusterFolder): string {
  return folder.at('logs', 'requests.log')
}

function filledIn(repository: string, name: string, values: Readonly<Record<string, string>>): string {
  const template = readFileSync(join(repository, 'deploy/nginx', `${name}.template`), 'utf8')
  return template.replaceAll(/\$\{([A-Z_]+)\}/g, (_match, variable: string) => {
    const value = values[variable]
    if (value === undefined) throw new Error(`${name}.template: nothing for ${variable}`)
    return value
  })
}

/** The list of apis that the load balancer knows; it reads it when it starts and when it is told so (SIGHUP). */
export function writeApiList(folder: ClusterFolder, ports: readonly number[]): void {
  const lines = ports.map((port) => `server 127.0.0.1:${port} max_fails=10 fail_timeout=1s;\n`)
  folder.subfolder('nginx')
  writeWhole(folder.at('nginx', 'apis.conf'), lines.join(''))
}

/** Of something that is reached by both names of this machine. */
export function originsOf(port: number): string[] {
  return [`http://localhost:${port}`, `http://127.0.0.1:${port}`]
}
