import {
  type AuditEntry,
  asBuffer,
  type Clock,
  foldedText,
  type HmacSha256,
  type Poll,
  type PollDefinition,
  type PollId,
  type PollListing,
  type PollRepository,
  type PollVersion,
  systemClock,
} from '@urna/core'
import { type ExpressionBuilder, type Kysely, sql, type Transaction } from 'kysely'
import { AuditWriter } from '../audit-writer.ts'
import { classified } from '../database-errors.ts'
import type { Primary } from '../primary.ts'
import type { Database } from '../schema.ts'

// Ids in one statement, at most.
const idsMax = 500

export class SqlPollRepository implements PollRepository {
  readonly #primary: Primary
  readonly #db: Kysely<Database>
  readonly #audited: AuditWriter
  readonly #clock: Clock
  readonly #titlesMax: number

  /**
   * `auditHmac`: of the master key; without it a change that comes with an audit entry is an error. `titlesMax`: titles that a search reads in one statement.
   */
  constructor(primary: Primary, options: { clock?: Clock; auditHmac?: HmacSha256; titlesMax?: number } = {}) {
    this.#primary = primary
    this.#db = primary.db
    this.#audited = new AuditWriter(primary, options.auditHmac ?? null)
    this.#clock = options.clock ?? systemClock
    this.#titlesMax = options.titlesMax ?? 500
  }

