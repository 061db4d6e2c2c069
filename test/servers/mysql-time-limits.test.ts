import { setImmediate } from 'node:timers/promises'
import { RetryableDatabaseError } from '@urna/core'
import { batchOf, sampleBallot, samplePoll } from '@urna/core/testing/counting-samples'
import { type MysqlEvent, openMysqlPrimary, openMysqlReplica, pingDatabase, SqlBallotRepository, SqlResultsReader } from '@urna/database'
import { sql } from 'kysely'
import { afterEach, expect, it } from 'vitest'
import { freePort } from '../support/free-port.ts'
import { describeServers } from './support/mysql-suites.ts'

const connectTimeoutMs = 1_000
const queryTimeoutMs = 1_200
// What the machine may take on top of a limit.
const slackMs = 1_500

describeServers('time limits', (suite) => {
  let closing: (() => Promise<void>)[] = []
  afterEach(async () => {
    suite.server.goOn()
    for (const close of closing.reverse()) await close()
    closing = []
  })

  async function subject(connectionsMax = 2, waitingMax = 3) {
    const events: MysqlEvent[] = []
    const { database, replica, close } = await suite.databases.open()
    const options = suite.databases.optionsOf(database, { connectTimeoutMs, queryTimeoutMs, connectionsMax, waitingMax })
    const primary = openMysqlPrimary({ ...options, onEvent: (event) => events.push(event) })
    closing.push(close, () => primary.close())
    const connectionIds = async () => {
      const rows = await suite.server.query<{ id: number }>('select id from information_schema.processlist where db = ?', [database])
      return rows.map(({ id }) => Number(id))
    }
    const ownId = async () => (await sql<{ id: number }>`select connection_id() as id`.execute(primary.db)).rows[0]?.id
    return { database, primary, replica, options, events, connectionIds, ownId }
  }

  async function failsWithin(limitMs: number, work: () => Promise<unknown>): Promise<string> {
    const startMs = performance.now()
    const error = await work().then(
      () => new Error('it did not fail'),
      (reason: unknown) => reason,
    )
    expect(performance.now() - startMs).toBeLessThan(limitMs + slackMs)
    expect(error).toBeInstanceOf(RetryableDatabaseError)
    return (error as Error).message
  }

  it('an answer that takes too long: its connection is never used again, and the server ends what it did', async () => {
    const { database, primary, events, connectionIds, ownId } = await subject(1)
    const before = await ownId()
    await expect(sql`select sleep(2)`.execute(primary.db)).rejects.toMatchObject({ code: 'URNA_TIMED_OUT' })
    const after = await ownId()
    expect(after).not.toBe(before)
    const slow = primary.db.transaction().execute(async (transaction) => {
      await sql`insert into settings (name, value) values ('late', '')`.execute(transaction)
      await sql`select sleep(2)`.execute(transaction)
    })
    await expect(slow).rejects.toMatchObject({ code: 'URNA_TIMED_OUT' })
    expect(events).toContainEqual({ kind: 'timed-out', waitingFor: 'answer', afterMs: queryTimeoutMs })
    expect(await ownId()).not.toBe(after)
    const left = async () => (await connectionIds()).filter((id) => id === before || id === after)
    await expect.poll(left, { timeout: 5_000 }).toEqual([])
    expect(await suite.server.query('select * from settings', [], database)).toEqual([])
  })

  it('a connection that nobody gives back: others wait, so many and so long', async () => {
    const { primary, ownId } = await subject(1, 3)
    const [taken, givenBack] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const held = primary.db.connection().execute(() => {
      taken.resolve()
      return givenBack.promise
    })
    await taken.promise
    const ping = () => pingDatabase(primary)
    const waiting = [1, 2, 3].map(() => failsWithin(connectTimeoutMs, ping))
    expect(await failsWithin(0, ping)).toContain('URNA_DATABASE_BUSY')
    for (const message of await Promise.all(waiting)) expect(message).toContain('URNA_DATABASE_BUSY: no connection')
    // Those who gave up have left the line: others come in, and get their turn.
    const later = [1, 2, 3].map(ownId)
    givenBack.resolve()
    await held
    expect(new Set(await Promise.all(later)).size).toBe(1)
  })

  it('a server that stands still, and goes on', async () => {
    const { database, primary, replica, options, events, ownId } = await subject(2)
    const poll = samplePoll()
    const batch = batchOf([poll], [sampleBallot(poll, 1, 1, ['1'])])
    const repository = new SqlBallotRepository(primary)
    const cold = openMysqlPrimary(options)
    const coldReplica = openMysqlReplica(options)
    closing.push(
      () => cold.close(),
      () => coldReplica.close(),
    )
    const before = await ownId()
    const sockets = () => process.getActiveResourcesInfo().filter((resource) => resource === 'TCPSocketWrap').length
    const socketsBefore = sockets()
    await suite.server.standStill()
    // One that has a connection, one that has none, and more of them than there are connections.
    const limitMs = connectTimeoutMs + queryTimeoutMs
    await Promise.all([
      ...[1, 2, 3, 4].map(() => failsWithin(limitMs, () => repository.countBatch(batch))),
      ...[1, 2, 3, 4].map(() => failsWithin(limitMs, () => pingDatabase(cold))),
      failsWithin(limitMs, () => new SqlResultsReader(coldReplica).snapshot(poll.id)),
    ])
    expect(events).toContainEqual({ kind: 'timed-out', waitingFor: 'answer', afterMs: queryTimeoutMs })
    // No connection is left open that a server would have to close.
    await expect.poll(sockets).toBeLessThan(socketsBefore)
    suite.server.goOn()
    // What was sent before may have been counted or not: again, and it counts once.
    await repository.countBatch(batch)
    expect(await new SqlResultsReader(replica).snapshot(poll.id)).toMatchObject({ turnout: 1 })
    expect(await ownId()).not.toBe(before)
    expect(await suite.server.query('select count(*) as n from ballots', [], database)).toEqual([{ n: 1 }])
  })

  it('closing: what is under way has a second to end', async () => {
    const { primary } = await subject(2)
    const taken = Promise.withResolvers<void>()
    const patient = primary.db.connection().execute(async (connection) => {
      taken.resolve()
      return sql`select sleep(0.3) as nothing`.execute(connection)
    })
    await taken.promise
    await primary.close()
    expect((await patient).rows).toEqual([{ nothing: 0 }])
    const { primary: second } = await subject(2)
    const { rows } = await sql<{ n: number }>`select 1 as n`.execute(second.db)
    expect(rows).toEqual([{ n: 1 }])
    await suite.server.standStill()
    const startMs = performance.now()
    const asked = sql`select 1`.execute(second.db).catch((error: unknown) => error)
    await setImmediate()
    await second.close()
    expect(performance.now() - startMs).toBeLessThan(1_000 + slackMs)
    expect(await asked).toMatchObject({ code: expect.stringMatching(/^URNA_/) })
    suite.server.goOn()
  })

  it('a server that is not there, one that ends, and comes back', async () => {
    const { primary, options, events } = await subject()
    const nowhere = openMysqlPrimary({ ...options, port: await freePort() })
    closing.push(() => nowhere.close())
    expect(await failsWithin(connectTimeoutMs, () => pingDatabase(nowhere))).toContain('ECONNREFUSED')
    const unknown = openMysqlPrimary({ ...options, password: 'wrong' })
    closing.push(() => unknown.close())
    expect(await failsWithin(connectTimeoutMs, () => pingDatabase(unknown))).toMatch(/MYSQL_1045: .*urna/)
    await pingDatabase(primary)
    await suite.server.kill()
    await failsWithin(connectTimeoutMs, () => pingDatabase(primary))
    await failsWithin(connectTimeoutMs, () => pingDatabase(primary))
    await suite.server.run()
    await pingDatabase(primary)
    expect(events.filter(({ kind }) => kind === 'timed-out')).toEqual([])
    await primary.close()
    await primary.close()
    await expect(pingDatabase(primary)).rejects.toThrow()
  })

  it('an idle connection that the server closes: the next call has another one, and no error', async () => {
    const { connectionIds, ownId } = await subject(1)
    await suite.server.query('set global wait_timeout = 1')
    const before = await ownId()
    await expect.poll(connectionIds, { timeout: 5_000 }).not.toContain(before)
    expect(await ownId()).not.toBe(before)
    await suite.server.query('set global wait_timeout = default')
  })

  it('a lock that is held: the server gives up before we do, and the connection lives', async () => {
    const { database, options } = await subject(1)
    const primary = openMysqlPrimary({ ...options, queryTimeoutMs: 2_500 })
    closing.push(() => primary.close())
    const poll = samplePoll()
    const repository = new SqlBallotRepository(primary)
    const second = openMysqlPrimary(options)
    closing.push(() => second.close())
    await repository.countBatch(batchOf([poll], [sampleBallot(poll, 1, 1, ['1'])]))
    const ids = () => suite.server.query('select id from information_schema.processlist where db = ? order by id', [database])
    await second.db.transaction().execute(async (transaction) => {
      await sql`select * from ballots for update`.execute(transaction)
      const before = await ids()
      // 0.6 * 2.5 s, in whole seconds: 1 s
      expect(await failsWithin(1_000, () => repository.countBatch(batchOf([poll], [sampleBallot(poll, 1, 2, ['2'])])))).toContain('1205')
      expect(await ids()).toEqual(before)
    })
    expect(await repository.countBatch(batchOf([poll], [sampleBallot(poll, 1, 2, ['2'])]))).toMatchObject({ changedBallots: 1 })
  })
})
