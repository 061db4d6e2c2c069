import { PermanentDatabaseError, type PollId, RetryableDatabaseError, tallyKeys } from '@urna/core'
import {
  batchOf,
  expectedCount,
  sampleBallot,
  sampleDeadLetter,
  sampleDefinition,
  sampleDraft,
  samplePoll,
  sampleQuestion,
  sequenceOf,
} from '@urna/core/testing/counting-samples'
import {
  type MysqlEvent,
  migrate,
  openMysqlPrimary,
  pingDatabase,
  SqlBallotRepository,
  SqlPollRepository,
  SqlResultsReader,
  SqlSettings,
  serverRole,
} from '@urna/database'
import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { describeServers } from './support/mysql-suites.ts'

const emoji = '🗳️ 👩‍👩‍👧‍👦 ☕ 𝒳'

describeServers('values', (suite, { product }) => {
  it('keep every text, byte by byte, on a server whose default is latin1', async () => {
    const { database, primary, second, close } = await suite.databases.open()
    const poll = sampleDraft({ definition: sampleDefinition({ title: emoji }) })
    await new SqlPollRepository(primary).create(poll)
    expect((await new SqlPollRepository(second).find(poll.id))?.definition.title).toBe(emoji)
    await new SqlSettings(primary).setIfAbsent('a', emoji)
    const [stored] = await suite.server.query("select hex(value) as bytes from settings where name = 'a'", [], database)
    expect(stored).toEqual({ bytes: Buffer.from(emoji).toString('hex').toUpperCase() })
    // What only a collation calls equal is another name.
    expect(await new SqlSettings(primary).setIfAbsent('A', 'other')).toBe('other')
    expect(await new SqlSettings(primary).setIfAbsent('á', 'another')).toBe('another')
    // An id that no poll can have is not found; it is no error.
    const polls = new SqlPollRepository(primary)
    for (const id of [emoji, poll.id.toUpperCase(), `${poll.id}\0`, 'é', '\ud800'] as PollId[]) {
      expect(await polls.find(id)).toBeNull()
      expect(await polls.findVersion(id, 1)).toBeNull()
      expect(await new SqlBallotRepository(primary).find(id, Buffer.alloc(16))).toBeNull()
      expect(await polls.revisions([id])).toEqual(new Map())
    }
    for (const number of [1e20, 2 ** 53, 1.5, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(await polls.findBySurveyId(number)).toBeNull()
      expect(await polls.findVersion(poll.id, number)).toBeNull()
    }
    await close()
  })

  it('refuse what a column would cut, fill up or change', async () => {
    const { database, primary, close } = await suite.databases.open()
    const poll = samplePoll()
    const repository = new SqlBallotRepository(primary)
    const good = sampleBallot(poll, 1, 1, ['1'])
    const bad = [
      // 15 bytes: BINARY(16) would add a zero, and it would be another voter's key
      { ...good, voterKey: good.voterKey.subarray(0, 15) },
      { ...good, voterKey: Buffer.concat([good.voterKey, Buffer.alloc(1)]) },
      { ...good, rank: good.rank.subarray(0, 15) },
      { ...good, seq: Buffer.alloc(17) as unknown as typeof good.seq },
      { ...good, pollId: `${poll.id}1` as PollId },
      { ...good, pollVersion: -1 },
      { ...good, pollVersion: 4_294_967_296 },
      { ...good, pollVersion: 1.5 },
      { ...good, pollVersion: null as unknown as number },
    ]
    for (const ballot of bad) {
      const error = await repository.countBatch(batchOf([poll], [ballot])).catch((reason: unknown) => reason)
      expect(error).toBeInstanceOf(PermanentDatabaseError)
      // An error is logged: it says where, and nothing of the ballot.
      const told = JSON.stringify([error, (error as Error).cause, String(error), String((error as Error).cause), (error as Error).stack])
      expect(told).not.toMatch(/\[\\*"1|é|insert into/)
    }
    expect(await suite.server.query('select count(*) as n from ballots', [], database)).toEqual([{ n: 0 }])
    await close()
  })

  it('are exact up to 2^53 - 1, and beyond it an error', async () => {
    const { database, primary, replica, close } = await suite.databases.open()
    const repository = new SqlBallotRepository(primary)
    const results = new SqlResultsReader(replica)
    const poll = samplePoll()
    const set = async (...shards: bigint[]) => {
      await suite.server.query('delete from tallies', [], database)
      for (const [shard, n] of shards.entries()) {
        await suite.server.query(`insert into tallies values ('${poll.id}', 1, '1', ${shard}, ${n})`, [], database)
      }
    }
    const safe = 2n ** 53n - 1n
    await set(safe, 5n, -5n)
    expect((await results.snapshot(poll.id)).tallies).toEqual([{ question: 1, key: '1', count: Number.MAX_SAFE_INTEGER }])
    // 2^53 + 1 would be read as 2^53.
    for (const shards of [[safe + 2n], [safe, 2n], [2n ** 63n - 1n, 2n ** 63n - 1n]]) {
      await set(...shards)
      await expect(results.snapshot(poll.id)).rejects.toMatchObject({ name: 'RetryableDatabaseError', message: /UNREADABLE.*count/ })
    }
    await suite.server.query('insert into low_water values (1, 0, ?, 9007199254740993, 1)', [sequenceOf(1)], database)
    await expect(repository.readLowWater(1, 0)).rejects.toBeInstanceOf(RetryableDatabaseError)
    const beyond = { epoch: 2, stream: 0, below: sequenceOf(1), atMs: 2 ** 53, beat: 1 }
    await expect(repository.writeLowWater(beyond, null)).rejects.toBeInstanceOf(PermanentDatabaseError)
    await expect(repository.countBatch(batchOf([], [], { deadLetters: [sampleDeadLetter(1, { atMs: 1e17 })] }))).rejects.toBeInstanceOf(
      PermanentDatabaseError,
    )
    // What is no value at all is a programmer's error, and never becomes SQL.
    for (const value of [{ name: 'a' }, ['a', 'b'], true, undefined, new Date(0)]) {
      await expect(sql`select ${sql.val(value)}`.execute(primary.db)).rejects.toThrow(TypeError)
    }
    await close()
  })

  it('of 2,000 long ballots and as many large dead letters stay below the largest statement that the server takes', async () => {
    const { database, replica, close } = await suite.databases.open()
    await suite.server.query(`set global max_allowed_packet = ${4 * 1024 * 1024}`)
    const events: MysqlEvent[] = []
    const primary = openMysqlPrimary(suite.databases.optionsOf(database, { onEvent: (event) => events.push(event) }))
    const options = Array.from({ length: 100 }, (_, index) => `option ${index + 1}`)
    const questions = Array.from({ length: 20 }, (_, index) => sampleQuestion(index + 1, options, { method: 'multiple', max: 100 }))
    const poll = samplePoll({ questions })
    const everything = options.map((_, index) => index + 1).join()
    // 20 answers of 291 characters: 5.9 kB a ballot, 12 MB a batch; dead letters of 60 kB, the last among small ones
    const ballots = Array.from({ length: 2_000 }, (_, voter) =>
      sampleBallot(
        poll,
        voter,
        voter + 1,
        questions.map(() => everything),
      ),
    )
    const deadLetters = Array.from({ length: 150 }, (_, index) =>
      sampleDeadLetter(10_000 + index, { payloadSealed: Buffer.alloc(index % 2 === 0 ? 60_000 : 10, index), detail: emoji }),
    )
    const repository = new SqlBallotRepository(primary)
    expect(await repository.countBatch(batchOf([poll], ballots, { deadLetters }))).toMatchObject({ firstBallots: 2_000 })
    expect(await repository.countBatch(batchOf([poll], ballots, { deadLetters }))).toMatchObject({ ignoredBallots: 2_000 })
    const { stored, counted } = await new SqlResultsReader(replica).recount(poll.id, (answers) => tallyKeys(poll.definition, answers))
    expect(stored).toMatchObject(expectedCount(poll, ballots))
    expect(counted).toEqual(stored)
    expect(await suite.server.query('select count(*) as n from dead_letters', [], database)).toEqual([{ n: 150 }])
    expect(events).toEqual([])
    await suite.server.query('set global max_allowed_packet = 1048576')
    const small = openMysqlPrimary(suite.databases.optionsOf(database, { onEvent: (event) => events.push(event) }))
    await pingDatabase(small)
    expect(events).toEqual([{ kind: 'setting', name: 'max_allowed_packet', value: '1048576', wanted: 'at least 4194304' }])
    await suite.server.query('set global max_allowed_packet = default')
    await Promise.all([primary.close(), small.close()])
    await close()
  }, 60_000)

  it('are written by a primary only, and only where it takes writes', async () => {
    const { database, primary, replica, close } = await suite.databases.open()
    await expect(sql`delete from ballots`.execute(replica.db)).rejects.toMatchObject({ code: 'MYSQL_1792' })
    expect(await serverRole(primary)).toEqual({ product, version: expect.stringMatching(/^\d+\.\d+\.\d+$/), isReadOnly: false })
    const readOnly = product === 'MySQL' ? 'super_read_only' : 'read_only'
    await suite.server.query(`set global ${readOnly} = 1`)
    expect((await serverRole(replica)).isReadOnly).toBe(true)
    const poll = samplePoll()
    const batch = batchOf([poll], [sampleBallot(poll, 1, 1, ['1'])])
    const connectionId = async () => (await sql<{ id: number }>`select connection_id() as id`.execute(primary.db)).rows[0]?.id
    const before = await connectionId()
    await expect(new SqlBallotRepository(primary).countBatch(batch)).rejects.toMatchObject({
      name: 'RetryableDatabaseError',
      message: /1290/,
    })
    // After a failover another server answers to the name: only a new connection finds it.
    expect(await connectionId()).not.toBe(before)
    await suite.server.query(`set global ${readOnly} = 0`)
    await suite.server.query('set global read_only = 0')
    expect(await new SqlBallotRepository(primary).countBatch(batch)).toMatchObject({ firstBallots: 1 })
    expect(await suite.server.query('select count(*) as n from ballots', [], database)).toEqual([{ n: 1 }])
    await close()
  })

  it('are safe from the settings of the server, and the operator is told of those that lose what was committed', async () => {
    const database = await suite.server.createDatabase()
    const before = await suite.server.query<Record<string, string | number>>(
      'select @@global.sql_mode as modes, @@global.time_zone as zone',
    )
    const defaults = [
      "sql_mode = 'NO_BACKSLASH_ESCAPES,ANSI_QUOTES'",
      "time_zone = '+09:00'",
      // Done by the server on every new connection.
      "init_connect = 'set names latin1'",
      'autocommit = 0',
      'innodb_flush_log_at_trx_commit = 2',
      'sync_binlog = 0',
      'binlog_format = MIXED',
    ]
    for (const setting of defaults) await suite.server.query(`set global ${setting}`)
    const events: MysqlEvent[] = []
    const primary = openMysqlPrimary(suite.databases.optionsOf(database, { onEvent: (event) => events.push(event) }))
    await migrate(primary)
    const settings = new SqlSettings(primary)
    const hostile = `\\' or 1 = 1 -- \\\\ " ${emoji} \0 \n`
    await settings.setIfAbsent('hostile', hostile)
    const other = openMysqlPrimary(suite.databases.optionsOf(database))
    expect(await new SqlSettings(other).get('hostile')).toBe(hostile)
    expect(await new SqlSettings(other).get(hostile)).toBeNull()
    expect(events).toEqual([
      { kind: 'setting', name: 'innodb_flush_log_at_trx_commit', value: '2', wanted: '1' },
      { kind: 'setting', name: 'sync_binlog', value: '0', wanted: '1' },
      { kind: 'setting', name: 'binlog_format', value: 'MIXED', wanted: 'ROW' },
    ])
    await suite.server.query('set global sql_mode = ?, global time_zone = ?, global autocommit = 1', [
      String(before[0]?.modes),
      String(before[0]?.zone),
    ])
    await suite.server.query("set global init_connect = ''")
    await suite.server.query('set global innodb_flush_log_at_trx_commit = 1, global sync_binlog = 1, global binlog_format = ROW')
    await Promise.all([primary.close(), other.close()])
  })
})
