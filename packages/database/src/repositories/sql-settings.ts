import { classified, isUniqueViolation } from '../database-errors.ts'
import type { Primary } from '../primary.ts'

/** Small facts of the installation, by name (`master_key_fingerprint`, `admin_token_hash`): set once, never changed. */
export class SqlSettings {
  readonly #primary: Primary

  constructor(primary: Primary) {
    this.#primary = primary
  }

  async get(name: string): Promise<string | null> {
    const row = await classified(() => this.#primary.db.selectFrom('settings').select('value').where('name', '=', name).executeTakeFirst())
    return row?.value ?? null
  }

  /** Returns the value that is kept now: the given one, or an earlier one. Of several processes at once all get the same. */
  async setIfAbsent(name: string, value: string): Promise<string> {
    await classified(async () => {
      try {
        await this.#primary.db.insertInto('settings').values({ name, value }).execute()
      } catch (error) {
        if (!isUniqueViolation(error)) throw error
      }
    })
    const kept = await this.get(name)
    if (kept === null) throw new Error(`the setting ${name} was stored and is gone`)
    return kept
  }
}
