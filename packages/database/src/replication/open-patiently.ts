import { setTimeout as delay } from 'node:timers/promises'
import { AdminConnection, type AdminOptions, ServerError } from './admin-connection.ts'

export interface Patience {
  /** How long a server may be away. A wrong password is not waited for. */
  readonly waitMs: number
  /** Hears now and then what is waited for. */
  readonly say: (line: string) => void
  readonly signal: AbortSignal
}

const pauseMs = 500
const sayEveryMs = 5_000

/** Opens a connection as soon as the server takes one. Throws {@link ServerError}. */
export async function openPatiently(options: AdminOptions, { waitMs, say, signal }: Patience): Promise<AdminConnection> {
  const startedMs = performance.now()
  let saidMs = Number.NEGATIVE_INFINITY
  for (;;) {
    signal.throwIfAborted()
    try {
      return await AdminConnection.open(options)
    } catch (error) {
      if (!(error instanceof ServerError)) throw error
      const waitedMs = performance.now() - startedMs
      if (!error.mayPass) throw error
      if (waitedMs + pauseMs > waitMs) throw waitMs === 0 ? error : afterWaiting(error, waitedMs)
      if (waitedMs - saidMs >= sayEveryMs) {
        saidMs = waitedMs
        say(`waiting: ${error.message}, up to ${Math.ceil((waitMs - waitedMs) / 1_000)} s more`)
      }
    }
    await delay(pauseMs, undefined, { signal })
  }
}

function afterWaiting(error: ServerError, waitedMs: number): ServerError {
  return new ServerError(`${error.message}; waited ${Math.round(waitedMs / 1_000)} s`, { number: error.number, mayPass: error.mayPass })
}
