import { createHash, randomBytes } from 'node:crypto'
import { clockDifferenceMsMax, streamsMax } from '@urna/core'
import type { Redis } from 'ioredis'
import { group, keysOf, newGeneration, type RedisStreamsOptions } from './options.ts'
import { runScript, type StreamKeys } from './scripts.ts'
import { readServerInfo, settingsWarnings, UnusableRedisError } from './settings-check.ts'

/** A connection on which the epoch is known. */
export interface Begun {
  readonly epoch: number
  /** Of the server that answered then. */
  readonly runId: string
  readonly clock: QueueClock
}

/**
 * The clock of Redis, as far as this process can tell: at least what it shows, at most that and the time a question took. Told anew with
 * every answer, for clocks drift.
 */
export class QueueClock {
  #timeMs = 0
  #asOfMs = 0

  /** `askedAtMs`: when the question was sent, by performance.now(). */
  set(timeMs: number, askedAtMs: number): void {
    this.#timeMs = timeMs
    this.#asOfMs = askedAtMs
  }

  nowMs(): number {
    return this.#timeMs + performance.now() - this.#asOfMs
  }
}

interface OpenedStream {
  readonly id: string
  readonly renamed: string
  readonly epoch: number
  readonly identity: string
  readonly streams: number
  readonly missing: '' | 'all' | 'stream' | 'group' | 'state'
}

/** More would mean that the primary hands out epochs far below those in the queue. */
const renamesMax = 100
const registerMsMax = 5_000

/**
 * Learns, on every connection before anything is sent over it, which queue this is and which epoch it has; makes what is missing. One
 * for each process: what it remembers tells a wiped queue from a new one, and keeps it from saying the same thing twice.
 */
export class QueueBeginning {
  readonly keys: readonly StreamKeys[]
  readonly #options: Pick<RedisStreamsOptions, 'registerEpoch' | 'onEvent'>
  #known: { readonly runId: string; readonly ids: readonly string[]; readonly epoch: number } | null = null
  #settingsCheckedFor: string | null = null

  constructor(options: Pick<RedisStreamsOptions, 'registerEpoch' | 'onEvent' | 'streams' | 'prefix'>) {
    this.#options = options
    const { streams = 1, prefix = 'urna' } = options
    if (!/^[\w.-]{1,64}$/.test(prefix)) throw new RangeError(`prefix: expected 1 to 64 letters, digits, ".", "_" or "-", got ${prefix}`)
    if (!Number.isInteger(streams) || streams < 1 || streams > streamsMax)
      throw new RangeError(`streams: expected 1 to ${streamsMax}, got ${streams}`)
    this.keys = Array.from({ length: streams }, (_, stream) => keysOf(prefix, stream))
  }

  async begin(client: Redis): Promise<Begun> {
    const { runId } = readServerInfo(await client.info('server'))
    await this.#checkSettings(client, runId)
    const clock = await this.#readClock(client)
    for (let renames = 0; renames <= renamesMax; renames++) {
      const opened = await this.#open(client)
      const identity = identityOf(runId, opened)
      const epoch = await this.#epochOf(identity, opened)
      const adopted = await this.#adopt(client, opened, epoch, identity.toString('hex'))
      if (adopted === 'ok') {
        this.#remember({ runId, ids: opened.map(({ id }) => id), epoch })
        return { epoch, runId, clock }
      }
      if (adopted === 'older') await this.#rename(client, opened)
    }
    throw new Error(`the epochs of the primary stay below those of the queue, after ${renamesMax} new names`)
  }

  async #checkSettings(client: Redis, runId: string): Promise<void> {
    if (this.#settingsCheckedFor === runId) return
    for (const warning of await settingsWarnings(client)) this.#options.onEvent(warning)
    this.#settingsCheckedFor = runId
  }

