import type { Writable } from 'node:stream'
import { setImmediate as nextRound } from 'node:timers/promises'
import type { ProblemName } from '@urna/contracts'
import type { Poll, PollId, ResultsReaderRights } from '@urna/core'
import type { FastifyBaseLogger } from 'fastify'
import type { Definitions } from './definitions.ts'
import { eventText, keepAliveText, retryText } from './event-stream.ts'
import { loggable, ProblemError, problemOf } from './problems.ts'
import type { CachedResults, ResultsCache } from './results-cache.ts'
import { noRights, type ResultsGate } from './results-gate.ts'
import { shuttingDown } from './take-ballot.ts'

const readersMaxDefault = 20_000
/** From one push to the next. A little more than the cache keeps results, or every other turn would find those of the turn before. */
const turnEveryMsDefault = 510
const keepAliveAfterMs = 15_000
const cutAfterMs = 30_000
/** While nothing is counted only the as-of moves: that alone is not worth an event to everybody every second. */
const asOfEveryMs = 5_000
const beatEveryMs = 1_000
/**
 * Who sees results because of who they are is asked again after this, by coming back: the session may be over by then, the token deleted, the role another.
 */
const ownerForMs = 300_000
/** So many are written to before ballots and everybody else get their turn: about 20 us each. With 250 the p99 of voting was twice that without readers. */
const sliceMax = 25

export interface LiveResultsOptions {
  readonly definitions: Pick<Definitions, 'find'>
  readonly resultsCache: Pick<ResultsCache, 'get'>
  readonly resultsGate: Pick<ResultsGate, 'refusal'>
  readonly logger: FastifyBaseLogger
  readonly readersMax?: number | undefined
  readonly turnEveryMs?: number
  readonly monotonicMs?: () => number
}

export interface NewReader {
  readonly poll: Poll
  /** Just read: what the reader sees at once. */
  readonly results: CachedResults
  /** Why the reader may see them. */
  readonly rights: ResultsReaderRights
  /** Where the events go; its headers are out. */
  readonly out: Writable
}

interface Reader {
  readonly room: Room
  readonly rights: ResultsReaderRights
  readonly out: Writable
  /** The state that was last written. States are compared by identity: each is made once for all readers. */
  shown: Buffer | null
  /** Since when something written waits for the reader to take it; null: everything is taken. */
  waitsSinceMs: number | null
  wroteAtMs: number
  readonly joinedAtMs: number
  ended: boolean
}

/** The readers of one poll. */
interface Room {
  readonly id: PollId
  readonly readers: Set<Reader>
  /** Results read last, as an event. */
  results: Buffer
  /** The body of {@link results}, and since when it is. */
  body: string
  sinceMs: number
  order: number
  etag: string
  final: boolean
  /** Set while results cannot be read. */
  delayed: Buffer | null
  /** The results of the last push. */
  pushed: Buffer
  timer: NodeJS.Timeout | null
}

/**
 * Live results: all readers of a poll share one room, and a room has one timer that reads the results and pushes them to all, if they
 * changed. The rooms live in memory and hold nothing that another process would need: any process serves any reader.
 *
 * A reader is always in one of two states: it has taken everything, or something written waits in its connection. To one that waits nothing
 * more is written; when it has taken what waited it gets the newest state, whatever was in between.
 */
export class LiveResults {
  readonly #options: LiveResultsOptions
  readonly #readersMax: number
  readonly #turnEveryMs: number
  readonly #monotonicMs: () => number
  readonly #rooms = new Map<PollId, Room>()
  /** Of all rooms; and those that were ended and have not taken their last event. */
  readonly #readers = new Set<Reader>()
  readonly #delayedStates = new Map<ProblemName, Buffer>()
  #beatTimer: NodeJS.Timeout | null = null
  #beating = false
  #stopped = false
  /** What rooms are delayed by, since the first of them; each is logged once. */
  readonly #failing = new Set<ProblemName>()
  /** How many times changed results were pushed, each time to all readers of a poll. */
  pushes = 0

  constructor(options: LiveResultsOptions) {
    this.#options = options
    this.#readersMax = options.readersMax ?? readersMaxDefault
    this.#turnEveryMs = options.turnEveryMs ?? turnEveryMsDefault
    this.#monotonicMs = options.monotonicMs ?? (() => performance.now())
  }

  /** Streams that are open. */
  get readers(): number {
    return this.#readers.size
  }

