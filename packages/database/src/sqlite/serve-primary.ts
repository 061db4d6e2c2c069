import type { MessagePort } from 'node:worker_threads'
import { CompiledQuery, type QueryResult, type Transaction } from 'kysely'
import { codedError, transactionEndedCode } from '../database-errors.ts'
import type { Primary } from '../primary.ts'
import type { Database } from '../schema.ts'
import { cloneable, mapRow, type PrimaryAnswer, type PrimaryOrder, type PrimaryRequest, received } from './primary-messages.ts'

export interface ServePrimaryOptions {
  /** A transaction that the other side holds longer is rolled back: everybody else waits for it. */
  readonly heldMsMax?: number
}

export interface PrimaryServer {
  /** Rolls back what the other side holds, and closes the port. */
  close(): Promise<void>
}

/**
 * In the thread that owns the file: does what {@link connectPrimary} asks at the other end of the port. Kysely gives the one connection to
 * one at a time, so a transaction that comes over the port and one of this thread (the consumer's) never meet.
 *
 * A closed port rolls back what was open on it.
 */
export function servePrimary(port: MessagePort, primary: Primary, options: ServePrimaryOptions = {}): PrimaryServer {
  const heldMsMax = options.heldMsMax ?? 10_000
  const held = new Map<number, HeldTransaction>()

  function transactionOf(number: number): HeldTransaction {
    const transaction = held.get(number)
    if (transaction === undefined) throw codedError(transactionEndedCode, 'this transaction has ended: it was held too long')
    return transaction
  }

  async function obey(order: PrimaryOrder): Promise<QueryResult<Record<string, unknown>> | null> {
    switch (order.kind) {
      case 'run': {
        const query = CompiledQuery.raw(order.sql, order.parameters.map(received))
        const db = order.transaction === null ? primary.db : await transactionOf(order.transaction).begun
        const result = await db.executeQuery<Record<string, unknown>>(query)
        for (const row of result.rows) mapRow(row, cloneable)
        return result
      }
      case 'begin': {
        const transaction = new HeldTransaction(primary, order.readOnly, heldMsMax)
        held.set(order.transaction, transaction)
        transaction.ended.finally(() => held.delete(order.transaction)).catch(() => {})
        await transaction.begun
        return null
      }
      case 'commit':
        await transactionOf(order.transaction).commit()
        return null
      case 'rollback':
        // One that has ended by itself was rolled back already: an error here would hide why.
        await held.get(order.transaction)?.rollback()
        return null
    }
  }

  port.on('message', async ({ id, ...order }: PrimaryRequest) => {
    let answer: PrimaryAnswer
    try {
      answer = { id, result: await obey(order) }
    } catch (error) {
      const { name, message, code } = error as Error & { code?: unknown }
      answer = { id, failure: { name, message, code: typeof code === 'string' ? code : undefined } }
    }
    port.postMessage(answer)
  })
  const rollBackAll = async () => {
    await Promise.all([...held.values()].map((transaction) => transaction.rollback()))
  }
  port.on('close', rollBackAll)

  return {
    async close() {
      await rollBackAll()
      port.close()
    },
  }
}

class RolledBack extends Error {
  override name = 'RolledBack'
}

/** A transaction that lives from one message to a later one, but no longer than `heldMsMax`. */
class HeldTransaction {
  /** Rejects if it could not begin. */
  readonly begun: Promise<Transaction<Database>>
  /** Settles when the connection is free again; rejects unless it was committed. */
  readonly ended: Promise<void>
  readonly #end = Promise.withResolvers<void>()

  constructor(primary: Primary, readOnly: boolean, heldMsMax: number) {
    const begun = Promise.withResolvers<Transaction<Database>>()
    this.begun = begun.promise
    // Whatever happens in here, Kysely rolls back what is not committed and gives the connection back.
    this.ended = primary.db
      .transaction()
      .setAccessMode(readOnly ? 'read only' : 'read write')
      .execute(async (transaction) => {
        const timer = setTimeout(() => this.#end.reject(new RolledBack(`held for more than ${heldMsMax} ms`)), heldMsMax)
        begun.resolve(transaction)
        await this.#end.promise.finally(() => clearTimeout(timer))
      })
    // Whoever waits hears of it; that nobody waits is no fault.
    this.ended.catch(begun.reject)
    this.begun.catch(() => {})
    this.#end.promise.catch(() => {})
  }

  commit(): Promise<void> {
    this.#end.resolve()
    return this.ended
  }

  async rollback(): Promise<void> {
    this.#end.reject(new RolledBack('asked for'))
    await this.ended.catch((error) => {
      if (!(error instanceof RolledBack)) throw error
    })
  }
}
