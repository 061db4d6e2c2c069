import { afterEach, describe, expect, it } from 'vitest'
import type { ChainedRecord } from '../audit/audit-chain.ts'
import type { People } from '../ports/people.ts'
import { tokenActor } from '../users/actor.ts'
import { sampleDraft, untilDone } from './counting-samples.ts'
import {
  allRecords,
  createdUser,
  entryOf,
  type KeptTrail,
  opening,
  type PeopleSubject,
  sampleCode,
  sampleSession,
  sampleUser,
  somePollId,
} from './people-samples.ts'

/** What AuditTrail promises, for every database; what is written into it comes from the other repositories. */
export function auditTrailContract(name: string, makeSubject: () => Promise<PeopleSubject>): void {
  describe(`audit trail contract: ${name}`, () => {
    const { subject, close } = opening(makeSubject)
    afterEach(close)

    async function append({ codes }: People, count: number): Promise<void> {
      const poll = somePollId()
      for (let index = 0; index < count; index++) {
        const entry = entryOf('codes.made', { atMs: 1_000 + index, subject: `poll ${poll}`, details: { index, access: 'code' } })
        await codes.add(poll, [sampleCode(`${poll} ${index}`)], 1_000, entry)
      }
    }

    it('is whole when nothing has happened', async () => {
      const { people } = await subject()
      expect(await people.audit.verify()).toEqual({ whole: true, records: 0, lastHash: null })
      expect(await people.audit.list({ limit: 10, before: null })).toEqual({ records: [], next: null })
    })

    it('keeps what it was given, newest first, in pages', async () => {
      const { people, second } = await subject()
      const details = { z: 1, a: 'é 🗳️ "\\', nothing: null, yes: true, __proto__x: -5 }
      await people.users.create(sampleUser('ana'), {
        ...entryOf('user.created'),
        actor: tokenActor(7, '0123456789abcdef'),
        atMs: 8_640_000_000_000_000,
        details,
      })
      await append(people, 8)
      const first = await second.audit.list({ limit: 4, before: null })
      const rest = await second.audit.list({ limit: 4, before: first.next })
      const last = await second.audit.list({ limit: 4, before: rest.next })
      expect([first, rest, last].map(({ records, next }) => [records.map(({ number }) => number), next])).toEqual([
        [[9, 8, 7, 6], 6],
        [[5, 4, 3, 2], 2],
        [[1], null],
      ])
      expect(last.records[0]).toEqual({
        number: 1,
        atMs: 8_640_000_000_000_000,
        actor: 'token 0123456789abcdef of user 7',
        action: 'user.created',
        subject: 'user 1',
        details,
        hash: last.records[0]?.hash,
      })
      expect(await second.audit.verify()).toEqual({ whole: true, records: 9, lastHash: first.records[0]?.hash })
      expect(first.records[0]?.hash).toHaveLength(32)
    })

    it('has no gap and no fork after many changes of many kinds at once', async () => {
      const { people, second, polls } = await subject()
      const user = await createdUser(people, 'ana')
      const poll = somePollId()
      const changes = Array.from({ length: 60 }, (_, index) => {
        const { users, sessions, codes, roll } = index % 2 === 0 ? people : second
        const entry = entryOf('at.once', { details: { index } })
        const attempts: (() => Promise<unknown>)[] = [
          () => users.create(sampleUser(`id-${index}`), entry),
          () => sessions.create(sampleSession(user.id, `${index}`), { replaces: null, keep: 3 }, entry),
          () => codes.add(poll, [sampleCode(`${index}`)], 100, entry),
          () => polls.create(sampleDraft({ ownerId: user.id }), entry),
          () => users.update(user.id, { username: `ana-${index}`, name: '', secondName: '', email: '', role: 'voter', atMs: index }, entry),
          () => roll.add(somePollId(), [user.id], entry),
        ]
        return untilDone(attempts[index % attempts.length] as () => Promise<unknown>)
      })
      await Promise.all(changes)
      const records = await allRecords(people)
      expect(records.map(({ number }) => number)).toEqual(Array.from({ length: 61 }, (_, index) => index + 1))
      expect(new Set(records.map(({ details }) => details.index)).size).toBe(61)
      expect(await second.audit.verify()).toMatchObject({ whole: true, records: 61 })
    })

    it('is whole while records are added', async () => {
      const { people, second } = await subject()
      await append(people, 10)
      const adding = append(people, 20)
      for (let round = 0; round < 5; round++) expect(await second.audit.verify()).toMatchObject({ whole: true })
      await adding
      expect(await second.audit.verify()).toMatchObject({ whole: true, records: 30 })
    })

    const change = (number: number, fields: (record: ChainedRecord) => Partial<ChainedRecord>) => (kept: KeptTrail) => ({
      ...kept,
      records: kept.records.map((record) => (record.number === number ? { ...record, ...fields(record) } : record)),
    })
    const flipped = (bytes: Uint8Array) => Buffer.from(bytes).map((byte, index) => (index === 5 ? byte ^ 1 : byte))
    const attacks: [what: string, brokenAt: number, attack: (kept: KeptTrail) => KeptTrail][] = [
      ['another time', 4, change(4, ({ atMs }) => ({ atMs: atMs + 1 }))],
      ['another actor', 4, change(4, () => ({ actor: 'user 1' }))],
      ['another action', 1, change(1, () => ({ action: 'code.revoked' }))],
      ['another subject', 10, change(10, () => ({ subject: 'poll 1' }))],
      ['other details', 4, change(4, ({ details }) => ({ details: details.replace('code', 'open') }))],
      ['another hash', 4, change(4, ({ hash }) => ({ hash: flipped(hash) }))],
      ['one removed from the middle', 5, ({ head, records }) => ({ head, records: records.filter(({ number }) => number !== 5) })],
      ['the first removed', 1, ({ head, records }) => ({ head, records: records.slice(1) })],
      [
        'one removed, and the rest moved up',
        5,
        ({ head, records }) => ({
          head,
          records: records
            .filter(({ number }) => number !== 5)
            .map((record) => (record.number > 5 ? { ...record, number: record.number - 1 } : record)),
        }),
      ],
      [
        'two swapped',
        3,
        ({ head, records }) => ({
          head,
          records: records.map((record) => {
            const other = record.number === 3 ? 7 : record.number === 7 ? 3 : record.number
            return { ...(records[other - 1] as ChainedRecord), number: record.number }
          }),
        }),
      ],
      ['one put in twice', 11, ({ head, records }) => ({ head, records: [...records, { ...(records[9] as ChainedRecord), number: 11 }] })],
      ['the tail removed', 8, ({ head, records }) => ({ head, records: records.slice(0, 7) })],
      [
        'the tail removed, and the head with it',
        8,
        ({ head, records }) => ({
          head: { ...(head as never as object), number: 7, hash: records[6]?.hash } as KeptTrail['head'],
          records: records.slice(0, 7),
        }),
      ],
      [
        'the head put back to the beginning',
        1,
        ({ records }) => ({ head: { number: 0, hash: Buffer.alloc(0), brokenAt: null, mac: Buffer.alloc(0) }, records }),
      ],
      ['the head removed', 11, ({ records }) => ({ head: null, records })],
      ['a forged head', 11, ({ head, records }) => ({ head: head && { ...head, mac: flipped(head.mac) }, records })],
      ['the head of another trail', 11, ({ head, records }) => ({ head: head && { ...head, hash: flipped(head.hash) }, records })],
    ]

    it.each(attacks)('shows %s', async (_what, brokenAt, attack) => {
      const { people, trail } = await subject()
      await append(people, 10)
      expect(await people.audit.verify()).toMatchObject({ whole: true, records: 10 })
      await trail.write(attack(await trail.read()))
      expect(await people.audit.verify()).toMatchObject({ whole: false, brokenAt, reason: expect.stringMatching(/./) })
      // Changes go on, and heal nothing.
      await append(people, 3)
      const verdict = await people.audit.verify()
      expect(verdict).toMatchObject({ whole: false })
      expect(verdict.whole ? null : verdict.brokenAt).toBeLessThanOrEqual(Math.max(brokenAt, 11))
      expect((await people.audit.list({ limit: 1, before: null })).records[0]?.details).toEqual({ access: 'code', index: 2 })
    })

    it('does not forget a break when the mark of it is taken away', async () => {
      const { people, trail } = await subject()
      await append(people, 5)
      const { records, head } = await trail.read()
      await trail.write({ records: records.slice(0, 3), head: head && { ...head, number: 3, hash: records[2]?.hash as Uint8Array } })
      await append(people, 1)
      expect(await people.audit.verify()).toMatchObject({ whole: false, brokenAt: 4 })
      const later = await trail.read()
      await trail.write({ ...later, head: later.head && { ...later.head, brokenAt: null } })
      expect(await people.audit.verify()).toMatchObject({ whole: false })
      await append(people, 1)
      expect(await people.audit.verify()).toMatchObject({ whole: false })
    })
  })
}
