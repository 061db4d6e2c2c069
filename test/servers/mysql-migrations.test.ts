import { randomInt } from 'node:crypto'
import { migrate, openMysqlPrimary, schemaVersion } from '@urna/database'
import { expect, it } from 'vitest'
import { MysqlProxy } from './support/mysql-proxy.ts'
import { describeServers } from './support/mysql-suites.ts'

describeServers('migrations', (suite, kind) => {
  const tablesOf = (database: string) =>
    suite.server.query<{ name: string; collation: string; engine: string }>(
      'select table_name as name, table_collation as collation, engine as engine from information_schema.tables where table_schema = ? order by 1',
      [database],
    )
  const indexesOf = async (database: string) =>
    (
      await suite.server.query<{ name: string }>(
        "select distinct concat(table_name, '.', index_name) as name from information_schema.statistics where table_schema = ? order by 1",
        [database],
      )
    ).map(({ name }) => name)

  it('make tables and texts that compare bytes, whatever the default of the server is', async () => {
    const database = await suite.server.createDatabase()
    const [before] = await suite.server.query(
      'select default_collation_name as name from information_schema.schemata where schema_name = ?',
      [database],
    )
    expect(before).toEqual({ name: 'latin1_swedish_ci' })
    const primary = openMysqlPrimary(suite.databases.optionsOf(database))
    expect(await schemaVersion(primary)).toBeNull()
    const applied = await migrate(primary)
    expect(applied).toHaveLength(20)
    expect(await migrate(primary)).toEqual([])
    expect(await schemaVersion(primary)).toBe(applied.at(-1))
    expect(new Set((await tablesOf(database)).map(({ collation, engine }) => `${engine} ${collation}`))).toEqual(
      new Set(['InnoDB utf8mb4_bin']),
    )
    const texts = await suite.server.query<{ name: string }>(
      'select distinct collation_name as name from information_schema.columns where table_schema = ? and collation_name is not null order by 1',
      [database],
    )
    expect(texts.map(({ name }) => name)).toEqual(['utf8mb4_bin'])
    await primary.close()
  })

  it('of a newer version stay, and are no fault: somebody has gone back to this one', async () => {
    const database = await suite.server.createDatabase()
    const primary = openMysqlPrimary(suite.databases.optionsOf(database))
    await migrate(primary)
    await suite.server.query(
      "insert into kysely_migration (name, timestamp) values ('9999-of-tomorrow', '2099-01-01T00:00:00.000Z')",
      [],
      database,
    )
    expect(await migrate(primary)).toEqual([])
    expect(await schemaVersion(primary)).toBe('9999-of-tomorrow')
    await primary.close()
    await suite.server.dropDatabase(database)
  })

  it('run once when two processes start at once', async () => {
    for (let round = 0; round < 20; round++) {
      const database = await suite.server.createDatabase()
      const primaries = [0, 1].map(() => openMysqlPrimary(suite.databases.optionsOf(database)))
      const applied = await Promise.all(primaries.map(migrate))
      // One did everything, the other waited and found it done.
      expect(applied.map((names) => names.length).sort()).toEqual([0, 20])
      await Promise.all(primaries.map((primary) => primary.close()))
      await suite.server.dropDatabase(database)
    }
  })

  it.each(['lose', 'lose-answer'] as const)(
    'go on where they were cut, at whatever statement (%s)',
    async (fate) => {
      const proxy = await MysqlProxy.start(suite.server.connection)
      const whole = await suite.server.createDatabase()
      const open = (database: string) => openMysqlPrimary({ ...suite.databases.optionsOf(database), ...proxy.address })
      const first = open(whole)
      await migrate(first)
      await first.close()
      const statements = proxy.commands
      expect(statements).toBeGreaterThan(30)
      const wanted = [await tablesOf(whole), await indexesOf(whole)]
      // All of them would take ten minutes: each run begins at another one, and takes every eighth.
      const everyEighth = 8
      const firstCut = 1 + randomInt(everyEighth)
      const numbers = Array.from({ length: statements }, (_, index) => index + 1).filter(
        (number) => number % everyEighth === firstCut % everyEighth,
      )
      console.log(`${kind.name}: cut statements ${firstCut}, ${firstCut + everyEighth}, ... of ${statements}`)
      let cuts = 0
      for (const number of numbers) {
        const database = await suite.server.createDatabase()
        let isCut = false
        proxy.watch((command) => {
          if (command.number !== number) return 'pass'
          isCut = true
          return fate
        })
        const primary = open(database)
        const names = await migrate(primary).catch(() => null)
        // A lock that cannot be given back is the server's to take back.
        if (isCut && names === null) cuts++
        proxy.watch(() => 'pass')
        await migrate(primary).catch(async (error: unknown) => {
          // Of some thousand lines that were cut, one brought MariaDB 10.11.19 itself down: one more accident.
          if (!suite.server.hasEnded) throw error
          await suite.server.run()
          await migrate(primary)
        })
        expect([await tablesOf(database), await indexesOf(database)]).toEqual(wanted)
        expect(await schemaVersion(primary)).toBe('0020-poll-activity')
        await primary.close()
        await suite.server.dropDatabase(database)
      }
      // All but the lock that is given back, and the goodbyes: nobody minds those.
      expect(cuts).toBeGreaterThan(numbers.length - 3)
      await proxy.close()
    },
    180_000,
  )

  it('do not take a table of somebody else for their own', async () => {
    const database = await suite.server.createDatabase()
    await suite.server.query('create table low_water (in_the_way integer)', [], database)
    const primary = openMysqlPrimary(suite.databases.optionsOf(database))
    await expect(migrate(primary)).rejects.toThrow(/1050.*low_water/)
    expect(await schemaVersion(primary)).toBe('0007-dead-letters')
    await suite.server.query('drop table low_water', [], database)
    const rest = await migrate(primary)
    expect([rest.length, rest[0], rest.at(-1)]).toEqual([13, '0008-low-water', '0020-poll-activity'])
    await primary.close()
  })

  it('never give a survey id or an epoch twice, even if somebody removes the newest row and the server crashes', async () => {
    const database = await suite.server.createDatabase()
    const primary = openMysqlPrimary(suite.databases.optionsOf(database))
    await migrate(primary)
    const insert = async (pollId: string) => {
      await suite.server.query(
        "insert into polls (poll_id, definition, listed, revision, secret_sealed, created_at_ms) values (?, '{}', 1, 1, x'00', 1)",
        [pollId],
        database,
      )
      const ids = await Promise.all([
        primary.db.insertInto('surveys').values({ poll_id: pollId }).executeTakeFirst(),
        primary.db
          .insertInto('queue_epochs')
          .values({ identity: Buffer.from(pollId) })
          .executeTakeFirst(),
      ])
      return ids.map(({ insertId }) => insertId)
    }
    expect(await insert('a')).toEqual([1n, 1n])
    expect(await insert('b')).toEqual([2n, 2n])
    for (const table of ['surveys', 'queue_epochs']) await suite.server.query(`delete from ${table}`, [], database)
    await suite.server.kill()
    await suite.server.run()
    expect(await insert('c')).toEqual([3n, 3n])
    await primary.close()
  })
})
