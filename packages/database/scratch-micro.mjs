import { randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import Database from 'better-sqlite3'
import { sqliteCountStatements as S } from './src/sqlite/sqlite-count-statements.ts'

for (const R of [1, 16, 64, 256, 1024]) {
  const path = '/tmp/dbbench/m.db'
  for (const s of ['', '-wal', '-shm']) rmSync(path + s, { force: true })
  const db = new Database(path)
  db.exec(
    `pragma journal_mode=wal; pragma synchronous=full; pragma wal_autocheckpoint=20000; pragma cache_size=-65536; create table ballots (poll_id text not null, voter_key blob not null, poll_version integer not null, seq blob not null, rank blob not null, answers text not null, prev_answers text, batch_id blob not null, primary key (poll_id, voter_key)) strict, without rowid`,
  )
  const up = db.prepare(S.upsertBallots(R)),
    rb = db.prepare(S.readBack(R))
  let tu = 0,
    tr = 0,
    tc = 0,
    u0 = process.cpuUsage()
  const N = 60
  for (let i = 0; i < N; i++) {
    const b = randomBytes(8)
    const rows = Array.from({ length: 2048 }, () => randomBytes(16))
      .sort(Buffer.compare)
      .map((k) => ({ k, s: randomBytes(16) }))
    db.exec('begin immediate')
    let t = performance.now()
    for (let j = 0; j < 2048; j += R) {
      const p = []
      for (let k = j; k < j + R; k++) p.push('0123456789abcdef', rows[k].k, 2, rows[k].s, rows[k].s, '["1"]', b)
      up.run(p)
    }
    tu += performance.now() - t
    t = performance.now()
    for (let j = 0; j < 2048; j += R) {
      const p = []
      for (let k = j; k < j + R; k++) p.push('0123456789abcdef', rows[k].k)
      p.push(b)
      rb.all(p)
    }
    tr += performance.now() - t
    t = performance.now()
    db.exec('commit')
    tc += performance.now() - t
  }
  const us = (t) => ((t * 1000) / N / 2048).toFixed(2)
  console.log('rows', R, 'upsert', us(tu), 'readback', us(tr), 'commit', us(tc), 'us/ballot')
  if (R === 256) console.log(db.prepare('explain query plan ' + S.readBack(4)).all(...Array(9).fill('x')))
  db.close()
}
