import { advanceLowWater, endOfEpoch } from '@urna/core'
import { expect, it } from 'vitest'
import {
  describeRedis,
  drain,
  EpochsInMemory,
  everything,
  type OpenQueue,
  openQueue,
  RowsInMemory,
  sampleBallot,
  sequencesOf,
  until,
} from './redis-subjects.ts'
import { RedisProxy, RedisServer } from './support/redis-servers.ts'

const epochOf = (sequence: string) => Number.parseInt(sequence.slice(0, 8), 16)
const wipes = (queue: OpenQueue) => queue.events.flatMap((event) => (event.kind === 'wiped' ? [event.missing] : []))

describeRedis('epochs of the queue', ({ kind, server, open }) => {
  const wiping = {
    'DEL of the stream': { command: (queue: OpenQueue) => ['DEL', queue.stream], missing: 'stream', lost: true },
    FLUSHALL: { command: () => ['FLUSHALL'], missing: 'all', lost: true },
    'XGROUP DESTROY': { command: (queue: OpenQueue) => ['XGROUP', 'DESTROY', queue.stream, 'consumers'], missing: 'group', lost: false },
    'DEL of the hash beside it': {
      command: (queue: OpenQueue) => ['DEL', queue.stream.replace(':ballots', ':queue')],
      missing: 'state',
      lost: false,
    },
  } as const
  for (const [name, { command, missing, lost }] of Object.entries(wiping)) {
    it(`notices ${name} while it runs: a new epoch, one alarm, and voting goes on`, async () => {
      const queue = open()
      const publisher = await queue.publisher()
      const subscriber = await queue.subscribe('a')
      const before = (await publisher.publish(sampleBallot())).seq.toString('hex')
      const { maintenance } = queue
      const [position] = await maintenance.positions()
      if (position === undefined) throw new Error('no position')
      await maintenance.storeLowWater({ ...position, beat: 1 })
      await server().ask(command(queue))
      let after = ''
      await until(async () => {
        // Whoever notices first makes it anew: the intake, unless only the group is gone, which only the other side sees.
        after = await publisher.publish(sampleBallot()).then(
          ({ seq }) => seq.toString('hex'),
          () => '',
        )
        await maintenance.positions().catch(() => {})
        return after !== '' && epochOf(after) > 1
      }, 'ballots are taken in a new epoch')
      expect(wipes(queue)).toEqual([missing])
      expect(after > before).toBe(true)
      expect(await maintenance.storedLowWater(0)).toBeNull()
      const received = await drain(subscriber)
      expect(received).toContain(after)
      // What is kept comes again, whatever was counted of it.
      expect(received.includes(before)).toBe(!lost)
      expect(await queue.depth()).toEqual({ ballots: 0, oldestAtMs: null })
    })
  }

  it('writes nothing under an epoch that is over, whoever began the new one', async () => {
    const epochs = new EpochsInMemory()
    const slow = open({ epochs })
    const publisher = await slow.publisher()
    await publisher.publish(sampleBallot())
    await server().ask(['DEL', slow.stream])
    // Another process makes the queue anew before this one sends: a plain XADD would now succeed, under the old epoch.
    const quick = open({ epochs, prefix: slow.prefix })
    await (await quick.publisher()).publish(sampleBallot())
    await expect(publisher.publish(sampleBallot())).rejects.toThrow()
    await until(() => publisher.check(), 'it has learned the new epoch')
    expect(epochOf((await publisher.publish(sampleBallot())).seq.toString('hex'))).toBe(2)
    expect(wipes(slow)).toEqual(['another'])
    const received = await drain(await quick.subscribe('a'))
    expect(received.map(epochOf)).toEqual([2, 2])
  })

  it('begins a new epoch at every start of Redis; what waits keeps its own, and sequences only grow', async () => {
    const own = await RedisServer.start(kind)
    const queue = openQueue(own)
    const publisher = await queue.publisher()
    const published: string[] = []
    for (let start = 0; start < 3; start++) {
      for (let index = 0; index < 3; index++) published.push((await publisher.publish(sampleBallot())).seq.toString('hex'))
      if (start === 1) await own.ask(['BGREWRITEAOF']) // no new start, no new epoch
      if (start === 1) published.push((await publisher.publish(sampleBallot())).seq.toString('hex'))
      await (start === 0 ? own.kill() : own.stop())
      await own.startAgain()
      await until(() => publisher.check(), 'it is back')
    }
    expect(published).toEqual([...published].sort())
    expect(published.map(epochOf)).toEqual([1, 1, 1, 2, 2, 2, 2, 3, 3, 3])
    expect(await drain(await queue.subscribe('a'))).toEqual(published)
    expect(wipes(queue)).toEqual([])
    await queue.close()
    await own.remove()
  })

  it('says the end of an epoch when it is done with it, in every stream, before it begins the next one', async () => {
    const own = await RedisServer.start(kind)
    const queue = openQueue(own, { streams: 2 })
    const rows = new RowsInMemory()
    const beat = advanceLowWater({ ballots: rows, queue: queue.maintenance })
    const publisher = await queue.publisher()
    const published = await Promise.all(Array.from({ length: 20 }, () => publisher.publish(sampleBallot())))
    await beat()
    await own.restart()
    await until(() => publisher.check(), 'it is back')
    const subscriber = await queue.subscribe('a')
    await publisher.publish(sampleBallot())
    await beat()
    // Of the first epoch something waits still: no row of the second one may say that it does not.
    expect([...rows.rows.keys()]).toEqual(['1/0', '1/1'])
    expect(rows.rows.get('1/0')?.below.equals(endOfEpoch(1))).toBe(false)
    expect(await drain(subscriber)).toHaveLength(21)
    await beat()
    for (const stream of [0, 1]) expect(rows.rows.get(`1/${stream}`)?.below.equals(endOfEpoch(1))).toBe(true)
    const countedUntilMs = Math.min(...[0, 1].map((stream) => rows.rows.get(`1/${stream}`)?.atMs ?? 0))
    expect(countedUntilMs).toBeGreaterThanOrEqual(Math.max(...published.map(({ atMs }) => atMs)))
    await beat()
    expect([...rows.rows.keys()]).toEqual(['1/0', '1/1', '2/0', '2/1'])
    const last = await publisher.publish(sampleBallot())
    for (const stream of [0, 1]) expect(last.atMs).toBeGreaterThan(rows.rows.get(`2/${stream}`)?.atMs ?? 0)
    await queue.close()
    await own.remove()
  })

  it('goes on with the epoch it has while the primary is away, if Redis is the same one; else it waits', async () => {
    const own = await RedisServer.start(kind)
    const epochs = new EpochsInMemory()
    const queue = openQueue(own, { epochs })
    const publisher = await queue.publisher()
    await publisher.publish(sampleBallot())
    epochs.failure = new Error('the primary is away')
    // The same Redis, another connection.
    await own.ask(['CLIENT', 'KILL', 'TYPE', 'normal'])
    await until(() => publisher.check(), 'it is back')
    expect(epochOf((await publisher.publish(sampleBallot())).seq.toString('hex'))).toBe(1)
    await own.restart()
    await until(() => epochs.calls >= 3, 'it has asked again')
    await expect(publisher.publish(sampleBallot())).rejects.toThrow()
    epochs.failure = null
    await until(() => publisher.check(), 'it has its epoch')
    expect(epochOf((await publisher.publish(sampleBallot())).seq.toString('hex'))).toBe(2)
    await queue.close()
    await own.remove()
  })

  it('notices a failover that a proxy hid: no connection broke', async () => {
    const [left, right] = [await RedisServer.start(kind), await RedisServer.start(kind)]
    const proxy = await RedisProxy.start(left.port)
    const queue = openQueue(proxy)
    const publisher = await queue.publisher()
    const before = (await publisher.publish(sampleBallot())).seq.toString('hex')
    await queue.maintenance.positions()
    await right.ask(['REPLICAOF', '127.0.0.1', left.port])
    await until(async () => (await right.ask(['XLEN', queue.stream])) === 1, 'the replica has it')
    await right.ask(['REPLICAOF', 'NO', 'ONE'])
    await proxy.switchTo(right.port)
    await until(async () => {
      await queue.maintenance.positions().catch(() => {})
      return queue.events.some((event) => event.kind === 'epoch' && event.epoch === 2)
    }, 'it has noticed')
    await until(() => publisher.check(), 'the intake has learned of it')
    const after = (await publisher.publish(sampleBallot())).seq.toString('hex')
    expect([before, after].map(epochOf)).toEqual([1, 2])
    await queue.close()
    await proxy.close()
    await left.remove()
    await right.remove()
  })

  it('gives the queue another name until its epoch is above those it has written in: a primary was restored', async () => {
    const epochs = new EpochsInMemory()
    epochs.identities.push('a', 'b', 'c', 'd')
    const before = open({ epochs })
    const first = (await (await before.publisher()).publish(sampleBallot())).seq.toString('hex')
    expect(epochOf(first)).toBe(5)
    // The backup knows nothing of the last three.
    const restored = new EpochsInMemory()
    restored.identities.push('a', 'b')
    const after = open({ epochs: restored, prefix: before.prefix })
    const next = (await (await after.publisher()).publish(sampleBallot())).seq.toString('hex')
    expect(epochOf(next)).toBe(6)
    expect(wipes(after)).toEqual([])
    expect((await drain(await after.subscribe('a'))).map(epochOf)).toEqual([5, 6])
  })

  it('refuses to begin with another number of streams than the queue has', async () => {
    const one = open({ streams: 1 })
    await (await one.publisher()).publish(sampleBallot())
    const three = open({ streams: 3, prefix: one.prefix })
    const publisher = await three.publisher()
    await expect(publisher.publish(sampleBallot())).rejects.toThrow()
    expect(three.events).toMatchObject([{ kind: 'refused', message: expect.stringContaining('1 streams') }])
  })

  it('hears of a wipe when it waits for ballots', async () => {
    const queue = open()
    const publisher = await queue.publisher()
    const subscriber = await queue.subscribe('a')
    expect(await subscriber.receive(everything)).toEqual([])
    const waiting = subscriber.receive({ ...everything, waitMs: 10_000 }).catch(() => subscriber.receive({ ...everything, waitMs: 10_000 }))
    await new Promise((resolve) => setTimeout(resolve, 50))
    await server().ask(['FLUSHALL'])
    let sequence = ''
    await until(async () => {
      sequence = await publisher.publish(sampleBallot()).then(
        ({ seq }) => seq.toString('hex'),
        () => '',
      )
      return sequence !== ''
    }, 'ballots are taken again')
    expect(sequencesOf(await waiting)).toEqual([sequence])
  })
})
