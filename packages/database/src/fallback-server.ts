import { ForeignMasterKeyError, RetryableDatabaseError } from '@urna/core'
import { databaseBusyCode } from './database-errors.ts'
import { NotPreparedError } from './read-installation.ts'

export type ServerName = 'primary' | 'replica'

export type ServerEvent =
  /** It is not used from now on, until it answers again. Told once, and again where the reason is another one. `code` of the driver's error. */
  | {
      readonly kind: 'down'
      readonly server: ServerName
      readonly code: string
      readonly message: string
      readonly notPrepared: boolean
    }
  | { readonly kind: 'up'; readonly server: ServerName; readonly isReadOnly: boolean }
  /** It can never be used by this process. */
  | { readonly kind: 'foreign-master-key'; readonly server: ServerName; readonly error: Error }

/** Nobody waits for a server that is known to be away. */
export class ServerAwayError extends RetryableDatabaseError {
  override name = 'ServerAwayError'
}

export interface WatchedServerOptions {
  readonly name: ServerName
  /** Whether the server can be used now; throws why not. */
  readonly probe: () => Promise<{ isReadOnly: boolean }>
  readonly onEvent: (event: ServerEvent) => void
  /** From one probe to the next, while it is away, and while it is not: then for the sake of its role, which may change. */
  readonly probeEveryMs?: number
  readonly checkEveryMs?: number
}

/**
 * A server of the database, and whether it answers. Away until a probe says otherwise. When a call finds it away, every later one fails at
 * once instead of waiting for a time limit, and it is probed in the background until it is back.
 */
export class WatchedServer {
  readonly name: ServerName
  readonly #options: Required<WatchedServerOptions>
  #state: 'unknown' | 'up' | 'down' = 'unknown'
  #isReadOnly = false
  /** Why it was last said to be away. */
  #said: string | null = null
  /** Grows whenever it comes back: a call that began before says nothing of now. */
  #lives = 0
  #running: Promise<void> | null = null
  #wake: (() => void) | null = null
  #closed = false
  readonly #waiting = new Set<() => void>()

  constructor(options: WatchedServerOptions) {
    this.name = options.name
    this.#options = { probeEveryMs: 1_000, checkEveryMs: 5_000, ...options }
  }

  get isUp(): boolean {
    return this.#state === 'up'
  }

  /** As last seen. */
  get isReadOnly(): boolean {
    return this.#isReadOnly
  }

  /** Begins to probe. */
  start(): void {
    this.#running ??= this.#loop()
  }

  /** Resolves with true when it is up, with false after `waitMs`. */
  async whenUp(waitMs: number): Promise<boolean> {
    if (this.isUp) return true
    await new Promise<void>((resolve) => {
      const wake = () => {
        clearTimeout(timer)
        this.#waiting.delete(wake)
        resolve()
      }
      const timer = setTimeout(wake, waitMs)
      this.#waiting.add(wake)
    })
    return this.isUp
  }

  /** Does something with the server. Fails at once with {@link ServerAwayError} while it is away. */
  async run<Value>(work: () => Promise<Value>): Promise<Value> {
    if (!this.isUp) throw new ServerAwayError(`the ${this.name} does not answer`)
    const life = this.#lives
    try {
      return await work()
    } catch (error) {
      if (saysAway(error) && life === this.#lives) this.#setDown(error as Error)
      else if (saysReadOnly(error)) this.doubt()
      throw error
    }
  }

  /** Something was odd: probes now. */
  doubt(): void {
    this.#wake?.()
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#wake?.()
    for (const wake of [...this.#waiting]) wake()
    await this.#running
  }

  async #loop(): Promise<void> {
    while (!this.#closed) {
      try {
        this.#setUp(await this.#options.probe())
      } catch (error) {
        // All connections being busy says nothing of the server; a call that gets no answer will.
        const isOnlyBusy = this.isUp && saysBusy(error)
        if (!this.#closed && !isOnlyBusy) this.#setDown(error as Error)
      }
      if (this.#closed) return
      const { probeEveryMs, checkEveryMs } = this.#options
      // With jitter: many processes must not come together.
      await this.#pause((this.isUp ? checkEveryMs : probeEveryMs) * (0.75 + Math.random() / 2))
    }
  }

  async #pause(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
    this.#wake = null
  }

  #setUp({ isReadOnly }: { isReadOnly: boolean }): void {
    const changed = this.#state !== 'up' || this.#isReadOnly !== isReadOnly
    if (this.#state !== 'up') this.#lives++
    this.#state = 'up'
    this.#isReadOnly = isReadOnly
    this.#said = null
    if (changed) this.#options.onEvent({ kind: 'up', server: this.name, isReadOnly })
    for (const wake of [...this.#waiting]) wake()
  }

  #setDown(error: Error): void {
    const wasUp = this.#state === 'up'
    this.#state = 'down'
    if (wasUp) this.doubt()
    if (error instanceof ForeignMasterKeyError) {
      this.#options.onEvent({ kind: 'foreign-master-key', server: this.name, error })
      return
    }
    const code = codeOf(error) ?? error.name
    if (this.#said === code) return
    this.#said = code
    const notPrepared = error instanceof NotPreparedError
    this.#options.onEvent({ kind: 'down', server: this.name, code, message: error.message, notPrepared })
  }
}

/** The driver's code, behind the error that repositories throw. */
function codeOf(error: unknown): string | null {
  const { code, cause } = (error ?? {}) as { code?: unknown; cause?: { code?: unknown } | undefined }
  const found = code ?? cause?.code
  return typeof found === 'string' ? found : null
}

/**
 * What says that the server, or the way to it, cannot be used: not reached, no answer in time, too many connections, nobody or nothing of this name
 * there, no such table (a replica that was never set up), going away.
 */
const away = new Set(
  ['CONNECTION_LOST', 'TIMED_OUT', 'WRONG_SETTING', 'DATABASE_CLOSED']
    .map((name) => `URNA_${name}`)
    .concat([1040, 1044, 1045, 1049, 1053, 1129, 1130, 1142, 1146, 1203, 1226, 1927, 4031].map((number) => `MYSQL_${number}`)),
)

export function saysAway(error: unknown): boolean {
  return error instanceof ServerAwayError || error instanceof NotPreparedError || away.has(codeOf(error) ?? '')
}

/** We ask more than we have connections for: to ask another server instead would only move the burden. */
function saysBusy(error: unknown): boolean {
  return codeOf(error) === databaseBusyCode
}

export function saysReadOnly(error: unknown): boolean {
  return ['MYSQL_1290', 'MYSQL_1836', 'MYSQL_1792'].includes(codeOf(error) ?? '')
}
