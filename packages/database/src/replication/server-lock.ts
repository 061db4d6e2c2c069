import { createHash } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { AdminConnection, type AdminOptions } from './admin-connection.ts'
import { DatabaseUnusableError } from './await-database.ts'
import type { Patience } from './open-patiently.ts'

const pauseMs = 100
const sayEveryMs = 5_000
const idleSecondsMax = 86_400

/**
 * Runs `work` in one process at a time among all that name the same lock on this server; the others wait. The lock is the connection's: it is gone with
 * the process, however that ends.
 */
export async function withServerLock<Value>(
  options: AdminOptions,
  name: string,
  { waitMs, say, signal }: Patience,
  work: () => Promise<Value>,
): Promise<Value> {
  // Names are cut at 64 characters, and one server may have several installations.
  const lock = `urna-${createHash('sha256').update(name).digest('hex').slice(0, 48)}`
  const connection = await AdminConnection.open(options)
  try {
    await connection.run(`set session wait_timeout = ${idleSecondsMax}`)
    const startedMs = performance.now()
    let saidMs = Number.NEGATIVE_INFINITY
    while ((await connection.value('select get_lock(?, 0)', [lock])) !== '1') {
      const waitedMs = performance.now() - startedMs
      if (waitedMs > waitMs) {
        throw new DatabaseUnusableError(
          `Another process has been at work on the database for ${Math.round(waitMs / 1_000)} s: start this again when it is done.`,
        )
      }
      if (waitedMs - saidMs >= sayEveryMs) {
        saidMs = waitedMs
        say('another process is at work on the database: waiting until it is done')
      }
      await delay(pauseMs, undefined, { signal })
    }
    return await work()
  } finally {
    connection.close()
  }
}
