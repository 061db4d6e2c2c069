import { randomBytes } from 'node:crypto'
import { afterEach, describe, expect, it } from 'vitest'
import { compareSequences, type Sequence } from '../ballot/sequence.ts'
import type { PollId } from '../poll/poll.ts'
import type { BallotPublisher, PublishableBallot } from '../ports/ballot-publisher.ts'
import type { BallotQueueMaintenance, LowWater } from '../ports/ballot-queue-maintenance.ts'
import type { BallotSubscriber, Delivery } from '../ports/ballot-subscriber.ts'

export interface QueueSubject {
  readonly publisher: BallotPublisher
  readonly maintenance: BallotQueueMaintenance
  subscribe(consumer: string): Promise<BallotSubscriber>
  /** Ends every process of the queue and starts it again on the same data. */
  restart(): Promise<QueueSubject>
  /** Ends a consumer as a kill does. Needed where a living consumer keeps what it holds for as long as it lives. */
  kill?(subscriber: BallotSubscriber): Promise<void>
  close(): Promise<void>
}

export interface QueueSubjectOptions {
  /** How long a consumer may hold an entry before another gets it. */
  readonly abandonedAfterMs: number
  readonly replayWindowMs: number
}

/** What not every queue can do. Each `false` is explained where the queue was decided on (docs/adr). */
export interface QueueTraits {
  /** Keeps acked entries for the replay window, in one order, with a copy of the low water: they can be delivered again. */
  readonly replays: boolean
  /** Gives a consumer that comes back what it held; else it comes when it was held too long. */
  readonly knowsConsumers: boolean
}

const patient: QueueSubjectOptions = { abandonedAfterMs: 60_000, replayWindowMs: 900_000 }
const all = { ballotsMax: 10_000, bytesMax: 100_000_000, waitMs: 0 }

function ballot(answers: readonly string[] = ['1']): PublishableBallot {
  return { pollId: '0123456789abcdef' as PollId, pollVersion: 2, voterKey: randomBytes(16), answers }
}

function sequencesOf(deliveries: readonly Delivery[]): string[] {
  return deliveries.flatMap((delivery) => delivery.ballots.map((queued) => queued.seq.toString('hex')))
}

async function publishAll(publisher: BallotPublisher, count: number): Promise<Sequence[]> {
  const sequences: Sequence[] = []
  for (let index = 0; index < count; index++) sequences.push((await publisher.publish(ballot())).seq)
  return sequences
}

/** Until so many ballots came, not acked; what another held may take its time. */
async function receiveBallots(subscriber: BallotSubscriber, count: number): Promise<Delivery[]> {
  const deliveries: Delivery[] = []
  const until = Date.now() + 20_000
  while (sequencesOf(deliveries).length < count && Date.now() < until) {
    deliveries.push(...(await subscriber.receive({ ...all, waitMs: 1_000 })))
  }
  return deliveries
}

/** A promise that this queue does not make is not a test that was skipped. */
const itIf = (made: boolean) => (name: string, test: () => Promise<void>) => {
  if (made) it(name, test)
}

/** The low water of every stream, as it could be written now. */
async function rowsNow(queue: QueueSubject, beat = 1): Promise<LowWater[]> {
  const positions = await queue.maintenance.positions()
  return positions.map(({ stream, epoch, below, atMs }) => ({ stream, epoch, below, atMs, beat }))
}

async function storeAll(queue: QueueSubject, rows: readonly LowWater[]): Promise<void> {
  for (const row of rows) await queue.maintenance.storeLowWater(row)
}

async function trimAll(queue: QueueSubject, rows: readonly LowWater[]): Promise<number> {
  let removed = 0
  for (const row of rows) removed += await queue.maintenance.trim(row)
  return removed
}

/** `rows` null: everything that is kept. */
async function rewindAll(queue: QueueSubject, rows: readonly LowWater[] | null): Promise<{ entries: number; gap: boolean }> {
  const rewound = { entries: 0, gap: false }
  for (const { stream } of await queue.maintenance.positions()) {
    const row = rows?.find((candidate) => candidate.stream === stream) ?? null
    const { entries, gap } = await queue.maintenance.rewind(stream, row)
    rewound.entries += entries
    rewound.gap ||= gap
  }
  return rewound
}

const hex = (sequences: readonly Sequence[]) => sequences.map((sequence) => sequence.toString('hex'))

