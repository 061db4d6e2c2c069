import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { sql } from 'kysely'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { migrate, schemaVersion } from './migrate.ts'
import { openSqliteWriter } from './sqlite/open-sqlite.ts'
import { newFolder, PrimaryThread } from './testing/sqlite-subjects.ts'

describe('migrations', () => {
  let folder: string
  const threads = [new PrimaryThread(), new PrimaryThread(), new PrimaryThread()]
  beforeEach(() => {
    folder = newFolder()
  })
  afterEach(() => rmSync(folder, { recursive: true }))
  afterAll(async () => {
    for (const thread of threads) await thread.terminate()
  })

  it('run once, in order, and say what they did', async () => {
    const primary = openSqliteWriter(join(folder, 'urna.db'))
    expect(await schemaVersion(primary)).toBeNull()
    const applied = await migrate(primary)
    expect(applied).toEqual([...applied].sort())
    expect(applied[0]).toBe('0001-polls')
    expect(await migrate(primary)).toEqual([])
    expect(await schemaVersion(primary)).toBe(applied.at(-1))
    const { rows } = await sql<{ name: string }>`select name from sqlite_master where type = 'table' order by name`.execute(primary.db)
    expect(rows.map((row) => row.name).filter((name) => !/^(sqlite|kysely)_/.test(name))).toEqual([
      'api_tokens',
      'audit_head',
      'audit_trail',
      'ballots',
      'dead_letters',
      'low_water',
      'poll_activity',
      'poll_owners',
      'poll_versions',
      'polls',
      'queue_epochs',
      'sessions',
      'settings',
      'sign_in_attempts',
      'surveys',
      'tallies',
      'turnout',
      'users',
      'voter_roll',
      'voting_codes',
    ])
    await primary.close()
  })

  it('of a newer version stay, and are no fault: somebody has gone back to this one', async () => {
    const primary = openSqliteWriter(join(folder, 'urna.db'))
    await migrate(primary)
    await sql`insert into kysely_migration (name, timestamp) values ('9999-of-tomorrow', '2099-01-01T00:00:00.000Z')`.execute(primary.db)
    expect(await migrate(primary)).toEqual([])
    expect(await schemaVersion(primary)).toBe('9999-of-tomorrow')
    await primary.close()
  })

  it('run once when several processes start at once', async () => {
    for (let round = 0; round < 20; round++) {
      const path = join(folder, `${round}.db`)
      // Each thread opens and migrates by itself; `connect` rejects if that fails.
      const primaries = await Promise.all(threads.map((thread) => thread.connect(path)))
      for (const primary of primaries) {
        expect(await schemaVersion(primary)).toBe('0020-poll-activity')
        await primary.close()
      }
      await Promise.all(threads.map((thread) => thread.release(path)))
    }
  })

  it('never give a survey id or an epoch twice, even if somebody removes the newest row', async () => {
    const primary = openSqliteWriter(join(folder, 'urna.db'))
    await migrate(primary)
    const insertEpoch = (byte: number) => sql`insert into queue_epochs (identity) values (${Buffer.from([byte])})`.execute(primary.db)
    const insertSurvey = async (pollId: string) => {
      await sql`insert into polls (poll_id, definition, listed, revision, secret_sealed, created_at_ms)
        values (${pollId}, '{}', 1, 1, x'00', 1)`.execute(primary.db)
      return sql`insert into surveys (poll_id) values (${pollId})`.execute(primary.db)
    }
    expect([(await insertEpoch(1)).insertId, (await insertSurvey('a')).insertId]).toEqual([1n, 1n])
    await sql`delete from queue_epochs`.execute(primary.db)
    await sql`delete from surveys`.execute(primary.db)
    expect([(await insertEpoch(1)).insertId, (await insertSurvey('b')).insertId]).toEqual([2n, 2n])
    await primary.close()
  })

  it('leave nothing behind when one fails', async () => {
    const primary = openSqliteWriter(join(folder, 'urna.db'))
    await sql`create table low_water (in_the_way integer)`.execute(primary.db)
    await expect(migrate(primary)).rejects.toThrow('low_water')
    expect(await schemaVersion(primary)).toBeNull()
    await sql`drop table low_water`.execute(primary.db)
    expect(await migrate(primary)).toHaveLength(20)
    await primary.close()
  })
})
