import type { CountStatements } from '../count-batch.ts'
import { remembered, times } from '../statement-texts.ts'

/** Assigns only where the row that comes is of a greater rank than the row that is there. */
function ifGreater(column: string, value = `values(${column})`): string {
  return `${column} = if(values(\`rank\`) > \`rank\`, ${value}, ${column})`
}

/**
 * What MySQL 9 and MariaDB 10.11 both take: `values()`, no row alias, no `returning`. MySQL assigns from left to right, and an assignment
 * sees what those before it did: so prev_answers comes first, and `rank`, which all of them compare, last.
 */
export const mysqlCountStatements: CountStatements = {
  // Measured, CPU of client and server together for each new ballot in batches of 2,000, kept prepared (as text): on MariaDB 24 (28) us
  // in statements of 64, 16 (20) of 256, 14 (19) of 512, 15 (18) of 1,024; on MySQL 26 (30), 20 (23), 19 (21), 21 (23). Statements of 512
  // would also be padded further where fewer ballots are at hand.
  rowsMax: 256,
  // MariaDB takes statements of 16 MiB, unless somebody has lowered that.
  bytesMax: 2 * 1024 * 1024,
  upsertBallots: remembered(
    (rows) => `insert into ballots (poll_id, voter_key, poll_version, seq, \`rank\`, answers, prev_answers, batch_id)
      values ${times(rows, '(?, ?, ?, ?, ?, ?, null, ?)')}
      on duplicate key update
        ${ifGreater('prev_answers', 'answers')},
        ${ifGreater('answers')},
        ${ifGreater('poll_version')},
        ${ifGreater('seq')},
        ${ifGreater('batch_id')},
        ${ifGreater('`rank`')}`,
  ),
  readBack: remembered(
    (rows) => `select poll_id, seq, answers, prev_answers from ballots
      where (poll_id, voter_key) in (${times(rows, '(?, ?)')}) and batch_id = ?`,
  ),
  addTallies: remembered(
    (rows) => `insert into tallies (poll_id, question, tally_key, shard, n) values ${times(rows, '(?, ?, ?, ?, ?)')}
      on duplicate key update n = n + values(n)`,
  ),
  addTurnout: remembered(
    (rows) => `insert into turnout (poll_id, shard, n) values ${times(rows, '(?, ?, ?)')}
      on duplicate key update n = n + values(n)`,
  ),
  moveActivity: remembered(
    (rows) => `insert into poll_activity (poll_id, shard, last_at_ms) values ${times(rows, '(?, ?, ?)')}
      on duplicate key update last_at_ms = greatest(last_at_ms, values(last_at_ms))`,
  ),
  // Not `insert ignore`, which would also store a row cut to fit.
  insertDeadLetters: remembered(
    (rows) => `insert into dead_letters (seq, reason, detail, at_ms, payload_sealed) values ${times(rows, '(?, ?, ?, ?, ?)')}
      on duplicate key update seq = dead_letters.seq`,
  ),
}
