import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import type { Environment } from './environment.ts'
import { ClusterError } from './errors.ts'

export interface DatabaseProgram {
  readonly product: 'MariaDB' | 'MySQL'
  readonly server: string
  /** Makes a data folder, where the server does not do it itself. */
  readonly installer: string | null
}

export interface Programs {
  readonly database: DatabaseProgram
  readonly redis: string
  readonly nginx: string
}

interface Found {
  readonly database: DatabaseProgram | null
  readonly redis: string | null
  readonly nginx: string | null
}

/** What each is called as a package: Debian, Homebrew. */
const packages = {
  database: { debian: 'mariadb-server', homebrew: 'mariadb' },
  redis: { debian: 'redis-server', homebrew: 'redis' },
  nginx: { debian: 'nginx', homebrew: 'nginx' },
} as const

const isRoot = process.getuid?.() === 0

function programOf(environment: Environment, ...names: string[]): string | null {
  // Where Debian keeps servers is not on everybody's PATH.
  const folders = [...(environment.PATH ?? '').split(delimiter).filter((folder) => folder !== ''), '/usr/sbin', '/usr/local/sbin']
  const candidates = names.flatMap((name) => folders.map((folder) => join(folder, name)))
  return candidates.find(canRun) ?? null
}

function canRun(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

function findDatabase(environment: Environment): DatabaseProgram | null {
  const server = programOf(environment, 'mariadbd', 'mysqld')
  if (server === null) return null
  const { stdout } = spawnSync(server, ['--no-defaults', '--version'], { encoding: 'utf8' })
  if (!/mariadb/i.test(stdout)) return { product: 'MySQL', server, installer: null }
  const installer = programOf(environment, 'mariadb-install-db', 'mysql_install_db')
  return installer === null ? null : { product: 'MariaDB', server, installer }
}

function find(environment: Environment): Found {
  return {
    database: findDatabase(environment),
    redis: programOf(environment, 'redis-server', 'valkey-server'),
    nginx: programOf(environment, 'nginx'),
  }
}

function missingOf(found: Found): (keyof Found)[] {
  return (Object.keys(packages) as (keyof Found)[]).filter((name) => found[name] === null)
}

/** The servers' programs; those that are missing are installed where that is ours to do, else it throws and says what to do. */
export function findPrograms(environment: Environment, print: (line: string) => void): Programs {
  let found = find(environment)
  let missing = missingOf(found)
  if (missing.length > 0 && isRoot && canRun('/usr/bin/apt-get')) {
    install(
      missing.map((name) => packages[name].debian),
      print,
    )
    found = find(environment)
    missing = missingOf(found)
  }
  if (missing.length > 0) throw new ClusterError(howToInstall(missing))
  return found as Programs
}

function howToInstall(missing: readonly (keyof Found)[]): string {
  const names = (kind: 'debian' | 'homebrew') => missing.map((name) => packages[name][kind]).join(' ')
  return [
    `The cluster runs real servers, and of these there is none on this machine: ${missing.map(wordsOf).join(', ')}.`,
    `  Debian, Ubuntu:  sudo apt-get install ${names('debian')}`,
    `  macOS:           brew install ${names('homebrew')}`,
    'Whatever the packages start by themselves is not used here and may be stopped. Without servers: make start',
  ].join('\n')
}

function wordsOf(name: keyof Found): string {
  return name === 'database' ? 'MariaDB or MySQL' : name === 'redis' ? 'Redis' : 'nginx'
}

const policyFile = '/usr/sbin/policy-rc.d'

/** Debian starts what it installs. Its own way to prevent that is a file that says no; it is there only meanwhile. */
function install(names: readonly string[], print: (line: string) => void): void {
  print(`Installing ${names.join(', ')} with apt-get (once; you are root, and the cluster needs them).`)
  const ownPolicy = !existsSync(policyFile)
  if (ownPolicy) writeFileSync(policyFile, '#!/bin/sh\nexit 101\n', { mode: 0o755, flag: 'wx' })
  try {
    for (const step of [['update'], ['install', '-y', '--no-install-recommends', ...names]]) {
      const { status, stdout, stderr } = spawnSync('apt-get', ['-q', ...step], {
        encoding: 'utf8',
        env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
      })
      // A mirror that does not answer for one list is no reason not to try.
      if (status !== 0 && step[0] === 'install') {
        throw new ClusterError(`apt-get ${step.join(' ')} failed:\n${`${stdout}${stderr}`.trim().split('\n').slice(-10).join('\n')}`)
      }
    }
  } finally {
    if (ownPolicy) rmSync(policyFile, { force: true })
  }
  print(
    `Installed. At the next start of this machine Debian starts its own copies of them; to prevent it: systemctl disable ${servicesOf(names)}`,
  )
}

function servicesOf(names: readonly string[]): string {
  return names.map((name) => name.replace(/^mariadb-server$/, 'mariadb')).join(' ')
}
