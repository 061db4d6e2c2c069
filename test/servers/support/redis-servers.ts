import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { freePort } from '../../support/free-port.ts'

/** A kind of Redis that tests run on: the machine's own, and the one in the root directory that SERVER_ROOT names. */
export interface RedisKind {
  /** With its version: `Redis 7.0.15`. */
  readonly name: string
  readonly major: number
  /** Empty: the machine's own. */
  readonly root: string
  /** Null: it is here. Else what is needed, for the name of the skipped test. */
  readonly missing: string | null
}

const program = '/usr/bin/redis-server'

function versionOf(root: string): string | null {
  if (!existsSync(join(root, program))) return null
  try {
    const [command, ...prefix] = root === '' ? [program] : ['chroot', root, program]
    const text = execFileSync(command as string, [...prefix, '--version'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
    return /v=(\d[\d.]*)/.exec(text)?.[1] ?? null
  } catch {
    return null
  }
}

function kindOf(major: number, fallback: string): RedisKind {
  const roots = ['', process.env.SERVER_ROOT ?? ''].filter((root, at) => at === 0 || root !== '')
  const found = roots.map((root) => ({ root, version: versionOf(root) })).find(({ version }) => version?.split('.')[0] === String(major))
  return { name: `Redis ${found?.version ?? major}`, major, root: found?.root ?? '', missing: found === undefined ? fallback : null }
}

export const redisKinds: readonly RedisKind[] = [
  kindOf(7, 'install Debian 12 package redis-server'),
  kindOf(8, 'set SERVER_ROOT to a root directory with a Redis 8, as root'),
]

/** A test that fails half-way leaves its server to these. */
const running = new Set<RedisServer>()
process.once('exit', () => {
  for (const server of running) server.end()
})
export async function removeRedisServers(): Promise<void> {
  await Promise.all([...running].map((server) => server.remove()))
}

export interface RedisServerOptions {
  /** Over those that the queue needs. */
  readonly settings?: Readonly<Record<string, string>>
  /** The greatest file that it may write: what a full disk does to it. */
  readonly fileKilobytesMax?: number
}

/** A real server on a free port of 127.0.0.1, its data in a temporary folder. */
export class RedisServer {
  readonly port: number
  readonly kind: RedisKind
  readonly #folder: string
  /** Read at the next start. */
  readonly settings: Record<string, string>
  /** Read at the next start. */
  fileKilobytesMax: number | null
  #child: ChildProcess | null = null
  #exited: Promise<void> = Promise.resolve()

  private constructor(kind: RedisKind, port: number, folder: string, settings: Record<string, string>, fileKilobytesMax: number | null) {
    this.kind = kind
    this.port = port
    this.#folder = folder
    this.settings = settings
    this.fileKilobytesMax = fileKilobytesMax
  }

  static async start(kind: RedisKind, { settings = {}, fileKilobytesMax }: RedisServerOptions = {}): Promise<RedisServer> {
    const temporary = kind.root === '' ? tmpdir() : join(kind.root, 'tmp')
    mkdirSync(temporary, { recursive: true })
    const folder = mkdtempSync(join(temporary, 'urna-redis-'))
    const needed = { appendonly: 'yes', appendfsync: 'always', save: '', ...settings }
    const server = new RedisServer(kind, await freePort(), folder, needed, fileKilobytesMax ?? null)
    await server.startAgain()
    return server
  }

  /** On the same data and port. */
  async startAgain(): Promise<void> {
    const { root } = this.kind
    const folder = root === '' ? this.#folder : this.#folder.slice(root.length)
    const settings = { port: String(this.port), bind: '127.0.0.1', dir: folder, logfile: 'server.log', daemonize: 'no', ...this.settings }
    const options = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value])
    const command = [...(root === '' ? [] : ['chroot', root]), program, ...options]
    // A write beyond the limit fails as one to a full disk does, if its signal is ignored. The shell counts in blocks of 512 bytes.
    const limit = this.fileKilobytesMax === null ? '' : `trap '' XFSZ; ulimit -f ${this.fileKilobytesMax * 2};`
    const child = spawn('/bin/sh', ['-c', `${limit} exec "$@"`, 'sh', ...command], { stdio: 'ignore' })
    this.#child = child
    running.add(this)
    this.#exited = new Promise((resolve) => {
      child.once('exit', () => resolve())
    })
    for (let attempt = 0; attempt < 200; attempt++) {
      if (child.exitCode !== null) break
      const answer = await this.ask(['PING']).catch(() => null)
      if (answer === 'PONG') return
      await delay(20)
    }
    throw new Error(`${this.kind.name} did not start: see ${join(this.#folder, 'server.log')}`)
  }

  /** One command on a connection of its own. */
  async ask(command: readonly (string | number)[]): Promise<unknown> {
    const password = this.settings.requirepass
    const client = new Redis({
      port: this.port,
      lazyConnect: true,
      retryStrategy: null,
      maxRetriesPerRequest: 0,
      connectTimeout: 1_000,
      ...(password === undefined ? {} : { password }),
    })
    client.on('error', () => {})
    try {
      await client.connect()
      const [name, ...args] = command as [string, ...string[]]
      return await client.call(name, ...args)
    } finally {
      client.disconnect()
    }
  }

  get running(): boolean {
    return this.#child !== null && this.#child.exitCode === null && this.#child.signalCode === null
  }

  end(): void {
    this.#child?.kill('SIGKILL')
  }

  async kill(): Promise<void> {
    this.end()
    await this.#exited
  }

  async stop(): Promise<void> {
    this.#child?.kill('SIGTERM')
    await this.#exited
  }

  async restart(): Promise<void> {
    await this.stop()
    await this.startAgain()
  }

  pause(): void {
    this.#child?.kill('SIGSTOP')
  }

  resume(): void {
    this.#child?.kill('SIGCONT')
  }

  async exited(): Promise<void> {
    await this.#exited
  }

  async remove(): Promise<void> {
    await this.kill()
    running.delete(this)
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

/** A proxy as managed Redis has: what is behind it can change, and its clients keep their connections. */
export class RedisProxy {
  readonly port: number
  readonly #server: Server
  readonly #clients = new Set<{ client: Socket; behind: Socket }>()
  #portBehind: number

  private constructor(server: Server, port: number, portBehind: number) {
    this.#server = server
    this.port = port
    this.#portBehind = portBehind
    server.on('connection', (client) => {
      const pair = { client, behind: this.#connectBehind(client) }
      this.#clients.add(pair)
      client.on('data', (data) => pair.behind.write(data))
      client.on('error', () => {})
      client.on('close', () => {
        this.#clients.delete(pair)
        pair.behind.destroy()
      })
    })
  }

  static async start(portBehind: number): Promise<RedisProxy> {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as { port: number }
    return new RedisProxy(server, port, portBehind)
  }

  async switchTo(portBehind: number): Promise<void> {
    this.#portBehind = portBehind
    for (const pair of this.#clients) {
      pair.behind.destroy()
      pair.behind = this.#connectBehind(pair.client)
    }
  }

  async close(): Promise<void> {
    for (const { client } of this.#clients) client.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #connectBehind(client: Socket): Socket {
    const behind = connect(this.#portBehind, '127.0.0.1')
    behind.on('data', (data) => client.write(data))
    behind.on('error', () => {})
    return behind
  }
}