/** What BallotPublisher, BallotSubscriber and BallotQueueMaintenance promise, for every queue. */
export function ballotQueueContract(
  name: string,
  makeSubject: (options: QueueSubjectOptions) => Promise<QueueSubject>,
  traits: QueueTraits = { replays: true, knowsConsumers: true },
): void {
  describe(`ballot queue contract: ${name}`, () => {
    let open: QueueSubject | null = null
    async function subject(options: QueueSubjectOptions = patient): Promise<QueueSubject> {
      open = await makeSubject(options)
      return open
    }
    async function restart(queue: QueueSubject): Promise<QueueSubject> {
      open = await queue.restart()
      return open
    }
    afterEach(async () => {
      await open?.close()
      open = null
    })

    it('delivers what was published, with the sequence and time that the publisher was told', async () => {
      const queue = await subject()
      const sent = ballot(['2', '1,3', ''])
      const published = await queue.publisher.publish(sent)
      const [delivery] = await (await queue.subscribe('a')).receive(all)
      expect(delivery?.ballots).toHaveLength(1)
      const queued = delivery?.ballots[0]
      expect(queued?.seq.equals(published.seq)).toBe(true)
      expect(queued?.atMs).toBe(published.atMs)
      expect(queued?.ballot).toMatchObject({ pollId: sent.pollId, pollVersion: 2, answers: ['2', '1,3', ''] })
      expect(Buffer.from(sent.voterKey).equals(queued?.ballot?.voterKey ?? Buffer.alloc(0))).toBe(true)
    })

    it('gives a voter growing sequences and never earlier times, across a restart too', async () => {
      let queue = await subject()
      const sent = ballot()
      const before = await queue.publisher.publish(sent)
      const second = await queue.publisher.publish(sent)
      queue = await restart(queue)
      const after = await queue.publisher.publish(sent)
      expect(compareSequences(before.seq, second.seq)).toBeLessThan(0)
      expect(compareSequences(second.seq, after.seq)).toBeLessThan(0)
      expect(after.atMs).toBeGreaterThanOrEqual(second.atMs)
    })

    it('gives every ballot of a burst its own sequence, and loses none', async () => {
      const queue = await subject()
      const published = await Promise.all(Array.from({ length: 1_500 }, () => queue.publisher.publish(ballot())))
      const subscriber = await queue.subscribe('a')
      const received: string[] = []
      for (let deliveries = await subscriber.receive(all); deliveries.length > 0; deliveries = await subscriber.receive(all)) {
        received.push(...sequencesOf(deliveries))
        await subscriber.ack(deliveries)
      }
      expect(new Set(received).size).toBe(1_500)
      expect(received.sort()).toEqual(hex(published.map(({ seq }) => seq)).sort())
      expect(await queue.maintenance.depth()).toEqual({ ballots: 0, oldestAtMs: null })
    })

    it('counts ballots, not entries, in its depth', async () => {
      const queue = await subject()
      await Promise.all(Array.from({ length: 700 }, () => queue.publisher.publish(ballot())))
      expect((await queue.maintenance.depth()).ballots).toBe(700)
    })

    it('orders the ballots of one voter as they were sent, also those sent at once', async () => {
      const queue = await subject()
      const sent = ballot()
      const published = await Promise.all([1, 2, 3].map(() => queue.publisher.publish(sent)))
      const sequences = hex(published.map(({ seq }) => seq))
      expect([...sequences].sort()).toEqual(sequences)
      expect(new Set(sequences).size).toBe(3)
    })

    it('delivers unacked entries again after a restart, and acked ones not', async () => {
      let queue = await subject()
      const sequences = await publishAll(queue.publisher, 3)
      const subscriber = await queue.subscribe('a')
      const deliveries = await subscriber.receive(all)
      const acked = sequencesOf(deliveries.slice(1, 2))
      await subscriber.ack(deliveries.slice(1, 2))
      queue = await restart(queue)
      const later = await queue.subscribe('b')
      const unacked = hex(sequences)
        .filter((sequence) => !acked.includes(sequence))
        .sort()
      expect(sequencesOf(await receiveBallots(later, 2)).sort()).toEqual(unacked)
      expect(await later.receive(all)).toEqual([])
    })

    itIf(traits.knowsConsumers)('gives a consumer that comes back what it held in its earlier life, before anything new', async () => {
      const queue = await subject()
      const [held] = hex(await publishAll(queue.publisher, 1))
      await (await queue.subscribe('a')).receive(all)
      const [fresh] = hex(await publishAll(queue.publisher, 1))
      expect(sequencesOf(await (await queue.subscribe('a')).receive(all))).toEqual([held, fresh])
    })

    it('gives an entry to one consumer at a time', async () => {
      const queue = await subject()
      const sequences = hex(await publishAll(queue.publisher, 20))
      const [left, right] = [await queue.subscribe('a'), await queue.subscribe('b')]
      const limits = { ...all, ballotsMax: 5 }
      const received = [await left.receive(limits), await right.receive(limits), await left.receive(limits), await right.receive(limits)]
      expect(received.flatMap(sequencesOf).sort()).toEqual(sequences.sort())
      expect(await right.receive(limits)).toEqual([])
    })

    it('gives an entry that a consumer held too long to another one', async () => {
      const queue = await subject({ ...patient, abandonedAfterMs: 0 })
      const sequences = hex(await publishAll(queue.publisher, 2))
      const dies = await queue.subscribe('dies')
      expect(sequencesOf(await dies.receive(all))).toHaveLength(2)
      await queue.kill?.(dies)
      expect(sequencesOf(await receiveBallots(await queue.subscribe('lives'), 2)).sort()).toEqual(sequences.sort())
    })

    it('stops after the entry that reaches the limit, and goes on there', async () => {
      const queue = await subject()
      const sequences = hex(await publishAll(queue.publisher, 5))
      const subscriber = await queue.subscribe('a')
      const steps: string[][] = []
      for (const ballotsMax of [2, 2, all.ballotsMax]) steps.push(sequencesOf(await subscriber.receive({ ...all, ballotsMax })))
      expect(steps.map((step) => step.length)).toEqual([2, 2, 1])
      expect(steps.flat().sort()).toEqual(sequences.sort())
    })

    it('lets a consumer wait for the first entry', async () => {
      const queue = await subject()
      const waiting = (await queue.subscribe('a')).receive({ ...all, waitMs: 20_000 })
      const [sequence] = hex(await publishAll(queue.publisher, 1))
      expect(sequencesOf(await waiting)).toEqual([sequence])
    })

    itIf(traits.replays)('says a position below the oldest unacked ballot, and above everything when there is none', async () => {
      const queue = await subject()
      const sequences = await publishAll(queue.publisher, 2)
      const subscriber = await queue.subscribe('a')
      const deliveries = await subscriber.receive(all)
      const [first, second] = hex(sequences) as [string, string]
      await subscriber.ack(deliveries.filter((delivery) => !sequencesOf([delivery]).includes(first)))
      const held = await rowsNow(queue)
      // Of several streams one holds it: nothing may be said to lie below it there, nor of that time anywhere.
      expect(held.some(({ below }) => below.toString('hex') <= first)).toBe(true)
      const atMs = deliveries.flatMap(({ ballots }) => ballots).find(({ seq }) => seq.toString('hex') === first)?.atMs ?? 0
      for (const row of held) expect(row.atMs).toBeLessThan(atMs)
      await subscriber.ack(deliveries)
      const idle = await rowsNow(queue)
      for (const { below } of idle) expect(below.toString('hex') > second).toBe(true)
      const later = await queue.publisher.publish(ballot())
      // Its own stream's position lies below it; every stream's time is before it.
      expect(idle.some(({ below }) => compareSequences(later.seq, below) >= 0)).toBe(true)
      for (const row of idle) expect(later.atMs).toBeGreaterThan(row.atMs)
    })

    itIf(traits.replays)('keeps its copy of the low water across a restart', async () => {
      let queue = await subject()
      expect(await queue.maintenance.storedLowWater(0)).toBeNull()
      await publishAll(queue.publisher, 1)
      const rows = (await rowsNow(queue, 7)).map((row) => ({ ...row, server: '12' }))
      await storeAll(queue, rows)
      queue = await restart(queue)
      for (const row of rows) expect(await queue.maintenance.storedLowWater(row.stream)).toEqual(row)
    })

    itIf(traits.replays)('trims what is acked, below the low water and older than the replay window; nothing else', async () => {
      const queue = await subject({ ...patient, replayWindowMs: -1_000 })
      const sequences = hex(await publishAll(queue.publisher, 4))
      const unacked = sequences[2] as string
      const subscriber = await queue.subscribe('a')
      const deliveries = await subscriber.receive(all)
      await subscriber.ack(deliveries.filter((delivery) => !sequencesOf([delivery]).includes(unacked)))
      const rows = await rowsNow(queue)
      expect(await trimAll(queue, rows)).toBe(0) // the queue has no copy of these rows yet
      await storeAll(queue, rows)
      const removed = await trimAll(queue, rows)
      await rewindAll(queue, null)
      const left = sequencesOf(await subscriber.receive(all)).sort()
      expect(left).toHaveLength(4 - removed)
      // The third is unacked, and the fourth lies above it, unless it has a stream of its own.
      if (rows.length === 1) expect(left).toEqual(sequences.slice(2))
      else
        expect(
          sequences
            .slice(2)
            .filter((sequence) => left.includes(sequence) || sequence === unacked)
            .sort(),
        ).toEqual(left)
    })

    itIf(traits.replays)('keeps everything that is inside the replay window', async () => {
      const queue = await subject()
      await publishAll(queue.publisher, 2)
      const subscriber = await queue.subscribe('a')
      await subscriber.ack(await subscriber.receive(all))
      const rows = await rowsNow(queue)
      await storeAll(queue, rows)
      expect(await trimAll(queue, rows)).toBe(0)
    })

    itIf(traits.replays)('never uses a sequence twice, also after everything was trimmed and the queue restarted', async () => {
      let queue = await subject({ ...patient, replayWindowMs: -1_000 })
      const sequences = await publishAll(queue.publisher, 3)
      const subscriber = await queue.subscribe('a')
      await subscriber.ack(await subscriber.receive(all))
      const rows = await rowsNow(queue)
      await storeAll(queue, rows)
      expect(await trimAll(queue, rows)).toBe(3)
      queue = await restart(queue)
      const [next] = await publishAll(queue.publisher, 1)
      expect(compareSequences(next as Sequence, sequences[2] as Sequence)).toBeGreaterThan(0)
    })

    itIf(traits.replays)(
      'delivers again from a row of the database that is older than its copy, and takes that row as its copy',
      async () => {
        let queue = await subject()
        const subscriber = await queue.subscribe('a')
        await publishAll(queue.publisher, 2)
        await subscriber.ack(await subscriber.receive(all))
        const older = await rowsNow(queue)
        const lost = hex(await publishAll(queue.publisher, 2))
        await subscriber.ack(await subscriber.receive(all))
        await storeAll(queue, await rowsNow(queue, 2))
        const late = hex(await publishAll(queue.publisher, 1))
        const held = await subscriber.receive(all)
        expect(await rewindAll(queue, older)).toEqual({ entries: 3, gap: false })
        for (const row of older) expect(await queue.maintenance.storedLowWater(row.stream)).toEqual(row)
        await subscriber.ack(held) // what was committed before the rewind may be lost with the rest: this ack must not count
        expect((await queue.maintenance.depth()).ballots).toBe(3)
        expect(await (await queue.subscribe('c')).receive(all)).toHaveLength(3)
        await subscriber.ack(held) // nor when another has taken it since
        expect((await queue.maintenance.depth()).ballots).toBe(3)
        queue = await restart(queue)
        expect(sequencesOf(await (await queue.subscribe('b')).receive(all)).sort()).toEqual([...lost, ...late].sort())
      },
    )

    itIf(traits.replays)('says so when what should come again was trimmed', async () => {
      const queue = await subject({ ...patient, replayWindowMs: -1_000 })
      await publishAll(queue.publisher, 2)
      const subscriber = await queue.subscribe('a')
      await subscriber.ack(await subscriber.receive(all))
      const rows = await rowsNow(queue)
      await storeAll(queue, rows)
      await trimAll(queue, rows)
      expect(await rewindAll(queue, null)).toEqual({ entries: 0, gap: true })
    })

    itIf(!traits.replays)('says so when it can deliver nothing again, and never that something unacked is counted', async () => {
      const queue = await subject()
      const [first] = await publishAll(queue.publisher, 1)
      const deliveries = await (await queue.subscribe('a')).receive(all)
      const atMs = deliveries[0]?.ballots[0]?.atMs ?? 0
      const positions = await queue.maintenance.positions()
      expect(positions.filter(({ below }) => compareSequences(below, first as Sequence) > 0)).toEqual([])
      expect(positions.filter((position) => position.atMs >= atMs)).toEqual([])
      expect(await queue.maintenance.rewind(0, null)).toEqual({ entries: 0, gap: true })
      expect(await queue.maintenance.storedLowWater(0)).toBeNull()
    })

    it('sends what waits when the publisher closes, and takes nothing after', async () => {
      const queue = await subject()
      const waiting = Array.from({ length: 100 }, () => queue.publisher.publish(ballot()))
      await queue.publisher.close()
      expect(await Promise.all(waiting)).toHaveLength(100)
      await expect(queue.publisher.publish(ballot())).rejects.toThrow()
    })
  })
}