  async create(poll: Poll, entry?: AuditEntry): Promise<void> {
    if (poll.surveyId !== null) throw new Error('a new poll has no survey id: it gets one with a version')
    await this.#change(entry, async (transaction) => {
      await transaction
        .insertInto('polls')
        .values({
          poll_id: poll.id,
          ...definitionColumns(poll.definition),
          revision: poll.revision,
          secret_sealed: poll.secretSealed,
          created_at_ms: poll.createdAtMs,
          deleted_at_ms: poll.deletedAtMs,
        })
        .execute()
      await insertVersion(transaction, poll.id, poll.version, poll.createdAtMs)
      if (poll.ownerId !== null) await insertOwner(transaction, poll.id, poll.ownerId)
      return true
    })
  }

  find(id: PollId): Promise<Poll | null> {
    return this.#takeFirst(this.#polls().where('polls.poll_id', '=', id))
  }

  findBySurveyId(surveyId: number): Promise<Poll | null> {
    return this.#takeFirst(this.#polls().where('surveys.survey_id', '=', surveyId))
  }

  async findVersion(id: PollId, version: number): Promise<PollVersion | null> {
    const row = await classified(() =>
      this.#db
        .selectFrom('poll_versions')
        .select(['version', 'opens_at_ms', 'closes_at_ms'])
        .where('poll_id', '=', id)
        .where('version', '=', version)
        .executeTakeFirst(),
    )
    return row === undefined ? null : toVersion(row)
  }

  async revisions(ids: readonly PollId[]): Promise<Map<PollId, number>> {
    const revisions = new Map<PollId, number>()
    for (let start = 0; start < ids.length; start += idsMax) {
      const some = ids.slice(start, start + idsMax)
      const rows = await classified(() =>
        this.#db.selectFrom('polls').select(['poll_id', 'revision']).where('poll_id', 'in', some).execute(),
      )
      for (const row of rows) revisions.set(row.poll_id as PollId, row.revision)
    }
    return revisions
  }

  async list(request: { publicOnly: boolean; limit: number; after: PollId | null }): Promise<PollListing> {
    const { after, limit } = request
    const place = after === null ? null : await this.#placeOf(after)
    if (place === undefined) return { polls: [], next: null }
    let query = this.#polls().where('polls.deleted_at_ms', 'is', null)
    if (request.publicOnly) query = query.where('polls.listed', '=', 1).where('poll_versions.opens_at_ms', 'is not', null)
    if (place !== null) query = query.where(behind(place))
    const rows = await classified(() =>
      query
        .orderBy('polls.created_at_ms', 'desc')
        .orderBy('polls.poll_id', 'desc')
        .limit(limit + 1)
        .execute(),
    )
    const polls = rows.slice(0, limit).map(toPoll)
    return { polls, next: rows.length > limit ? (polls.at(-1)?.id ?? null) : null }
  }

  /**
   * Searches titles, and only titles, in steps of bounded size, until the page is full: they are compared here, because the databases have
   * different ideas of case.
   */
  async listManaged(request: { ownerId: number | null; search: string | null; limit: number; after: PollId | null }): Promise<PollListing> {
    const { ownerId, after, limit } = request
    const search = foldedText(request.search ?? '')
    const matching: PollId[] = []
    let place = after === null ? null : await this.#placeOf(after)
    while (place !== undefined && matching.length <= limit) {
      const rows = await this.#titles(ownerId, place, search === '' ? limit + 1 : this.#titlesMax)
      for (const row of rows) if (foldedText(row.title).includes(search)) matching.push(row.poll_id as PollId)
      place = rows.at(-1)
    }
    const ids = matching.slice(0, limit)
    const polls = ids.length === 0 ? [] : (await classified(() => this.#polls().where('polls.poll_id', 'in', ids).execute())).map(toPoll)
    return {
      // Deleted in between, it stays away.
      polls: ids.flatMap((id) => polls.find((poll) => poll.id === id && poll.deletedAtMs === null) ?? []),
      next: matching.length > limit ? (ids.at(-1) ?? null) : null,
    }
  }

  #titles(ownerId: number | null, place: Place | null, limit: number): Promise<(Place & { title: string })[]> {
    const json = sql`json_extract(polls.definition, '$.title')`
    const title = this.#primary.dialect.name === 'sqlite' ? sql<string>`${json}` : sql<string>`json_unquote(${json})`
    return classified(() =>
      this.#db
        .selectFrom('polls')
        .leftJoin('poll_owners', 'poll_owners.poll_id', 'polls.poll_id')
        .select(['polls.poll_id', 'polls.created_at_ms', title.as('title')])
        .where('polls.deleted_at_ms', 'is', null)
        .$if(ownerId !== null, (query) => query.where('poll_owners.user_id', '=', ownerId as number))
        .$if(place !== null, (query) => query.where(behind(place as Place)))
        .orderBy('polls.created_at_ms', 'desc')
        .orderBy('polls.poll_id', 'desc')
        .limit(limit)
        .execute(),
    )
  }

  /** A page starts after the poll that ended the last one, wherever newer polls have moved it; a deleted poll still has its place. */
  #placeOf(id: PollId): Promise<Place | undefined> {
    return classified(() => this.#db.selectFrom('polls').select(['poll_id', 'created_at_ms']).where('poll_id', '=', id).executeTakeFirst())
  }

  async listSurveys(limit: number): Promise<readonly Poll[]> {
    // Only a poll of one question is ever given a survey id.
    const rows = await classified(() =>
      this.#polls()
        .where('surveys.survey_id', 'is not', null)
        .where('polls.listed', '=', 1)
        .where('polls.deleted_at_ms', 'is', null)
        .where('poll_versions.opens_at_ms', 'is not', null)
        .orderBy('surveys.survey_id')
        .limit(limit)
        .execute(),
    )
    return rows.map(toPoll)
  }

  updateDefinition(id: PollId, definition: PollDefinition, expectedRevision: number, entry?: AuditEntry): Promise<boolean> {
    return this.#change(entry, (transaction) => updateRow(transaction, id, expectedRevision, definitionColumns(definition)))
  }

  addVersion(id: PollId, version: PollVersion, expectedRevision: number, withSurveyId: boolean, entry?: AuditEntry): Promise<boolean> {
    return this.#change(entry, async (transaction) => {
      // First, because it locks the poll: of two at once the other waits here, and then finds a newer revision.
      if (!(await updateRow(transaction, id, expectedRevision, {}))) return false
      await insertVersion(transaction, id, version, this.#clock.nowMs())
      if (withSurveyId) {
        const survey = await transaction.selectFrom('surveys').select('survey_id').where('poll_id', '=', id).executeTakeFirst()
        if (survey === undefined) await transaction.insertInto('surveys').values({ poll_id: id }).execute()
      }
      return true
    })
  }

  markDeleted(id: PollId, deletedAtMs: number, expectedRevision: number, entry?: AuditEntry): Promise<boolean> {
    return this.#change(entry, (transaction) => updateRow(transaction, id, expectedRevision, { deleted_at_ms: deletedAtMs }))
  }

  /** In one transaction with its record, if it changed something. */
  #change(entry: AuditEntry | undefined, work: (transaction: Transaction<Database>) => Promise<boolean>): Promise<boolean> {
    if (entry === undefined) return classified(() => this.#db.transaction().execute(work))
    return this.#audited.change(async (transaction, append) => {
      const changed = await work(transaction)
      if (changed) await append(entry)
      return changed
    })
  }

  /** Polls with their newest version. */
  #polls() {
    return this.#db
      .selectFrom('polls')
      .innerJoin('poll_versions', (join) =>
        join.onRef('poll_versions.poll_id', '=', 'polls.poll_id').on('poll_versions.version', '=', (eb) =>
          eb
            .selectFrom('poll_versions as newest')
            .select(({ fn }) => fn.max('newest.version').as('version'))
            .whereRef('newest.poll_id', '=', 'polls.poll_id'),
        ),
      )
      .leftJoin('surveys', 'surveys.poll_id', 'polls.poll_id')
      .leftJoin('poll_owners', 'poll_owners.poll_id', 'polls.poll_id')
      .select([
        'polls.poll_id',
        'polls.definition',
        'polls.revision',
        'polls.secret_sealed',
        'polls.created_at_ms',
        'polls.deleted_at_ms',
        'poll_versions.version',
        'poll_versions.opens_at_ms',
        'poll_versions.closes_at_ms',
        'surveys.survey_id',
        'poll_owners.user_id as owner_id',
      ])
  }

  async #takeFirst(query: { executeTakeFirst(): Promise<PollRow | undefined> }): Promise<Poll | null> {
    const row = await classified(() => query.executeTakeFirst())
    return row === undefined ? null : toPoll(row)
  }
}

