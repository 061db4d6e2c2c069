import closeWithGrace from 'close-with-grace'
import { loadConfig } from './config.ts'
import { ConfigError } from './config-fault.ts'
import type { ConfigOf } from './config-types.ts'
import { DataFolderError } from './data-folder.ts'
import type { Lifecycle } from './lifecycle.ts'
import { createLogger, type Logger } from './logger.ts'
import { projectVersion } from './project-version.ts'
import type { Environment } from './read-settings.ts'
import { KeyFileError } from './secrets-file.ts'

/** A process that was put together and runs. */
export interface Composed {
  readonly lifecycle: Lifecycle
  /** Rejects when a part of the process ended by itself. */
  readonly failed: Promise<never>
}

export type ServiceName = Exclude<keyof ConfigOf, 'jobs'>

export interface ProcessToRun<Name extends ServiceName> {
  readonly name: Name
  readonly compose: (config: ConfigOf[Name], logger: Logger) => Promise<Composed>
  /** Faults that the person at the terminal can mend: said in words, without a stack. Those of settings are known already. */
  readonly mendable: readonly (new (
    ...args: never[]
  ) => Error)[]
  /** Behind advice such as `PORT=9090`. */
  readonly startCommand: string
  /** A little more than the lifecycle's own deadline. */
  readonly stopMsMax: number
}

/** environment -> settings -> composition -> run until a signal. The exit status is 1 after an error. */
export async function runProcess<Name extends ServiceName>(environment: Environment, process_: ProcessToRun<Name>): Promise<void> {
  const { name, compose, stopMsMax } = process_
  const mendable = [ConfigError, DataFolderError, KeyFileError, ...process_.mendable]
  const wordsFor = (error: unknown) => wordsOf(error, mendable, process_.startCommand)
  try {
    const config = loadConfig(environment, name)
    const logger = createLogger({ service: name, version: projectVersion, level: (config as { logLevel: string }).logLevel })
    const { lifecycle, failed } = await compose(config, logger)
    let broken: Error | null = null
    // The lifecycle has the deadline; this delay is the net below it. What is thrown in here makes the exit status 1.
    const grace = closeWithGrace({ delay: stopMsMax, logger: false }, async ({ signal, err }) => {
      if (err !== undefined) logger.fatal({ err }, 'stopping after an error')
      const { unfinished, skipped } = await lifecycle.stop(signal ?? 'error')
      if (broken !== null) throw broken
      if (unfinished.length + skipped.length > 0) throw new Error('not everything stopped in time')
    })
    failed.catch((error: Error) => {
      const words = wordsFor(error)
      if (words !== null) logger.fatal(words)
      else logger.fatal({ err: error }, 'a part of this process ended: everything accepted is safe in the queue and is counted later')
      broken = error
      grace.close()
    })
  } catch (error) {
    const words = wordsFor(error)
    if (words === null) console.error(error)
    else console.error(words)
    process.exit(1)
  }
}

function wordsOf(error: unknown, mendable: ProcessToRun<ServiceName>['mendable'], startCommand: string): string | null {
  if (mendable.some((kind) => error instanceof kind)) return (error as Error).message
  const { code, port } = error as { code?: string; port?: number }
  if (code === 'EADDRINUSE') return `Port ${port} is in use by another program. Choose another one: PORT=9090 ${startCommand}`
  if (code === 'EACCES' && port !== undefined) {
    return `Port ${port} may not be opened by this user. Choose one above 1023: PORT=8080 ${startCommand}`
  }
  return null
}
