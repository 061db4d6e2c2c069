import { assertAuditEntry } from '../audit/audit-chain.ts'
import { foldedText } from '../folded-text.ts'
import type { Poll, PollId, PollVersion } from '../poll/poll.ts'
import type { AuditEntry } from '../ports/audit-trail.ts'
import { PermanentDatabaseError } from '../ports/ballot-repository.ts'
import type { PollRepository } from '../ports/poll-repository.ts'
import { InMemoryAuditTrail } from './in-memory-audit-trail.ts'

interface StoredPoll {
  poll: Poll
  readonly versions: Map<number, PollVersion>
}

/** Polls in memory. For tests; passes the same contract suite as the real ones. Set `failure` to make every call throw it. */
export class InMemoryPolls implements PollRepository {
  failure: Error | null = null
  readonly #audit: InMemoryAuditTrail

  constructor(audit: InMemoryAuditTrail = new InMemoryAuditTrail()) {
    this.#audit = audit
  }

  readonly #polls = new Map<PollId, StoredPoll>()
  #lastSurveyId = 0

  async create(poll: Poll, entry?: AuditEntry): Promise<void> {
    this.#assertWorks()
    if (entry !== undefined) assertAuditEntry(entry)
    if (poll.surveyId !== null) throw new Error('a new poll has no survey id: it gets one with a version')
    if (this.#polls.has(poll.id)) throw new PermanentDatabaseError('there is a poll with this id')
    this.#polls.set(poll.id, {
      poll: { ...poll, definition: structuredClone(poll.definition) },
      versions: new Map([[poll.version.version, poll.version]]),
    })
    this.#audit.append(entry)
  }

  async find(id: PollId): Promise<Poll | null> {
    this.#assertWorks()
    return this.#polls.get(id)?.poll ?? null
  }

  async findBySurveyId(surveyId: number): Promise<Poll | null> {
    this.#assertWorks()
    return this.#all().find((poll) => poll.surveyId === surveyId) ?? null
  }

  async findVersion(id: PollId, version: number): Promise<PollVersion | null> {
    this.#assertWorks()
    return this.#polls.get(id)?.versions.get(version) ?? null
  }

  async revisions(ids: readonly PollId[]): Promise<Map<PollId, number>> {
    this.#assertWorks()
    return new Map(ids.flatMap((id) => this.#polls.get(id)?.poll ?? []).map((poll) => [poll.id, poll.revision]))
  }

  async list(request: { publicOnly: boolean; limit: number; after: PollId | null }): Promise<{ polls: Poll[]; next: PollId | null }> {
    return this.#page(request, (poll) => !request.publicOnly || isPublic(poll))
  }

  async listManaged(request: {
    ownerId: number | null
    search: string | null
    limit: number
    after: PollId | null
  }): Promise<{ polls: Poll[]; next: PollId | null }> {
    const search = foldedText(request.search ?? '')
    return this.#page(
      request,
      ({ ownerId, definition }) =>
        (request.ownerId === null || ownerId === request.ownerId) && foldedText(definition.title).includes(search),
    )
  }

  #page(request: { limit: number; after: PollId | null }, matches: (poll: Poll) => boolean): { polls: Poll[]; next: PollId | null } {
    this.#assertWorks()
    const after = request.after === null ? null : this.#polls.get(request.after)?.poll
    if (after === undefined) return { polls: [], next: null }
    const rest = this.#all()
      .filter((poll) => poll.deletedAtMs === null && (after === null || byAge(after, poll) < 0))
      .filter(matches)
      .sort(byAge)
    const polls = rest.slice(0, request.limit)
    return { polls, next: rest.length > request.limit ? (polls.at(-1)?.id ?? null) : null }
  }

  async listSurveys(limit: number): Promise<readonly Poll[]> {
    this.#assertWorks()
    return this.#all()
      .filter((poll) => poll.surveyId !== null && poll.deletedAtMs === null && isPublic(poll))
      .sort((left, right) => Number(left.surveyId) - Number(right.surveyId))
      .slice(0, limit)
  }

  async updateDefinition(id: PollId, definition: Poll['definition'], expectedRevision: number, entry?: AuditEntry): Promise<boolean> {
    return this.#change(id, expectedRevision, { definition: structuredClone(definition) }, entry)
  }

  async addVersion(
    id: PollId,
    version: PollVersion,
    expectedRevision: number,
    withSurveyId: boolean,
    entry?: AuditEntry,
  ): Promise<boolean> {
    if (this.#polls.get(id)?.poll.revision === expectedRevision && this.#polls.get(id)?.versions.has(version.version)) {
      throw new PermanentDatabaseError('there is a version with this number')
    }
    if (!this.#change(id, expectedRevision, { version }, entry)) return false
    const stored = this.#polls.get(id) as StoredPoll
    stored.versions.set(version.version, version)
    if (withSurveyId && stored.poll.surveyId === null) stored.poll = { ...stored.poll, surveyId: ++this.#lastSurveyId }
    return true
  }

  async markDeleted(id: PollId, deletedAtMs: number, expectedRevision: number, entry?: AuditEntry): Promise<boolean> {
    return this.#change(id, expectedRevision, { deletedAtMs }, entry)
  }

  /** What the database does when a user is removed. */
  removeOwner(userId: number): void {
    for (const stored of this.#polls.values()) if (stored.poll.ownerId === userId) stored.poll = { ...stored.poll, ownerId: null }
  }

  #assertWorks(): void {
    if (this.failure !== null) throw this.failure
  }

  #all(): Poll[] {
    return [...this.#polls.values()].map(({ poll }) => poll)
  }

  #change(id: PollId, expectedRevision: number, change: Partial<Poll>, entry: AuditEntry | undefined): boolean {
    this.#assertWorks()
    if (entry !== undefined) assertAuditEntry(entry)
    const stored = this.#polls.get(id)
    if (stored === undefined || stored.poll.revision !== expectedRevision || stored.poll.deletedAtMs !== null) return false
    stored.poll = { ...stored.poll, ...change, revision: expectedRevision + 1 }
    this.#audit.append(entry)
    return true
  }
}

function isPublic(poll: Poll): boolean {
  return poll.definition.listed && poll.version.opensAtMs !== null
}

/** Newest first. */
function byAge(left: Poll, right: Poll): number {
  return right.createdAtMs - left.createdAtMs || (left.id < right.id ? 1 : left.id > right.id ? -1 : 0)
}