/** Where a poll stands in lists. */
interface Place {
  readonly poll_id: string
  readonly created_at_ms: number
}

function behind(place: Place) {
  return ({ eb, and, or }: ExpressionBuilder<Database, 'polls'>) =>
    or([
      eb('polls.created_at_ms', '<', place.created_at_ms),
      and([eb('polls.created_at_ms', '=', place.created_at_ms), eb('polls.poll_id', '<', place.poll_id)]),
    ])
}

async function updateRow(
  transaction: Transaction<Database>,
  id: PollId,
  expectedRevision: number,
  columns: { definition?: string; listed?: number; deleted_at_ms?: number },
): Promise<boolean> {
  const { numUpdatedRows } = await transaction
    .updateTable('polls')
    .set({ ...columns, revision: expectedRevision + 1 })
    .where('poll_id', '=', id)
    .where('revision', '=', expectedRevision)
    .where('deleted_at_ms', 'is', null)
    .executeTakeFirst()
  return numUpdatedRows === 1n
}

interface VersionRow {
  readonly version: number
  readonly opens_at_ms: number | null
  readonly closes_at_ms: number | null
}

interface PollRow extends VersionRow {
  readonly poll_id: string
  readonly definition: string
  readonly revision: number
  readonly secret_sealed: Uint8Array
  readonly created_at_ms: number
  readonly deleted_at_ms: number | null
  readonly survey_id: number | null
  readonly owner_id: number | null
}

function toVersion(row: VersionRow): PollVersion {
  return { version: row.version, opensAtMs: row.opens_at_ms, closesAtMs: row.closes_at_ms }
}

function toPoll(row: PollRow): Poll {
  return {
    id: row.poll_id as PollId,
    surveyId: row.survey_id,
    ownerId: row.owner_id,
    definition: JSON.parse(row.definition) as PollDefinition,
    version: toVersion(row),
    revision: row.revision,
    createdAtMs: row.created_at_ms,
    deletedAtMs: row.deleted_at_ms,
    secretSealed: asBuffer(row.secret_sealed),
  }
}

function definitionColumns(definition: PollDefinition): { definition: string; listed: number } {
  return { definition: JSON.stringify(definition), listed: definition.listed ? 1 : 0 }
}

async function insertVersion(transaction: Transaction<Database>, id: PollId, version: PollVersion, createdAtMs: number): Promise<void> {
  await transaction
    .insertInto('poll_versions')
    .values({
      poll_id: id,
      version: version.version,
      opens_at_ms: version.opensAtMs,
      closes_at_ms: version.closesAtMs,
      created_at_ms: createdAtMs,
    })
    .execute()
}

/** Nobody's where that user is gone: a number is never used again, but a row would stay for ever. */
async function insertOwner(transaction: Transaction<Database>, id: PollId, userId: number): Promise<void> {
  const user = await transaction.selectFrom('users').select('user_id').where('user_id', '=', userId).executeTakeFirst()
  if (user !== undefined) await transaction.insertInto('poll_owners').values({ poll_id: id, user_id: userId }).execute()
}
