import type { MessagePort } from 'node:worker_threads'
import type { CountingReport } from '@urna/consumer'
import type { CrashAt } from '@urna/runtime'

export interface CountingWorkerData {
  readonly databasePath: string
  readonly masterKey: Uint8Array
  /** A test setting; see docs/configuration.md. */
  readonly crashAt: CrashAt | null
  /** The main thread writes to urna.db through this port. */
  readonly primaryPort: MessagePort
}

export type CountingCommand =
  | { readonly kind: 'start'; readonly queuePort: MessagePort; readonly epoch: number }
  | { readonly kind: 'stop' }

export type CountingMessage =
  | { readonly kind: 'started' }
  | { readonly kind: 'stopped' }
  /** Twice a second. */
  | { readonly kind: 'report'; readonly report: CountingReport }
  | LogMessage

export interface LogMessage {
  readonly kind: 'log'
  readonly level: 'warn' | 'error'
  readonly message: string
  readonly error: string | undefined
}
