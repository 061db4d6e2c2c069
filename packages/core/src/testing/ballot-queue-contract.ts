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
    async function lowWaterNow(queue: QueueSubject, beat = 1): Promise<LowWater> {
      const [position] = await queue.maintenance.positions()
      if (position === undefined) throw new Error('no position')
      const { stream, epoch, below, atMs } = position
      return { stream, epoch, below, atMs, beat }
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
      await subscriber.ack(deliveries.slice(1, 2))
      queue = await restart(queue)
      const later = await queue.subscribe('b')
      expect(sequencesOf(await receiveBallots(later, 2)).sort()).toEqual([hex(sequences)[0], hex(sequences)[2]])
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
      expect(received.flatMap(sequencesOf).sort()).toEqual(sequences)
      expect(await right.receive(limits)).toEqual([])
    })

    it('gives an entry that a consumer held too long to another one', async () => {
      const queue = await subject({ ...patient, abandonedAfterMs: 0 })
      const sequences = hex(await publishAll(queue.publisher, 2))
      const dies = await queue.subscribe('dies')
      expect(sequencesOf(await dies.receive(all))).toHaveLength(2)
      await queue.kill?.(dies)
      expect(sequencesOf(await receiveBallots(await queue.subscribe('lives'), 2)).sort()).toEqual(sequences)
    })

    it('stops after the entry that reaches the limit, and goes on there', async () => {
      const queue = await subject()
      const sequences = hex(await publishAll(queue.publisher, 5))
      const subscriber = await queue.subscribe('a')
      expect(sequencesOf(await subscriber.receive({ ...all, ballotsMax: 2 }))).toEqual(sequences.slice(0, 2))
      expect(sequencesOf(await subscriber.receive({ ...all, ballotsMax: 2 }))).toEqual(sequences.slice(2, 4))
      expect(sequencesOf(await subscriber.receive(all))).toEqual(sequences.slice(4))
    })

    it('lets a consumer wait for the first entry', async () => {
      const queue = await subject()
      const waiting = (await queue.subscribe('a')).receive({ ...all, waitMs: 20_000 })
      const [sequence] = hex(await publishAll(queue.publisher, 1))
      expect(sequencesOf(await waiting)).toEqual([sequence])
    })

    itIf(traits.replays)('says a position below the oldest unacked ballot, and above everything when there is none', async () => {
      const queue = await subject()
      const [first, second] = await publishAll(queue.publisher, 2)
      const subscriber = await queue.subscribe('a')
      const deliveries = await subscriber.receive(all)
      await subscriber.ack(deliveries.slice(1))
      const held = await lowWaterNow(queue)
      expect(compareSequences(held.below, first as Sequence)).toBeLessThanOrEqual(0)
      expect(held.atMs).toBeLessThan(deliveries[0]?.ballots[0]?.atMs ?? 0)
      await subscriber.ack(deliveries)
      const idle = await lowWaterNow(queue)
      expect(compareSequences(idle.below, second as Sequence)).toBeGreaterThan(0)
      const later = await queue.publisher.publish(ballot())
      expect(compareSequences(later.seq, idle.below)).toBeGreaterThanOrEqual(0)
      expect(later.atMs).toBeGreaterThan(idle.atMs)
    })

    itIf(traits.replays)('keeps its copy of the low water across a restart', async () => {
      let queue = await subject()
      expect(await queue.maintenance.storedLowWater(0)).toBeNull()
      await publishAll(queue.publisher, 1)
      const row = await lowWaterNow(queue, 7)
      await queue.maintenance.storeLowWater(row)
      queue = await restart(queue)
      expect(await queue.maintenance.storedLowWater(0)).toEqual(row)
    })

    itIf(traits.replays)('trims what is acked, below the low water and older than the replay window; nothing else', async () => {
      const queue = await subject({ ...patient, replayWindowMs: -1_000 })
      const sequences = hex(await publishAll(queue.publisher, 4))
      const subscriber = await queue.subscribe('a')
      const deliveries = await subscriber.receive(all)
      await subscriber.ack([...deliveries.slice(0, 2), ...deliveries.slice(3)])
      const row = await lowWaterNow(queue)
      expect(await queue.maintenance.trim(row)).toBe(0) // the queue has no copy of this row yet
      await queue.maintenance.storeLowWater(row)
      expect(await queue.maintenance.trim(row)).toBe(2) // the third is unacked, the fourth lies above it
      await queue.maintenance.rewind(0, null)
      expect(sequencesOf(await subscriber.receive(all))).toEqual(sequences.slice(2))
    })

    itIf(traits.replays)('keeps everything that is inside the replay window', async () => {
      const queue = await subject()
      await publishAll(queue.publisher, 2)
      const subscriber = await queue.subscribe('a')
      await subscriber.ack(await subscriber.receive(all))
      const row = await lowWaterNow(queue)
      await queue.maintenance.storeLowWater(row)
      expect(await queue.maintenance.trim(row)).toBe(0)
    })

    itIf(traits.replays)('never uses a sequence twice, also after everything was trimmed and the queue restarted', async () => {
      let queue = await subject({ ...patient, replayWindowMs: -1_000 })
      const sequences = await publishAll(queue.publisher, 3)
      const subscriber = await queue.subscribe('a')
      await subscriber.ack(await subscriber.receive(all))
      const row = await lowWaterNow(queue)
      await queue.maintenance.storeLowWater(row)
      expect(await queue.maintenance.trim(row)).toBe(3)
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
        const older = await lowWaterNow(queue)
        const lost = hex(await publishAll(queue.publisher, 2))
        await subscriber.ack(await subscriber.receive(all))
        await queue.maintenance.storeLowWater(await lowWaterNow(queue, 2))
        const late = hex(await publishAll(queue.publisher, 1))
        const held = await subscriber.receive(all)
        expect(await queue.maintenance.rewind(0, older)).toEqual({ entries: 3, gap: false })
        expect(await queue.maintenance.storedLowWater(0)).toEqual(older)
        await subscriber.ack(held) // what was committed before the rewind may be lost with the rest: this ack must not count
        expect((await queue.maintenance.depth()).ballots).toBe(3)
        queue = await restart(queue)
        expect(sequencesOf(await (await queue.subscribe('b')).receive(all))).toEqual([...lost, ...late])
      },
    )

    itIf(traits.replays)('says so when what should come again was trimmed', async () => {
      const queue = await subject({ ...patient, replayWindowMs: -1_000 })
      await publishAll(queue.publisher, 2)
      const subscriber = await queue.subscribe('a')
      await subscriber.ack(await subscriber.receive(all))
      const row = await lowWaterNow(queue)
      await queue.maintenance.storeLowWater(row)
      await queue.maintenance.trim(row)
      expect(await queue.maintenance.rewind(0, null)).toEqual({ entries: 0, gap: true })
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
