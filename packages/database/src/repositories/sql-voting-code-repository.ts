import type { AuditEntry, PollId, VotingCode, VotingCodeRepository } from '@urna/core'
import type { Kysely } from 'kysely'
import { AuditWriter, type AuditWriterOptions } from '../audit-writer.ts'
import { classified } from '../database-errors.ts'
import { inChunks, inOneStatementMax } from '../in-chunks.ts'
import type { Primary } from '../primary.ts'
import type { Database } from '../schema.ts'

export class SqlVotingCodeRepository implements VotingCodeRepository {
  readonly #db: Kysely<Database>
  readonly #audited: AuditWriter
  readonly #removeRowsMax: number

  /** `removeRowsMax`: codes that one statement of `removeAll` removes, at most. */
  constructor(primary: Primary, options: AuditWriterOptions & { readonly removeRowsMax?: number }) {
    this.#db = primary.db
    this.#audited = new AuditWriter(primary, options.auditHmac)
    this.#removeRowsMax = options.removeRowsMax ?? 2_000
  }

  add(
    pollId: PollId,
    codes: readonly (VotingCode & { readonly hash: Uint8Array })[],
    codesMax: number,
    entry: AuditEntry,
  ): Promise<boolean> {
    return this.#audited.change(async (transaction, append) => {
      const { total, last } = await transaction
        .selectFrom('voting_codes')
        .select(({ fn }) => [fn.countAll<number>().as('total'), fn.max<number | null>('place').as('last')])
        .where('poll_id', '=', pollId)
        .executeTakeFirstOrThrow()
      if (Number(total) + codes.length > codesMax) return false
      let place = last ?? 0
      for (const some of inChunks(codes, inOneStatementMax)) {
        const rows = some.map((code) => ({
          poll_id: pollId,
          code_hash: code.hash,
          code_id: code.id,
          place: ++place,
          label: code.label,
          created_at_ms: code.createdAtMs,
          revoked_at_ms: code.revokedAtMs,
        }))
        await transaction.insertInto('voting_codes').values(rows).execute()
      }
      await append(entry)
      return true
    })
  }

  async find(pollId: PollId, hash: Uint8Array): Promise<VotingCode | null> {
    const row = await classified(() =>
      this.#db
        .selectFrom('voting_codes')
        .select(codeColumns)
        .where('poll_id', '=', pollId)
        .where('code_hash', '=', hash)
        .executeTakeFirst(),
    )
    return row === undefined ? null : toCode(row)
  }

  list(
    pollId: PollId,
    { limit, after }: { limit: number; after: string | null },
  ): Promise<{ codes: readonly VotingCode[]; next: string | null; total: number; revoked: number }> {
    return classified(async () => {
      const ofPoll = this.#db.selectFrom('voting_codes').where('poll_id', '=', pollId)
      const counts = await ofPoll
        .select(({ fn }) => [fn.countAll<number>().as('total'), fn.count<number>('revoked_at_ms').as('revoked')])
        .executeTakeFirstOrThrow()
      const [total, revoked] = [Number(counts.total), Number(counts.revoked)]
      const place = after === null ? { place: 0 } : await ofPoll.select('place').where('code_id', '=', after).executeTakeFirst()
      if (place === undefined) return { codes: [], next: null, total, revoked }
      const rows = await ofPoll
        .select(codeColumns)
        .where('place', '>', place.place)
        .orderBy('place')
        .limit(limit + 1)
        .execute()
      const codes = rows.slice(0, limit).map(toCode)
      return { codes, next: rows.length > limit ? (codes.at(-1)?.id ?? null) : null, total, revoked }
    })
  }

  revoke(pollId: PollId, id: string, atMs: number, entry: AuditEntry): Promise<boolean> {
    return this.#audited.change(async (transaction, append) => {
      const code = await transaction
        .selectFrom('voting_codes')
        .select('revoked_at_ms')
        .where('poll_id', '=', pollId)
        .where('code_id', '=', id)
        .executeTakeFirst()
      if (code === undefined) return false
      if (code.revoked_at_ms !== null) return true
      await transaction
        .updateTable('voting_codes')
        .set({ revoked_at_ms: atMs })
        .where('poll_id', '=', pollId)
        .where('code_id', '=', id)
        .execute()
      await append(entry)
      return true
    })
  }

  async removeAll(pollId: PollId): Promise<void> {
    for (;;) {
      // DELETE ... LIMIT is not in every SQLite: the place of the last row of this chunk instead.
      const last = await classified(() =>
        this.#db
          .selectFrom('voting_codes')
          .select('place')
          .where('poll_id', '=', pollId)
          .orderBy('place')
          .offset(this.#removeRowsMax - 1)
          .limit(1)
          .executeTakeFirst(),
      )
      await classified(() =>
        this.#db
          .deleteFrom('voting_codes')
          .where('poll_id', '=', pollId)
          .$if(last !== undefined, (query) => query.where('place', '<=', last?.place as number))
          .execute(),
      )
      if (last === undefined) return
    }
  }
}

const codeColumns = ['code_id', 'label', 'created_at_ms', 'revoked_at_ms'] as const

interface CodeRow {
  readonly code_id: string
  readonly label: string
  readonly created_at_ms: number
  readonly revoked_at_ms: number | null
}

function toCode(row: CodeRow): VotingCode {
  return { id: row.code_id, label: row.label, createdAtMs: row.created_at_ms, revokedAtMs: row.revoked_at_ms }
}
