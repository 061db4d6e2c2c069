import { type AuditHead, appendToChain, assertAuditEntry, type ChainedRecord, emptyAuditHead, verifyChain } from '../audit/audit-chain.ts'
import type { AuditEntry, AuditRecord, AuditTrail, AuditVerdict } from '../ports/audit-trail.ts'
import { hmacSha256 } from '../secrets/hmac-sha256.ts'

/** The audit trail in memory. For tests; passes the same contract suite as the real one. Set `failure` to make every call throw it. */
export class InMemoryAuditTrail implements AuditTrail {
  failure: Error | null = null
  readonly #hmac = hmacSha256(Buffer.alloc(32, 7))
  /** What is kept: a test of the chain changes it. */
  readonly kept: { records: ChainedRecord[]; head: AuditHead | null } = { records: [], head: emptyAuditHead }

  get records(): readonly AuditRecord[] {
    return this.kept.records.map(toRecord)
  }

  append(entry: AuditEntry | undefined): void {
    if (entry === undefined) return
    assertAuditEntry(entry)
    const head = this.kept.head ?? { ...emptyAuditHead, mac: Buffer.from([0]) }
    const next = appendToChain(this.#hmac, { head, newest: this.kept.records.at(-1) ?? null }, entry)
    this.kept.records.push(next.record)
    this.kept.head = next.head
  }

  async list({ limit, before }: { limit: number; before: number | null }): Promise<{ records: AuditRecord[]; next: number | null }> {
    this.#assertWorks()
    const rest = this.records.filter(({ number }) => before === null || number < before).reverse()
    const records = rest.slice(0, limit)
    return { records, next: rest.length > limit ? (records.at(-1)?.number ?? null) : null }
  }

  async verify(): Promise<AuditVerdict> {
    this.#assertWorks()
    const { head } = this.kept
    const records = [...this.kept.records]
    async function* pages() {
      yield records
    }
    return verifyChain(this.#hmac, pages(), () => head)
  }

  #assertWorks(): void {
    if (this.failure !== null) throw this.failure
  }
}

function toRecord({ details, ...record }: ChainedRecord): AuditRecord {
  return { ...record, details: JSON.parse(details) as AuditRecord['details'] }
}
