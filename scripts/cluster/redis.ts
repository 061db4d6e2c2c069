import { join } from 'node:path'
import { Redis } from 'ioredis'
import { type ClusterFolder, type Secrets, writeWhole } from './folder.ts'
import type { ProcessPlan } from './supervised.ts'

export interface RedisOptions {
  readonly port: number
  readonly folder: ClusterFolder
  readonly program: string
  readonly secrets: Secrets
  readonly environment: Readonly<Record<string, string>>
}

export function planRedis({ port, folder, program, secrets, environment }: RedisOptions): ProcessPlan {
  const home = folder.subfolder('redis')
  const settings = [
    'bind 127.0.0.1',
    `port ${port}`,
    `requirepass ${secrets.redisPassword}`,
    'daemonize no',
    'dir .',
    '# On disk before it answers: what the api tells a voter rests on these two.',
    'appendonly yes',
    'appendfsync always',
    'save ""',
    '# Full means refused, never that a ballot is thrown away.',
    'maxmemory 512mb',
    'maxmemory-policy noeviction',
    '',
  ]
  // In a file, for a command line can be read by everybody.
  writeWhole(join(home, 'redis.conf'), settings.join('\n'))
  return {
    name: 'redis',
    command: [program, join(home, 'redis.conf')],
    environment,
    workingDirectory: home,
    isReady: () => answers(port, secrets.redisPassword),
    // It reads all of its log first.
    readyWithinMs: 60_000,
    stopSignal: 'SIGTERM',
    stopWithinMs: 20_000,
    // "#": a warning. Those about the machine are for real servers.
    shows: (line) =>
      /^\d+:\w .* # (?!WARNING|oO0|Redis is now ready)/.test(line) && /error|fail|full|MISCONF|OOM/i.test(line) ? line : null,
  }
}

async function answers(port: number, password: string): Promise<boolean> {
  const client = new Redis({ host: '127.0.0.1', port, password, lazyConnect: true, retryStrategy: null, connectTimeout: 1_000 })
  client.on('error', () => {})
  try {
    await client.connect()
    return (await client.ping()) === 'PONG'
  } finally {
    client.disconnect()
  }
}
