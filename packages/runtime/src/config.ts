import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { composeConfig } from './compose-config.ts'
import { ConfigError } from './config-fault.ts'
import { faultsOfSeveral } from './config-rules.ts'
import type { ConfigOf } from './config-types.ts'
import { type Environment, readSettings } from './read-settings.ts'
import type { ProcessName } from './setting.ts'
import type { ReadFile } from './setting-kinds.ts'

export interface LoadConfigOptions {
  readonly readFile?: ReadFile
  /** The job neither opens nor makes anything sealed, so it needs no MASTER_KEY. */
  readonly needsNoMasterKey?: boolean
  /** The job makes a replica: it needs both servers and the passwords of replication. */
  readonly needsReplication?: boolean
  /** What a consumer without a name is called. */
  readonly nameOfConsumer?: () => string
}

/**
 * Reads the settings of `process` from `env` and from `.env` in the working directory (a setting in `env` wins), once, at its start.
 * An empty text is the same as none. Throws {@link ConfigError} with every fault.
 */
export function loadConfig<Process extends ProcessName>(
  env: Environment,
  process: Process,
  { readFile = readFileSync, needsNoMasterKey = false, needsReplication = false, nameOfConsumer = hostAndRandom }: LoadConfigOptions = {},
): ConfigOf[Process] {
  const read = readSettings(env, process, (path) => readFile(path))
  const faults = [...read.faults, ...faultsOfSeveral(read, process, { needsNoMasterKey, needsReplication })]
  if (faults.length > 0) throw new ConfigError(faults)
  return composeConfig(read, process, { nameOfConsumer })
}

/** Two on one host are told apart by the random part. */
function hostAndRandom(): string {
  return `${hostname()
    .replace(/[^\w.-]/g, '-')
    .slice(0, 47)}-${randomBytes(8).toString('hex')}`
}
