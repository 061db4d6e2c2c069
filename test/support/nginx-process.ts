import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { send, until } from './client.ts'
import { freePort } from './free-port.ts'
import { repository } from './standalone-process.ts'

export interface NginxOptions {
  /** An empty folder, where its configuration and its logs go. */
  readonly folder: string
  /** The folder of the pages. */
  readonly pages: string
  readonly apiPorts: readonly number[]
  /** Of each of its workers. Default: as in the template. */
  readonly connectionsMax?: number
}

/** A real nginx with the configuration of deploy/nginx. */
export class NginxProcess {
  readonly url: string
  readonly pagesUrl: string
  readonly #folder: string
  readonly #child: ChildProcess

  private constructor(child: ChildProcess, folder: string, port: number, pagesPort: number) {
    this.#child = child
    this.#folder = folder
    this.url = `http://127.0.0.1:${port}`
    this.pagesUrl = `http://127.0.0.1:${pagesPort}`
  }

  static async start({ folder, pages, apiPorts, connectionsMax }: NginxOptions): Promise<NginxProcess> {
    const port = await freePort()
    const pagesPort = await freePort()
    mkdirSync(join(folder, 'conf.d'))
    const values: Record<string, string> = {
      NGINX_FOLDER: folder,
      LISTEN: `127.0.0.1:${port}`,
      API_SERVERS: apiPorts.map((apiPort) => `server 127.0.0.1:${apiPort} max_fails=10 fail_timeout=1s;`).join(' '),
      FORWARDED_FOR: '$remote_addr',
      FORWARDED_PROTO: '$scheme',
      WORKERS: 'auto',
      REQUEST_LOG: join(folder, 'requests'),
      PAGES_LISTEN: `127.0.0.1:${pagesPort}`,
      PAGES_ROOT: pages,
      PAGES_SETTINGS: join(pages, 'settings.js'),
      API_ORIGINS: 'https://api.example',
    }
    for (const file of ['nginx.conf', 'conf.d/load-balancer.conf', 'conf.d/pages.conf']) {
      const template = readFileSync(join(repository, 'deploy/nginx', `${file.replace('conf.d/', '')}.template`), 'utf8')
      writeFileSync(
        join(folder, file),
        template
          .replaceAll(/\$\{([A-Z_]+)\}/g, (_match, name: string) => values[name] ?? `no value for ${name}`)
          .replace(/worker_connections \d+/, (given) => (connectionsMax === undefined ? given : `worker_connections ${connectionsMax}`)),
      )
    }
    const user = process.getuid?.() === 0 ? 'user root; ' : ''
    const errors = join(folder, 'errors')
    const command = ['-e', errors, '-c', join(folder, 'nginx.conf'), '-g', `${user}daemon off;`]
    const child = spawn('/bin/sh', ['-c', `exec nginx "$@" 2>>${errors}`, 'sh', ...command], {
      stdio: 'ignore',
      env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` },
    })
    const started = new NginxProcess(child, folder, port, pagesPort)
    // Whoever fails half-way must leave nothing running. As SIGTERM it takes its workers along.
    process.once('exit', () => child.kill('SIGTERM'))
    await until(async () => {
      if (child.exitCode !== null) throw new Error(`no nginx:\n${started.errors}`)
      return send('GET', `${started.pagesUrl}/healthz`).catch(() => null)
    })
    return started
  }

  get errors(): string {
    return readFileSync(join(this.#folder, 'errors'), 'utf8')
  }

  get requests(): string {
    return readFileSync(join(this.#folder, 'requests'), 'utf8')
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const exited = new Promise((resolve) => this.#child.once('exit', resolve))
    this.#child.kill('SIGTERM')
    await exited
  }
}
