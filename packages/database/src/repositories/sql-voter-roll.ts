import { type AuditEntry, asBuffer, type PollId, type User, type VoterRoll, type VotingId } from '@urna/core'
import type { Kysely } from 'kysely'
import { AuditWriter, type AuditWriterOptions } from '../audit-writer.ts'
import { classified } from '../database-errors.ts'
import { inChunks, inOneStatementMax } from '../in-chunks.ts'
import type { Primary } from '../primary.ts'
import type { Database } from '../schema.ts'
import { toUser, userColumns } from '../user-rows.ts'

export class SqlVoterRoll implements VoterRoll {
  readonly #db: Kysely<Database>
  readonly #audited: AuditWriter
  readonly #removeRowsMax: number

  /** `removeRowsMax`: places on the roll that one statement of `removeAll` removes, at most. */
  constructor(primary: Primary, options: AuditWriterOptions & { readonly removeRowsMax?: number }) {
    this.#db = primary.db
    this.#audited = new AuditWriter(primary, options.auditHmac)
    this.#removeRowsMax = options.removeRowsMax ?? 2_000
  }

  add(pollId: PollId, userIds: readonly number[], entry: AuditEntry): Promise<number> {
    return this.#audited.change(async (transaction, append) => {
      let added = 0
      for (const some of inChunks([...new Set(userIds)], inOneStatementMax)) {
        const users = await transaction
          .selectFrom('users')
          .leftJoin('voter_roll', (join) => join.onRef('voter_roll.user_id', '=', 'users.user_id').on('voter_roll.poll_id', '=', pollId))
          .select('users.user_id')
          .where('users.user_id', 'in', some)
          .where('voter_roll.user_id', 'is', null)
          .execute()
        if (users.length === 0) continue
        await transaction
          .insertInto('voter_roll')
          .values(users.map(({ user_id }) => ({ poll_id: pollId, user_id })))
          .execute()
        added += users.length
      }
      if (added > 0) await append(entry)
      return added
    })
  }

  remove(pollId: PollId, userId: number, entry: AuditEntry): Promise<boolean> {
    return this.#audited.change(async (transaction, append) => {
      const { numDeletedRows } = await transaction
        .deleteFrom('voter_roll')
        .where('poll_id', '=', pollId)
        .where('user_id', '=', userId)
        .executeTakeFirst()
      if (numDeletedRows === 0n) return false
      await append(entry)
      return true
    })
  }

  async find(pollId: PollId, userId: number): Promise<VotingId | null> {
    const row = await classified(() =>
      this.#onRoll(pollId).select('users.voting_id').where('voter_roll.user_id', '=', userId).executeTakeFirst(),
    )
    return row === undefined ? null : asBuffer(row.voting_id)
  }

  list(
    pollId: PollId,
    { limit, after }: { limit: number; after: number | null },
  ): Promise<{ users: readonly User[]; next: number | null; total: number }> {
    return classified(async () => {
      const count = await this.#onRoll(pollId)
        .select(({ fn }) => fn.countAll<number>().as('total'))
        .executeTakeFirstOrThrow()
      const rows = await this.#onRoll(pollId)
        .select(userColumns)
        .$if(after !== null, (query) => query.where('voter_roll.user_id', '>', after as number))
        .orderBy('voter_roll.user_id')
        .limit(limit + 1)
        .execute()
      const users = rows.slice(0, limit).map(toUser)
      return { users, next: rows.length > limit ? (users.at(-1)?.id ?? null) : null, total: Number(count.total) }
    })
  }

  async removeAll(pollId: PollId): Promise<void> {
    for (;;) {
      const last = await classified(() =>
        this.#db
          .selectFrom('voter_roll')
          .select('user_id')
          .where('poll_id', '=', pollId)
          .orderBy('user_id')
          .offset(this.#removeRowsMax - 1)
          .limit(1)
          .executeTakeFirst(),
      )
      await classified(() =>
        this.#db
          .deleteFrom('voter_roll')
          .where('poll_id', '=', pollId)
          .$if(last !== undefined, (query) => query.where('user_id', '<=', last?.user_id as number))
          .execute(),
      )
      if (last === undefined) return
    }
  }

  #onRoll(pollId: PollId) {
    return this.#db
      .selectFrom('voter_roll')
      .innerJoin('users', 'users.user_id', 'voter_roll.user_id')
      .where('voter_roll.poll_id', '=', pollId)
  }
}
