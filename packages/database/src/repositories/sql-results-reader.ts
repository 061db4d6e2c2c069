import { setImmediate } from 'node:timers/promises'
import type { PollActivity, PollId, ResultsReader, Tally, TallySnapshot } from '@urna/core'
import type { Transaction } from 'kysely'
import { toAnswers } from '../count-batch.ts'
import { classified } from '../database-errors.ts'
import { inChunks, inOneStatementMax } from '../in-chunks.ts'
import type { Replica } from '../primary.ts'
import type { Database } from '../schema.ts'

export class SqlResultsReader implements ResultsReader {
  readonly #replica: Replica
  readonly #pageRows: number

  constructor(replica: Replica, options: { pageRows?: number } = {}) {
    this.#replica = replica
    this.#pageRows = options.pageRows ?? 5_000
  }

  snapshot(pollId: PollId): Promise<TallySnapshot> {
    return this.#inSnapshot((transaction) => readSnapshot(transaction, pollId))
  }

  activityOf(pollIds: readonly PollId[]): Promise<Map<PollId, PollActivity>> {
    return this.#inSnapshot(async (transaction) => {
      const turnouts = new Map<string, number>()
      const times = new Map<string, number>()
      for (const some of inChunks([...new Set(pollIds)], inOneStatementMax)) {
        const voters = await transaction
          .selectFrom('turnout')
          .select(({ fn }) => ['poll_id', fn.sum<number>('n').as('voters')])
          .where('poll_id', 'in', some)
          .groupBy('poll_id')
          .execute()
        for (const row of voters) turnouts.set(row.poll_id, Number(row.voters))
        const last = await transaction
          .selectFrom('poll_activity')
          .select(({ fn }) => ['poll_id', fn.max('last_at_ms').as('at_ms')])
          .where('poll_id', 'in', some)
          .groupBy('poll_id')
          .execute()
        for (const row of last) times.set(row.poll_id, row.at_ms)
      }
      return new Map(pollIds.map((id) => [id, { turnout: turnouts.get(id) ?? 0, lastBallotAtMs: times.get(id) ?? null }]))
    })
  }

  /** Holds its connection for as long as it takes: give it a reader of its own. The event loop turns in between. */
  recount(
    pollId: PollId,
    tallyKeysOf: (answers: readonly string[]) => { question: number; key: string }[],
  ): Promise<{ stored: TallySnapshot; counted: TallySnapshot }> {
    return this.#inSnapshot(async (transaction) => {
      const stored = await readSnapshot(transaction, pollId)
      const counts = new Map<string, { question: number; key: string; count: number }>()
      let turnout = 0
      for await (const page of this.#pagesOfAnswers(transaction, pollId)) {
        turnout += page.length
        for (const { question, key } of page.flatMap((answers) => tallyKeysOf(toAnswers(answers)))) {
          const name = `${question}:${key}`
          const tally = counts.get(name)
          if (tally === undefined) counts.set(name, { question, key, count: 1 })
          else tally.count++
        }
      }
      return { stored, counted: { turnout, tallies: [...counts.values()].sort(byQuestionAndKey), asOfMs: stored.asOfMs } }
    })
  }

  /** In pages by primary key, not one cursor: the same on every database, and bounded in memory. */
  async *#pagesOfAnswers(transaction: Transaction<Database>, pollId: PollId): AsyncGenerator<string[]> {
    let after: Uint8Array | null = null
    for (;;) {
      let query = transaction.selectFrom('ballots').select(['voter_key', 'answers']).where('poll_id', '=', pollId)
      if (after !== null) query = query.where('voter_key', '>', after)
      const rows: { voter_key: Uint8Array; answers: string }[] = await query.orderBy('voter_key').limit(this.#pageRows).execute()
      yield rows.map((row) => row.answers)
      if (rows.length < this.#pageRows) return
      after = rows.at(-1)?.voter_key ?? null
      await setImmediate()
    }
  }

  /** REPEATABLE READ on purpose: READ COMMITTED read old tallies with a new low water. */
  #inSnapshot<Value>(read: (transaction: Transaction<Database>) => Promise<Value>): Promise<Value> {
    return classified(() => this.#replica.db.transaction().setIsolationLevel('repeatable read').setAccessMode('read only').execute(read))
  }
}

async function readSnapshot(transaction: Transaction<Database>, pollId: PollId): Promise<TallySnapshot> {
  const tallies = await transaction
    .selectFrom('tallies')
    .select(({ fn }) => ['question', 'tally_key', fn.sum<number>('n').as('count')])
    .where('poll_id', '=', pollId)
    .groupBy(['question', 'tally_key'])
    .having(({ fn }) => fn.sum('n'), '<>', 0)
    .execute()
  const turnout = await transaction
    .selectFrom('turnout')
    .select(({ fn }) => fn.sum<number | null>('n').as('voters'))
    .where('poll_id', '=', pollId)
    .executeTakeFirst()
  // Of several streams the one that is furthest behind. Streams of an older queue stand still and say nothing of now.
  const lowWater = await transaction
    .selectFrom('low_water')
    .select(({ fn }) => fn.min<number | null>('at_ms').as('at_ms'))
    .where('epoch', '=', (eb) => eb.selectFrom('low_water').select(({ fn }) => fn.max('epoch').as('epoch')))
    .executeTakeFirst()
  return {
    turnout: Number(turnout?.voters ?? 0),
    tallies: tallies.map((row) => ({ question: row.question, key: row.tally_key, count: Number(row.count) })).sort(byQuestionAndKey),
    asOfMs: lowWater?.at_ms ?? null,
  }
}

function byQuestionAndKey(left: Tally, right: Tally): number {
  return left.question - right.question || (left.key < right.key ? -1 : 1)
}
