import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

export const repository = resolve(import.meta.dirname, '../..')
/** Made for tests; nothing outside them knows it. */
export const adminToken = 'a-token-that-only-tests-know'

/** Programs that start processes call this: Ctrl-C then ends what they started too. */
export function exitOnSignals(): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))
}

export interface ExitStatus {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export interface StandaloneOptions {
  readonly dataDirectory: string
  readonly port: number
  readonly environment?: Record<string, string>
  /** Default: the sources of this repository. */
  readonly command?: readonly string[]
  readonly workingDirectory?: string
}

/** The shipped process, started as a person would start it. */
export class StandaloneProcess {
  readonly url: string
  readonly #child: ChildProcess
  readonly exited: Promise<ExitStatus>
  /** Everything it wrote, at most the last 200 kB. */
  output = ''

  constructor(options: StandaloneOptions) {
    const [program = process.execPath, ...argumentsOf] = options.command ?? [process.execPath, 'apps/standalone/src/main.ts']
    this.url = `http://127.0.0.1:${options.port}`
    this.#child = spawn(program, argumentsOf, {
      cwd: options.workingDirectory ?? repository,
      env: {
        PATH: process.env.PATH,
        HOME: process.env.HOME,
        NODE_ENV: 'test',
        HOST: '127.0.0.1',
        PORT: String(options.port),
        DATA_DIR: options.dataDirectory,
        ADMIN_TOKEN: adminToken,
        LOG_LEVEL: 'warn',
        EXPORT_EVERY: 'off',
        // All visitors of a test come from one address.
        REQUESTS_PER_SECOND: 'off',
        ...options.environment,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.output = (this.output + text).slice(-200_000)
      })
    }
    // A test that fails half-way must leave nothing running.
    const endChild = () => this.#child.kill('SIGKILL')
    process.once('exit', endChild)
    this.exited = new Promise((resolveExit) => {
      this.#child.on('exit', (code, signal) => {
        process.removeListener('exit', endChild)
        resolveExit({ code, signal })
      })
    })
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  get hasExited(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null
  }

  async ready(timeoutMs = 20_000): Promise<this> {
    const until = Date.now() + timeoutMs
    while (Date.now() < until) {
      if (this.hasExited) throw new Error(`the process ended before it was ready:\n${this.output}`)
      const answer = await fetch(`${this.url}/readyz`).catch(() => null)
      if (answer?.status === 200) return this
      await delay(25)
    }
    throw new Error(`not ready after ${timeoutMs} ms:\n${this.output}`)
  }

  /** SIGTERM, as an orchestrator does; resolves when it is gone. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<ExitStatus> {
    if (!this.hasExited) this.#child.kill(signal)
    return this.exited
  }
}

export function temporaryDirectory(): { path: string; remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'urna-test-'))
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) }
}
