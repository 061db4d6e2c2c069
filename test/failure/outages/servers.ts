import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import mysql from 'mysql2/promise'
import type { ClusterProcess } from '../../e2e/cluster-process.ts'
import { apis } from './watch.ts'

/** Does what a person types; throws where the cluster says that it failed. */
export async function command(cluster: ClusterProcess, ...words: string[]): Promise<void> {
  const { status, output } = await cluster.do(...words)
  if (status !== 0) throw new Error(`make cluster DO="${words.join(' ')}": ${output}`)
}

/** As a power cut; resolves when it is gone. */
export async function kill(cluster: ClusterProcess, name: string): Promise<void> {
  const { processes } = JSON.parse(readFileSync(cluster.at('run.json'), 'utf8')) as { processes: Record<string, { pid: number }> }
  const { pid } = processes[name] ?? {}
  if (pid === undefined) throw new Error(`${name} does not run`)
  await command(cluster, 'kill', name)
  for (let left = 500; isThere(pid); left--) {
    if (left === 0) throw new Error(`${name} was killed and is still there`)
    await delay(20)
  }
}

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** The replica goes on reading from the primary, and holds back all of it; or takes it up again. */
export async function replicaHoldsBack(cluster: ClusterProcess, holdsBack: boolean): Promise<void> {
  // MariaDB and MySQL know these words.
  await onReplica(cluster, `${holdsBack ? 'stop' : 'start'} replica sql_thread`)
}

/** The replica takes up everything so much later, also after a restart; 0: at once. */
export async function replicaIsLate(cluster: ClusterProcess, seconds: number): Promise<void> {
  await onReplica(
    cluster,
    'stop replica',
    // Each server has words of its own for this, which the other one does not understand.
    [`change master to master_delay = ${seconds}`, `change replication source to source_delay = ${seconds}`],
    'start replica',
  )
}

async function onReplica(cluster: ClusterProcess, ...statements: (string | [mariadb: string, mysql: string])[]): Promise<void> {
  const connection = await mysql.createConnection({
    host: '127.0.0.1',
    port: cluster.port('replica'),
    user: 'administrator',
    password: readFileSync(cluster.at('secrets/database-administrator-password'), 'utf8'),
    connectTimeout: 5_000,
  })
  try {
    const [rows] = await connection.query<mysql.RowDataPacket[]>('select version() as version')
    const isMariadb = String(rows[0]?.version).includes('MariaDB')
    for (const statement of statements) {
      await connection.query(typeof statement === 'string' ? statement : statement[isMariadb ? 0 : 1])
    }
  } finally {
    await connection.end()
  }
}

/** Figures that tell of the databases and of refusals, summed over both apis. */
export async function readMetrics(cluster: ClusterProcess): Promise<Map<string, number>> {
  const figures = new Map<string, number>()
  for (const api of apis) {
    const text = await (await fetch(`http://127.0.0.1:${cluster.port(api)}/metrics`, { signal: AbortSignal.timeout(5_000) })).text()
    for (const [, name, labels, value] of text.matchAll(/^(urna_events_total|urna_api_problems_total)\{([^}]*)\} (\d+)$/gm)) {
      const known = [...(labels ?? '').matchAll(/(source|event|problem)="([^"]*)"/g)].map(([, , label]) => label).join(' ')
      const figure = `${name}{${known}}`
      figures.set(figure, (figures.get(figure) ?? 0) + Number(value))
    }
  }
  return figures
}

/** Those that grew, and by how much. */
export function grownBy(before: ReadonlyMap<string, number>, after: ReadonlyMap<string, number>): Map<string, number> {
  const grown = [...after].map(([name, value]): [string, number] => [name, value - (before.get(name) ?? 0)])
  return new Map(grown.filter(([, value]) => value > 0))
}

/** What our own processes wrote at these levels: each line once, without its time, by kind of process. */
export function logLines(output: string): Map<string, number> {
  const lines = new Map<string, number>()
  for (const [, process_, level, message] of output.matchAll(/^(api|consumer|csv)\S* +\| \d\d:\d\d:\d\d (WARN|ERROR) (.*)$/gm)) {
    const line = `${process_} ${level}: ${message?.replace(/ \(\w+=.*$/, '')}`
    lines.set(line, (lines.get(line) ?? 0) + 1)
  }
  return lines
}
