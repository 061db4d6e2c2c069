import type { Redis } from 'ioredis'
import type { RedisStreamsEvent } from './options.ts'

type SettingsEvent = Extract<RedisStreamsEvent, { kind: 'settings' }>

/** XAUTOCLAIM that tells of removed entries, and scripts that may ask for the time, came with this version. */
const majorMin = 7

export class UnusableRedisError extends Error {
  override name = 'UnusableRedisError'
}

export interface ServerInfo {
  /** New at every start of Redis. Behind a proxy that hides it: empty, and only the queue's own id tells queues apart. */
  readonly runId: string
}

export function readServerInfo(info: string): ServerInfo {
  const version = /^redis_version:(\S+)/m.exec(info)?.[1] ?? ''
  const major = Number.parseInt(version, 10)
  if (!(major >= majorMin))
    throw new UnusableRedisError(`Redis ${version || '(of an unknown version)'} is too old: ${majorMin}.0 or newer is needed`)
  return { runId: /^run_id:(\S+)/m.exec(info)?.[1] ?? '' }
}

const lostWithout = {
  appendonly: 'a crash of Redis loses every ballot since its last snapshot, though their voters were told that it is safe',
  everysec: 'a crash of Redis can lose the ballots of the last second, though their voters were told that they are safe',
  no: 'a crash of the machine can lose the ballots of the last half minute, though their voters were told that they are safe',
}

/** What in the settings of Redis breaks the promise that a confirmed ballot survives. Managed ones do not tell: that is said too. */
export async function settingsWarnings(client: Redis): Promise<SettingsEvent[]> {
  let found: Map<string, string>
  try {
    const reply = (await client.config('GET', 'appendonly', 'appendfsync', 'maxmemory', 'maxmemory-policy')) as string[]
    found = new Map(reply.flatMap((name, at) => (at % 2 === 0 ? [[name, reply[at + 1] ?? ''] as const] : [])))
  } catch (error) {
    if ((error as Error).name !== 'ReplyError') throw error
    const message =
      'Redis does not tell its settings. It must run with appendonly yes, appendfsync always and maxmemory-policy noeviction, or confirmed ballots can be lost'
    return [{ kind: 'settings', setting: 'unknown', value: null, message }]
  }
  const warnings: SettingsEvent[] = []
  const warn = (setting: string, wanted: string, lost: string) => {
    const value = found.get(setting) ?? null
    warnings.push({ kind: 'settings', setting, value, message: `${setting} is ${value ?? 'unknown'}, not ${wanted}: ${lost}` })
  }
  const fsync = found.get('appendfsync')
  if (found.get('appendonly') !== 'yes') warn('appendonly', 'yes', lostWithout.appendonly)
  else if (fsync !== 'always') warn('appendfsync', 'always', fsync === 'no' ? lostWithout.no : lostWithout.everysec)
  if (found.get('maxmemory') !== '0' && found.get('maxmemory-policy') !== 'noeviction')
    warn('maxmemory-policy', 'noeviction', 'when memory is full Redis may throw away ballots that are not counted yet')
  return warnings
}
