import { ForeignMasterKeyError } from '@urna/core'
import { type Environment, runProcess } from '@urna/runtime'
import { compose } from './compose.ts'

export function runConsumer(environment: Environment): Promise<void> {
  return runProcess(environment, {
    name: 'consumer',
    compose,
    mendable: [ForeignMasterKeyError],
    startCommand: 'node apps/consumer/src/main.ts',
    stopMsMax: 11_000,
  })
}
