import { createHash } from 'node:crypto'
import type { AuditEntry, AuditRecord, AuditTrail, AuditVerdict } from '../ports/audit-trail.ts'

/** The audit trail in memory. For tests. */
export class InMemoryAuditTrail implements AuditTrail {
  readonly records: AuditRecord[] = []

  append(entry: AuditEntry | undefined): void {
    if (entry === undefined) return
    const { actor, ...rest } = structuredClone(entry)
    const hash = createHash('sha256')
      .update(JSON.stringify([this.records.at(-1)?.hash ?? null, entry]))
      .digest()
    this.records.push({ ...rest, number: this.records.length + 1, actor: actor.name, hash })
  }

  async list({ limit, before }: { limit: number; before: number | null }): Promise<{ records: AuditRecord[]; next: number | null }> {
    const rest = this.records.filter(({ number }) => before === null || number < before).reverse()
    const records = rest.slice(0, limit)
    return { records, next: rest.length > limit ? (records.at(-1)?.number ?? null) : null }
  }

  async verify(): Promise<AuditVerdict> {
    return { whole: true, records: this.records.length, lastHash: this.records.at(-1)?.hash ?? null }
  }
}
