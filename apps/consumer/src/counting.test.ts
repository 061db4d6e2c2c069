import { randomBytes } from 'node:crypto'
import {
  type BallotQueueMaintenance,
  type BallotRepository,
  type BallotSubscriber,
  type Delivery,
  type LowWater,
  openMasterKey,
  RetryableDatabaseError,
  rowSequence,
} from '@urna/core'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { type Counting, type CountingOptions, startCounting } from './counting.ts'

const counting: Counting[] = []
afterEach(async () => {
  for (const one of counting.splice(0)) await one.stop({ lastBeat: false })
})

/** A queue of unreadable ballots (each becomes a dead letter), and a database that takes what it is told to. */
function setUp(options: Partial<CountingOptions> = {}) {
  const told: string[] = []
  const entries: Delivery[] = []
  const acked: string[] = []
  let received = 0
  let databaseError: Error | null = null
  let row: LowWater | null = null
  let copy: LowWater | null = null
  const servers: string[] = []
  const subscriber: BallotSubscriber = {
    async receive() {
      received++
      await new Promise((resolve) => setTimeout(resolve, 1))
      return entries.splice(0)
    },
    async ack(deliveries) {
      acked.push(...deliveries.map(({ id }) => id))
    },
    async close() {},
  }
  const failing = async <Value>(value: Value): Promise<Value> => {
    if (databaseError !== null) throw databaseError
    return value
  }
  const ballots = {
    countBatch: () => failing({ firstBallots: 2, changedBallots: 1, ignoredBallots: 3 }),
    readLowWater: () => failing(row),
    writingServer: () => failing(servers.shift() ?? ''),
    async writeLowWater(next: LowWater) {
      row = await failing(next)
      return true
    },
  } as unknown as BallotRepository
  const queue: BallotQueueMaintenance = {
    positions: async () => [{ stream: 0, epoch: 1, below: rowSequence({ epoch: 1, row: 5, index: 0 }), atMs: 77, clockBehindMs: 0 }],
    depth: async () => ({ ballots: 4, oldestAtMs: 70 }),
    storedLowWater: async () => copy,
    storeLowWater: async (next) => {
      copy = next
    },
    rewind: async (_stream, rewoundTo) => {
      copy = rewoundTo
      return { entries: 6, gap: true }
    },
    trim: async () => 0,
  }
  const started = startCounting({
    subscriber,
    queue,
    ballots,
    polls: { find: async () => null, findVersion: async () => null },
    masterKey: openMasterKey(randomBytes(32)),
    shard: 0,
    crashPoint: () => {},
    tell: (level, message, error) => told.push(`${level} ${message}${error === undefined ? '' : ` (${error})`}`),
    reportEveryMs: 5,
    ...options,
  })
  counting.push(started)
  return {
    started,
    told,
    acked,
    received: () => received,
    deliver(id: string) {
      const seq = rowSequence({ epoch: 1, row: 1, index: 0 })
      entries.push({ id, ballots: [{ seq, atMs: 1, ballot: null, raw: () => Buffer.from('x') }] })
    },
    failWith(error: Error | null) {
      databaseError = error
    },
    loseTheRow() {
      row = null
    },
    servers,
  }
}

const until = (condition: () => void) => vi.waitFor(condition, { timeout: 5_000, interval: 2 })

describe('counting', () => {
  it('tells what it did', async () => {
    const { started, deliver, acked } = setUp()
    deliver('a')
    await until(() => expect(acked).toEqual(['a']))
    await until(() => expect(started.report.waiting).toEqual({ ballots: 4, oldestAtMs: 70 }))
    expect(started.report).toMatchObject({
      firstBallots: 2,
      changedBallots: 1,
      ignoredBallots: 3,
      parked: { late: 0, rejected: 1 },
      retries: 0,
      countedUntilMs: 77,
    })
  })

  it('receives nothing while it may not, and goes on when it may', async () => {
    let may = false
    let beats = 0
    const { deliver, acked, received } = setUp({
      mayReceive: () => may,
      beat: () => {
        beats++
      },
    })
    deliver('a')
    await until(() => expect(beats).toBeGreaterThan(2))
    expect(received()).toBe(0)
    may = true
    await until(() => expect(acked).toEqual(['a']))
  })

  it('holds what it cannot count, and says of an error nothing that could be a voter’s', async () => {
    const retried: Error[] = []
    const { started, deliver, acked, failWith, told } = setUp({ onRetry: (error) => retried.push(error) })
    const cause = Object.assign(new Error("Duplicate entry 'a voter key'"), { code: 'MYSQL_1213' })
    failWith(new RetryableDatabaseError("MYSQL_1213: Duplicate entry 'a voter key'", { cause }))
    deliver('a')
    await until(() => expect(retried.length).toBeGreaterThan(1))
    expect([started.holdsBallots, acked]).toEqual([true, []])
    failWith(null)
    await until(() => expect(acked).toEqual(['a']))
    await until(() => expect(started.holdsBallots).toBe(false))
    expect(told).toContain('warn counting failed and is tried again (RetryableDatabaseError: MYSQL_1213)')
    expect(told.join()).not.toContain('voter key')
  })

  it('raises the alarm when the database has lost what was counted', async () => {
    const { started, told, loseTheRow } = setUp()
    await until(() => expect(started.report.countedUntilMs).toBe(77))
    loseTheRow()
    await until(() => expect(started.report.rewinds).toBe(1))
    expect(told).toContain(
      'error the database is older than the queue: 6 entries are counted again (what is counted already changes nothing); entries in between are gone: ballots that only they held are lost, and their receipts say so',
    )
  })

  it('says what is wrong when two servers take turns, which no failover does', { timeout: 20_000 }, async () => {
    const { started, told, servers } = setUp()
    await until(() => expect(started.report.countedUntilMs).toBe(77))
    servers.push('1', '2', '1', '2')
    const alarm = expect.stringMatching(/^error the server that takes the writes is another one again and again: two servers take writes/)
    await vi.waitFor(() => expect(told).toContainEqual(alarm), { timeout: 15_000 })
    const rewinds = told.filter((line) => line.includes('another database server'))
    expect([rewinds.length, told.indexOf(told.at(-1) as string)]).toEqual([4, 4])
  })
})