  async #readClock(client: Redis): Promise<QueueClock> {
    const clock = new QueueClock()
    const askedAtMs = performance.now()
    const [seconds, microseconds] = (await client.time()) as unknown as [number | string, number | string]
    const timeMs = Number(seconds) * 1_000 + Math.floor(Number(microseconds) / 1_000)
    const differenceMs = timeMs - Date.now()
    if (Math.abs(differenceMs) > clockDifferenceMsMax) this.#options.onEvent({ kind: 'clock', differenceMs })
    clock.set(timeMs, askedAtMs)
    return clock
  }

  async #open(client: Redis): Promise<OpenedStream[]> {
    const opened: OpenedStream[] = []
    for (const [stream, keys] of this.keys.entries()) {
      const id = randomBytes(16).toString('hex')
      const reply = (await runScript(client, 'open', keys, group, id, newGeneration(), this.keys.length)) as string[]
      const [foundId = '', renamed = '', epoch = '0', identity = '', streams = '', missing = ''] = reply
      if (Number(streams) !== this.keys.length) {
        throw new UnusableRedisError(
          `the queue has ${streams} streams, the setting says ${this.keys.length}: empty it first, then give it another prefix`,
        )
      }
      opened.push({
        id: foundId,
        renamed,
        epoch: Number(epoch),
        identity,
        streams: Number(streams),
        missing: missing as OpenedStream['missing'],
      })
      // At the first start of all there is nothing yet, and nothing was lost.
      const wiped = missing !== '' && (missing !== 'all' || this.#known !== null)
      const another = missing === '' && this.#known !== null && this.#known.ids[stream] !== foundId
      if (wiped) this.#options.onEvent({ kind: 'wiped', stream, missing: missing as Exclude<OpenedStream['missing'], ''> })
      else if (another) this.#options.onEvent({ kind: 'wiped', stream, missing: 'another' })
      if (this.#known !== null) this.#known = { ...this.#known, ids: this.#known.ids.with(stream, foundId) }
    }
    return opened
  }

  /** While the primary is away: the epoch that somebody registered for this very identity, kept in the queue. */
  async #epochOf(identity: Buffer, opened: readonly OpenedStream[]): Promise<number> {
    try {
      return await inTime(this.#options.registerEpoch(identity))
    } catch (error) {
      const text = identity.toString('hex')
      const [first] = opened
      if (first !== undefined && first.epoch > 0 && opened.every((one) => one.identity === text && one.epoch === first.epoch))
        return first.epoch
      throw error
    }
  }

  async #adopt(client: Redis, opened: readonly OpenedStream[], epoch: number, identity: string): Promise<'ok' | 'changed' | 'older'> {
    for (const [stream, { id, renamed }] of opened.entries()) {
      const adopted = (await runScript(client, 'adopt', this.#keysOf(stream), group, id, renamed, epoch, identity)) as
        | 'ok'
        | 'changed'
        | 'older'
      if (adopted !== 'ok') return adopted
    }
    return 'ok'
  }

  async #rename(client: Redis, opened: readonly OpenedStream[]): Promise<void> {
    const [first] = opened
    if (first === undefined) return
    await runScript(client, 'rename', this.#keysOf(0), group, first.id, first.renamed, randomBytes(8).toString('hex'))
  }

  #remember(now: { runId: string; ids: readonly string[]; epoch: number }): void {
    const previous = this.#known?.epoch ?? null
    this.#known = now
    if (previous !== now.epoch) this.#options.onEvent({ kind: 'epoch', epoch: now.epoch, previous })
  }

  #keysOf(stream: number): StreamKeys {
    return this.keys[stream] as StreamKeys
  }
}

async function inTime(registered: Promise<number>): Promise<number> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error('the primary did not say the epoch of this queue in time')), registerMsMax)
  })
  return Promise.race([registered, late]).finally(() => clearTimeout(timer))
}

/** 32 bytes: another process of Redis, another stream, another number of streams: each is another queue. */
function identityOf(runId: string, opened: readonly OpenedStream[]): Buffer {
  const parts = ['redis-streams', String(opened.length), runId, ...opened.map(({ id, renamed }) => `${id}.${renamed}`)]
  return createHash('sha256').update(parts.join('\n')).digest()
}
