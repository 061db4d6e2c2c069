import { setTimeout as delay } from 'node:timers/promises'
import { type BallotSubscriber, type Delivery, type ReceiveLimits, SequenceOverflowError, streamSequence } from '@urna/core'
import type { Redis } from 'ioredis'
import { queuedBallots } from '../queued-ballots.ts'
import { type Link, saysWiped } from './link.ts'
import { group, type RedisStreamsEvent } from './options.ts'
import { plainError } from './plain-error.ts'
import type { StreamKeys } from './scripts.ts'
import { parseStreamId } from './stream-id.ts'

/** Redis does nothing else while a script runs: one question takes at most so many entries, the next one goes on. */
const stepsMax = 100
const acksMax = 500
/** Also how often a waiting consumer looks for entries that others have abandoned, or that a rewind brought back. */
const blockMsMax = 1_000
const answerMs = 10_000

type Kind = 'own' | 'abandoned' | 'new'

interface Ack {
  readonly id: string
  readonly ballots: string
}

/** What this life of the consumer knows of one stream. */
interface StreamState {
  readonly stream: number
  readonly keys: StreamKeys
  /** Null: not asked yet. Deliveries of an earlier generation can be acked no more. */
  generation: string | null
  /** Where the look through its own pending entries stands; null: done. */
  ownFrom: string | null
  /** Where the look for abandoned ones stands; null: none under way. */
  abandonedFrom: string | null
  nextLookMs: number
  /** Handed out and not acked: not handed out again. */
  readonly held: Set<string>
  /** Committed, but Redis has not confirmed the ack. */
  unconfirmed: Ack[]
}

export interface RedisSubscriberOptions {
  readonly consumer: string
  readonly link: Link
  /** A connection of its own: a blocking read stops everything else on it. */
  readonly blocking: Redis
  readonly streams: readonly StreamKeys[]
  readonly abandonedAfterMs: number
  readonly onEvent: (event: RedisStreamsEvent) => void
}

/** What one `receive` has so far, and what it may still take. */
interface Taken {
  ballots: number
  bytes: number
  readonly deliveries: Delivery[]
  readonly ids: Set<string>
}

export class RedisSubscriber implements BallotSubscriber {
  readonly #options: RedisSubscriberOptions
  readonly #streams: StreamState[]
  /** Which stream is asked first: another one every time, so that none waits for the others. */
  #first = 0
  #closed = false

