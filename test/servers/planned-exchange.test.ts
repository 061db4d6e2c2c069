import { randomBytes } from 'node:crypto'
import { advanceLowWater, type BallotRepository, type JanitorEvent, type PollId } from '@urna/core'
import { InMemoryQueue } from '@urna/core/testing/in-memory-queue'
import { migrate, openMysqlPrimary, type Primary, SqlBallotRepository } from '@urna/database'
import { sql } from 'kysely'
import { afterEach, expect, it } from 'vitest'
import { TcpGate } from '../support/tcp-gate.ts'
import { describePairs } from './support/replicated-pair.ts'

/** Connections that each of two consumers has open when the servers change places. */
const openConnections = [3, 1]
const beatsAtMost = 20

describePairs('a planned exchange of primary and replica', (pair) => {
  const opened: { close(): Promise<unknown> }[] = []
  afterEach(async () => {
    for (const one of opened.splice(0)) await one.close()
  })

  /** As a name does, the gate leads new connections to the new primary and leaves the old ones where they are. */
  async function connect(gate: TcpGate, connections: number): Promise<{ primary: Primary; ballots: BallotRepository }> {
    const { user, password } = pair().primary.connection
    const primary = openMysqlPrimary({ host: gate.host, port: gate.port, user, password, database: 'urna_1', connectionsMax: 4 })
    opened.push(primary)
    await Promise.all(Array.from({ length: connections }, () => sql`select sleep(0.2)`.execute(primary.db)))
    return { primary, ballots: new SqlBallotRepository(primary) }
  }

  it('ends every connection to the server that only reads now, and then goes on', { timeout: 120_000 }, async () => {
    const gate = await TcpGate.open(pair().primary.connection.port)
    opened.push({ close: () => gate.shut() })
    await pair().primary.query('create database urna_1')
    const queue = new InMemoryQueue()
    const subscriber = await queue.subscribe('a')
    const consumers = []
    for (const connections of openConnections) consumers.push(await connect(gate, connections))
    await migrate((consumers[0] as (typeof consumers)[number]).primary)
    const janitors = consumers.map(({ ballots }) => advanceLowWater({ ballots, queue: queue.maintenance }))

    async function beat(janitor: () => Promise<JanitorEvent[]>): Promise<string> {
      const events = await janitor().catch((error: Error) => [{ kind: /1290/.test(error.message) ? 'refused' : error.message }])
      // Whatever is delivered again is counted again.
      await subscriber.ack(await subscriber.receive({ ballotsMax: 100, bytesMax: 1e6, waitMs: 0 }))
      return events.map(({ kind }) => kind).join()
    }

    await queue.publisher().publish({ pollId: '0123456789abcdef' as PollId, pollVersion: 1, voterKey: randomBytes(16), answers: ['1'] })
    for (const janitor of janitors) expect(await beat(janitor)).toBe('advanced')
    await pair().caughtUp()

    await pair().primary.query(pair().primary.product === 'MySQL' ? 'set global super_read_only = on' : 'set global read_only = on')
    await pair().promote()
    gate.leadNewcomersTo(pair().replica.connection.port)
    const said: string[] = []
    for (let number = 0; number < beatsAtMost; number++) for (const janitor of janitors) said.push(await beat(janitor))
    expect(said.slice(-10)).toEqual(Array.from({ length: 10 }, () => 'advanced'))
    expect(said.filter((one) => one === 'refused').length).toBeGreaterThan(0)
    expect(said.filter((one) => one === 'rewound').length).toBeLessThanOrEqual(openConnections.length)
  })
})
