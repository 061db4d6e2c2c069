import { setTimeout as delay } from 'node:timers/promises'
import { type AuditEntry, type AuditHead, appendToChain, asBuffer, type ChainedRecord, emptyAuditHead, type HmacSha256 } from '@urna/core'
import type { Kysely, Transaction } from 'kysely'
import { classified, hasCode } from './database-errors.ts'
import type { Primary } from './primary.ts'
import type { Database } from './schema.ts'

type Append = (entry: AuditEntry) => Promise<void>

const attemptsMax = 5

export interface AuditWriterOptions {
  /** Of the master key. */
  readonly auditHmac: HmacSha256
}

/**
 * Changes with their records in the audit trail. Each is one transaction that locks the head of the trail before anything else: so there is no gap in the trail, no two of these changes wait
 * for each other crosswise, and whatever one of them reads (who the last administrator is) stays true until it commits.
 */
export class AuditWriter {
  readonly #primary: Primary
  readonly #hmac: HmacSha256 | null

  /** Without a key nothing can be recorded: whoever only reads needs none. */
  constructor(primary: Primary, hmac: HmacSha256 | null) {
    this.#primary = primary
    this.#hmac = hmac
  }

  /** What `work` appends is written with what it changes, or not at all. It may be called again, after a deadlock. */
  async change<Value>(work: (transaction: Transaction<Database>, append: Append) => Promise<Value>): Promise<Value> {
    const hmac = this.#hmac
    if (hmac === null) throw new Error('a change that is recorded needs the key of the audit trail')
    return inTransaction(this.#primary, async (transaction) => {
      let state: ChainState = await lockHead(transaction, this.#primary)
      return work(transaction, async (entry) => {
        const { record, head } = appendToChain(hmac, state, entry)
        await insertRecord(transaction, record)
        await transaction.updateTable('audit_head').set(headColumns(head)).where('head', '=', 1).execute()
        state = { head, newest: record }
      })
    })
  }
}

/**
 * READ COMMITTED, so that what follows a lock sees what was committed before it. Where the database chose this transaction as the victim of a deadlock,
 * nothing of it is left, and it is tried again a few times.
 */
export function inTransaction<Value>(primary: Primary, work: (transaction: Transaction<Database>) => Promise<Value>): Promise<Value> {
  return classified(async () => {
    for (let attempt = 1; ; attempt++) {
      try {
        return await primary.db.transaction().setIsolationLevel('read committed').execute(work)
      } catch (error) {
        if (!hasCode(error, 'MYSQL_1213') || attempt === attemptsMax) throw error
        await delay(Math.random() * 10 * 2 ** attempt)
      }
    }
  })
}

interface ChainState {
  readonly head: AuditHead
  readonly newest: Pick<ChainedRecord, 'number' | 'hash'> | null
}

async function lockHead(transaction: Transaction<Database>, { dialect }: Primary): Promise<ChainState> {
  const row = await selectHead(transaction)
    // SQLite lets one write at a time, from the beginning of its transaction.
    .$if(dialect.name === 'mysql', (query) => query.forUpdate())
    .executeTakeFirst()
  // Somebody removed it. With a code that is not ours the trail goes on, and says that it is broken.
  const head = row === undefined ? { ...emptyAuditHead, mac: Buffer.from([0]) } : toHead(row)
  if (row === undefined)
    await transaction
      .insertInto('audit_head')
      .values({ head: 1, ...headColumns(head) })
      .execute()
  const newest = await transaction
    .selectFrom('audit_trail')
    .select(['number', 'hash'])
    .orderBy('number', 'desc')
    .limit(1)
    .executeTakeFirst()
  return { head, newest: newest ?? null }
}

async function insertRecord(transaction: Transaction<Database>, { atMs, ...record }: ChainedRecord): Promise<void> {
  await transaction
    .insertInto('audit_trail')
    .values({ ...record, at_ms: atMs })
    .execute()
}

export interface HeadRow {
  readonly number: number
  readonly hash: Uint8Array
  readonly broken_at: number | null
  readonly mac: Uint8Array
}

export function selectHead(db: Kysely<Database>) {
  return db.selectFrom('audit_head').select(['number', 'hash', 'broken_at', 'mac']).where('head', '=', 1)
}

export function toHead(row: HeadRow): AuditHead {
  return { number: row.number, hash: asBuffer(row.hash), brokenAt: row.broken_at, mac: asBuffer(row.mac) }
}

function headColumns({ number, hash, brokenAt, mac }: AuditHead): HeadRow {
  return { number, hash, broken_at: brokenAt, mac }
}
