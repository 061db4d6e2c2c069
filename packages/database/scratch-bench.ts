import { randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import { compareBytes, demoPolls, type PollDefinition, type PollId, rowSequence } from '@urna/core'
import { migrate, openSqliteWriter, SqlBallotRepository } from '@urna/database'

const path = process.env.DBPATH ?? '/tmp/dbbench/urna.db'
for (const s of ['', '-wal', '-shm']) rmSync(path + s, { force: true })
const primary = openSqliteWriter(path)
console.log(await migrate(primary))
const repo = new SqlBallotRepository(primary)
const pollId = '0123456789abcdef' as PollId
const definitions = new Map([[pollId, demoPolls[0] as PollDefinition]])
let row = 0
function batch(keys: Buffer[]) {
  const ballots = keys
    .map((voterKey) => {
      const seq = rowSequence({ epoch: 1, row: ++row, index: 0 })
      return { pollId, pollVersion: 2, voterKey, seq, rank: seq, answers: [row % 3 ? '1' : '2'] }
    })
    .sort((a, b) => compareBytes(a.voterKey, b.voterKey))
  return { shard: 0, ballots, deadLetters: [], definitions }
}
const N = Number(process.env.N ?? 500)
const all: Buffer[] = []
for (const phase of ['new', 'changed', 'redelivered']) {
  const times: number[] = []
  const cpu = process.cpuUsage()
  let ballots = 0
  for (let i = 0; i < N; i++) {
    const keys = phase === 'new' ? Array.from({ length: 2000 }, () => randomBytes(16)) : all.slice(i * 2000, i * 2000 + 2000)
    if (phase === 'new') all.push(...keys)
    const b = batch(keys)
    if (phase === 'redelivered') {
      await 0
    }
    const t = performance.now()
    await repo.countBatch(phase === 'redelivered' ? { ...b, ballots: b.ballots.map((x) => ({ ...x, rank: Buffer.alloc(16) })) } : b)
    times.push(performance.now() - t)
    ballots += 2000
  }
  const total = times.reduce((a, b) => a + b)
  const first = times.slice(0, 50).reduce((a, b) => a + b)
  const last = times.slice(-50).reduce((a, b) => a + b)
  const s = [...times].sort((a, b) => a - b)
  const c = process.cpuUsage(cpu)
  console.log(
    phase,
    Math.round((ballots / total) * 1000),
    '/s; first 100k',
    Math.round(1e8 / first),
    'last 100k',
    Math.round(1e8 / last),
    'p50',
    s[s.length >> 1].toFixed(1),
    'p99',
    s[Math.floor(s.length * 0.99)].toFixed(1),
    'max',
    s.at(-1)!.toFixed(1),
    'cpu us/ballot user',
    (c.user / ballots).toFixed(1),
    'sys',
    (c.system / ballots).toFixed(1),
  )
}
await primary.close()
