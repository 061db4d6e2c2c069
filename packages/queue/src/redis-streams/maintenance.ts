import {
  type BallotQueueMaintenance,
  compareSequences,
  endOfEpoch,
  entryOfSequence,
  type LowWater,
  type QueueDepth,
  type Sequence,
  type StreamPosition,
  streamSequence,
} from '@urna/core'
import { type Link, saysWiped } from './link.ts'
import { group, newGeneration, type RedisStreamsEvent } from './options.ts'
import type { ScriptName, StreamKeys } from './scripts.ts'
import { readServerInfo } from './settings-check.ts'
import { formatStreamId, idBefore, parseStreamId, type StreamId } from './stream-id.ts'

const answerMs = 10_000
/** What one step of a trim removes at most: the entries that came in one second. */
const trimStepMs = 1_000
const trimStepsMax = 60
const memoryShareMax = 0.4
const tidyEveryMs = 60_000
const activeWithinMs = 60_000
const nameKeptMsMin = 3_600_000

export interface RedisMaintenanceOptions {
  readonly link: Link
  readonly streams: readonly StreamKeys[]
  readonly replayWindowMs: number
  readonly abandonedAfterMs: number
  readonly onEvent: (event: RedisStreamsEvent) => void
}

interface Look {
  readonly timeMs: number
  /** Null: nothing is unacked. */
  readonly oldest: { readonly id: StreamId; readonly epoch: number } | null
  readonly lastId: StreamId
  /** What is written now. */
  readonly epoch: number
  readonly copy: LowWater | null
}

export class RedisMaintenance implements BallotQueueMaintenance {
  readonly #options: RedisMaintenanceOptions
  #nextTidyMs = performance.now() + tidyEveryMs

  constructor(options: RedisMaintenanceOptions) {
    this.#options = options
  }

  /**
   * All streams report ONE epoch: the earliest that is not done with, be it that one of its entries is unacked or that its low water has
   * not said so yet. An epoch that is done with is reported once more, with its end: whatever of it cannot be found then is lost.
   *
   * All report one time too, that of the stream furthest behind: an as-of may then be read from whichever rows are written already.
   */
  async positions(): Promise<StreamPosition[]> {
    await this.#noteAnotherServer()
    const looks: Look[] = []
    for (const [stream, keys] of this.#options.streams.entries()) looks.push(await this.#look(stream, keys))
    const unfinished = looks.map(({ oldest, epoch }) => oldest?.epoch ?? epoch)
    const unsaid = looks.flatMap(({ copy }) => (copy === null || saysEnded(copy) ? [] : [copy.epoch]))
    const epoch = Math.min(...unfinished, ...unsaid)
    const atMs = Math.min(...looks.map(countedUntilMs))
    return looks.map((look, stream) => ({
      stream,
      epoch,
      below: belowOf(look, stream, epoch),
      atMs,
      clockBehindMs: Math.max(0, look.lastId.ms - look.timeMs),
    }))
  }

  /** Behind a proxy a failover breaks no connection; whoever sees it begins the new epoch, and the intakes are told at their next flush. */
  async #noteAnotherServer(): Promise<void> {
    const { link } = this.#options
    const { runId } = await link.whenBegun(answerMs)
    if (readServerInfo(await link.ask((client) => client.info('server'))).runId !== runId) link.again()
  }

