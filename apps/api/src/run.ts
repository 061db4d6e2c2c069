import { ForeignMasterKeyError } from '@urna/core'
import { type Environment, runProcess } from '@urna/runtime'
import { compose, UnsupportedSettingError } from './compose.ts'

export function runApi(environment: Environment): Promise<void> {
  return runProcess(environment, {
    name: 'api',
    compose,
    mendable: [ForeignMasterKeyError, UnsupportedSettingError],
    startCommand: 'node apps/api/src/main.ts',
    stopMsMax: 6_000,
  })
}
