import { classified } from './database-errors.ts'
import type { Primary, Replica } from './primary.ts'

/** The epoch that somebody registered for this identity; null: not there (yet). A row never changes, so a server that lags tells no other. */
export async function readEpoch(database: Primary | Replica, identity: Uint8Array): Promise<number | null> {
  const row = await classified(() =>
    database.db.selectFrom('queue_epochs').select('epoch').where('identity', '=', identity).executeTakeFirst(),
  )
  return row?.epoch ?? null
}

/** The newest epoch of which something was counted; null before the first beat. Whatever is left of earlier ones is counted, or lost. */
export async function readNewestCountedEpoch(database: Primary | Replica): Promise<number | null> {
  const row = await classified(() =>
    database.db
      .selectFrom('low_water')
      .select(({ fn }) => fn.max<number | null>('epoch').as('epoch'))
      .executeTakeFirst(),
  )
  return row?.epoch ?? null
}

/** Until when everything is counted, epoch milliseconds: of several streams, the one furthest behind. Null before the first beat. */
export async function readCountedUntilMs(database: Primary | Replica): Promise<number | null> {
  const row = await classified(() =>
    database.db
      .selectFrom('low_water')
      .select(({ fn }) => fn.min<number | null>('at_ms').as('at_ms'))
      .where('epoch', '=', (eb) => eb.selectFrom('low_water').select(({ fn }) => fn.max('epoch').as('epoch')))
      .executeTakeFirst(),
  )
  return row?.at_ms ?? null
}
