import { randomBytes } from 'node:crypto'
import { encodeBallot, encodeEntry } from '@urna/contracts'
import { advanceLowWater, compareSequences, entryOfSequence, type LowWater, streamSequence } from '@urna/core'
import { keysOf } from '@urna/queue'
import { defineScripts, runScript } from '@urna/queue/redis-streams/scripts'
import fc from 'fast-check'
import { Redis } from 'ioredis'
import { expect, it } from 'vitest'
import { describeRedis, drain, everything, type OpenQueue, RowsInMemory, sampleBallot, sequencesOf, until } from './redis-subjects.ts'

const queueKey = (queue: OpenQueue) => queue.stream.replace(':ballots', ':queue')

describeRedis('upkeep of the queue', ({ server, open }) => {
  const ask = (...command: (string | number)[]) => server().ask(command)

  async function row(queue: OpenQueue, beat = 1): Promise<LowWater> {
    const [position] = await queue.maintenance.positions()
    if (position === undefined) throw new Error('no position')
    const { stream, epoch, below, atMs } = position
    return { stream, epoch, below, atMs, beat }
  }

  it('packs a burst into entries of up to 512 ballots, each with a sequence of its own', async () => {
    const queue = open()
    const publisher = await queue.publisher()
    const published = await Promise.all(Array.from({ length: 1_537 }, () => publisher.publish(sampleBallot())))
    const sequences = published.map(({ seq }) => seq.toString('hex'))
    // 3 * 512 + 1: the burst came at once
    expect(await ask('XLEN', queue.stream)).toBe(4)
    expect((await queue.depth()).ballots).toBe(1_537)
    const subscriber = await queue.subscribe('a')
    const first = await subscriber.receive({ ...everything, ballotsMax: 513 })
    expect(first.map(({ ballots }) => ballots.length)).toEqual([512, 512])
    await subscriber.ack(first)
    expect((await queue.depth()).ballots).toBe(513)
    expect([...sequencesOf(first), ...(await drain(subscriber))]).toEqual(sequences)
    expect(await queue.depth()).toEqual({ ballots: 0, oldestAtMs: null })
  })

  it('keeps each voter in one stream, and in order, when there are several', async () => {
    const queue = open({ streams: 3 })
    const publisher = await queue.publisher()
    const voters = Array.from({ length: 30 }, () => randomBytes(16))
    const ofVoter = new Map<string, string[]>()
    for (let round = 0; round < 5; round++) {
      const published = await Promise.all(voters.map((voterKey) => publisher.publish(sampleBallot(voterKey))))
      published.forEach(({ seq }, index) => {
        const voter = (voters[index] as Buffer).toString('hex')
        ofVoter.set(voter, [...(ofVoter.get(voter) ?? []), seq.toString('hex')])
      })
    }
    const streams = new Set<number>()
    for (const own of ofVoter.values()) {
      expect(own).toEqual([...own].sort())
      const of = new Set(own.map((sequence) => entryOfSequence(Buffer.from(sequence, 'hex')).stream))
      expect(of.size).toBe(1)
      for (const stream of of) streams.add(stream)
    }
    expect(streams.size).toBe(3)
    const all = [...ofVoter.values()].flat().sort()
    expect(new Set(all).size).toBe(150)
    expect((await drain(await queue.subscribe('a'))).sort()).toEqual(all)
  })

  it('hands out what cannot be read as one unreadable ballot, beside its neighbours, and counts down to nothing all the same', async () => {
    const queue = open()
    const publisher = await queue.publisher()
    const good = (await publisher.publish(sampleBallot())).seq.toString('hex')
    await ask('XADD', queue.stream, '*', 'something', 'else')
    await ask('XADD', queue.stream, '*', 'n', 'many', 'e', 'x', 'b', '{"v":1')
    await ask('XADD', queue.stream, '*', 'n', '2', 'b', '{"v":1,"e":1,"b":[["0123456789abcdef",1,"AAAAAAAAAAAAAAAAAAAAAA",["1"]],[]]}')
    const next = (await publisher.publish(sampleBallot())).seq.toString('hex')
    const subscriber = await queue.subscribe('a')
    const deliveries = await subscriber.receive(everything)
    expect(deliveries.map(({ ballots }) => ballots.map(({ ballot }) => ballot !== null))).toEqual([
      [true],
      [false],
      [false],
      [true, false],
      [true],
    ])
    expect(sequencesOf(deliveries)).toEqual([...sequencesOf(deliveries)].sort())
    expect([sequencesOf(deliveries)[0], sequencesOf(deliveries)[5]]).toEqual([good, next])
    expect((await queue.depth()).ballots).toBeGreaterThan(0)
    await subscriber.ack(deliveries)
    expect(await queue.depth()).toEqual({ ballots: 0, oldestAtMs: null })
    await publisher.publish(sampleBallot())
    expect((await queue.depth()).ballots).toBe(1)
  })

  it('leaves an entry alone whose id fits no sequence, says so, and fails to publish rather than wrap', async () => {
    const queue = open()
    const publisher = await queue.publisher()
    await publisher.publish(sampleBallot())
    await ask('XADD', queue.stream, `${2 ** 48}-1`, 'n', '1', 'b', 'x')
    expect(await (await queue.subscribe('a')).receive(everything)).toHaveLength(1)
    expect(queue.events.filter(({ kind }) => kind === 'unusable-entry')).toHaveLength(1)
    await expect(publisher.publish(sampleBallot())).rejects.toThrow()
  })

  it('says until when everything is counted, and whatever comes after the look lies above it, even in the same millisecond', async () => {
    const queue = open()
    const publisher = await queue.publisher()
    const subscriber = await queue.subscribe('a')
    for (let round = 0; round < 60; round++) {
      // Ballots on their way while it looks: before it, after it, in its very millisecond.
      const sending = Array.from({ length: round % 3 }, () => publisher.publish(sampleBallot()))
      const looked = await row(queue)
      const later = await publisher.publish(sampleBallot())
      expect(later.atMs).toBeGreaterThan(looked.atMs)
      expect(compareSequences(later.seq, looked.below)).toBeGreaterThanOrEqual(0)
      for (const { seq, atMs } of await Promise.all(sending)) {
        // None of them is acked, so all of them lie above.
        expect(compareSequences(seq, looked.below)).toBeGreaterThanOrEqual(0)
        expect(atMs).toBeGreaterThan(looked.atMs)
      }
      await drain(subscriber)
    }
  })

  it('moves the last id of an idle stream up to the time, so that a clock set back afterwards changes nothing', async () => {
    const queue = open()
    const publisher = await queue.publisher()
    await publisher.publish(sampleBallot())
    const subscriber = await queue.subscribe('a')
    await drain(subscriber)
    const looked = await row(queue)
    const info = (await ask('XINFO', 'STREAM', queue.stream)) as unknown[] | Record<string, unknown>
    const lastId = Array.isArray(info) ? info[info.indexOf('last-generated-id') + 1] : info['last-generated-id']
    // The next id is above the last one, whatever the clock says.
    expect(Number(String(lastId).split('-')[0])).toBe(looked.atMs + 1)
    expect(await subscriber.receive(everything)).toEqual([])
    expect(await queue.depth()).toEqual({ ballots: 0, oldestAtMs: null })
  })

  it('goes on from its last id when the clock is behind it, and says by how much', async () => {
    const queue = open()
    const publisher = await queue.publisher()
    await publisher.publish(sampleBallot())
    const subscriber = await queue.subscribe('a')
    await drain(subscriber)
    const aheadMs = Date.now() + 3_600_000
    // As it is after the clock was an hour ahead, and is right again.
    await ask('XSETID', queue.stream, `${aheadMs}-7`)
    const [position] = await queue.maintenance.positions()
    expect(position?.clockBehindMs).toBeGreaterThan(3_500_000)
    expect(position?.clockBehindMs).toBeLessThanOrEqual(3_600_000)
    expect(position?.below.equals(streamSequence({ epoch: 1, ms: aheadMs, n: 8, stream: 0, index: 0 }))).toBe(true)
    expect(position?.atMs).toBe(aheadMs - 1)
    const later = await publisher.publish(sampleBallot())
    expect(later.atMs).toBe(aheadMs)
    expect(compareSequences(later.seq, position?.below ?? Buffer.alloc(16, 0xff))).toBeGreaterThanOrEqual(0)
  })

  it('rewinds under load: everything from the row on comes again, earlier acks count no more, and nothing is lost', async () => {
    const queue = open()
    const publisher = await queue.publisher()
    const consumers = await Promise.all(['a', 'b', 'c'].map((name) => queue.subscribe(name)))
    /** What the database has: lost at the failover but for what the row says. */
    let committed = new Set<string>()
    let sending = true
    const sent: string[] = []
    const publishing = Array.from({ length: 8 }, async () => {
      while (sending) sent.push((await publisher.publish(sampleBallot())).seq.toString('hex'))
    })
    let counting = true
    const consuming = consumers.map(async (subscriber) => {
      while (counting) {
        const deliveries = await subscriber.receive({ ...everything, ballotsMax: 50, waitMs: 20 })
        // Commits and acks do not come at once: a rewind may fall in between.
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 5))
        for (const sequence of sequencesOf(deliveries)) committed.add(sequence)
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 5))
        await subscriber.ack(deliveries)
      }
    })
    for (let failover = 1; failover <= 5; failover++) {
      await until(() => sent.length > failover * 150, 'some were sent')
      const backup = await row(queue, failover)
      await until(() => sent.length > failover * 150 + 80, 'more were sent')
      await queue.maintenance.storeLowWater(await row(queue, failover + 1))
      // The primary loses its commits since the backup; what the row says is kept.
      const below = backup.below.toString('hex')
      committed = new Set([...committed].filter((sequence) => sequence < below))
      const { gap } = await queue.maintenance.rewind(0, backup)
      expect(gap).toBe(false)
      expect(await queue.maintenance.storedLowWater(0)).toEqual(backup)
    }
    sending = false
    await Promise.all(publishing)
    await until(async () => (await queue.depth()).ballots === 0, 'all is counted again')
    counting = false
    await Promise.all(consuming)
    expect(sent.filter((sequence) => !committed.has(sequence))).toEqual([])
    const [pending] = (await ask('XPENDING', queue.stream, 'consumers')) as [number]
    expect(pending).toBe(0)
  })

  it('does not take what a waiting consumer read for a delivery from before a rewind that came first', async () => {
    const queue = open()
    const publisher = await queue.publisher()
    const subscriber = await queue.subscribe('a')
    expect(await subscriber.receive(everything)).toEqual([])
    const waiting = subscriber.receive({ ...everything, waitMs: 10_000 })
    await until(async () => String(await ask('CLIENT', 'LIST')).includes('cmd=xreadgroup'), 'it waits')
    // In one step: whoever waits is served after it.
    const client = new Redis({ port: server().port })
    defineScripts(client)
    const keys = keysOf(queue.prefix, 0)
    const body = encodeEntry(1, [encodeBallot(sampleBallot())])
    const step = client.multi()
    void runScript(step as unknown as Redis, 'publish', keys, 1, 1, body, Date.now() + 10_000)
    void runScript(step as unknown as Redis, 'rewind', keys, 'consumers', 'another', '0-0', '0-0', '')
    await step.exec()
    client.disconnect()
    const deliveries = await waiting
    expect(sequencesOf(deliveries)).toHaveLength(1)
    await subscriber.ack(deliveries)
    expect(await queue.depth()).toEqual({ ballots: 0, oldestAtMs: null })
    await publisher.close()
  })

  it('rewinds more pending entries than one step takes back', async () => {
    const queue = open()
    const publisher = await queue.publisher()
    const sequences: string[] = []
    for (let index = 0; index < 2_300; index++) sequences.push((await publisher.publish(sampleBallot())).seq.toString('hex'))
    const holder = await queue.subscribe('holder')
    const held = await holder.receive(everything)
    expect(held).toHaveLength(2_300)
    expect(await queue.maintenance.rewind(0, null)).toEqual({ entries: 2_300, gap: false })
    await holder.ack(held)
    expect((await queue.depth()).ballots).toBe(2_300)
    expect(await drain(await queue.subscribe('other'))).toEqual(sequences)
    expect(await queue.depth()).toEqual({ ballots: 0, oldestAtMs: null })
  })

  it('never trims what is not acked, not delivered, above the low water or inside the window, whatever comes in between', async () => {
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.constant({ kind: 'publish' as const }) },
      { weight: 3, arbitrary: fc.record({ kind: fc.constant('receive' as const), who: fc.nat(1), count: fc.integer({ min: 1, max: 3 }) }) },
      { weight: 3, arbitrary: fc.record({ kind: fc.constant('ack' as const), who: fc.nat(1), at: fc.nat(5) }) },
      { weight: 2, arbitrary: fc.constant({ kind: 'beat' as const }) },
      { weight: 2, arbitrary: fc.constant({ kind: 'trim' as const }) },
      { weight: 1, arbitrary: fc.constant({ kind: 'rewind' as const }) },
    )
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
        const queue = open({ replayWindowMs: -1_000 })
        const publisher = await queue.publisher()
        const consumers = [await queue.subscribe('a'), await queue.subscribe('b')]
        const held: Awaited<ReturnType<(typeof consumers)[0]['receive']>>[] = [[], []]
        const unacked = new Set<string>()
        let stored: LowWater | null = null
        let beat = 0
        const kept = async () => ((await ask('XRANGE', queue.stream, '-', '+')) as [string][]).map(([id]) => id)
        const idOf = (sequence: string) => {
          const { ms, n } = entryOfSequence(Buffer.from(sequence, 'hex'))
          return `${ms}-${n}`
        }
        for (const action of steps) {
          switch (action.kind) {
            case 'publish':
              unacked.add((await publisher.publish(sampleBallot())).seq.toString('hex'))
              break
            case 'receive':
              held[action.who]?.push(...((await consumers[action.who]?.receive({ ...everything, ballotsMax: action.count })) ?? []))
              break
            case 'ack': {
              const mine = held[action.who] ?? []
              const acked = mine.splice(action.at % Math.max(1, mine.length), 1)
              await consumers[action.who]?.ack(acked)
              for (const sequence of sequencesOf(acked)) unacked.delete(sequence)
              break
            }
            case 'beat':
              stored = await row(queue, ++beat)
              await queue.maintenance.storeLowWater(stored)
              break
            case 'trim':
              if (stored !== null) await queue.maintenance.trim(stored)
              break
            case 'rewind': {
              await queue.maintenance.rewind(0, stored)
              held[0] = []
              held[1] = []
              const below: string = stored?.below.toString('hex') ?? ''
              // Everything kept from the row on waits again.
              for (const id of await kept()) {
                const [ms, n] = id.split('-').map(Number) as [number, number]
                const sequence = streamSequence({ epoch: 1, ms, n, stream: 0, index: 0 }).toString('hex')
                if (sequence >= below) unacked.add(sequence)
              }
            }
          }
          const ids = new Set(await kept())
          expect([...unacked].filter((sequence) => !ids.has(idOf(sequence)))).toEqual([])
          expect((await queue.depth()).ballots).toBe(unacked.size)
        }
        await queue.close()
      }),
      { numRuns: 25 },
    )
  }, 60_000)

  it('is held back from trimming by each of its limits alone', async () => {
    const queue = open({ replayWindowMs: -1_000 })
    const publisher = await queue.publisher()
    const subscriber = await queue.subscribe('a')
    const sent = []
    for (let index = 0; index < 6; index++) sent.push(await publisher.publish(sampleBallot()))
    // The primary says that more is counted than the queue knows of: it was failed back to, say.
    const atMs = Date.now() + 1_000
    const above: LowWater = { epoch: 1, stream: 0, below: streamSequence({ epoch: 1, ms: atMs, n: 0, stream: 0, index: 0 }), atMs, beat: 1 }
    await queue.maintenance.storeLowWater(above)
    expect(await queue.maintenance.trim(above)).toBe(0) // nothing is delivered
    const held = await subscriber.receive({ ...everything, ballotsMax: 4 })
    await subscriber.ack(held.slice(0, 2))
    expect(await queue.maintenance.trim(above)).toBe(2) // the third is pending
    await subscriber.ack(held)
    expect(await queue.maintenance.trim(above)).toBe(2) // the fifth is not delivered
    await drain(subscriber)
    const low: LowWater = { ...above, below: sent[5]?.seq ?? Buffer.alloc(16), beat: 2 }
    await queue.maintenance.storeLowWater(low)
    expect(await queue.maintenance.trim(low)).toBe(1) // the sixth is the low water
    expect(await queue.maintenance.trim({ ...low, epoch: 2 })).toBe(0) // of another epoch than the copy
    expect(await ask('XLEN', queue.stream)).toBe(1)
  })

  it('keeps counted entries for the window, less when the memory is short, and says so', async () => {
    const queue = open()
    const publisher = await queue.publisher()
    const big = 'x'.repeat(50_000)
    for (let index = 0; index < 100; index++) await publisher.publish(sampleBallot(randomBytes(16), [big]))
    await drain(await queue.subscribe('a'))
    const low = await row(queue)
    await queue.maintenance.storeLowWater(low)
    expect(await queue.maintenance.trim(low)).toBe(0)
    await ask('CONFIG', 'SET', 'maxmemory', '11mb') // 100 entries of 50 kB are about 5 MB, more than 40 % of it
    try {
      const removed = await queue.maintenance.trim(low)
      expect(removed).toBeGreaterThan(0)
      expect(queue.events).toContainEqual({ kind: 'replay-window-cut', stream: 0, entries: removed })
      expect(await queue.maintenance.rewind(0, null)).toEqual({ entries: 100 - removed, gap: true })
    } finally {
      await ask('CONFIG', 'SET', 'maxmemory', '0')
    }
  })

  it('alarms when entries are removed by something else, delivered or not', async () => {
    const queue = open()
    const publisher = await queue.publisher()
    const sent: string[] = []
    for (let index = 0; index < 10; index++) sent.push((await publisher.publish(sampleBallot())).seq.toString('hex'))
    const subscriber = await queue.subscribe('a')
    const held = await subscriber.receive({ ...everything, ballotsMax: 3 })
    await queue.maintenance.positions()
    expect(queue.events.filter(({ kind }) => kind === 'removed')).toEqual([])
    await ask('XTRIM', queue.stream, 'MAXLEN', 5)
    await queue.maintenance.positions()
    await queue.maintenance.positions()
    expect(queue.events.filter(({ kind }) => kind === 'removed')).toEqual([{ kind: 'removed', stream: 0, entries: 5 }])
    await subscriber.ack(held)
    expect(await drain(subscriber)).toEqual(sent.slice(5))
    expect(await queue.depth()).toEqual({ ballots: 0, oldestAtMs: null })
    // Of those that it holds itself, a consumer learns when it comes back.
    const deleted = (await publisher.publish(sampleBallot())).seq
    await subscriber.receive(everything)
    const { ms, n } = entryOfSequence(deleted)
    await ask('XDEL', queue.stream, `${ms}-${n}`)
    expect(await (await queue.subscribe('a')).receive(everything)).toEqual([])
    expect(queue.events.filter(({ kind }) => kind === 'removed')).toHaveLength(2)
    expect(await queue.depth()).toEqual({ ballots: 0, oldestAtMs: null })
  })

  it('mends its count of what waits when it drifted, as soon as nothing waits', async () => {
    const queue = open()
    const publisher = await queue.publisher()
    await publisher.publish(sampleBallot())
    await ask('HSET', queueKey(queue), 'waiting', 1_000)
    expect((await queue.depth()).ballots).toBe(1_000)
    await drain(await queue.subscribe('a'))
    expect((await queue.depth()).ballots).toBe(0)
    await ask('HSET', queueKey(queue), 'waiting', 0)
    await publisher.publish(sampleBallot())
    await ask('HSET', queueKey(queue), 'waiting', 0)
    expect((await queue.depth()).ballots).toBe(1) // never 0 while something waits
  })

  it('removes names of consumers only when they hold nothing', async () => {
    const queue = open()
    await (await queue.publisher()).publish(sampleBallot())
    const holder = await queue.subscribe('holder')
    const held = await holder.receive(everything)
    await (await queue.subscribe('idle')).receive(everything)
    const client = new Redis({ port: server().port })
    defineScripts(client)
    const tidy = () => runScript(client, 'tidy', keysOf(queue.prefix, 0), 'consumers', -1)
    expect(await tidy()).toBe(1)
    expect(await tidy()).toBe(0)
    await holder.ack(held)
    expect(await tidy()).toBe(1)
    client.disconnect()
  })

  it('counts the consumers that asked for ballots lately, each once, whatever the number of streams', async () => {
    const queue = open({ streams: 2 })
    await queue.publisher()
    expect(await queue.activeConsumers()).toBe(0)
    for (const name of ['a', 'b', 'b']) await (await queue.subscribe(name)).receive({ ...everything, waitMs: 10 })
    expect(await queue.activeConsumers()).toBe(2)
  })

  it('lets two janitors move the low water, one after the other, and only up', async () => {
    const queue = open({ replayWindowMs: -1_000 })
    const publisher = await queue.publisher()
    const subscriber = await queue.subscribe('a')
    const rows = new RowsInMemory()
    const beats = [0, 1].map(() => advanceLowWater({ ballots: rows, queue: queue.maintenance }))
    let below = ''
    let trimmed = 0
    let sent = 0
    for (let round = 0; round < 30; round++) {
      for (let index = 0; index < round % 4; index++, sent++) await publisher.publish(sampleBallot())
      const counting = drain(subscriber)
      const events = (await Promise.all(beats.map((beat) => beat()))).flat()
      await counting
      for (const event of events) if (event.kind === 'advanced') trimmed += event.trimmedEntries
      expect(events.filter(({ kind }) => kind === 'rewound')).toEqual([])
      const now = rows.rows.get('1/0')?.below.toString('hex') ?? ''
      expect(now >= below).toBe(true)
      below = now
    }
    for (const event of (await beats[0]?.()) ?? []) if (event.kind === 'advanced') trimmed += event.trimmedEntries
    expect(await ask('XLEN', queue.stream)).toBe(0)
    expect(trimmed).toBe(sent)
    expect(await queue.maintenance.storedLowWater(0)).toEqual(rows.rows.get('1/0'))
  })
})