  async depth(): Promise<QueueDepth> {
    let ballots = 0
    let oldestAtMs: number | null = null
    for (const keys of this.#options.streams) {
      const [waiting, oldest] = (await this.#run('depth', keys)) as [string, string]
      ballots += Number(waiting)
      if (oldest !== '') oldestAtMs = Math.min(parseStreamId(oldest).ms, oldestAtMs ?? Number.POSITIVE_INFINITY)
    }
    return { ballots, oldestAtMs }
  }

  /** How many consumers asked for ballots of any stream within the last minute. */
  async activeConsumers(): Promise<number> {
    const names = new Set<string>()
    for (const keys of this.#options.streams) {
      for (const name of (await this.#run('consumers', keys, activeWithinMs)) as string[]) names.add(name)
    }
    return names.size
  }

  async storedLowWater(stream: number): Promise<LowWater | null> {
    const { link } = this.#options
    await link.whenBegun(answerMs)
    return readCopy((await link.ask((client) => client.hget(this.#keys(stream).queue, 'low_water'))) ?? '')
  }

  async storeLowWater(row: LowWater): Promise<void> {
    const { link } = this.#options
    await link.whenBegun(answerMs)
    await link.ask((client) => client.hset(this.#keys(row.stream).queue, 'low_water', writeCopy(row)))
  }

  async rewind(stream: number, row: LowWater | null): Promise<{ entries: number; gap: boolean }> {
    // The end of an epoch is no entry's place: everything that is kept comes again then, which is always safe.
    const from = row === null || saysEnded(row) ? { ms: 0, n: 0 } : entryOfSequence(row.below)
    const copy = row === null ? '' : writeCopy(row)
    for (;;) {
      const reply = await this.#run('rewind', this.#keys(stream), newGeneration(), formatStreamId(from), idBefore(from), copy)
      if (reply === 'more') continue
      const [entries, gap] = reply as [number, number]
      return { entries, gap: gap === 1 }
    }
  }

  async trim(row: LowWater): Promise<number> {
    const { stream } = row
    await this.#tidy()
    const copy = await this.storedLowWater(stream)
    if (copy === null || copy.epoch !== row.epoch || compareSequences(row.below, copy.below) > 0 || saysEnded(row)) return 0
    const below = formatStreamId(entryOfSequence(row.below))
    let removed = 0
    for (let step = 0; step < trimStepsMax; step++) {
      const [count, more] = await this.#trimStep(stream, below, this.#options.replayWindowMs)
      removed += count
      if (more === 0) break
    }
    return removed + (await this.#trimForMemory(stream, below))
  }

  /** Counted entries may take so much of the memory; what is not counted yet needs it more. */
  async #trimForMemory(stream: number, below: string): Promise<number> {
    let removed = 0
    for (let step = 0; step < trimStepsMax && (await this.#memoryIsShort()); step++) {
      const [count, more] = await this.#trimStep(stream, below, 0)
      removed += count
      if (more === 0) break
    }
    if (removed > 0) this.#options.onEvent({ kind: 'replay-window-cut', stream, entries: removed })
    return removed
  }

  async #trimStep(stream: number, below: string, windowMs: number): Promise<[removed: number, more: number]> {
    return (await this.#run('trim', this.#keys(stream), below, windowMs, trimStepMs)) as [number, number]
  }

  async #memoryIsShort(): Promise<boolean> {
    const info = await this.#options.link.ask((client) => client.info('memory'))
    const read = (name: string) => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1] ?? 0)
    return read('maxmemory') > 0 && read('used_memory') > memoryShareMax * read('maxmemory')
  }

  async #tidy(): Promise<void> {
    if (performance.now() < this.#nextTidyMs) return
    this.#nextTidyMs = performance.now() + tidyEveryMs
    const keptMs = Math.max(nameKeptMsMin, 10 * this.#options.abandonedAfterMs)
    for (const keys of this.#options.streams) await this.#run('tidy', keys, keptMs)
  }

  async #look(stream: number, keys: StreamKeys): Promise<Look> {
    const reply = (await this.#run('look', keys)) as [string, string, string, string, string, string, number]
    const [time, oldest, oldestEpoch, lastId, epoch, copy, removed] = reply
    if (removed > 0) this.#options.onEvent({ kind: 'removed', stream, entries: removed })
    return {
      timeMs: Number(time),
      oldest: oldest === '' ? null : { id: parseStreamId(oldest), epoch: Number(oldestEpoch) },
      lastId: parseStreamId(lastId),
      epoch: Number(epoch),
      copy: readCopy(copy),
    }
  }

  /** A queue that turns out to be wiped is made anew, and asked once more. */
  async #run(name: ScriptName, keys: StreamKeys, ...args: (string | number)[]): Promise<unknown> {
    const { link } = this.#options
    await link.whenBegun(answerMs)
    try {
      return await link.run(name, keys, group, ...args)
    } catch (error) {
      if (!saysWiped(error)) throw error
      await link.whenBegun(answerMs)
      return await link.run(name, keys, group, ...args)
    }
  }

  #keys(stream: number): StreamKeys {
    const keys = this.#options.streams[stream]
    if (keys === undefined) throw new RangeError(`there is no stream ${stream}`)
    return keys
  }
}

/**
 * Everything accepted until then is acked. With something unacked: all of the milliseconds before it. With nothing: all before the time
 * of the look, and not that millisecond itself, for it may bring more; whatever comes later has an id above the stream's last one, which
 * the look has moved up to the time.
 */
function countedUntilMs({ oldest, lastId }: Look): number {
  return (oldest === null ? lastId.ms : oldest.id.ms) - 1
}

function belowOf({ oldest, lastId, epoch: current }: Look, stream: number, epoch: number): Sequence {
  if ((oldest?.epoch ?? current) > epoch) return endOfEpoch(epoch)
  // By the stream's own place, never by a time: the next entry gets an id above its last one.
  const { ms, n } = oldest === null ? { ms: lastId.ms, n: lastId.n + 1 } : oldest.id
  return streamSequence({ epoch, ms, n, stream, index: 0 })
}

function saysEnded(row: LowWater): boolean {
  return compareSequences(row.below, endOfEpoch(row.epoch)) === 0
}

function writeCopy(row: LowWater): string {
  return JSON.stringify({ ...row, below: Buffer.from(row.below).toString('hex') })
}

function readCopy(text: string): LowWater | null {
  if (text === '') return null
  const { below, ...row } = JSON.parse(text) as Omit<LowWater, 'below'> & { below: string }
  return { ...row, below: Buffer.from(below, 'hex') }
}
