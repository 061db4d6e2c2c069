import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { freePort } from '../../support/free-port.ts'
import { type KubernetesObject, podsOf } from './objects.ts'

/**
 * Whether the database servers of a release would start with their options: asked of the real program. Null where it is not installed: MariaDB on PATH, MySQL 9 in
 * the root directory that SERVER_ROOT names.
 */
export function databaseOptionFaults(objects: readonly KubernetesObject[]): string[] | null {
  const servers = podsOf(objects).filter(({ component }) => component.startsWith('mysql-'))
  const faults: string[] = []
  for (const { component, spec } of servers) {
    const [container] = spec.containers
    const command = container?.name === 'mariadb' ? mariadb() : mysql()
    if (command === null) return null
    const [program = '', ...words] = [...command.before, '--no-defaults', '--user=mysql', ...(container?.args ?? []), ...command.behind]
    const { status, stderr, error } = spawnSync(program, words, { encoding: 'utf8', maxBuffer: 16 * 2 ** 20 })
    const said = [...(stderr ?? '').matchAll(/\[(?:ERROR|Warning)\].*(?:unknown|deprecated|unrecognized|will be removed).*/gi)].map(
      ([line]) => line,
    )
    if (status !== 0 || said.length > 0) faults.push(`${component}: ${said.join('; ') || error?.message || `ended with ${status}`}`)
  }
  return servers.length > 0 ? faults : ['there is no database server']
}

interface Command {
  readonly before: readonly string[]
  readonly behind: readonly string[]
}

function mariadb(): Command | null {
  const path = ['/usr/sbin/mariadbd', '/usr/local/sbin/mariadbd', '/usr/bin/mariadbd'].find((candidate) => existsSync(candidate))
  return path === undefined ? null : { before: [path], behind: ['--help', '--verbose'] }
}

function mysql(): Command | null {
  const root = process.env.SERVER_ROOT ?? ''
  const isThere = root !== '' && process.getuid?.() === 0 && existsSync(join(root, 'usr/sbin/mysqld'))
  return isThere ? { before: ['chroot', root, '/usr/sbin/mysqld'], behind: ['--validate-config'] } : null
}

const startMsMax = 10_000

/** Starts a real Redis with the release's configuration, in a folder of its own. Null: it is not installed. */
export async function redisConfigFaults(objects: readonly KubernetesObject[]): Promise<string[] | null> {
  const program = ['/usr/bin/redis-server', '/usr/local/bin/redis-server'].find((path) => existsSync(path))
  if (program === undefined) return null
  const config = objects.find(({ kind, metadata }) => kind === 'ConfigMap' && metadata.name.endsWith('-redis'))?.data?.['redis.conf'] ?? ''
  const secret = objects.find(({ kind }) => kind === 'Secret')?.data ?? {}
  const file = (key: string) => Buffer.from(secret[key] ?? '', 'base64').toString()
  const folder = mkdtempSync(join(tmpdir(), 'urna-chart-redis-'))
  const port = await freePort()
  writeFileSync(join(folder, 'secret.conf'), file('redis.conf'), { mode: 0o600 })
  const moved = config
    .replace(/^port .*$/m, `port ${port}\nbind 127.0.0.1`)
    .replace(/^dir .*$/m, `dir ${folder}`)
    .replace(/^include .*$/m, `include ${folder}/secret.conf`)
  writeFileSync(join(folder, 'redis.conf'), moved)
  const server = spawn(program, [join(folder, 'redis.conf')], { stdio: ['ignore', 'pipe', 'pipe'] })
  const ended = new Promise<void>((resolve) => server.on('close', () => resolve()))
  let said = ''
  for (const stream of [server.stdout, server.stderr]) stream.on('data', (bytes: Buffer) => (said += bytes.toString()))
  const [stranger, friend] = [client(port, null), client(port, file('redis-password'))]
  try {
    await connected(friend)
    const refused = await connected(stranger)
      .then(() => stranger.ping())
      .then(
        () => false,
        () => true,
      )
    const probe = podsOf(objects).find(({ component }) => component === 'redis')?.spec.containers[0]?.readinessProbe?.exec?.command ?? []
    writeFileSync(join(folder, 'redis-password'), file('redis-password'), { mode: 0o600 })
    const asks = (at: number) => {
      const [shell = '', ...words] = probe.map((word) => word.replace('/secrets/', `${folder}/`).replace('redis-cli', `redis-cli -p ${at}`))
      return spawnSync(shell, words, { timeout: 10_000 }).status === 0
    }
    const isSeen = asks(port) && !asks(await freePort())
    const values = (await friend.config('GET', 'append*', 'maxmemory*')) as string[]
    const value = (name: string) => values[values.indexOf(name) + 1]
    return Object.entries({
      'it lets in who has no password': refused,
      'its probe does not see whether it answers': isSeen,
      'it answers before it has written': value('appendonly') === 'yes' && value('appendfsync') === 'always',
      'it throws entries away': value('maxmemory-policy') === 'noeviction' && Number(value('maxmemory')) > 0,
    }).flatMap(([fault, holds]) => (holds ? [] : [`Redis: ${fault}`]))
  } catch (error) {
    return [`Redis did not start: ${said.trim().split('\n').slice(-3).join(' ')} ${(error as Error).message}`]
  } finally {
    stranger.disconnect()
    friend.disconnect()
    server.kill('SIGTERM')
    await ended
    rmSync(folder, { recursive: true })
  }
}

function client(port: number, password: string | null): Redis {
  const made = new Redis({ host: '127.0.0.1', port, lazyConnect: true, retryStrategy: null, ...(password !== null && { password }) })
  made.on('error', () => {})
  return made
}

async function connected(redis: Redis): Promise<void> {
  for (const untilMs = performance.now() + startMsMax; ; await delay(100)) {
    try {
      await redis.connect()
      return
    } catch (error) {
      if (performance.now() > untilMs || /NOAUTH|WRONGPASS/.test((error as Error).message)) throw error
    }
  }
}
