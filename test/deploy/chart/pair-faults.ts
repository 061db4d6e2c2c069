import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { MysqlServer, ServerKind } from '../../servers/support/mysql-servers.ts'
import { freePort } from '../../support/free-port.ts'
import { containersOf, type KubernetesObject, podsOf } from './objects.ts'
import { environmentOf } from './setting-faults.ts'

/**
 * Two real servers with the options of the release's primary and replica, and its jobs as processes, with their own settings but for addresses and files:
 * migration and replication at the same time, as the cluster starts them, then the export. Returns what went wrong.
 */
export async function pairFaults(objects: readonly KubernetesObject[], kind: ServerKind, repository: string): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'urna-chart-pair-'))
  const servers: MysqlServer[] = []
  try {
    for (const component of ['mysql-primary', 'mysql-replica']) servers.push(await kind.start(optionsOf(objects, component)))
    const [primary, replica] = servers as [MysqlServer, MysqlServer]
    const { user, password } = primary.connection
    // As the image's own first start does: the replica gets it from the primary.
    await primary.query('create database voteapp')
    await primary.query(`grant all on voteapp.* to '${user}'@'%'`)
    const changes = {
      ...{ DB_HOST: '127.0.0.1', DB_PORT: String(primary.connection.port), DB_USER: user },
      ...{ DB_REPLICA_HOST: '127.0.0.1', DB_REPLICA_PORT: String(replica.connection.port) },
      // Of the servers of tests.
      REPLICATION_ADMIN_USER: 'administrator',
      EXPORT_DIR: join(folder, 'exports'),
    }
    const secret = { 'database-password': password, 'database-root-password': password }
    const run = (component: string, ...words: string[]) => runJob(objects, component, words, { folder, changes, secret, repository })

    const [migrated, replicated] = await Promise.all([run('migration'), run('replication')])
    const again = await run('replication')
    const recounted = await run('csv', 'recount', '--replica')
    const exported = await run('csv')
    const character = await replica.query<{ value: string }>('select @@character_set_server as value')
    const durable = await primary.query<{ flush: number; sync: number }>(
      'select @@innodb_flush_log_at_trx_commit as flush, @@sync_binlog as sync',
    )
    const expected: Record<string, boolean> = {
      [`migration: ${migrated.text}`]: migrated.status === 0,
      [`replication beside the migration: ${replicated.text}`]: replicated.status === 0,
      [`replication again: ${again.text}`]: again.status === 0 && again.text.includes('nothing to change'),
      [`recount on the replica: ${recounted.text}`]: recounted.status === 0 && recounted.text.includes(' 0 mismatches'),
      [`export: ${exported.text}`]: exported.status === 0 && readdirSync(join(folder, 'exports')).some((name) => name.endsWith('.csv')),
      'the replica is not utf8mb4': character[0]?.value === 'utf8mb4',
      'a commit is not on the disk when it is answered': Number(durable[0]?.flush) === 1 && Number(durable[0]?.sync) === 1,
      'the replica takes writes': await refusesWrites(replica),
      'the probe does not see whether a server answers':
        probeSees(objects, primary.connection.port, kind) && !probeSees(objects, await freePort(), kind),
    }
    return Object.entries(expected).flatMap(([fault, holds]) => (holds ? [] : [fault]))
  } finally {
    for (const server of servers) await server.stop()
    rmSync(folder, { recursive: true })
  }
}

/** All but where its data are: the servers of tests have folders of their own. */
function optionsOf(objects: readonly KubernetesObject[], component: string): string[] {
  const pod = podsOf(objects).find((candidate) => candidate.component === component)
  return (pod?.spec.containers[0]?.args ?? []).filter(
    (word) => !word.startsWith('--datadir=') && !word.startsWith('--innodb-buffer-pool-size='),
  )
}

/** The probe of the container, on the port of this server; its program lies beside the server's. */
function probeSees(objects: readonly KubernetesObject[], port: number, { product }: ServerKind): boolean {
  const pod = podsOf(objects).find(({ component }) => component === 'mysql-primary')
  const [name = '', ...words] = pod?.spec.containers[0]?.readinessProbe?.exec?.command ?? []
  const [program = '', ...before] = product === 'MySQL' ? ['chroot', process.env.SERVER_ROOT ?? '', name] : [name]
  return spawnSync(program, [...before, `--port=${port}`, ...words], { timeout: 10_000 }).status === 0
}

async function refusesWrites(server: MysqlServer): Promise<boolean> {
  const [row] = await server.query<{ value: number }>('select @@global.read_only as value')
  return Number(row?.value) === 1
}

interface Around {
  readonly folder: string
  readonly changes: Readonly<Record<string, string>>
  readonly secret: Readonly<Record<string, string>>
  readonly repository: string
}

/** The built jobs with the environment of a container; its files with secrets are put into a folder. */
function runJob(
  objects: readonly KubernetesObject[],
  component: string,
  words: readonly string[],
  { folder, changes, secret, repository }: Around,
): Promise<{ status: number; text: string }> {
  const pod = podsOf(objects).find((candidate) => candidate.component === component)
  const [container] = pod === undefined ? [] : containersOf(pod)
  if (pod === undefined || container === undefined) throw new Error(`there is no ${component}`)
  const made = objects.find(({ kind }) => kind === 'Secret')?.data ?? {}
  const files = join(folder, component)
  mkdirSync(files, { recursive: true })
  const environment = Object.entries(environmentOf(pod, container, objects)).map(([name, value]) => {
    const key = /^\/secrets\/(.+)$/.exec(value)?.[1]
    if (key === undefined) return [name, value]
    writeFileSync(join(files, key), secret[key] ?? Buffer.from(made[key] ?? '', 'base64'), { mode: 0o600 })
    return [name, join(files, key)]
  })
  const main = join(repository, 'apps/jobs/dist/main.js')
  const command = words.length > 0 ? words : (container.args ?? [])
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--conditions=urna:built', main, ...command], {
      cwd: files,
      env: { PATH: process.env.PATH, ...Object.fromEntries(environment), ...changes },
      timeout: 120_000,
    })
    const said: Buffer[] = []
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes: Buffer) => said.push(bytes))
    child.on('error', reject)
    child.on('close', (status) => resolve({ status: status ?? 1, text: Buffer.concat(said).toString().trim() }))
  })
}
