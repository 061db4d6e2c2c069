import { randomBytes } from 'node:crypto'
import { type PollId, pollIdFromBytes } from '@urna/core'
import { migrate, openMysqlPrimary } from '@urna/database'
import mysql from 'mysql2/promise'
import type { MysqlServer } from '../servers/support/mysql-servers.ts'
import { type BallotToCount, ballotsToCount } from './ballots-to-count.ts'
import { nowMs } from './figures.ts'

/**
 * The yardstick: counting as it is written at first. One connection, one ballot a transaction: lock the voter's row, write it, move
 * the tallies. The same tables on the same server. As fast as it can be made without batches: every statement is kept prepared, and all
 * tallies of a ballot go in one.
 *
 * Resolves with ballots a second.
 */
export async function countOneByOne(server: MysqlServer, options: { ballots: number; questions: number }): Promise<number> {
  const database = await server.createDatabase()
  const primary = openMysqlPrimary({ ...server.connection, database })
  await migrate(primary)
  await primary.close()
  const connection = await mysql.createConnection({ ...server.connection, database, charset: 'utf8mb4_bin' })
  try {
    const pollId = pollIdFromBytes(randomBytes(10))
    const { ballots, last } = ballotsToCount(options.ballots, options.questions)
    const startedMs = nowMs()
    for (const [index, ballot] of ballots.entries()) await countOne(connection, pollId, ballot, index + 1)
    const seconds = (nowMs() - startedMs) / 1_000
    const [rows] = await connection.query('select sum(n) as n from tallies where question = 1')
    const counted = Number((rows as { n: string }[])[0]?.n)
    if (counted !== last.size) throw new Error(`one by one counted ${counted} voters instead of ${last.size}: it is no yardstick`)
    return ballots.length / seconds
  } finally {
    connection.destroy()
    await server.dropDatabase(database)
  }
}

async function countOne(connection: mysql.Connection, pollId: PollId, { voterKey, answers }: BallotToCount, place: number): Promise<void> {
  const seq = Buffer.alloc(16)
  seq.writeUInt32BE(place, 8)
  await connection.query('begin')
  const [found] = await connection.execute('select answers from ballots where poll_id = ? and voter_key = ? for update', [pollId, voterKey])
  const text = (found as { answers: string }[])[0]?.answers
  const before = text === undefined ? null : (JSON.parse(text) as string[])
  await connection.execute(
    `insert into ballots (poll_id, voter_key, poll_version, seq, \`rank\`, answers, prev_answers, batch_id)
      values (?, ?, 1, ?, ?, ?, null, '01234567')
      on duplicate key update prev_answers = answers, answers = values(answers), seq = values(seq), \`rank\` = values(\`rank\`)`,
    [pollId, voterKey, seq, seq, JSON.stringify(answers)],
  )
  const tallies = answers.flatMap((key, index) => [
    ...(before === null ? [] : [[index + 1, before[index] ?? '', -1] as const]),
    [index + 1, key, 1] as const,
  ])
  await connection.execute(
    `insert into tallies (poll_id, question, tally_key, shard, n) values ${tallies.map(() => '(?, ?, ?, 0, ?)').join()}
      on duplicate key update n = n + values(n)`,
    tallies.flatMap(([question, key, n]) => [pollId, question, key, n]),
  )
  await connection.query('commit')
}
