import { RetryableDatabaseError } from '@urna/core'
import { batchOf, sampleBallot, sampleDeadLetter, samplePoll, sequenceOf } from '@urna/core/testing/counting-samples'
import SqliteDatabase from 'better-sqlite3'
import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type CountStep, paddedTo } from './count-batch.ts'
import { classified } from './database-errors.ts'
import { SqlBallotRepository } from './repositories/sql-ballot-repository.ts'
import { SqlResultsReader } from './repositories/sql-results-reader.ts'
import { sqliteCountStatements } from './sqlite/sqlite-count-statements.ts'
import { directSubject, type SqliteSubject } from './testing/sqlite-subjects.ts'

describe('counting a batch', () => {
  let subject: SqliteSubject
  const poll = samplePoll()
  const batch = batchOf([poll], [sampleBallot(poll, 1, 1, ['1'])], { deadLetters: [sampleDeadLetter(2)] })
  beforeEach(async () => {
    subject = await directSubject()
  })
  afterEach(() => subject.close())

  it.each(['after-upsert', 'before-tally', 'before-commit'] as const)(
    'that ends at %s leaves nothing, and counts at the next try',
    async (step) => {
      let armed = true
      const repository = new SqlBallotRepository(subject.primary, {
        onStep(reached) {
          if (armed && reached === step) throw new Error('crash')
        },
      })
      const results = new SqlResultsReader(subject.replica)
      await expect(repository.countBatch(batch)).rejects.toThrow('crash')
      expect(await results.snapshot(poll.id)).toMatchObject({ turnout: 0, tallies: [] })
      expect(await repository.find(poll.id, batch.ballots[0]?.voterKey as Buffer)).toBeNull()
      expect(await repository.findDeadLetter(sequenceOf(2))).toBeNull()
      armed = false
      expect(await repository.countBatch(batch)).toMatchObject({ firstBallots: 1 })
      expect(await results.snapshot(poll.id)).toMatchObject({ turnout: 1 })
    },
  )

  it('calls its steps in order, and nobody else sees anything before the commit', async () => {
    const other = new SqliteDatabase(subject.path, { readonly: true })
    const seen = () => ['ballots', 'tallies', 'dead_letters'].map((table) => other.prepare(`select count(*) from ${table}`).pluck().get())
    const steps: [CountStep, ...unknown[]][] = []
    const repository = new SqlBallotRepository(subject.primary, { onStep: (step) => steps.push([step, ...seen()]) })
    await repository.countBatch(batch)
    expect(steps).toEqual([
      ['after-upsert', 0, 0, 0],
      ['before-tally', 0, 0, 0],
      ['before-commit', 0, 0, 0],
    ])
    // one ballot; its option and `answered`; one dead letter
    expect(seen()).toEqual([1, 2, 1])
    other.close()
  })

  it('gives every attempt a batch id of its own', async () => {
    const repository = new SqlBallotRepository(subject.primary)
    const ids = async () =>
      (await subject.primary.db.selectFrom('ballots').select('batch_id').execute()).map((row) => Buffer.from(row.batch_id))
    await repository.countBatch(batch)
    const [first] = await ids()
    expect(first).toHaveLength(8)
    await repository.countBatch(batchOf([poll], [sampleBallot(poll, 1, 3, ['1'])]))
    const [second] = await ids()
    expect(await subject.primary.db.selectFrom('ballots').select('poll_version').execute()).toEqual([{ poll_version: 2 }])
    expect(second?.equals(first as Buffer)).toBe(false)
  })

  it('adds to the rows of its own shard, below zero too', async () => {
    const repository = new SqlBallotRepository(subject.primary)
    await repository.countBatch(batch)
    await repository.countBatch(batchOf([poll], [sampleBallot(poll, 1, 3, ['2'])], { shard: 7 }))
    const rows = await subject.primary.db
      .selectFrom('tallies')
      .select(['tally_key', 'shard', 'n'])
      .where('tally_key', '=', '1')
      .orderBy('shard')
      .execute()
    expect(rows).toEqual([
      { tally_key: '1', shard: 0, n: 1 },
      { tally_key: '1', shard: 7, n: -1 },
    ])
    await repository.countBatch(batchOf([poll], [sampleBallot(poll, 2, 4, ['2'])], { shard: 7 }))
    expect(await subject.primary.db.selectFrom('turnout').select(['shard', 'n']).orderBy('shard').execute()).toEqual([
      { shard: 0, n: 1 },
      { shard: 7, n: 1 },
    ])
  })

  it('finds rows by their primary key alone', async () => {
    const { rows } = await sql<{
      detail: string
    }>`explain query plan ${sql.raw(sqliteCountStatements.readBack(2).replaceAll('?', "x'00'"))}`.execute(subject.primary.db)
    expect(rows.map((row) => row.detail)).toContain('SEARCH ballots USING PRIMARY KEY (poll_id=? AND voter_key=?)')
  })

  it('has few statements for batches of any size', () => {
    expect([1, 2, 3, 4, 5, 33, 63, 64].map(paddedTo)).toEqual([1, 2, 4, 4, 8, 64, 64, 64])
    expect(paddedTo(sqliteCountStatements.rowsMax)).toBe(sqliteCountStatements.rowsMax)
    expect(sqliteCountStatements.upsertBallots(4)).toBe(sqliteCountStatements.upsertBallots(4))
  })

  it('cuts statements where their values would be too long, and counts the same', async () => {
    const texts: string[] = []
    const recorded = (make: (rows: number) => string) => (rows: number) => {
      texts.push(`${make === sqliteCountStatements.upsertBallots ? 'ballots' : 'letters'} ${rows}`)
      return make(rows)
    }
    const { upsertBallots, insertDeadLetters } = sqliteCountStatements
    const countStatements = {
      ...sqliteCountStatements,
      bytesMax: 1_000,
      upsertBallots: recorded(upsertBallots),
      insertDeadLetters: recorded(insertDeadLetters),
    }
    const primary = { ...subject.primary, dialect: { ...subject.primary.dialect, countStatements } }
    // 16 + 16 + 8 + 16 + 16 + 5 + 8 = 85 bytes each: 11 of them in a statement, not padded to 16, which would be 1,360 bytes; the last is
    const ballots = Array.from({ length: 12 }, (_, voter) => sampleBallot(poll, voter, voter + 1, ['1']))
    // One of 2,000 bytes stands alone; 3 small ones before it are 4 with their padding, 2 after it need none.
    const sizes = [10, 10, 10, 2_000, 10, 10]
    const deadLetters = sizes.map((size, index) => sampleDeadLetter(100 + index, { payloadSealed: Buffer.alloc(size) }))
    await new SqlBallotRepository(primary).countBatch(batchOf([poll], ballots, { deadLetters }))
    expect(texts).toEqual(['ballots 11', 'ballots 1', 'letters 4', 'letters 1', 'letters 2'])
    expect(await new SqlResultsReader(subject.replica).snapshot(poll.id)).toMatchObject({ turnout: 12 })
    const { rows } = await sql`select count(*) as n from dead_letters`.execute(subject.primary.db)
    expect(rows).toEqual([{ n: 6 }])
  })

  it('is tried again when the schema is not there: that is no fault of a ballot', async () => {
    await sql`drop table tallies`.execute(subject.primary.db)
    await expect(new SqlBallotRepository(subject.primary).countBatch(batch)).rejects.toBeInstanceOf(RetryableDatabaseError)
  })
})

