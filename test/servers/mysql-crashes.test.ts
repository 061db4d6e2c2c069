import { type CountableBallot, RetryableDatabaseError, tallyKeys } from '@urna/core'
import {
  batchOf,
  expectedCount,
  sampleBallot,
  sampleDeadLetter,
  samplePoll,
  sequenceOf,
  threeQuestions,
} from '@urna/core/testing/counting-samples'
import { openMysqlPrimary, pingDatabase, SqlBallotRepository, SqlResultsReader } from '@urna/database'
import { expect, it } from 'vitest'
import { MysqlProxy, type ProxiedCommand } from './support/mysql-proxy.ts'
import { describeServers } from './support/mysql-suites.ts'

/** What the connection is worth when the command arrives. */
type Accident = 'lost' | 'answer lost' | 'killed'

describeServers('a counting transaction whose connection goes away', (suite) => {
  it.each<Accident>(['lost', 'answer lost', 'killed'])(
    'at each of its statements (%s) counts exactly once when it is tried again',
    async (accident) => {
      const { database, replica, close } = await suite.databases.open()
      const proxy = await MysqlProxy.start(suite.server.connection)
      const primary = openMysqlPrimary({ ...suite.databases.optionsOf(database, { connectionsMax: 1 }), ...proxy.address })
      const repository = new SqlBallotRepository(primary)
      const results = new SqlResultsReader(replica)
      let place = 0
      const [open, fixed] = [threeQuestions(), samplePoll({ changesAllowed: false })]
      const delivered: CountableBallot[] = []
      /** New voters, voters who change, and dead letters: a batch with every kind of statement. */
      const nextBatch = () => {
        const ballots = [1, 2, 3, 4].flatMap((voter) => {
          const changing = sampleBallot(open, voter, ++place, [String((place % 3) + 1), '1,2', ''])
          const first = sampleBallot(open, 1_000 + place, ++place, ['1', String((place % 4) + 1), '2'])
          return [changing, first, sampleBallot(fixed, voter + (place % 2) * 500, ++place, [String((place % 3) + 1)])]
        })
        delivered.push(...ballots)
        return { batch: batchOf([open, fixed], ballots, { deadLetters: [sampleDeadLetter(1_000_000 + place)] }), letter: 1_000_000 + place }
      }
      // With the one connection that has everything prepared, then with a new one: at its first command, its second, until none is left
      // to meet with an accident.
      const accidents: string[] = []
      for (const start of [() => repository.countBatch(nextBatch().batch), () => killAll(database)]) {
        for (let number = 1, isUnharmed = false; !isUnharmed; number++) {
          await start()
          proxy.watch((command) => {
            if (command.number === number) accidents.push(command.text)
            return meet(accident, command, number, database)
          })
          const { batch, letter } = nextBatch()
          const outcome = await repository.countBatch(batch).catch((error: unknown) => error)
          isUnharmed = proxy.commands < number
          proxy.watch(() => 'pass')
          if (!isUnharmed) {
            expect(outcome).toBeInstanceOf(RetryableDatabaseError)
            await repository.countBatch(batch)
          }
          for (const poll of [open, fixed]) {
            const { stored, counted } = await results.recount(poll.id, (answers) => tallyKeys(poll.definition, answers))
            expect(stored).toMatchObject(expectedCount(poll, delivered))
            expect(counted).toEqual(stored)
          }
          expect(await repository.findDeadLetter(sequenceOf(letter))).toBe('late')
        }
      }
      for (const step of [
        'begin',
        'insert into ballots',
        'select poll_id',
        'into tallies',
        'into turnout',
        'into dead_letters',
        'commit',
      ]) {
        expect(accidents).toContainEqual(expect.stringContaining(step))
      }
      await pingDatabase(primary)
      await primary.close()
      await proxy.close()
      await close()
    },
    120_000,
  )

  async function connectionsOf(database: string): Promise<number[]> {
    // The replica's pool of the test is another client of the database; it reads only, and may lose its connections as well.
    const rows = await suite.server.query<{ id: number }>('select id from information_schema.processlist where db = ?', [database])
    return rows.map(({ id }) => Number(id))
  }

  async function killAll(database: string): Promise<void> {
    const ids = await connectionsOf(database)
    for (const id of ids) await suite.server.query(`kill ${id}`).catch(() => {})
    await expect.poll(async () => (await connectionsOf(database)).filter((id) => ids.includes(id))).toEqual([])
  }

  async function meet(accident: Accident, { number }: ProxiedCommand, at: number, database: string) {
    if (number !== at) return 'pass'
    if (accident === 'lost') return 'lose'
    if (accident === 'answer lost') return 'lose-answer'
    await killAll(database)
    return 'pass'
  }
})