  constructor(options: RedisSubscriberOptions) {
    this.#options = options
    this.#streams = options.streams.map((keys, stream) => ({
      stream,
      keys,
      generation: null,
      ownFrom: '0-0',
      abandonedFrom: null,
      nextLookMs: 0,
      held: new Set(),
      unconfirmed: [],
    }))
    options.blocking.connect().catch(() => {})
  }

  async receive(limits: ReceiveLimits): Promise<Delivery[]> {
    const until = performance.now() + limits.waitMs
    const { link } = this.#options
    await link.whenBegun(answerMs)
    const taken: Taken = { ballots: limits.ballotsMax, bytes: limits.bytesMax, deliveries: [], ids: new Set() }
    try {
      await this.#confirmAcks()
      for (;;) {
        await this.#takeAll(taken)
        const leftMs = until - performance.now()
        if (taken.deliveries.length > 0 || leftMs < 1 || this.#closed) break
        await this.#wait(taken, Math.min(leftMs, blockMsMax))
      }
    } catch (error) {
      // What Redis handed out may not have arrived here: it is asked for again.
      for (const state of this.#streams) state.ownFrom = '0-0'
      if (saysWiped(error)) link.again()
      if (taken.deliveries.length === 0 && !this.#closed) throw error
    }
    return this.#handedOut(taken.deliveries)
  }

  async ack(deliveries: readonly Delivery[]): Promise<void> {
    for (const delivery of deliveries) {
      const { stream, generation, entry, ballots } = placeOf(delivery)
      const state = this.#streams[stream]
      if (state?.generation === generation) state.unconfirmed.push({ id: entry, ballots })
    }
    await this.#confirmAcks()
  }

  /** What it holds may be taken by others at once. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    const { link, blocking, consumer } = this.#options
    blocking.disconnect()
    if (link.begun === null) return
    try {
      await this.#confirmAcks()
      for (const { keys } of this.#streams) {
        for (let cursor = '-'; cursor !== ''; ) cursor = (await link.run('release', keys, group, consumer, cursor)) as string
      }
    } catch {
      // Others take it when it was held too long.
    }
  }

  /** Acks that did not get through are sent again: their ballots are committed. */
  async #confirmAcks(): Promise<void> {
    for (const state of this.#streams) {
      while (state.unconfirmed.length > 0) {
        const acks = state.unconfirmed.slice(0, acksMax)
        const pairs = acks.flatMap(({ id, ballots }) => [id, ballots])
        await this.#options.link.run('ack', state.keys, group, state.generation ?? '', ...pairs)
        state.unconfirmed = state.unconfirmed.slice(acks.length)
        for (const { id } of acks) state.held.delete(id)
      }
    }
  }

  /** Its own of an earlier life first, then what others have abandoned, then new ones. */
  async #takeAll(taken: Taken): Promise<void> {
    const turns = [...this.#streams.slice(this.#first), ...this.#streams.slice(0, this.#first)]
    this.#first = (this.#first + 1) % this.#streams.length
    for (const state of turns) {
      while (state.ownFrom !== null && !isFull(taken)) state.ownFrom = await this.#take(state, 'own', state.ownFrom, taken)
    }
    for (const state of turns) {
      if (state.abandonedFrom === null && performance.now() >= state.nextLookMs) {
        state.abandonedFrom = '0-0'
        state.nextLookMs = performance.now() + Math.min(blockMsMax, this.#options.abandonedAfterMs / 4)
      }
      while (state.abandonedFrom !== null && !isFull(taken)) {
        state.abandonedFrom = await this.#take(state, 'abandoned', state.abandonedFrom, taken)
      }
    }
    for (const state of turns) {
      for (let more: string | null = ''; more !== null && !isFull(taken); ) more = await this.#take(state, 'new', '>', taken)
    }
  }

  /** One question. -> the cursor to go on from, null at the end. */
  async #take(state: StreamState, kind: Kind, cursor: string, taken: Taken): Promise<string | null> {
    const { link, consumer, abandonedAfterMs, onEvent } = this.#options
    const [generation, epoch, next, entries, gone] = (await link.run(
      'take',
      state.keys,
      group,
      consumer,
      kind,
      cursor,
      abandonedAfterMs,
      taken.ballots,
      taken.bytes,
      stepsMax,
    )) as [string, string, string, [string, string, string, string][], string[]]
    const rewound = this.#setGeneration(state, generation)
    if (gone.length > 0) onEvent({ kind: 'removed', stream: state.stream, entries: gone.length })
    for (const [id, ballots, entryEpoch, body] of entries) {
      if (kind === 'own' && state.held.has(id)) continue
      this.#deliver(state, { id, ballots, body, epoch: epochFrom(entryEpoch, epoch) }, taken)
    }
    if (rewound && kind === 'own') return '0-0'
    return next === '' ? null : next
  }

  #deliver(state: StreamState, entry: { id: string; ballots: string; body: string; epoch: number }, taken: Taken): void {
    const delivery = toDelivery(state, entry)
    if (delivery === null) {
      this.#options.onEvent({ kind: 'unusable-entry', stream: state.stream })
      return
    }
    if (taken.ids.has(delivery.id)) return
    taken.ids.add(delivery.id)
    taken.deliveries.push(delivery)
    taken.ballots -= Math.max(1, delivery.ballots.length)
    taken.bytes -= entry.body.length
  }

  #handedOut(deliveries: Delivery[]): Delivery[] {
    for (const delivery of deliveries) {
      const { stream, generation, entry } = placeOf(delivery)
      const state = this.#streams[stream]
      if (state?.generation === generation) state.held.add(entry)
    }
    return deliveries
  }

  /** After a rewind everything handed out before comes again, and what is pending under this name is looked through anew. */
  #setGeneration(state: StreamState, generation: string): boolean {
    if (state.generation === generation) return false
    const rewound = state.generation !== null
    if (rewound) state.ownFrom = '0-0'
    state.generation = generation
    state.held.clear()
    state.unconfirmed = []
    return rewound
  }

  /** Waits for the first new entry of any stream. */
  async #wait(taken: Taken, waitMs: number): Promise<void> {
    const { blocking, consumer } = this.#options
    if (blocking.status !== 'ready') {
      await delay(Math.min(waitMs, 50))
      return
    }
    const blockMs = Math.max(1, Math.floor(waitMs))
    const keys = this.#streams.map((state) => state.keys.stream)
    const pipeline = blocking.pipeline()
    pipeline.call('XREADGROUP', 'GROUP', group, consumer, 'COUNT', 1, 'BLOCK', blockMs, 'STREAMS', ...keys, ...keys.map(() => '>'))
    for (const state of this.#streams) pipeline.hmget(state.keys.queue, 'generation', 'epoch')
    const silent = setTimeout(() => blocking.disconnect(true), blockMs + answerMs)
    const results = await pipeline
      .exec()
      .catch((error: unknown) => Promise.reject(plainError(error)))
      .finally(() => clearTimeout(silent))
    const [read, ...states] = (results ?? []).map(([error, reply]) => {
      if (error !== null) throw plainError(error)
      return reply
    })
    for (const [key, entries] of (read ?? []) as [string, [string, string[]][]][]) {
      const state = this.#streams[keys.indexOf(key)] as StreamState
      const [generation, epoch] = states[state.stream] as [string | null, string | null]
      // A rewind came in between: whether this was read before or after it cannot be told. It is found among its own.
      if (generation !== state.generation) {
        this.#setGeneration(state, generation ?? '')
        continue
      }
      for (const [id, fields] of entries) {
        const field = (name: string) => fields[fields.indexOf(name) + 1]
        const at = (name: string) => (fields.indexOf(name) % 2 === 0 ? (field(name) ?? '') : '')
        this.#deliver(state, { id, ballots: at('n'), body: at('b'), epoch: epochFrom(at('e'), epoch ?? '') }, taken)
      }
    }
  }
}

function isFull(taken: Taken): boolean {
  return taken.ballots <= 0 || taken.bytes <= 0
}

/** For a ballot that cannot be read; whoever wrote it may have written anything there. */
function epochFrom(ofEntry: string, ofQueue: string): number {
  return Number(/^\d{1,9}$/.test(ofEntry) ? ofEntry : ofQueue)
}

function placeOf({ id }: Delivery): { stream: number; generation: string; entry: string; ballots: string } {
  const [stream = '', generation = '', entry = '', ballots = ''] = id.split('/')
  return { stream: Number(stream), generation, entry, ballots }
}

/** Null: its id fits no sequence. */
function toDelivery(state: StreamState, entry: { id: string; ballots: string; body: string; epoch: number }): Delivery | null {
  const { ms, n } = parseStreamId(entry.id)
  try {
    const sequenceOf = (epoch: number, index: number) => streamSequence({ epoch, ms, n, stream: state.stream, index })
    const ballots = queuedBallots(entry.body, ms, entry.epoch, sequenceOf)
    return { id: `${state.stream}/${state.generation}/${entry.id}/${entry.ballots}`, ballots }
  } catch (error) {
    if (error instanceof SequenceOverflowError) return null
    throw error
  }
}
