import { ForeignMasterKeyError } from '@urna/core'
import { type Environment, runProcess } from '@urna/runtime'
import { compose } from './compose.ts'

export function runApi(environment: Environment): Promise<void> {
  return runProcess(environment, {
    name: 'api',
    compose,
    mendable: [ForeignMasterKeyError],
    startCommand: 'node apps/api/src/main.ts',
    stopMsMax: 6_000,
  })
}
