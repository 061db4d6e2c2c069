import { afterEach, describe, expect, it } from 'vitest'
import type { Poll, PollDefinition, PollId } from '../poll/poll.ts'
import { newPollId } from '../poll/poll-id.ts'
import { PermanentDatabaseError } from '../ports/ballot-repository.ts'
import { systemIds } from '../ports/id-generator.ts'
import type { People } from '../ports/people.ts'
import type { PollRepository } from '../ports/poll-repository.ts'
import { sampleDefinition, sampleDraft, sampleQuestion, untilDone } from './counting-samples.ts'
import { actionsOf, entryOf, sampleUser } from './people-samples.ts'

export interface PollRepositorySubject {
  readonly polls: PollRepository
  /** On the same database. */
  readonly second: PollRepository
  readonly people: Pick<People, 'users' | 'audit'>
  close(): Promise<void>
}

const hostileTexts = [
  '🗳️ 👩‍👩‍👧‍👦 ☕',
  '\u202eright to left\u202c עברית العربية',
  '__proto__',
  'constructor',
  `'"\`; drop table polls; -- \\ \u0000 \u0007 \n`,
  'x'.repeat(200),
  '😀'.repeat(100),
  'e\u0301 \u00e9',
  '',
  ' ',
  '{"a":[1,"$1 %s",?]}',
]