describe('errors of a database', () => {
  it.each([
    ['SQLITE_BUSY', 'RetryableDatabaseError'],
    ['SQLITE_BUSY_SNAPSHOT', 'RetryableDatabaseError'],
    ['SQLITE_LOCKED', 'RetryableDatabaseError'],
    ['SQLITE_FULL', 'RetryableDatabaseError'],
    ['SQLITE_IOERR_FSYNC', 'RetryableDatabaseError'],
    ['SQLITE_CANTOPEN', 'RetryableDatabaseError'],
    ['SQLITE_CORRUPT', 'RetryableDatabaseError'],
    ['SQLITE_ERROR', 'RetryableDatabaseError'],
    ['URNA_PORT_CLOSED', 'RetryableDatabaseError'],
    ['SQLITE_CONSTRAINT_CHECK', 'PermanentDatabaseError'],
    ['SQLITE_CONSTRAINT_DATATYPE', 'PermanentDatabaseError'],
    ['SQLITE_MISMATCH', 'PermanentDatabaseError'],
    ['SQLITE_TOOBIG', 'PermanentDatabaseError'],
  ])('%s: %s', async (code, name) => {
    const cause = Object.assign(new Error('why'), { code })
    await expect(classified(() => Promise.reject(cause))).rejects.toMatchObject({ name, message: `${code}: why`, cause })
  })

  it('a fault of ours stays what it is', async () => {
    const fault = new TypeError('no')
    await expect(classified(() => Promise.reject(fault))).rejects.toBe(fault)
    const other = Object.assign(new Error('no'), { code: 'ERR_SOMETHING' })
    await expect(classified(() => Promise.reject(other))).rejects.toBe(other)
  })
})
