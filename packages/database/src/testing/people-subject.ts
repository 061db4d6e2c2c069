import { hmacSha256 } from '@urna/core'
import type { PeopleSubject } from '@urna/core/testing/people-samples'
import { sql } from 'kysely'
import { selectHead, toHead } from '../audit-writer.ts'
import type { Primary } from '../primary.ts'
import { SqlAuditTrail } from '../repositories/sql-audit-trail.ts'
import { SqlPollRepository } from '../repositories/sql-poll-repository.ts'
import { SqlVoterRoll } from '../repositories/sql-voter-roll.ts'
import { SqlVotingCodeRepository } from '../repositories/sql-voting-code-repository.ts'
import { sqlPeople } from '../sql-people.ts'

/** For the contract suites of people; with small pages and steps, so that there are many. */
export function peopleSubject({
  primary,
  second,
  close,
}: {
  primary: Primary
  second: Primary
  close(): Promise<void>
}): PeopleSubject & { readonly secondPolls: SqlPollRepository } {
  const auditHmac = hmacSha256(Buffer.alloc(32, 3))
  const peopleOn = (database: Primary) => ({
    ...sqlPeople(database, { auditHmac }),
    codes: new SqlVotingCodeRepository(database, { auditHmac, removeRowsMax: 10 }),
    roll: new SqlVoterRoll(database, { auditHmac, removeRowsMax: 10 }),
    audit: new SqlAuditTrail(database, { auditHmac, pageRows: 4 }),
  })
  return {
    people: peopleOn(primary),
    second: peopleOn(second),
    polls: new SqlPollRepository(primary, { auditHmac }),
    secondPolls: new SqlPollRepository(second, { auditHmac }),
    trail: {
      async read() {
        const rows = await primary.db.selectFrom('audit_trail').selectAll().orderBy('number').execute()
        const head = await selectHead(primary.db).executeTakeFirst()
        return { records: rows.map(({ at_ms, ...row }) => ({ ...row, atMs: at_ms })), head: head === undefined ? null : toHead(head) }
      },
      async write({ records, head }) {
        await sql`delete from audit_trail`.execute(primary.db)
        const rows = records.map(({ atMs, ...record }) => ({ ...record, at_ms: atMs }))
        await primary.db.insertInto('audit_trail').values(rows).execute()
        await sql`delete from audit_head`.execute(primary.db)
        if (head === null) return
        const { number, hash, brokenAt, mac } = head
        await primary.db.insertInto('audit_head').values({ head: 1, number, hash, broken_at: brokenAt, mac }).execute()
      },
    },
    close,
  }
}