/** What PollRepository promises, for every database. */
export function pollRepositoryContract(name: string, makeSubject: () => Promise<PollRepositorySubject>): void {
  describe(`poll repository contract: ${name}`, () => {
    let open: PollRepositorySubject | null = null
    async function subject(): Promise<PollRepositorySubject> {
      open = await makeSubject()
      return open
    }
    afterEach(async () => {
      await open?.close()
      open = null
    })

    async function created(polls: PollRepository, more: Partial<Poll> = {}): Promise<Poll> {
      const poll = sampleDraft(more)
      await polls.create(poll)
      return poll
    }

    /** A poll of one question that has been opened. */
    async function opened(polls: PollRepository, more: Partial<Poll> = {}, withSurveyId = true): Promise<Poll> {
      const draft = await created(polls, more)
      const version = { version: 2, opensAtMs: 1_000, closesAtMs: null }
      expect(await polls.addVersion(draft.id, version, draft.revision, withSurveyId)).toBe(true)
      return (await polls.find(draft.id)) as Poll
    }

    const idsOf = (found: readonly Poll[]) => found.map((poll) => poll.id)

    it('finds a poll as it was created, whatever its texts are', async () => {
      const { polls, second } = await subject()
      const definition: PollDefinition = sampleDefinition({
        title: hostileTexts.join(' '),
        description: 'x'.repeat(20_000),
        questions: hostileTexts.map((text, index) => sampleQuestion(index + 1, hostileTexts, { text, method: 'multiple', max: 3 })),
        changesAllowed: false,
        resultsVisibility: 'after_voting',
        listed: false,
      })
      const poll = await created(polls, { definition, createdAtMs: 8_640_000_000_000_000 })
      const found = await second.find(poll.id)
      expect(found).toEqual(poll)
      expect(found?.secretSealed).toBeInstanceOf(Uint8Array)
      expect(await polls.find(newPollId(systemIds))).toBeNull()
      expect(await polls.find(hostileTexts[4] as PollId)).toBeNull()
    })

    it('never gives an id to a second poll', async () => {
      const { polls, second } = await subject()
      const poll = await created(polls)
      await expect(second.create(sampleDraft({ id: poll.id, createdAtMs: 1 }))).rejects.toBeInstanceOf(PermanentDatabaseError)
      await polls.markDeleted(poll.id, 5, 1)
      await expect(polls.create(sampleDraft({ id: poll.id }))).rejects.toBeInstanceOf(PermanentDatabaseError)
      expect(await polls.find(poll.id)).toEqual({ ...poll, revision: 2, deletedAtMs: 5 })
    })

    it('creates several at once, and of two with one id the first', async () => {
      const { polls, second } = await subject()
      const drafts = Array.from({ length: 10 }, (_, index) => sampleDraft({ createdAtMs: index }))
      await Promise.all(drafts.map((draft, index) => untilDone(() => (index % 2 === 0 ? polls : second).create(draft))))
      expect(idsOf((await polls.list({ publicOnly: false, limit: 20, after: null })).polls)).toEqual(idsOf(drafts).reverse())
      const rivals = [sampleDraft(), sampleDraft()].map((draft, index, [first]) => ({
        ...draft,
        id: (first as Poll).id,
        createdAtMs: index,
      }))
      const outcomes = await Promise.allSettled(rivals.map((draft, index) => untilDone(() => (index === 0 ? polls : second).create(draft))))
      expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
      const winner = rivals[outcomes.findIndex(({ status }) => status === 'fulfilled')] as Poll
      expect(await polls.find(winner.id)).toEqual(winner)
    })

    it('changes a definition only if the stored revision is the expected one', async () => {
      const { polls, second } = await subject()
      const poll = await created(polls)
      const definition = sampleDefinition({ title: 'new', listed: false, questions: [sampleQuestion(1, ['__proto__', 'b'])] })
      expect(await polls.updateDefinition(poll.id, definition, 1)).toBe(true)
      expect(await second.updateDefinition(poll.id, sampleDefinition({ title: 'stale' }), 1)).toBe(false)
      expect(await polls.updateDefinition(poll.id, sampleDefinition({ title: 'from the future' }), 3)).toBe(false)
      expect(await polls.updateDefinition(newPollId(systemIds), definition, 1)).toBe(false)
      expect(await polls.find(poll.id)).toEqual({ ...poll, definition, revision: 2 })
    })

    it('adds versions, keeps the old ones as they were, and refuses a stale writer', async () => {
      const { polls, second } = await subject()
      const poll = await created(polls)
      expect(await polls.addVersion(poll.id, { version: 2, opensAtMs: 1_000, closesAtMs: null }, 1, false)).toBe(true)
      expect(await second.addVersion(poll.id, { version: 2, opensAtMs: 5, closesAtMs: 6 }, 1, true)).toBe(false)
      expect(await second.addVersion(poll.id, { version: 3, opensAtMs: 1_000, closesAtMs: 2_000 }, 2, false)).toBe(true)
      expect(await polls.find(poll.id)).toEqual({
        ...poll,
        version: { version: 3, opensAtMs: 1_000, closesAtMs: 2_000 },
        revision: 3,
      })
      expect(await polls.findVersion(poll.id, 1)).toEqual(poll.version)
      expect(await polls.findVersion(poll.id, 2)).toEqual({ version: 2, opensAtMs: 1_000, closesAtMs: null })
      expect(await polls.findVersion(poll.id, 4)).toBeNull()
      expect(await polls.findVersion(newPollId(systemIds), 1)).toBeNull()
      // A version is never written over, not even by somebody who knows the revision: then nothing changes at all.
      const again = { version: 2, opensAtMs: 7, closesAtMs: null }
      await expect(polls.addVersion(poll.id, again, 3, true)).rejects.toBeInstanceOf(PermanentDatabaseError)
      expect(await polls.find(poll.id)).toMatchObject({ revision: 3, surveyId: null })
      // The tenth is newer than the ninth, as a number.
      for (let version = 4; version <= 10; version++) await polls.addVersion(poll.id, { ...again, version }, version - 1, false)
      expect((await polls.find(poll.id))?.version.version).toBe(10)
    })

    it('lets exactly one of several writers at once change a poll', async () => {
      const { polls, second } = await subject()
      const poll = await created(polls)
      const outcomes = await Promise.all(
        Array.from({ length: 8 }, (_, index) => {
          const writer = index % 2 === 0 ? polls : second
          const version = { version: 2, opensAtMs: index + 1, closesAtMs: null }
          return untilDone(() =>
            index < 4
              ? writer.addVersion(poll.id, version, 1, true)
              : writer.updateDefinition(poll.id, sampleDefinition({ title: `${index}` }), 1),
          )
        }),
      )
      expect(outcomes.filter(Boolean)).toHaveLength(1)
      expect((await polls.find(poll.id))?.revision).toBe(2)
    })

    it('keeps a deleted poll, unchangeable, but out of the lists', async () => {
      const { polls } = await subject()
      const poll = await opened(polls)
      expect(await polls.markDeleted(poll.id, 9_000, 1)).toBe(false)
      expect(await polls.markDeleted(poll.id, 9_000, 2)).toBe(true)
      const deleted = { ...poll, revision: 3, deletedAtMs: 9_000 }
      expect(await polls.find(poll.id)).toEqual(deleted)
      expect(await polls.findBySurveyId(poll.surveyId as number)).toEqual(deleted)
      expect(await polls.findVersion(poll.id, 2)).not.toBeNull()
      expect(await polls.updateDefinition(poll.id, sampleDefinition(), 3)).toBe(false)
      expect(await polls.addVersion(poll.id, { version: 3, opensAtMs: 1, closesAtMs: 2 }, 3, false)).toBe(false)
      expect(await polls.markDeleted(poll.id, 9_001, 3)).toBe(false)
      expect((await polls.list({ publicOnly: false, limit: 10, after: null })).polls).toEqual([])
      expect(await polls.listSurveys(10)).toEqual([])
    })

    it('gives survey ids one after the other, one a poll, never again', async () => {
      const { polls, second } = await subject()
      const first = await opened(polls)
      expect(first.surveyId).toBe(1)
      await polls.addVersion(first.id, { version: 3, opensAtMs: 1_000, closesAtMs: 2_000 }, 2, true)
      expect((await polls.find(first.id))?.surveyId).toBe(1)
      const unlisted = await opened(second, {}, false)
      expect(unlisted.surveyId).toBeNull()
      const third = await opened(second)
      expect(third.surveyId).toBe(2)
      await polls.markDeleted(third.id, 1, 2)
      expect((await opened(polls)).surveyId).toBe(3)
      expect(await second.findBySurveyId(2)).toMatchObject({ id: third.id, deletedAtMs: 1 })
      expect(await second.findBySurveyId(1)).toMatchObject({ id: first.id, version: { version: 3 } })
      expect(await polls.findBySurveyId(4)).toBeNull()
      await expect(polls.create(sampleDraft({ surveyId: 9 }))).rejects.toThrow('survey id')
    })

    it('tells revisions of those that exist, of as many as are asked for', async () => {
      const { polls } = await subject()
      const [one, two] = [await created(polls), await created(polls)]
      await polls.updateDefinition(two.id, sampleDefinition(), 1)
      await polls.markDeleted(two.id, 1, 2)
      const unknown = Array.from({ length: 1_200 }, () => newPollId(systemIds))
      expect(await polls.revisions([one.id, ...unknown, two.id])).toEqual(
        new Map([
          [one.id, 1],
          [two.id, 3],
        ]),
      )
      expect(await polls.revisions([])).toEqual(new Map())
    })

    it('lists in pages, newest first, while polls come and go', async () => {
      const { polls } = await subject()
      // Three are of one instant: their order is by id, and no page may lose one of them.
      const all: Poll[] = []
      for (const createdAtMs of [1, 2, 3, 3, 3, 4, 10]) all.push(await created(polls, { createdAtMs }))
      const expected = idsOf([...all].sort((left, right) => right.createdAtMs - left.createdAtMs || (left.id < right.id ? 1 : -1)))
      const pages: PollId[][] = []
      let after: PollId | null = null
      do {
        const page: { polls: readonly Poll[]; next: PollId | null } = await polls.list({ publicOnly: false, limit: 2, after })
        pages.push(idsOf(page.polls))
        after = page.next
      } while (after !== null)
      expect(pages.map((page) => page.length)).toEqual([2, 2, 2, 1])
      expect(pages.flat()).toEqual(expected)
      // The poll that a page ended with goes, and a newer one comes: the next page is the same.
      const [, second] = expected as [PollId, PollId]
      await polls.markDeleted(second, 1, 1)
      await created(polls, { createdAtMs: 11 })
      expect(idsOf((await polls.list({ publicOnly: false, limit: 10, after: second })).polls)).toEqual(expected.slice(2))
      expect(await polls.list({ publicOnly: false, limit: 10, after: newPollId(systemIds) })).toEqual({ polls: [], next: null })
      expect((await polls.list({ publicOnly: false, limit: 7, after: null })).next).toBeNull()
    })

    it('lists for the public only what is listed and no draft', async () => {
      const { polls } = await subject()
      const unlisted = sampleDefinition({ listed: false })
      await created(polls, { createdAtMs: 1 })
      const open = await opened(polls, { createdAtMs: 2 })
      await opened(polls, { createdAtMs: 3, definition: unlisted }, false)
      const several = { ...sampleDefinition(), questions: [sampleQuestion(1, ['a', 'b']), sampleQuestion(2, ['a', 'b'])] }
      const twoQuestions = await opened(polls, { createdAtMs: 4, definition: several }, false)
      const edited = await created(polls, { createdAtMs: 5, definition: unlisted })
      await polls.updateDefinition(edited.id, sampleDefinition(), 1)
      await polls.addVersion(edited.id, { version: 2, opensAtMs: 9_999_999_999_999, closesAtMs: null }, 2, true)
      const hidden = await created(polls, { createdAtMs: 6 })
      await polls.updateDefinition(hidden.id, unlisted, 1)
      await polls.addVersion(hidden.id, { version: 2, opensAtMs: 1, closesAtMs: null }, 2, false)
      const page = await polls.list({ publicOnly: true, limit: 10, after: null })
      expect(idsOf(page.polls)).toEqual([edited.id, twoQuestions.id, open.id])
      expect(page.polls[0]).toEqual(await polls.find(edited.id))
      const rest = await polls.list({ publicOnly: true, limit: 1, after: edited.id })
      expect([idsOf(rest.polls), rest.next]).toEqual([[twoQuestions.id], twoQuestions.id])
      expect(idsOf(await polls.listSurveys(10))).toEqual([open.id, edited.id])
      expect(idsOf(await polls.listSurveys(1))).toEqual([open.id])
      // Listed no more, it keeps its number and is out of the lists.
      expect(await polls.updateDefinition(open.id, unlisted, open.revision)).toBe(true)
      expect(idsOf(await polls.listSurveys(10))).toEqual([edited.id])
      expect((await polls.find(open.id))?.surveyId).toBe(open.surveyId)
    })

    async function ownersOf({ users }: Pick<People, 'users'>): Promise<[number, number]> {
      const made = await users.createAll([sampleUser('id-1'), sampleUser('id-2')], entryOf('users.imported'))
      return (made.kind === 'done' ? made.ids : []) as [number, number]
    }

    it('knows whose poll it is, wherever it is read', async () => {
      const { polls, second, people } = await subject()
      const [owner] = await ownersOf(people)
      const poll = await opened(polls, { ownerId: owner })
      expect(poll.ownerId).toBe(owner)
      expect((await second.findBySurveyId(poll.surveyId as number))?.ownerId).toBe(owner)
      expect((await second.list({ publicOnly: true, limit: 1, after: null })).polls[0]?.ownerId).toBe(owner)
      expect((await second.listSurveys(1))[0]?.ownerId).toBe(owner)
      expect((await created(polls)).ownerId).toBeNull()
    })

    it('lists for organizers what is theirs, drafts and unlisted ones too, in pages', async () => {
      const { polls, second, people } = await subject()
      const [owner, other] = await ownersOf(people)
      const mine: PollId[] = []
      for (let index = 0; index < 5; index++) {
        mine.unshift(
          (await created(polls, { ownerId: owner, createdAtMs: index, definition: sampleDefinition({ listed: index % 2 === 0 }) })).id,
        )
        await created(polls, { ownerId: index % 2 === 0 ? other : null, createdAtMs: index })
      }
      const deleted = await created(polls, { ownerId: owner, createdAtMs: 9 })
      await polls.markDeleted(deleted.id, 1, 1)
      const request = { ownerId: owner, search: null, limit: 2 }
      const first = await second.listManaged({ ...request, after: null })
      const rest = await second.listManaged({ ...request, after: first.next })
      const last = await second.listManaged({ ...request, after: rest.next })
      expect([first, rest, last].map(({ polls: found, next }) => [idsOf(found), next])).toEqual([
        [mine.slice(0, 2), mine[1]],
        [mine.slice(2, 4), mine[3]],
        [mine.slice(4), null],
      ])
      expect(first.polls[0]).toEqual(await polls.find(mine[0] as PollId))
      expect((await polls.listManaged({ ...request, ownerId: null, limit: 10, after: null })).polls).toHaveLength(10)
      expect((await polls.listManaged({ ...request, limit: 5, after: null })).next).toBeNull()
      expect(await polls.listManaged({ ...request, after: newPollId(systemIds) })).toEqual({ polls: [], next: null })
      expect(await polls.listManaged({ ...request, ownerId: 99, after: null })).toEqual({ polls: [], next: null })
    })

    it('searches titles as people write them, and nothing in a search is a sign of its own', async () => {
      const { polls, second, people } = await subject()
      const [owner] = await ownersOf(people)
      const titles = [
        'Elei\u00e7\u00e3o da Comiss\u00e3o',
        'ELEIC\u0327A\u0303O 2026',
        'Stra\u00dfe?',
        '100%_\\"\'',
        '\u0130stanbul \ud83d\uddf3\ufe0f',
        ...hostileTexts,
      ]
      const ids = new Map<PollId, string>()
      for (const [index, title] of titles.entries()) {
        // What else a definition says is not the title.
        const definition = sampleDefinition({
          title,
          description: 'found',
          questions: [sampleQuestion(1, ['found', 'b'], { text: 'found' })],
        })
        ids.set((await created(polls, { createdAtMs: 100 - index, ownerId: index === 0 ? owner : null, definition })).id, title)
      }
      const found = async (search: string, ownerId: number | null = null) =>
        (await second.listManaged({ ownerId, search, limit: 50, after: null })).polls.map(({ id }) => ids.get(id))
      expect(await found('elei\u00e7\u00e3o')).toEqual(titles.slice(0, 2))
      expect(await found('ELEI\u00c7A\u0303O', owner)).toEqual(titles.slice(0, 1))
      expect(await found('eleicao')).toEqual([])
      expect(await found('STRASSE')).toEqual(['Stra\u00dfe?'])
      expect(await found('0%_\\"')).toEqual([titles[3]])
      expect(await found('%_%')).toEqual([])
      expect(await found('i\u0307STANBUL')).toEqual([titles[4]])
      expect(await found('found')).toEqual([])
      expect(await found('title')).toEqual([])
      for (const text of hostileTexts.filter((one) => one.trim() !== '')) expect(await found(text)).toContain(text)
      expect(await found('')).toEqual(titles)
      // In pages: of ever so many titles, only those that match.
      const first = await second.listManaged({ ownerId: null, search: 'ele', limit: 1, after: null })
      expect([first.polls.map(({ id }) => ids.get(id)), first.next]).toEqual([[titles[0]], first.polls[0]?.id])
      const rest = await second.listManaged({ ownerId: null, search: 'ele', limit: 1, after: first.next })
      expect([rest.polls.map(({ id }) => ids.get(id)), rest.next]).toEqual([[titles[1]], null])
    })

    it('records a change with it, or does neither', async () => {
      const { polls, second, people } = await subject()
      const poll = sampleDraft()
      await polls.create(poll, entryOf('poll.created'))
      await expect(second.create(poll, entryOf('poll.created'))).rejects.toBeInstanceOf(PermanentDatabaseError)
      const version = { version: 2, opensAtMs: 1, closesAtMs: null }
      expect(await polls.updateDefinition(poll.id, sampleDefinition({ title: 'b' }), 1, entryOf('poll.edited'))).toBe(true)
      expect(await polls.updateDefinition(poll.id, sampleDefinition({ title: 'c' }), 1, entryOf('poll.edited'))).toBe(false)
      expect(await polls.addVersion(poll.id, version, 1, true, entryOf('poll.opened'))).toBe(false)
      expect(await polls.addVersion(poll.id, version, 2, true, entryOf('poll.opened'))).toBe(true)
      expect(await polls.markDeleted(poll.id, 5, 2, entryOf('poll.deleted'))).toBe(false)
      await expect(polls.markDeleted(poll.id, 5, 3, entryOf('x'.repeat(65)))).rejects.toThrow(RangeError)
      expect((await polls.find(poll.id))?.deletedAtMs).toBeNull()
      expect(await polls.markDeleted(poll.id, 5, 3, entryOf('poll.deleted'))).toBe(true)
      expect(await actionsOf(people)).toEqual({ 'poll.created': 1, 'poll.edited': 1, 'poll.opened': 1, 'poll.deleted': 1 })
    })
  })
}
