import { hmacSha256 } from '@urna/core'
import { sampleDraft } from '@urna/core/testing/counting-samples'
import { createdUser, entryOf, sampleUser } from '@urna/core/testing/people-samples'
import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { inTransaction } from './audit-writer.ts'
import type { Primary } from './primary.ts'
import { SqlPollRepository } from './repositories/sql-poll-repository.ts'
import { sqlPeople } from './sql-people.ts'
import { directSubject, type SqliteSubject } from './testing/sqlite-subjects.ts'

const auditHmac = hmacSha256(Buffer.alloc(32, 1))

let subject: SqliteSubject
beforeEach(async () => {
  subject = await directSubject()
})
afterEach(() => subject.close())

describe('what people change', () => {
  it('is recorded, or an error: without the key nothing that comes with an entry is done', async () => {
    const polls = new SqlPollRepository(subject.primary)
    const poll = sampleDraft()
    await expect(polls.create(poll, entryOf('poll.created'))).rejects.toThrow('needs the key of the audit trail')
    expect(await polls.find(poll.id)).toBeNull()
    await polls.create(poll)
    await expect(polls.markDeleted(poll.id, 1, 1, entryOf('poll.deleted'))).rejects.toThrow('needs the key of the audit trail')
    expect((await polls.find(poll.id))?.revision).toBe(1)
  })

  it('is chained by the master key: with another one the trail is not whole', async () => {
    const people = sqlPeople(subject.primary, { auditHmac })
    await createdUser(people, 'ana')
    expect(await people.audit.verify()).toMatchObject({ whole: true })
    const other = sqlPeople(subject.primary, { auditHmac: hmacSha256(Buffer.alloc(32, 2)) })
    expect(await other.audit.verify()).toMatchObject({ whole: false, brokenAt: 1 })
  })

  it("is nobody's poll where its maker is gone by then", async () => {
    const people = sqlPeople(subject.primary, { auditHmac })
    const polls = new SqlPollRepository(subject.primary, { auditHmac })
    const { id } = await createdUser(people, 'ana')
    await people.users.remove(id, entryOf('user.removed'))
    const poll = sampleDraft({ ownerId: id })
    await polls.create(poll, entryOf('poll.created'))
    expect((await polls.find(poll.id))?.ownerId).toBeNull()
    expect(await subject.primary.db.selectFrom('poll_owners').selectAll().execute()).toEqual([])
  })

  it('is all of a list or nothing, also where somebody else takes a name without the lock', async () => {
    const { primary } = subject
    const people = sqlPeople(primary, { auditHmac })
    // Between the look and the writing.
    await sql`create trigger meanwhile before insert on audit_trail begin
      insert into users (username, username_folded, name, second_name, email, search_folded, role, voting_id, created_at_ms, updated_at_ms)
      select 'id-1', username_folded, '', '', '', x'00', 'voter', voting_id, 1, 1 from users limit 1; end`.execute(primary.db)
    expect(await people.users.createAll([sampleUser('id-1'), sampleUser('id-2')], entryOf('users.imported'))).toEqual({
      kind: 'username_taken',
      usernames: [],
    })
    expect((await people.users.list({ search: null, role: null, limit: 9, after: null })).total).toBe(0)
    expect(await people.audit.verify()).toMatchObject({ whole: true, records: 0 })
  })
})

describe('a transaction', () => {
  const deadlocked = (times: number) => {
    let calls = 0
    const work = async () => {
      calls++
      if (calls <= times) throw Object.assign(new Error('deadlock'), { code: 'MYSQL_1213' })
      return calls
    }
    return { work, calls: () => calls }
  }
  const run = (primary: Primary, work: () => Promise<number>) => inTransaction(primary, work)

  it('that a deadlock ended is tried again, a few times, and no other', async () => {
    expect(await run(subject.primary, deadlocked(4).work)).toBe(5)
    const hopeless = deadlocked(99)
    await expect(run(subject.primary, hopeless.work)).rejects.toMatchObject({ name: 'RetryableDatabaseError' })
    expect(hopeless.calls()).toBe(5)
    let calls = 0
    const other = async (): Promise<number> => {
      calls++
      throw Object.assign(new Error('too slow'), { code: 'MYSQL_1205' })
    }
    await expect(run(subject.primary, other)).rejects.toMatchObject({ name: 'RetryableDatabaseError' })
    expect(calls).toBe(1)
  })
})
