import type { CountStatements } from '../count-batch.ts'
import { remembered, times } from '../statement-texts.ts'

export const sqliteCountStatements: CountStatements = {
  // Measured: reading back costs 3.4 us a row one by one, 1.3 in statements of 64, and longer statements are slower again.
  rowsMax: 64,
  bytesMax: Number.POSITIVE_INFINITY,
  upsertBallots: remembered(
    (rows) => `insert into ballots (poll_id, voter_key, poll_version, seq, "rank", answers, prev_answers, batch_id)
      values ${times(rows, '(?, ?, ?, ?, ?, ?, null, ?)')}
      on conflict (poll_id, voter_key) do update set
        prev_answers = ballots.answers,
        answers = excluded.answers,
        poll_version = excluded.poll_version,
        seq = excluded.seq,
        batch_id = excluded.batch_id,
        "rank" = excluded."rank"
      where excluded."rank" > ballots."rank"`,
  ),
  readBack: remembered(
    (rows) => `select poll_id, seq, answers, prev_answers from ballots
      where (poll_id, voter_key) in (values ${times(rows, '(?, ?)')}) and batch_id = ?`,
  ),
  addTallies: remembered(
    (rows) => `insert into tallies (poll_id, question, tally_key, shard, n) values ${times(rows, '(?, ?, ?, ?, ?)')}
      on conflict (poll_id, question, tally_key, shard) do update set n = tallies.n + excluded.n`,
  ),
  addTurnout: remembered(
    (rows) => `insert into turnout (poll_id, shard, n) values ${times(rows, '(?, ?, ?)')}
      on conflict (poll_id, shard) do update set n = turnout.n + excluded.n`,
  ),
  moveActivity: remembered(
    (rows) => `insert into poll_activity (poll_id, shard, last_at_ms) values ${times(rows, '(?, ?, ?)')}
      on conflict (poll_id, shard) do update set last_at_ms = max(poll_activity.last_at_ms, excluded.last_at_ms)`,
  ),
  insertDeadLetters: remembered(
    (rows) => `insert into dead_letters (seq, reason, detail, at_ms, payload_sealed) values ${times(rows, '(?, ?, ?, ?, ?)')}
      on conflict (seq) do nothing`,
  ),
}
