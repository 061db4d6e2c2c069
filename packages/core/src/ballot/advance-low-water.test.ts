import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { PollId } from '../poll/poll.ts'
import type { BallotQueueMaintenance, LowWater } from '../ports/ballot-queue-maintenance.ts'
import { InMemoryQueue } from '../testing/in-memory-queue.ts'
import { advanceLowWater } from './advance-low-water.ts'
import { rowOfSequence } from './sequence.ts'

/** The database's side: one row, compare-and-set. */
class LowWaterRow {
  row: LowWater | null = null
  refuse = false
  server = 'a'
  writingServer = async () => this.server
  readLowWater = async () => this.row
  writeLowWater = async (row: LowWater, expectedBeat: number | null) => {
    if (this.refuse || (this.row?.beat ?? null) !== expectedBeat || row.server !== this.server) return false
    const { server, ...stored } = row
    this.row = stored
    return true
  }
}

async function setUp() {
  const queue = new InMemoryQueue({ replayWindowMs: -1_000 }) // nothing is too young to be trimmed
  const database = new LowWaterRow()
  const beat = advanceLowWater({ ballots: database, queue: queue.maintenance })
  const publisher = queue.publisher()
  const subscriber = await queue.subscribe('consumer')
  return {
    queue,
    database,
    beat,
    publish: async (count: number) => {
      for (let index = 0; index < count; index++) {
        await publisher.publish({ pollId: '0123456789abcdef' as PollId, pollVersion: 1, voterKey: randomBytes(16), answers: ['1'] })
      }
    },
    countAll: async () => {
      const deliveries = await subscriber.receive({ ballotsMax: 1_000, bytesMax: 1e9, waitMs: 0 })
      await subscriber.ack(deliveries)
      return deliveries.length
    },
    belowRow: () => (database.row === null ? null : rowOfSequence(database.row.below)),
  }
}

