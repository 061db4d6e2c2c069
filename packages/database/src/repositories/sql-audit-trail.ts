import { setImmediate } from 'node:timers/promises'
import {
  type AuditHead,
  type AuditRecord,
  type AuditTrail,
  type AuditVerdict,
  asBuffer,
  type ChainedRecord,
  type HmacSha256,
  verifyChain,
} from '@urna/core'
import { selectHead, toHead } from '../audit-writer.ts'
import { classified } from '../database-errors.ts'
import type { Primary } from '../primary.ts'
import type { AuditTrailTable } from '../schema.ts'

export class SqlAuditTrail implements AuditTrail {
  readonly #primary: Primary
  readonly #hmac: HmacSha256
  readonly #pageRows: number

  constructor(primary: Primary, options: { auditHmac: HmacSha256; pageRows?: number }) {
    this.#primary = primary
    this.#hmac = options.auditHmac
    this.#pageRows = options.pageRows ?? 1_000
  }

  async list({ limit, before }: { limit: number; before: number | null }): Promise<{ records: AuditRecord[]; next: number | null }> {
    const rows = await classified(() =>
      this.#primary.db
        .selectFrom('audit_trail')
        .selectAll()
        .$if(before !== null, (query) => query.where('number', '<', before as number))
        .orderBy('number', 'desc')
        .limit(limit + 1)
        .execute(),
    )
    const records = rows.slice(0, limit).map((row) => {
      const { details, ...record } = toRecord(row)
      return { ...record, details: JSON.parse(details) as AuditRecord['details'] }
    })
    return { records, next: rows.length > limit ? (records.at(-1)?.number ?? null) : null }
  }

  /**
   * In pages, without one long transaction: changes go on meanwhile. The head is read behind the last page; if it knows of more records by then, those are read, too.
   */
  async verify(): Promise<AuditVerdict> {
    let head: AuditHead | null = null
    const { db } = this.#primary
    const pageRows = this.#pageRows
    async function* pages(): AsyncGenerator<ChainedRecord[]> {
      let after = 0
      for (;;) {
        const rows = await db.selectFrom('audit_trail').selectAll().where('number', '>', after).orderBy('number').limit(pageRows).execute()
        yield rows.map(toRecord)
        after = rows.at(-1)?.number ?? after
        if (rows.length === pageRows) {
          await setImmediate()
          continue
        }
        const known = head?.number
        const row = await selectHead(db).executeTakeFirst()
        head = row === undefined ? null : toHead(row)
        if (head === null || head.number <= after || head.number === known) return
      }
    }
    return classified(() => verifyChain(this.#hmac, pages(), () => head))
  }
}

function toRecord({ at_ms, hash, ...row }: AuditTrailTable): ChainedRecord {
  return { ...row, atMs: at_ms, hash: asBuffer(hash) }
}
