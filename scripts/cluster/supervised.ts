import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { ClusterError } from './errors.ts'
import { LogFile } from './log-file.ts'

export interface ProcessPlan {
  readonly name: string
  readonly command: readonly [string, ...string[]]
  readonly environment: Readonly<Record<string, string>>
  readonly workingDirectory: string
  /** Rejects, or resolves with false: not yet. */
  readonly isReady: () => Promise<boolean>
  readonly readyWithinMs: number
  readonly stopSignal: 'SIGTERM' | 'SIGQUIT'
  readonly stopWithinMs: number
  /** What the terminal shows of a line; null: nothing. The log file has all of them. */
  readonly shows: (line: string) => string | null
}

export interface SupervisedEvents {
  /** One line for the terminal. */
  print(name: string, line: string): void
  started(name: string, pid: number): void
  /** `expected`: somebody asked for it. */
  ended(name: string, how: string, expected: boolean): void
}

const linesKept = 8

/** One real process: its output, its start and its end. It is not started again by itself: whoever watches shall see what its absence does. */
export class Supervised {
  readonly plan: ProcessPlan
  readonly #events: SupervisedEvents
  readonly #logPath: string
  #child: ChildProcess | null = null
  #exited: Promise<void> = Promise.resolve()
  #isExpectedToEnd = false
  #lastLines: string[] = []

  constructor(plan: ProcessPlan, { logPath, events }: { logPath: string; events: SupervisedEvents }) {
    this.plan = plan
    this.#logPath = logPath
    this.#events = events
  }

  get name(): string {
    return this.plan.name
  }

  /** Null: it does not run. */
  get pid(): number | null {
    const child = this.#child
    return child === null || child.exitCode !== null || child.signalCode !== null ? null : (child.pid ?? null)
  }

  /** Starts it, and resolves when it is ready. */
  async start(): Promise<void> {
    if (this.pid !== null) throw new ClusterError(`${this.name} runs already (process ${this.pid}).`)
    const { command, environment, workingDirectory, readyWithinMs } = this.plan
    const [program, ...argumentsOf] = command
    this.#isExpectedToEnd = false
    this.#lastLines = []
    // In a session of its own: Ctrl-C in the terminal must reach the cluster only, which then ends everything in order.
    const child = spawn(program, argumentsOf, {
      cwd: workingDirectory,
      env: environment,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#child = child
    this.#listen(child)
    const until = Date.now() + readyWithinMs
    for (;;) {
      if (this.pid === null) throw this.#notReady('ended before it was ready')
      if (await this.plan.isReady().catch(() => false)) return
      if (Date.now() > until) throw this.#notReady(`was not ready after ${readyWithinMs / 1_000} s`)
      await delay(50)
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal)
  }

  /** Resolves when it is gone; by force, if it takes too long. */
  async stop(signal: NodeJS.Signals = this.plan.stopSignal): Promise<void> {
    if (this.pid === null) return
    this.#isExpectedToEnd = true
    this.signal(signal)
    const timer = setTimeout(() => {
      this.#events.print(this.name, `did not end within ${this.plan.stopWithinMs / 1_000} s: it is killed`)
      this.signal('SIGKILL')
    }, this.plan.stopWithinMs)
    await this.#exited
    clearTimeout(timer)
  }

  #listen(child: ChildProcess): void {
    const log = new LogFile(this.#logPath)
    const ends = [child.stdout, child.stderr].map((input) => {
      if (input === null) throw new Error('no pipe')
      const lines = createInterface({ input })
      lines.on('line', (line) => this.#take(log, line))
      return new Promise((resolve) => lines.once('close', resolve))
    })
    this.#exited = new Promise((resolve) => {
      child.once('error', (error) => {
        this.#take(log, error.message)
        resolve()
      })
      child.once('spawn', () => this.#events.started(this.name, child.pid ?? 0))
      child.once('exit', (code, signal) => {
        this.#events.ended(this.name, signal === null ? `exit status ${code}` : signal, this.#isExpectedToEnd)
        resolve()
      })
    })
    // What it started itself may hold the pipes for longer.
    void Promise.all(ends).then(() => log.close())
  }

  #take(log: LogFile, line: string): void {
    log.writeLine(line)
    this.#lastLines = [...this.#lastLines.slice(1 - linesKept), line]
    const shown = this.plan.shows(line)
    if (shown !== null) this.#events.print(this.name, shown)
  }

  #notReady(what: string): ClusterError {
    const lines = this.#lastLines.map((line) => `  ${line}`)
    return new ClusterError([`${this.name} ${what}. Its last words:`, ...lines, `All of them: ${this.#logPath}`].join('\n'))
  }
}