describe('a beat of the janitor', () => {
  it('moves the low water up to the oldest ballot that is not counted, and trims what is below', async () => {
    const { beat, publish, countAll, belowRow } = await setUp()
    await publish(3)
    await beat()
    expect(belowRow()).toBe(1)
    expect(await countAll()).toBe(3)
    await publish(2)
    expect(await beat()).toMatchObject([{ kind: 'advanced', trimmedEntries: 3 }])
    expect(belowRow()).toBe(4)
  })

  it('advances its time while nothing happens', async () => {
    const { beat, database } = await setUp()
    await beat()
    const first = database.row
    await new Promise((resolve) => setTimeout(resolve, 5))
    await beat()
    expect(database.row?.atMs).toBeGreaterThan(first?.atMs ?? 0)
    expect(database.row?.beat).toBe((first?.beat ?? 0) + 1)
  })

  it('leaves queue and row alone when another janitor was faster', async () => {
    const { beat, publish, countAll, database, queue } = await setUp()
    await publish(1)
    await countAll()
    database.refuse = true
    expect(await beat()).toEqual([{ kind: 'contended', stream: 0 }])
    expect(await queue.maintenance.storedLowWater(0)).toBeNull()
  })

  it('rewinds when the database has lost commits, and then goes on', async () => {
    const { beat, publish, countAll, database, queue } = await setUp()
    await publish(1)
    await countAll()
    await beat()
    const backup = database.row
    await publish(2)
    await countAll()
    // The copy in the queue is of this moment; a trim would take the entries away, so the row is written without one.
    await queue.maintenance.storeLowWater({ ...((await queue.maintenance.positions())[0] as unknown as LowWater), beat: 2 })
    database.row = backup // a failover: the last commits are gone
    expect(await beat()).toEqual([{ kind: 'rewound', stream: 0, why: 'older', entries: 2, gap: false }])
    expect(await countAll()).toBe(2)
    expect(await beat()).toMatchObject([{ kind: 'advanced' }])
    expect(database.row?.beat).toBe((backup?.beat ?? 0) + 1)
  })

  it('rewinds when beats are lost in which an old entry held the low water back, and later ones were counted', async () => {
    const { beat, publish, countAll, database, belowRow } = await setUp()
    await publish(2)
    await beat()
    const backup = database.row // row 1 is not counted
    await beat()
    expect(belowRow()).toBe(1)
    await countAll()
    database.row = backup // its place is that of the copy
    expect(await beat()).toEqual([{ kind: 'rewound', stream: 0, why: 'older', entries: 2, gap: false }])
    expect(await countAll()).toBe(2)
    expect(await beat()).toMatchObject([{ kind: 'advanced' }])
    expect(belowRow()).toBe(3)
  })

  it('rewinds once when another server takes the writes: it may have the newest row and not what was counted since', async () => {
    const { beat, publish, countAll, database } = await setUp()
    await publish(1)
    await countAll()
    await beat()
    await publish(3)
    expect(await countAll()).toBe(3)
    database.server = 'b'
    expect(await beat()).toEqual([{ kind: 'rewound', stream: 0, why: 'another-server', entries: 3, gap: false }])
    expect(await countAll()).toBe(3)
    expect(await beat()).toMatchObject([{ kind: 'advanced' }])
    expect(await beat()).toMatchObject([{ kind: 'advanced' }])
  })

  it('writes nothing to a server that took over since it asked for its name', async () => {
    const { beat, publish, countAll, database, queue } = await setUp()
    await beat()
    const row = database.row
    await publish(1)
    await countAll()
    const fails: typeof database.writeLowWater = async (next, expectedBeat) => {
      database.server = 'b'
      return database.writeLowWater(next, expectedBeat)
    }
    const { readLowWater, writingServer } = database
    const ballots = { readLowWater, writingServer, writeLowWater: fails }
    expect(await advanceLowWater({ ballots, queue: queue.maintenance })()).toEqual([{ kind: 'contended', stream: 0 }])
    expect(database.row).toEqual(row)
    expect(await beat()).toMatchObject([{ kind: 'rewound', why: 'another-server', entries: 1 }])
  })

  it('delivers everything that is kept when the database has no row at all', async () => {
    const { beat, publish, countAll, database, queue } = await setUp()
    await publish(2)
    await countAll()
    await queue.maintenance.storeLowWater({ ...((await queue.maintenance.positions())[0] as unknown as LowWater), beat: 1 })
    database.row = null
    expect(await beat()).toEqual([{ kind: 'rewound', stream: 0, why: 'older', entries: 2, gap: false }])
  })

  it('takes a row that another janitor has just written for newer, never for lost commits', async () => {
    const { beat, publish, countAll, database, queue } = await setUp()
    await publish(2)
    await countAll()
    await beat()
    const other = advanceLowWater({ ballots: database, queue: queue.maintenance })
    let between = true
    const slow = {
      writingServer: database.writingServer,
      writeLowWater: database.writeLowWater,
      async readLowWater() {
        const row = database.row
        // Everything the other one does in a beat happens after this reading.
        if (between) {
          between = false
          await publish(1)
          await countAll()
          await other()
        }
        return row
      },
    }
    const events = await advanceLowWater({ ballots: slow, queue: queue.maintenance })()
    expect(events.map(({ kind }) => kind)).not.toContain('rewound')
  })

  it('rewinds when commits of an epoch that has ended are lost', async () => {
    const { publish, countAll, database, queue } = await setUp()
    await publish(2)
    await countAll()
    const [position] = await queue.maintenance.positions()
    await queue.maintenance.storeLowWater({ ...(position as unknown as LowWater), beat: 1 })
    const inTheNextEpoch: BallotQueueMaintenance = Object.assign(Object.create(queue.maintenance) as BallotQueueMaintenance, {
      positions: async () => (await queue.maintenance.positions()).map((old) => ({ ...old, epoch: 2 })),
    })
    const events = await advanceLowWater({ ballots: database, queue: inTheNextEpoch })()
    expect(events).toEqual([{ kind: 'rewound', stream: 0, why: 'older', entries: 2, gap: false }])
  })

  it('never moves back', async () => {
    const { beat, publish, countAll, database, belowRow, queue } = await setUp()
    await publish(2)
    await countAll()
    await beat()
    const row = database.row as LowWater
    // Entries come back that were counted already (a queue restored from its own backup, say).
    await queue.maintenance.rewind(0, row)
    await beat()
    expect(belowRow()).toBe(3)
    expect(database.row?.atMs).toBeGreaterThanOrEqual(row.atMs)
  })
})
