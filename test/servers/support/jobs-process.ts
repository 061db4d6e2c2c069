import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { ConnectionOptions } from './mysql-servers.ts'

const main = fileURLToPath(new URL('../../../apps/jobs/src/main.ts', import.meta.url))

export interface EndedJob {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
  readonly tookMs: number
}

export interface RunningJob {
  readonly child: ChildProcess
  /** Everything written so far. */
  readonly output: { stdout: string; stderr: string }
  readonly ended: Promise<EndedJob>
}

/** Jobs as processes, with settings of their own and a data directory that goes at the end. */
export class JobsProcesses {
  readonly dataDir = mkdtempSync(join(tmpdir(), 'urna-jobs-'))
  readonly #environment: Readonly<Record<string, string>>
  readonly #running = new Set<ChildProcess>()

  constructor(environment: Readonly<Record<string, string>>) {
    this.#environment = environment
  }

  start(argumentsOf: readonly string[], changes: Readonly<Record<string, string>> = {}): RunningJob {
    const startedMs = performance.now()
    const child = spawn(process.execPath, [main, ...argumentsOf], {
      cwd: this.dataDir,
      env: { PATH: process.env.PATH ?? '', DATA_DIR: this.dataDir, ...this.#environment, ...changes },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#running.add(child)
    const output = { stdout: '', stderr: '' }
    child.stdout.on('data', (data) => {
      output.stdout += data
    })
    child.stderr.on('data', (data) => {
      output.stderr += data
    })
    const ended = once(child, 'close').then(([status]) => {
      this.#running.delete(child)
      return { status: status as number | null, ...output, tookMs: performance.now() - startedMs }
    })
    return { child, output, ended }
  }

  run(argumentsOf: readonly string[], changes: Readonly<Record<string, string>> = {}): Promise<EndedJob> {
    return this.start(argumentsOf, changes).ended
  }

  remove(): void {
    for (const child of this.#running) child.kill('SIGKILL')
    rmSync(this.dataDir, { recursive: true, force: true })
  }
}

/** The settings that name a database on a server. */
export function databaseSettings({ host, port, user, password }: ConnectionOptions, database: string): Record<string, string> {
  return { DB_HOST: host, DB_PORT: String(port), DB_USER: user, DB_PASSWORD: password, DB_DATABASE: database }
}
