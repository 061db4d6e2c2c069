import { TokenFileError, WrongMasterKeyError } from '@urna/jobs'
import { ConfigError, createLogger, type Environment, KeyFileError, loadConfig } from '@urna/runtime'
import closeWithGrace from 'close-with-grace'
import { compose, NetworkFileSystemError } from './compose.ts'
import { DataDirectoryInUseError } from './data-directory.ts'
import { version } from './version.ts'

const mendable = [ConfigError, DataDirectoryInUseError, KeyFileError, NetworkFileSystemError, TokenFileError, WrongMasterKeyError]

/** A fault that the person at the terminal can mend: said in words, without a stack. */
function explain(error: unknown): string | null {
  if (mendable.some((kind) => error instanceof kind)) return (error as Error).message
  const { code, port } = error as { code?: string; port?: number }
  if (code === 'EADDRINUSE') return `Port ${port} is in use by another program. Choose another one: PORT=9090 make start`
  if (code === 'EACCES' && port !== undefined)
    return `Port ${port} may not be opened by this user. Choose one above 1023: PORT=8080 make start`
  return null
}

/** environment -> settings -> composition -> run until a signal. */
export async function runStandalone(environment: Environment): Promise<void> {
  try {
    const config = loadConfig(environment, 'standalone')
    const logger = createLogger({ service: 'standalone', version, level: config.logLevel })
    const { lifecycle, failed } = await compose(config, logger)
    let broken: Error | null = null
    // The lifecycle has the deadline (5 s); this delay is the net below it. What is thrown in here makes the exit status 1.
    const grace = closeWithGrace({ delay: 6_000, logger: false }, async ({ signal, err }) => {
      if (err !== undefined) logger.fatal({ err }, 'stopping after an error')
      const { unfinished, skipped } = await lifecycle.stop(signal ?? 'error')
      if (broken !== null) throw broken
      if (unfinished.length + skipped.length > 0) throw new Error('not everything stopped in time')
    })
    failed.catch((error: Error) => {
      logger.fatal({ err: error }, 'a part of this process ended: everything accepted is on disk and is counted at the next start')
      broken = error
      grace.close()
    })
  } catch (error) {
    const words = explain(error)
    if (words === null) console.error(error)
    else console.error(words)
    process.exit(1)
  }
}
