import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { makeSecret } from '@urna/jobs/make-secrets'

export interface Secrets {
  readonly masterKey: string
  readonly adminToken: string
  /** Of the user of our processes on primary and replica. */
  readonly databasePassword: string
  /** Of the user that sets up replication, and of the replica's own user on the primary. */
  readonly databaseAdministratorPassword: string
  readonly replicationPassword: string
  readonly redisPassword: string
}

const secretFiles: Readonly<Record<keyof Secrets, string>> = {
  masterKey: 'master-key',
  adminToken: 'admin-token',
  databasePassword: 'database-password',
  databaseAdministratorPassword: 'database-administrator-password',
  replicationPassword: 'replication-password',
  redisPassword: 'redis-password',
}

/** The one folder in which everything of a cluster is. */
export class ClusterFolder {
  readonly path: string
  /** Where the other user's server keeps its data, somebody else than us must get through. */
  readonly isOpenToServers: boolean

  constructor(path: string, { isOpenToServers }: { isOpenToServers: boolean }) {
    this.path = path
    this.isOpenToServers = isOpenToServers
    mkdirSync(path, { recursive: true, mode: 0o700 })
    chmodSync(path, isOpenToServers ? 0o711 : 0o700)
    for (const name of ['secrets', 'logs', 'work', 'exports']) this.subfolder(name)
  }

  at(...parts: string[]): string {
    return join(this.path, ...parts)
  }

  subfolder(name: string): string {
    const path = this.at(name)
    mkdirSync(path, { recursive: true, mode: 0o700 })
    return path
  }

  /** Made at the first start, and never again. */
  secrets(): Secrets {
    const made = Object.entries(secretFiles).map(([name, file]) => {
      const path = this.at('secrets', file)
      makeSecret(path, name === 'masterKey' ? 'key' : 'password', { mode: 0o600 })
      return [name, readFileSync(path, 'utf8')]
    })
    return Object.fromEntries(made) as Secrets
  }

  secretFile(name: keyof Secrets): string {
    return this.at('secrets', secretFiles[name])
  }

  readJson<Value>(name: string, fallback: Value): Value {
    try {
      return JSON.parse(readFileSync(this.at(name), 'utf8')) as Value
    } catch {
      return fallback
    }
  }

  writeJson(name: string, value: unknown): void {
    writeWhole(this.at(name), `${JSON.stringify(value, null, 2)}\n`)
  }
}

/** The whole file or none, and nobody else's to read. */
export function writeWhole(path: string, text: string, { mode = 0o600 }: { mode?: number } = {}): void {
  const temporary = `${path}.new`
  writeFileSync(temporary, text, { mode })
  renameSync(temporary, path)
}

export interface SystemUser {
  readonly name: string
  readonly uid: number
  readonly gid: number
}

export function findUser(name: string): SystemUser | null {
  try {
    const line = readFileSync('/etc/passwd', 'utf8')
      .split('\n')
      .find((row) => row.startsWith(`${name}:`))
    const [, , uid, gid] = line?.split(':') ?? []
    return uid === undefined || gid === undefined ? null : { name, uid: Number(uid), gid: Number(gid) }
  } catch {
    return null
  }
}

/** Whether somebody without rights of their own gets to `path` (what does not exist yet is ours to open). */
export function isReachableByAll(path: string): boolean {
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    if (existsSync(folder) && (statSync(folder).mode & 0o001) === 0) return false
    if (folder === dirname(folder)) return true
  }
}
