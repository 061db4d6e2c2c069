import type { QueueEpochs } from '@urna/core'
import { classified, isUniqueViolation } from '../database-errors.ts'
import type { Primary } from '../primary.ts'

export class SqlQueueEpochs implements QueueEpochs {
  readonly #primary: Primary

  constructor(primary: Primary) {
    this.#primary = primary
  }

  register(identity: Uint8Array): Promise<number> {
    return classified(async () => {
      // Looks first: MySQL uses up a number for an insert that it ignores, and every connection of every process asks here.
      const known = await this.#find(identity)
      if (known !== null) return known
      try {
        await this.#primary.db.insertInto('queue_epochs').values({ identity }).execute()
      } catch (error) {
        // Another process was faster: its row is ours.
        if (!isUniqueViolation(error)) throw error
      }
      const epoch = await this.#find(identity)
      if (epoch === null) throw new Error('a queue identity was registered and is gone')
      return epoch
    })
  }

  async #find(identity: Uint8Array): Promise<number | null> {
    const row = await this.#primary.db.selectFrom('queue_epochs').select('epoch').where('identity', '=', identity).executeTakeFirst()
    return row?.epoch ?? null
  }
}
