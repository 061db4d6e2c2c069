import { advanceLowWater, type LowWater } from '@urna/core'
import { describe, expect, it } from 'vitest'
import { SqsMaintenance } from './sqs-maintenance.ts'
import { fakeConnection } from './testing/fake-sqs.ts'

const minute = 60_000

function setUp(queueName = 'voting.fifo') {
  const connected = fakeConnection({ queueName })
  connected.fake.make(queueName)
  const maintenance = new SqsMaintenance(connected.connection, { quietMs: 5 * minute })
  return {
    ...connected,
    maintenance,
    /** Looks once a second for so long, as the janitor does; returns the last position. */
    async look(ms: number) {
      let positions = await maintenance.positions()
      for (let passed = 0; passed < ms; passed += 1_000) {
        connected.time.pass(1_000)
        positions = await maintenance.positions()
      }
      return positions[0] ?? null
    },
    waiting(visible: number, hidden = 0, delayed = 0) {
      Object.assign(connected.fake.queue ?? {}, connected.fake.counts(visible, hidden, delayed))
    },
  }
}

describe('position in a queue that tells only counts', () => {
  it('is unknown until the counts were 0 for five minutes, then those five minutes ago', async () => {
    const { look, time } = setUp()
    const start = time.wallMs
    expect(await look(5 * minute - 1_000)).toBeNull()
    expect(await look(1_000)).toMatchObject({ atMs: start, stream: 0, epoch: 1, clockBehindMs: 0 })
    expect(await look(10_000)).toMatchObject({ atMs: start + 10_000 })
  })

  it.each([
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ])('begins anew when anything is waiting (%i), held (%i) or delayed (%i)', async (...counts) => {
    const { look, time, waiting } = setUp()
    await look(6 * minute)
    waiting(...counts)
    expect(await look(1_000)).toBeNull()
    waiting(0)
    time.pass(1_000)
    const emptyAgain = time.wallMs
    expect(await look(5 * minute - 1_000)).toBeNull()
    expect(await look(1_000)).toMatchObject({ atMs: emptyAgain })
  })

  it('begins anew when nobody looked for a while, when the queue was replaced, or when SQS did not say', async () => {
    const { look, time, fake } = setUp()
    await look(6 * minute)
    time.pass(11_000)
    expect(await look(5 * minute - 1_000)).toBeNull()
    expect(await look(2_000)).not.toBeNull()
    fake.make('voting.fifo', { CreatedTimestamp: '2000' })
    expect(await look(4 * minute)).toBeNull()
    expect(await look(2 * minute)).toMatchObject({ epoch: 2 })
    Object.assign(fake.queue ?? {}, { ApproximateNumberOfMessages: undefined })
    await expect(look(0)).rejects.toThrow('did not say how many')
  })

  it('has nothing below it in a FIFO queue, and what is older in a standard one', async () => {
    const fifo = await setUp('voting.fifo').look(6 * minute)
    expect(fifo?.below.toString('hex')).toBe(`00000001${'0'.repeat(24)}`)
    const standard = await setUp('voting').look(6 * minute)
    expect(standard?.below.readUIntBE(4, 6)).toBe(standard?.atMs)
  })

  it('tells how far the clock of this machine is behind', async () => {
    const { look, time } = setUp()
    await look(6 * minute)
    time.wallMs -= 7_000
    expect(await look(1_000)).toMatchObject({ clockBehindMs: 7_000 })
  })

  it('moves the low water of the janitor, and never makes it rewind', async () => {
    const { maintenance, look, time, waiting } = setUp()
    let row: LowWater | null = null
    const beat = advanceLowWater({
      queue: maintenance,
      ballots: {
        readLowWater: async () => row,
        writingServer: async () => '',
        writeLowWater: async (next) => {
          row = next
          return true
        },
      },
    })
    expect(await beat()).toEqual([]) // it says nothing before it knows
    await look(5 * minute)
    const countedUntilMs = time.wallMs - 5 * minute
    expect(await beat()).toEqual([{ kind: 'advanced', stream: 0, atMs: countedUntilMs, trimmedEntries: 0 }])
    waiting(3)
    expect(await beat()).toEqual([])
    expect(row).toMatchObject({ atMs: countedUntilMs, beat: 1 })
    waiting(0)
    await look(5 * minute)
    row = null // the database was restored from a backup of before
    expect(await beat()).toMatchObject([{ kind: 'advanced' }])
  })
})

describe('depth', () => {
  it('is what waits, is held, and is delayed, together; how old it is SQS does not say', async () => {
    const { maintenance, waiting } = setUp()
    waiting(5, 3, 2)
    expect(await maintenance.depth()).toEqual({ ballots: 10, oldestAtMs: null })
  })
})
