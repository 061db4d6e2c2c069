import { ForeignMasterKeyError } from '@urna/core'
import { TokenFileError } from '@urna/jobs'
import { type Environment, runProcess } from '@urna/runtime'
import { compose, NetworkFileSystemError } from './compose.ts'
import { DataDirectoryInUseError } from './data-directory.ts'

export function runStandalone(environment: Environment): Promise<void> {
  return runProcess(environment, {
    name: 'standalone',
    compose,
    mendable: [DataDirectoryInUseError, ForeignMasterKeyError, NetworkFileSystemError, TokenFileError],
    startCommand: 'make start',
    stopMsMax: 6_000,
  })
}
