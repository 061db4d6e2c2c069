import type { Poll, PollDefinition, PollId, PollVersion } from '../poll/poll.ts'
import type { AuditEntry } from './audit-trail.ts'

export interface PollListing {
  readonly polls: readonly Poll[]
  /** Pass it as `after` to get the next page; null on the last. */
  readonly next: PollId | null
}

/**
 * Polls and their versions, on the primary. Guarantees: versions are never changed nor removed; an id is never used twice, a deleted
 * poll leaves its id behind; `revision` grows with every change. A write that was decided on an older revision than the stored one
 * does nothing and says so (`false`). A change and its audit entry, where one is given, are written together or not at all.
 */
export interface PollRepository {
  create(poll: Poll, entry?: AuditEntry): Promise<void>
  /** Deleted polls too. */
  find(id: PollId): Promise<Poll | null>
  findBySurveyId(surveyId: number): Promise<Poll | null>
  findVersion(id: PollId, version: number): Promise<PollVersion | null>
  /** id -> revision of those of `ids` that exist: what a copy needs to know whether it is stale. */
  revisions(ids: readonly PollId[]): Promise<Map<PollId, number>>
  /** Newest first, never deleted ones. `publicOnly`: listed polls that are no drafts. */
  list(request: { publicOnly: boolean; limit: number; after: PollId | null }): Promise<PollListing>
  /**
   * As their organizers see them: newest first, never deleted ones. `ownerId`: only those of that user; null: all. `search`: what the title contains,
   * whatever the case and the coding of accents; null: all.
   */
  listManaged(request: { ownerId: number | null; search: string | null; limit: number; after: PollId | null }): Promise<PollListing>
  /** Listed polls of one question that are no drafts, by survey id. */
  listSurveys(limit: number): Promise<readonly Poll[]>
  updateDefinition(id: PollId, definition: PollDefinition, expectedRevision: number, entry?: AuditEntry): Promise<boolean>
  /** Adds a version; `withSurveyId` gives the poll the next survey id if it has none. */
  addVersion(id: PollId, version: PollVersion, expectedRevision: number, withSurveyId: boolean, entry?: AuditEntry): Promise<boolean>
  markDeleted(id: PollId, deletedAtMs: number, expectedRevision: number, entry?: AuditEntry): Promise<boolean>
}
