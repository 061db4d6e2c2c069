import { type Kysely, sql } from 'kysely'
import type { ColumnTypes } from './column-types.ts'

/**
 * The lengths are checked where the database does not know them from the type: a shorter rank would sort elsewhere and let the wrong
 * ballot win.
 */
export async function createBallots(db: Kysely<unknown>, types: ColumnTypes): Promise<void> {
  await types.createTable(
    db,
    db.schema
      .createTable('ballots')
      .addColumn('poll_id', types.ascii(16), (column) => column.notNull())
      .addColumn('voter_key', types.binary(16), (column) => column.notNull().check(sql`length(voter_key) = 16`))
      .addColumn('poll_version', types.u32, (column) => column.notNull())
      .addColumn('seq', types.binary(16), (column) => column.notNull().check(sql`length(seq) = 16`))
      .addColumn('rank', types.binary(16), (column) => column.notNull().check(sql`length(${sql.ref('rank')}) = 16`))
      .addColumn('answers', types.text, (column) => column.notNull())
      .addColumn('prev_answers', types.text)
      .addColumn('batch_id', types.binary(8), (column) => column.notNull())
      .addPrimaryKeyConstraint('ballots_primary_key', ['poll_id', 'voter_key']),
    { clustered: true },
  )
}

/** `n` is signed, here and in turnout: a ballot first counted on one shard may be changed through another. */
export async function createTallies(db: Kysely<unknown>, types: ColumnTypes): Promise<void> {
  await types.createTable(
    db,
    db.schema
      .createTable('tallies')
      .addColumn('poll_id', types.ascii(16), (column) => column.notNull())
      .addColumn('question', types.u32, (column) => column.notNull())
      .addColumn('tally_key', types.ascii(40), (column) => column.notNull())
      .addColumn('shard', types.u32, (column) => column.notNull())
      .addColumn('n', types.i64, (column) => column.notNull())
      .addPrimaryKeyConstraint('tallies_primary_key', ['poll_id', 'question', 'tally_key', 'shard']),
    { clustered: true },
  )
}

export async function createTurnout(db: Kysely<unknown>, types: ColumnTypes): Promise<void> {
  await types.createTable(
    db,
    db.schema
      .createTable('turnout')
      .addColumn('poll_id', types.ascii(16), (column) => column.notNull())
      .addColumn('shard', types.u32, (column) => column.notNull())
      .addColumn('n', types.i64, (column) => column.notNull())
      .addPrimaryKeyConstraint('turnout_primary_key', ['poll_id', 'shard']),
    { clustered: true },
  )
}

export async function createDeadLetters(db: Kysely<unknown>, types: ColumnTypes): Promise<void> {
  await types.createTable(
    db,
    db.schema
      .createTable('dead_letters')
      .addColumn('seq', types.binary(16), (column) => column.notNull().primaryKey().check(sql`length(seq) = 16`))
      .addColumn('reason', types.ascii(16), (column) => column.notNull())
      .addColumn('detail', types.text, (column) => column.notNull())
      .addColumn('at_ms', types.i64, (column) => column.notNull())
      .addColumn('payload_sealed', types.varBinary(65_535), (column) => column.notNull()),
    { clustered: true },
  )
}
