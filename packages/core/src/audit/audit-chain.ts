import { bytesEqual } from '../bytes.ts'
import type { AuditEntry, AuditVerdict } from '../ports/audit-trail.ts'
import type { HmacSha256 } from '../secrets/hmac-sha256.ts'

/** A record as it is kept. `details`: JSON, as {@link auditDetails} makes it. */
export interface ChainedRecord {
  readonly number: number
  readonly atMs: number
  readonly actor: string
  readonly action: string
  readonly subject: string
  readonly details: string
  /** 32 bytes. */
  readonly hash: Uint8Array
}

/** Where the trail ends: kept beside the records, so that one that is cut short shows. */
export interface AuditHead {
  /** Of the newest record; 0: there is none yet. */
  readonly number: number
  /** Of the newest record; empty: there is none yet. */
  readonly hash: Uint8Array
  /** The first record that was written behind an end that was not ours. Never forgotten, so that going on does not heal a break. */
  readonly brokenAt: number | null
  /** 32 bytes; empty while there is no record. */
  readonly mac: Uint8Array
}

export const emptyAuditHead: AuditHead = { number: 0, hash: new Uint8Array(), brokenAt: null, mac: new Uint8Array() }

const wordsPattern = /^[\x21-\x7e](?:[\x20-\x7e]{0,62}[\x21-\x7e])?$/

/** Throws unless the words of an entry fit where they are kept: 1 to 64 ASCII characters each. That is a programmer's error. */
export function assertAuditEntry({ actor, action, subject }: AuditEntry): void {
  for (const [field, text] of Object.entries({ actor: actor.name, action, subject })) {
    if (!wordsPattern.test(text))
      throw new RangeError(`audit entry: expected 1 to 64 ASCII characters as ${field}, got ${JSON.stringify(text)}`)
  }
}

/** The one JSON text of these details: by name, whatever order they came in. */
export function auditDetails(details: AuditEntry['details']): string {
  return JSON.stringify(Object.fromEntries(Object.entries(details).sort(([left], [right]) => (left < right ? -1 : 1))))
}

/** The record of an entry that follows the one with `previousHash` (empty: it is the first). */
export function chainedRecord(hmac: HmacSha256, previousHash: Uint8Array, number: number, entry: AuditEntry): ChainedRecord {
  assertAuditEntry(entry)
  const { atMs, action, subject } = entry
  const record = { number, atMs, actor: entry.actor.name, action, subject, details: auditDetails(entry.details) }
  return { ...record, hash: recordHash(hmac, previousHash, record) }
}

function recordHash(hmac: HmacSha256, previousHash: Uint8Array, record: Omit<ChainedRecord, 'hash'>): Buffer {
  const { number, atMs, actor, action, subject, details } = record
  // A JSON array says where each field ends: no two different records are one text.
  return hmac(Buffer.from(JSON.stringify(['record', hex(previousHash), number, atMs, actor, action, subject, details])))
}

function headMac(hmac: HmacSha256, { number, hash, brokenAt }: Omit<AuditHead, 'mac'>): Buffer {
  return hmac(Buffer.from(JSON.stringify(['head', number, hex(hash), brokenAt])))
}

function isOurs(hmac: HmacSha256, head: AuditHead): boolean {
  if (head.number === 0) return head.hash.length === 0 && head.mac.length === 0 && head.brokenAt === null
  return bytesEqual(head.mac, headMac(hmac, head))
}

/**
 * The record of an entry and the head behind it. `newest`: the record with the greatest number, null: none. Behind a head that is not ours, or that
 * does not know the newest record, the trail goes on (nobody stops an installation by spoiling one row) and remembers for ever that it is broken.
 */
export function appendToChain(
  hmac: HmacSha256,
  state: { head: AuditHead; newest: Pick<ChainedRecord, 'number' | 'hash'> | null },
  entry: AuditEntry,
): { record: ChainedRecord; head: AuditHead } {
  const { head, newest } = state
  const isWhole = isOurs(hmac, head) && (newest?.number ?? 0) <= head.number
  const last = isWhole ? head : { number: newest?.number ?? 0, hash: newest?.hash ?? new Uint8Array() }
  const record = chainedRecord(hmac, last.hash, last.number + 1, entry)
  const next = { number: record.number, hash: record.hash, brokenAt: isWhole ? head.brokenAt : record.number }
  return { record, head: { ...next, mac: headMac(hmac, next) } }
}

/**
 * Checks a trail, page by page. `headOf`: asked behind the last page; null: it is gone. Guarantee: the answer names the first record that is not what was
 * written.
 */
export async function verifyChain(
  hmac: HmacSha256,
  pages: AsyncIterable<readonly ChainedRecord[]>,
  headOf: () => AuditHead | null,
): Promise<AuditVerdict> {
  let number = 0
  let hash: Uint8Array = new Uint8Array()
  for await (const page of pages) {
    for (const record of page) {
      if (record.number !== number + 1) return broken(number + 1, 'the record is missing')
      if (!bytesEqual(record.hash, recordHash(hmac, hash, record))) {
        return broken(record.number, 'the record is not what was written, or does not follow the one before')
      }
      number = record.number
      hash = record.hash
    }
  }
  const head = headOf()
  if (head === null) return broken(number + 1, 'what says where the trail ends is gone')
  if (!isOurs(hmac, head)) return broken(number + 1, 'what says where the trail ends is not what was written')
  if (head.number !== number) {
    const reason = head.number > number ? `the records to ${head.number} are missing` : `the trail ended with record ${head.number}`
    return broken(Math.min(head.number, number) + 1, reason)
  }
  if (head.brokenAt !== null) return broken(head.brokenAt, 'the record was written behind an end of the trail that was not ours')
  if (!bytesEqual(head.hash, hash)) return broken(number, 'the trail ended with another record')
  return { whole: true, records: number, lastHash: number === 0 ? null : hash }
}

function broken(brokenAt: number, reason: string): AuditVerdict {
  return { whole: false, brokenAt, reason }
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
