import { join } from 'node:path'
import type { ClusterFolder } from './folder.ts'
import { databaseAdministrator, databaseName, databaseUser, replicationUser } from './mysql.ts'
import { originsOf } from './nginx.ts'
import type { Wiring } from './options.ts'
import { readable } from './readable.ts'
import type { ProcessPlan } from './supervised.ts'

export interface Place {
  readonly folder: ClusterFolder
  readonly repository: string
  readonly environment: Readonly<Record<string, string>>
  readonly wiring: Wiring
  readonly ports: { readonly primary: number; readonly replica: number; readonly redis: number; readonly pages: number }
}

type Variables = Record<string, string>

const host = '127.0.0.1'

function database({ folder, ports }: Place, primary: number): Variables {
  return {
    DB_HOST: host,
    DB_PORT: String(primary),
    DB_USER: databaseUser,
    DB_PASSWORD_FILE: folder.secretFile('databasePassword'),
    DB_DATABASE: databaseName,
    ...(primary === ports.primary ? { DB_REPLICA_HOST: host, DB_REPLICA_PORT: String(ports.replica) } : {}),
  }
}

/** What reads knows primary and replica; or only the replica. */
function databaseOfReaders(place: Place): Variables {
  return database(place, place.wiring === 'normal' ? place.ports.primary : place.ports.replica)
}

function redis({ folder, ports }: Place): Variables {
  return { REDIS_HOST: host, REDIS_PORT: String(ports.redis), REDIS_PASSWORD_FILE: folder.secretFile('redisPassword') }
}

function secrets({ folder }: Place): Variables {
  return { MASTER_KEY_FILE: folder.secretFile('masterKey') }
}

function serving(port: number): Variables {
  return { HOST: host, PORT: String(port) }
}

function apiVariables(place: Place, port: number): Variables {
  return {
    ...serving(port),
    ...databaseOfReaders(place),
    ...redis(place),
    ...secrets(place),
    ADMIN_TOKEN_FILE: place.folder.secretFile('adminToken'),
    TRUSTED_PROXIES: 'loopback',
    ALLOWED_ORIGINS: originsOf(place.ports.pages).join(','),
  }
}

function consumerVariables(place: Place, name: string, port: number): Variables {
  // Its name stays the same: after a restart it goes on at once with what it held.
  return { ...serving(port), ...database(place, place.ports.primary), ...redis(place), ...secrets(place), CONSUMER_NAME: name }
}

function exportVariables({ folder }: Place): Variables {
  return { EXPORT_DIR: folder.at('exports'), EXPORT_EVERY: '* * * * *' }
}

/** Of the jobs that a person runs by hand: migrate, set-up-replication, recount, export-csv. */
export function jobVariables(place: Place): Variables {
  const { folder, ports } = place
  return {
    ...database(place, ports.primary),
    ...secrets(place),
    ADMIN_TOKEN_FILE: folder.secretFile('adminToken'),
    REPLICATION_ADMIN_USER: databaseAdministrator,
    REPLICATION_ADMIN_PASSWORD_FILE: folder.secretFile('databaseAdministratorPassword'),
    REPLICATION_USER: replicationUser,
    REPLICATION_PASSWORD_FILE: folder.secretFile('replicationPassword'),
    ...exportVariables(place),
  }
}

const mains = { api: 'apps/api/src/main.ts', consumer: 'apps/consumer/src/main.ts', jobs: 'apps/jobs/src/main.ts' }

function planOf(
  place: Place,
  name: string,
  app: keyof typeof mains,
  more: { variables: Variables; port: number; words?: string[] },
): ProcessPlan {
  return {
    name,
    command: [process.execPath, join(place.repository, mains[app]), ...(more.words ?? [])],
    environment: { ...more.variables, ...place.environment },
    // Not the project's folder: a file .env there is of another installation.
    workingDirectory: place.folder.at('work'),
    isReady: async () => (await fetch(`http://${host}:${more.port}/readyz`, { signal: AbortSignal.timeout(2_000) })).ok,
    readyWithinMs: 90_000,
    stopSignal: 'SIGTERM',
    stopWithinMs: 15_000,
    shows: readable,
  }
}

export function planApi(place: Place, name: string, port: number): ProcessPlan {
  return planOf(place, name, 'api', { port, variables: apiVariables(place, port) })
}

export function planConsumer(place: Place, name: string, port: number): ProcessPlan {
  return planOf(place, name, 'consumer', { port, variables: consumerVariables(place, name, port) })
}

export function planCsv(place: Place, port: number): ProcessPlan {
  const variables = { ...serving(port), ...databaseOfReaders(place), ...exportVariables(place) }
  return planOf(place, 'csv', 'jobs', { port, variables, words: ['export-csv', '--every'] })
}

/** The command and variables of a job that runs to its end. */
export function jobCommand(place: Place, ...words: string[]): { command: string[]; environment: Variables; workingDirectory: string } {
  return {
    command: [process.execPath, join(place.repository, mains.jobs), ...words],
    environment: { ...jobVariables(place), ...place.environment },
    workingDirectory: place.folder.at('work'),
  }
}
