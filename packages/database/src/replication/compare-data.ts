import { setTimeout as delay } from 'node:timers/promises'
import { ReplicationError } from './replication-error.ts'
import { quoted, type ReplicationServer } from './replication-server.ts'

/** Larger ones take too long to count. */
const rowsCountedMax = 1_000_000
const attemptsMax = 3
const catchUpMsMax = 10_000

/**
 * A last look, because nothing in GTIDs says whether a primary had data before its binary logs began: every table must be there, and the
 * smaller ones of `database` with as many rows. Throws {@link ReplicationError}.
 */
export async function compareData(
  { primary, replica }: { primary: ReplicationServer; replica: ReplicationServer },
  database: string,
): Promise<void> {
  const tables = await primary.tables()
  if (!(await catchesUp(primary, replica))) return
  const there = await replica.tables()
  const lacking = [...tables].flatMap(([db, names]) =>
    names.filter((name) => !there.get(db)?.includes(name)).map((name) => `${db}.${name}`),
  )
  if (lacking.length > 0) throw await incomplete(replica, `it lacks ${lacking.slice(0, 10).join(', ')}`)
  for (const table of tables.get(database) ?? []) {
    const estimate = await primary.connection.value(
      'select table_rows from information_schema.tables where table_schema = ? and table_name = ?',
      [database, table],
    )
    if (Number(estimate ?? 0) > rowsCountedMax) continue
    await compareRows(primary, replica, `${quoted(database)}.${quoted(table)}`)
  }
}

/** Rows come while this runs, and seldom go. */
async function compareRows(primary: ReplicationServer, replica: ReplicationServer, table: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const count = async (server: ReplicationServer) => Number(await server.connection.value(`select count(*) from ${table}`))
    const atLeast = await count(primary)
    if (!(await catchesUp(primary, replica))) return
    const found = await count(replica)
    if (found >= atLeast) return
    if (attempt === attemptsMax) throw await incomplete(replica, `${table} has ${found} rows of ${atLeast}`)
  }
}

/** False: it is far behind, and nothing can be said yet. */
async function catchesUp(primary: ReplicationServer, replica: ReplicationServer): Promise<boolean> {
  const target = await primary.position()
  const untilMs = performance.now() + catchUpMsMax
  while (!(await replica.includes(await replica.position(), target))) {
    if (performance.now() > untilMs) return false
    await delay(50)
  }
  return true
}

async function incomplete(replica: ReplicationServer, what: string): Promise<ReplicationError> {
  return new ReplicationError(
    `${replica.label} follows, but ${what}: the primary had data before its binary logs began. Copy them to the replica once (mysqldump ` +
      'or mariadb-dump), then start this again. Or the replica skipped what was once written under its own server_id, which is ' +
      `${await replica.serverId()}: then give it one that no server here ever had first.`,
  )
}
