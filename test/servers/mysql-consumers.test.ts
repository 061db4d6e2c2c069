import { type CountableBallot, RetryableDatabaseError, tallyKeys } from '@urna/core'
import { batchOf, expectedCount, sampleBallot, samplePoll, threeQuestions, voterKeyOf } from '@urna/core/testing/counting-samples'
import { openMysqlPrimary, SqlBallotRepository, SqlResultsReader } from '@urna/database'
import { CompiledQuery, sql } from 'kysely'
import { expect, it } from 'vitest'
import { describeServers } from './support/mysql-suites.ts'

describeServers('consumers at once', (suite) => {
  it.each([2, 4])(
    '%i of them, with overlapping batches, never deadlock, and count each voter once',
    async (consumers) => {
      const { database, replica, close } = await suite.databases.open()
      const polls = [threeQuestions(), samplePoll({ changesAllowed: false })] as const
      // 12,000 ballots of 2 x 1,500 voters; each consumer gets two thirds of them, in another order, in batches of 500.
      const ballots = Array.from({ length: 12_000 }, (_, index) => {
        const poll = polls[index % 2] as (typeof polls)[0]
        const answers = index % 2 === 0 ? [String((index % 3) + 1), index % 5 === 0 ? '' : '1,3', '2'] : [String((index % 3) + 1)]
        return sampleBallot(poll, (index * 7_919) % 1_500, index + 1, answers)
      })
      const retries: string[] = []
      const consume = async (shard: number) => {
        const primary = openMysqlPrimary(suite.databases.optionsOf(database))
        const repository = new SqlBallotRepository(primary)
        const own = ballots.filter((_, index) => index % 3 !== shard % 3).sort((left, right) => order(left, shard) - order(right, shard))
        for (let start = 0; start < own.length; start += 500) {
          const batch = batchOf(polls, own.slice(start, start + 500), { shard })
          for (;;) {
            try {
              await repository.countBatch(batch)
              break
            } catch (error) {
              if (!(error instanceof RetryableDatabaseError)) throw error
              retries.push(error.message)
            }
          }
        }
        await primary.close()
      }
      await Promise.all(Array.from({ length: consumers }, (_, shard) => consume(shard)))
      expect(retries).toEqual([])
      for (const poll of polls) {
        const { stored, counted } = await new SqlResultsReader(replica).recount(poll.id, (answers) => tallyKeys(poll.definition, answers))
        expect(stored).toMatchObject(expectedCount(poll, ballots))
        expect(counted).toEqual(stored)
      }
      await close()
    },
    120_000,
  )

  it('look up the rows of a statement by their primary key alone, and count without prepared statements, too', async () => {
    const { database, primary, close } = await suite.databases.open()
    const poll = samplePoll()
    const repository = new SqlBallotRepository(primary)
    for (let start = 0; start < 8_000; start += 2_000) {
      const ballots = Array.from({ length: 2_000 }, (_, index) => sampleBallot(poll, start + index, start + index + 1, ['1']))
      await repository.countBatch(batchOf([poll], ballots))
    }
    const { readBack, rowsMax } = primary.dialect.countStatements
    const keys = Array.from({ length: rowsMax }, (_, index) => [poll.id, voterKeyOf(index * 30)])
    const reads = await primary.db.connection().execute(async (connection) => {
      const readsSoFar = async () => {
        const { rows } = await sql<{ Value: string }>`show session status like 'Handler_read%'`.execute(connection)
        return rows.reduce((sum, row) => sum + Number(row.Value), 0)
      }
      const before = await readsSoFar()
      const { rows } = await connection.executeQuery(CompiledQuery.raw(readBack(rowsMax), [...keys.flat(), Buffer.alloc(8)]))
      expect(rows).toEqual([])
      return (await readsSoFar()) - before
    })
    // One look at each key; all rows would be 8,000.
    expect(reads).toBeGreaterThanOrEqual(rowsMax)
    expect(reads).toBeLessThan(2 * rowsMax)

    await suite.server.query('set global max_prepared_stmt_count = 0')
    const unprepared = openMysqlPrimary(suite.databases.optionsOf(database))
    const again = new SqlBallotRepository(unprepared)
    expect(await again.countBatch(batchOf([poll], [sampleBallot(poll, 1, 1, ['1'])]))).toMatchObject({ ignoredBallots: 1 })
    expect(await again.countBatch(batchOf([poll], [sampleBallot(poll, 1, 9_000, ['2'])]))).toMatchObject({ changedBallots: 1 })
    await suite.server.query('set global max_prepared_stmt_count = default')
    await unprepared.close()
    await close()
  })
})

/** Another order for each consumer. */
function order({ seq }: CountableBallot, shard: number): number {
  const factor = [1, 48_271, 69_621, 16_807][shard % 4] ?? 1
  return (seq.readUInt32BE(10) * factor) % 2_147_483_647
}
