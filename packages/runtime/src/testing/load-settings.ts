import { loadConfig } from '../config.ts'
import { ConfigError, type ConfigFault } from '../config-fault.ts'
import type { ConfigOf } from '../config-types.ts'
import type { Environment } from '../read-settings.ts'
import type { ProcessName } from '../setting.ts'

export type Files = Record<string, string | Uint8Array>

export const hexKey = '0123456789abcdef'.repeat(4)

const servers = { DB_HOST: 'db', DB_USER: 'urna', DB_PASSWORD: 'p4ssword', REDIS_HOST: 'redis', MASTER_KEY: hexKey }

/** The least that each process starts with. */
export const leastOf: { readonly [Name in ProcessName]: Environment } = { standalone: {}, api: servers, consumer: servers, jobs: {} }

/** Reads no file of the machine that the tests run on. */
export function load<Name extends ProcessName>(process: Name, env: Environment, files: Files = {}): ConfigOf[Name] {
  return loadConfig(env, process, { readFile: reader(files), nameOfConsumer: () => 'host-1' })
}

export function reader(files: Files) {
  return (path: string): Uint8Array => {
    const content = files[path]
    if (content === undefined) throw Object.assign(new Error('no such file'), { code: 'ENOENT' })
    return Buffer.from(content)
  }
}

export function errorOf(process: ProcessName, env: Environment, files: Files = {}): ConfigError {
  try {
    load(process, env, files)
  } catch (error) {
    if (error instanceof ConfigError) return error
    throw error
  }
  throw new Error('expected a fault')
}

export function faultsOf(process: ProcessName, env: Environment, files: Files = {}): readonly ConfigFault[] {
  return errorOf(process, env, files).faults
}

export function namesOfFaults(process: ProcessName, env: Environment, files: Files = {}): string[] {
  return faultsOf(process, env, files).map(({ name }) => name)
}