  /** Throws the problem if there is no place for another reader. */
  assertTakesReaders(): void {
    if (this.#stopped) throw shuttingDown()
    if (this.#readers.size >= this.#readersMax) throw new ProblemError('too-many-readers')
  }

  /** From here on `out` gets the results, until it closes or an event `end`. Ask {@link assertTakesReaders} first. */
  join({ poll, results, rights, out }: NewReader): void {
    const room = this.#rooms.get(poll.id) ?? this.#open(poll.id, results)
    // Others get it with the next push; this one must not see less than what it was let in with.
    if (results.order > room.order) {
      this.#take(room, results)
      room.delayed = null
    }
    const nowMs = this.#monotonicMs()
    const reader: Reader = { room, rights, out, shown: null, waitsSinceMs: null, wroteAtMs: nowMs, joinedAtMs: nowMs, ended: false }
    room.readers.add(reader)
    this.#readers.add(reader)
    this.#beatTimer ??= setInterval(() => void this.beat(), beatEveryMs).unref()
    out.once('close', () => this.#leave(reader))
    // A connection that breaks closes.
    out.on('error', () => {})
    // With jitter: a crowd that lost its server together does not come back together.
    out.write(retryText(1_000 + Math.floor(Math.random() * 4_000)))
    this.#show(reader)
    if (room.final) this.#end(reader, { final: true })
  }

  /** Ends all streams and takes no more. */
  stop(): void {
    this.#stopped = true
    for (const room of [...this.#rooms.values()]) this.#close(room)
    for (const reader of this.#readers) {
      const { out, waitsSinceMs } = reader
      reader.ended = true
      // What is not taken yet would hold the connection for as long as the reader likes.
      if (waitsSinceMs === null) out.end()
      else out.destroy()
    }
    this.#stopBeating()
  }

  /** What the timer of a room does: reads the results, and pushes them if they changed. Never throws. */
  async turn(id: PollId): Promise<void> {
    const room = this.#rooms.get(id)
    if (room === undefined) return
    if (room.timer !== null) clearTimeout(room.timer)
    try {
      const known = await this.#options.definitions.find(id)
      await this.#endRefused(room, known?.poll ?? null)
      if (known !== null && room.readers.size > 0) {
        const results = await this.#options.resultsCache.get(known.poll)
        if (results.order > room.order) this.#take(room, results)
        room.delayed = null
        this.#recovered()
      }
    } catch (error) {
      room.delayed ??= this.#delayedBy(error)
    }
    await this.#push(room)
    if (this.#rooms.get(id) === room) room.timer = this.#turnLater(id)
  }

  /** What the one timer for all readers does: breaks silences, and cuts who takes nothing. */
  async beat(): Promise<void> {
    if (this.#beating) return
    this.#beating = true
    await inSlices(this.#readers, (reader) => {
      const nowMs = this.#monotonicMs()
      if (reader.waitsSinceMs !== null) {
        if (nowMs - reader.waitsSinceMs >= cutAfterMs) reader.out.destroy()
      } else if (!reader.ended && nowMs - reader.wroteAtMs >= keepAliveAfterMs) this.#write(reader, keepAliveText)
    })
    this.#beating = false
  }

  #open(id: PollId, results: CachedResults): Room {
    const event = resultsEvent(results)
    const room: Room = {
      id,
      readers: new Set(),
      results: event,
      body: results.body,
      sinceMs: this.#monotonicMs(),
      order: results.order,
      etag: results.etag,
      final: results.results.final,
      delayed: null,
      pushed: event,
      timer: this.#turnLater(id),
    }
    this.#rooms.set(id, room)
    return room
  }

  /** Results that were read later than those of the room. The event stays the same where the results do. */
  #take(room: Room, results: CachedResults): void {
    room.order = results.order
    if (results.etag === room.etag) return
    const nowMs = this.#monotonicMs()
    if (nowMs - room.sinceMs < asOfEveryMs && withoutAsOf(results.body) === withoutAsOf(room.body)) return
    room.etag = results.etag
    room.final = results.results.final
    room.results = resultsEvent(results)
    room.body = results.body
    room.sinceMs = nowMs
  }

  #close(room: Room): void {
    if (room.timer !== null) clearTimeout(room.timer)
    if (this.#rooms.get(room.id) === room) this.#rooms.delete(room.id)
  }

  #turnLater(id: PollId): NodeJS.Timeout {
    return setTimeout(() => void this.turn(id), this.#turnEveryMs).unref()
  }

  async #push(room: Room): Promise<void> {
    if (room.delayed === null && room.pushed !== room.results && room.readers.size > 0) {
      room.pushed = room.results
      this.pushes++
    }
    await inSlices(room.readers, (reader) => {
      this.#show(reader)
      if (room.final) this.#end(reader, { final: true })
    })
  }

  /** Ends the streams of those who may not see the results any more. A null poll never was one. */
  async #endRefused(room: Room, poll: Poll | null): Promise<void> {
    const { resultsGate } = this.#options
    if (poll !== null && resultsGate.refusal(poll, noRights) === null) return
    await inSlices(room.readers, (reader) => {
      const problem = poll === null ? 'poll-not-found' : resultsGate.refusal(poll, reader.rights)?.problem
      if (problem !== undefined) this.#end(reader, { problem })
      else if (reader.rights.isOwner && this.#monotonicMs() - reader.joinedAtMs >= ownerForMs) this.#sendBack(reader)
    })
  }

  /** The stream stops without an event `end`: whoever reads it connects again, and is asked who that is. */
  #sendBack(reader: Reader): void {
    if (reader.ended) return
    reader.ended = true
    reader.waitsSinceMs ??= this.#monotonicMs()
    reader.out.end()
    this.#leaveRoom(reader)
  }

  /** Writes the newest state, unless the reader has it or has not taken an earlier one. */
  #show(reader: Reader): void {
    if (reader.ended || reader.waitsSinceMs !== null) return
    const newest = reader.room.delayed ?? reader.room.results
    if (reader.shown === newest) return
    reader.shown = newest
    this.#write(reader, newest)
  }

  #write(reader: Reader, event: Buffer | string): void {
    reader.wroteAtMs = this.#monotonicMs()
    reader.waitsSinceMs = reader.wroteAtMs
    // Called when the operating system has taken it all; `drain` would not come for what fits the buffer of the stream.
    reader.out.write(event, (error) => {
      // Of an ended one the last event may still wait behind this: it is cut if that is not taken in time.
      if (error || reader.ended) return
      reader.waitsSinceMs = null
      this.#show(reader)
    })
  }

