import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { accessSync, constants, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { adminToken, repository } from '../support/standalone-process.ts'

/** What `make cluster` would have to install first; the tests do not. */
export function missingPrograms(): string[] {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin']
  const isThere = (name: string) =>
    folders.some((folder) => {
      try {
        accessSync(join(folder, name), constants.X_OK)
        return true
      } catch {
        return false
      }
    })
  const wanted = { mariadbd: 'mariadb-server', 'redis-server': 'redis-server', nginx: 'nginx' }
  return Object.entries(wanted)
    .filter(([program]) => !isThere(program))
    .map(([, name]) => name)
}

export interface Finished {
  readonly status: number
  readonly output: string
}

/** `make cluster`, in a temporary folder and on free ports. */
export class ClusterProcess {
  readonly folder: string
  readonly #variables: Record<string, string>
  #child: ChildProcess | null = null
  #exited: Promise<number | null> = Promise.resolve(null)
  /** Everything it wrote, at most the last 200 kB. */
  output = ''

  constructor(variables: Record<string, string>) {
    this.folder = mkdtempSync(join(tmpdir(), 'urna-cluster-'))
    this.#variables = { EXPORT_EVERY: '*/3 * * * * *', LOG_LEVEL: 'warn', ...variables }
    mkdirSync(this.at('secrets'), { mode: 0o700 })
    writeFileSync(this.at('secrets/admin-token'), adminToken, { mode: 0o600 })
    process.once('exit', () => this.#killAll())
  }

  at(path: string): string {
    return join(this.folder, path)
  }

  /** Resolves when it shows its table. */
  async start(variables: Record<string, string> = {}): Promise<void> {
    this.output = ''
    const child = spawn(process.execPath, ['scripts/cluster.ts'], {
      cwd: repository,
      env: { ...this.#environment(), ...this.#variables, ...variables },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#child = child
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.output = (this.output + text).slice(-200_000)
      })
    }
    this.#exited = new Promise((resolve) => {
      child.once('exit', resolve)
    })
    const until = Date.now() + 60_000
    while (!this.output.includes('Ctrl-C ends all of it')) {
      if (child.exitCode !== null || child.signalCode !== null || Date.now() > until) throw new Error(`no cluster:\n${this.output}`)
      await delay(50)
    }
  }

  /** As Ctrl-C does; the exit status. */
  async interrupt(): Promise<number | null> {
    this.#child?.kill('SIGINT')
    return this.#exited
  }

  /** As nobody should. */
  async kill(): Promise<void> {
    this.#child?.kill('SIGKILL')
    await this.#exited
  }

  /** A command to the running one. */
  async do(...words: string[]): Promise<Finished> {
    return finished(process.execPath, ['scripts/cluster.ts', ...words], this.#environment())
  }

  /** A job, by hand, as docs/cluster.md says. */
  async job(...words: string[]): Promise<Finished> {
    const script = `. ${this.at('env.sh')} && exec "$0" apps/jobs/src/main.ts ${words.join(' ')}`
    return finished('/bin/sh', ['-c', script, process.execPath], this.#environment())
  }

  port(name: string): number {
    return this.#json<Record<string, number>>('ports.json')[name] ?? 0
  }

  get url(): string {
    return `http://127.0.0.1:${this.port('load-balancer')}`
  }

  get pids(): number[] {
    return this.#processes.map(([, { pid }]) => pid)
  }

  /** Of nginx: its first process, which has started the others. */
  pidOf(name: string): number {
    const [, found] = this.#processes.find(([each]) => each === name) ?? []
    if (found === undefined) throw new Error(`the cluster has no process ${name}`)
    return found.pid
  }

  get #processes(): [string, { pid: number }][] {
    return Object.entries(this.#json<{ processes: Record<string, { pid: number }> }>('run.json').processes)
  }

  /** Ends whatever is left, and takes the data away. */
  async remove(): Promise<void> {
    if (this.#child !== null && this.#child.exitCode === null && this.#child.signalCode === null) await this.interrupt()
    this.#killAll()
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 })
  }

  #environment(): Record<string, string> {
    return { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '', CLUSTER_DIR: this.folder, CLUSTER_PORTS: 'free' }
  }

  #json<Value>(name: string): Value {
    return JSON.parse(readFileSync(this.at(name), 'utf8')) as Value
  }

  #killAll(): void {
    this.#child?.kill('SIGKILL')
    if (!existsSync(this.at('run.json'))) return
    for (const [name, { pid }] of this.#processes) {
      try {
        // The processes that nginx has started end with it only if it can tell them.
        process.kill(pid, name === 'nginx' ? 'SIGTERM' : 'SIGKILL')
      } catch {
        // Gone.
      }
    }
  }
}

function finished(program: string, argumentsOf: string[], environment: Record<string, string>): Promise<Finished> {
  return new Promise((resolve) => {
    execFile(program, argumentsOf, { cwd: repository, env: environment, timeout: 60_000 }, (error, stdout, stderr) => {
      resolve({ status: error === null ? 0 : Number(error.code ?? -1), output: `${stdout}${stderr}` })
    })
  })
}
