import { setTimeout as delay } from 'node:timers/promises'
import { QueueUnavailableError } from '@urna/core'
import { Redis } from 'ioredis'
import type { Begun, QueueBeginning } from './begin-queue.ts'
import type { ConnectionRole, RedisStreamsOptions } from './options.ts'
import { plainError } from './plain-error.ts'
import { defineScripts, runScript, type ScriptName, type StreamKeys } from './scripts.ts'
import { UnusableRedisError } from './settings-check.ts'

/**
 * A client that sends nothing twice and keeps nothing for later: after a lost connection the outcome of a command is unknown, and whoever
 * asked decides. It comes back by itself, with jitter, so that many do not come at once.
 */
export function openClient(connection: RedisStreamsOptions['connection'], name: string, commandTimeoutMs: number | null): Redis {
  const client = new Redis({
    ...connection,
    lazyConnect: true,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    // What a server that still loads its data says is an error of the first command, which is tried again.
    enableReadyCheck: false,
    disableClientInfo: true,
    protocol: 2,
    connectionName: `urna-${name}`,
    connectTimeout: 2_000,
    disconnectTimeout: 100,
    keepAlive: 10_000,
    retryStrategy: (attempt) => 20 + Math.random() * Math.min(2_000, 50 * 2 ** Math.min(attempt, 10)),
    ...(commandTimeoutMs === null ? {} : { commandTimeout: commandTimeoutMs }),
  })
  defineScripts(client)
  // Reported by whoever waits for this client; without a listener ioredis would write to the console.
  client.on('error', () => {})
  return client
}

/** One connection, and whether the epoch is known on it. */
export class Link {
  readonly client: Redis
  readonly #role: ConnectionRole
  readonly #beginning: QueueBeginning
  readonly #onEvent: RedisStreamsOptions['onEvent']
  #begun: Begun | null = null
  #beginningNow = false
  #closed = false
  /** Said once, until it is different again. */
  #said: string | null = null
  readonly #waiting = new Set<() => void>()

  constructor(role: ConnectionRole, options: RedisStreamsOptions, beginning: QueueBeginning, commandTimeoutMs: number) {
    this.#role = role
    this.#beginning = beginning
    this.#onEvent = options.onEvent
    this.client = openClient(options.connection, role, commandTimeoutMs)
    this.client.on('ready', () => void this.#begin())
    this.client.on('close', () => {
      this.#begun = null
      this.#say(new Error('the connection to Redis was lost'))
    })
    this.client.on('error', (error: Error) => this.#say(error))
    this.client.connect().catch(() => {})
  }

  /** Null: nothing may be sent now. */
  get begun(): Begun | null {
    return this.#begun
  }

  async whenBegun(waitMs: number): Promise<Begun> {
    const until = performance.now() + waitMs
    while (this.#begun === null) {
      const leftMs = until - performance.now()
      if (leftMs <= 0 || this.#closed) throw new QueueUnavailableError('Redis does not answer, or its epoch is not known yet')
      await new Promise<void>((resolve) => {
        const wake = () => {
          clearTimeout(timer)
          this.#waiting.delete(wake)
          resolve()
        }
        const timer = setTimeout(wake, leftMs)
        this.#waiting.add(wake)
      })
    }
    return this.#begun
  }

  run(name: ScriptName, keys: StreamKeys, ...args: (string | number)[]): Promise<unknown> {
    return this.ask((client) => runScript(client, name, keys, ...args))
  }

  /** What a failure says of this connection, or of the queue, is acted on. */
  async ask<Value>(question: (client: Redis) => Promise<Value>): Promise<Value> {
    try {
      return await question(this.client)
    } catch (error) {
      this.noteFailure(error as Error)
      throw plainError(error)
    }
  }

  noteFailure(error: Error): void {
    if (saysWiped(error)) this.again()
    // A server that does not answer, or that is no primary any more: another connection, and the epoch anew.
    else if (error.message === timedOut || error.message.startsWith('READONLY')) this.reset()
  }

  /** The queue is not what it was: asks anew. */
  again(): void {
    this.#begun = null
    if (this.client.status === 'ready') void this.#begin()
  }

  /** Nothing can be known of this connection any more. */
  reset(): void {
    this.#begun = null
    if (!this.#closed) this.client.disconnect(true)
  }

  close(): void {
    this.#closed = true
    this.#begun = null
    this.client.disconnect()
    this.#wake()
  }

  async #begin(): Promise<void> {
    if (this.#beginningNow) return
    this.#beginningNow = true
    while (!this.#closed && this.client.status === 'ready' && this.#begun === null) {
      const { stream } = this.client
      try {
        const begun = await this.#beginning.begin(this.client)
        if (stream === this.client.stream && this.client.status === 'ready') this.#begun = begun
      } catch (error) {
        this.#say(error as Error)
        if (stream === this.client.stream) this.noteFailure(error as Error)
        await delay(100 + Math.random() * 400)
      }
    }
    this.#beginningNow = false
    if (this.#begun === null) return
    this.#said = null
    this.#onEvent({ kind: 'connected', role: this.#role })
    this.#wake()
  }

  #wake(): void {
    for (const wake of [...this.#waiting]) wake()
  }

  #say(error: Error): void {
    if (this.#closed || this.#said !== null) return
    this.#said = error.message
    if (error instanceof UnusableRedisError) this.#onEvent({ kind: 'refused', message: error.message })
    else this.#onEvent({ kind: 'disconnected', role: this.#role, error: plainError(error) })
  }
}

/** What ioredis says. */
const timedOut = 'Command timed out'

/** The group or the stream is not there: the queue was wiped. */
export function saysWiped(error: unknown): boolean {
  return /NOGROUP|UNBLOCKED|no such key/.test((error as Error).message)
}