  /** The last event of a stream: at most this and the final results go to a reader that waits. */
  #end(reader: Reader, reason: { final: true } | { problem: ProblemName }): void {
    if (reader.ended) return
    reader.ended = true
    if ('final' in reason && reader.shown !== reader.room.results) reader.out.write(reader.room.results)
    reader.waitsSinceMs ??= this.#monotonicMs()
    reader.out.end(eventText({ event: 'end', data: JSON.stringify(reason) }))
    this.#leaveRoom(reader)
  }

  #leave(reader: Reader): void {
    reader.ended = true
    this.#readers.delete(reader)
    this.#leaveRoom(reader)
    if (this.#readers.size === 0) this.#stopBeating()
  }

  #leaveRoom(reader: Reader): void {
    const { room } = reader
    room.readers.delete(reader)
    if (room.readers.size === 0) this.#close(room)
  }

  #stopBeating(): void {
    if (this.#beatTimer !== null) clearInterval(this.#beatTimer)
    this.#beatTimer = null
  }

  #delayedBy(error: unknown): Buffer {
    const { name } = problemOf(error)
    if (!this.#failing.has(name)) {
      const level = name === 'internal-error' ? 'error' : 'warn'
      this.#options.logger[level]({ problem: name, ...loggable(error) }, 'live results are delayed')
    }
    this.#failing.add(name)
    const known = this.#delayedStates.get(name)
    if (known !== undefined) return known
    const state = Buffer.from(eventText({ event: 'delayed', data: JSON.stringify({ problem: name }) }))
    this.#delayedStates.set(name, state)
    return state
  }

  #recovered(): void {
    if (this.#failing.size === 0 || [...this.#rooms.values()].some(({ delayed }) => delayed !== null)) return
    this.#failing.clear()
    this.#options.logger.info('live results go on')
  }
}

function resultsEvent({ body, etag }: CachedResults): Buffer {
  return Buffer.from(eventText({ event: 'results', id: etag.replaceAll('"', ''), data: body }))
}

/** Quotation marks inside texts are escaped, so this finds the field alone. */
function withoutAsOf(body: string): string {
  return body.replace(/"asOf":(null|"[^"]*")/, '')
}

async function inSlices<Item>(items: Iterable<Item>, visit: (item: Item) => void): Promise<void> {
  let visited = 0
  for (const item of items) {
    if (visited > 0 && visited % sliceMax === 0) await nextRound()
    visited++
    visit(item)
  }
}
