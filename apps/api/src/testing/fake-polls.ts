import type { Poll, PollDefinition, PollId, PollListing, PollRepository, PollVersion } from '@urna/core'

/** Polls without a disk, for the tests of this app. `failure`: what every call then throws. */
export class FakePolls implements PollRepository {
  readonly polls = new Map<PollId, Poll>()
  readonly versions = new Map<string, PollVersion>()
  failure: Error | null = null
  /** Names of the methods that were called. */
  readonly calls: string[] = []

  #call(name: string): void {
    this.calls.push(name)
    if (this.failure !== null) throw this.failure
  }

  async create(poll: Poll): Promise<void> {
    this.#call('create')
    this.polls.set(poll.id, poll)
    this.versions.set(`${poll.id} ${poll.version.version}`, poll.version)
  }

  async find(id: PollId): Promise<Poll | null> {
    this.#call('find')
    return this.polls.get(id) ?? null
  }

  async findBySurveyId(surveyId: number): Promise<Poll | null> {
    this.#call('findBySurveyId')
    return [...this.polls.values()].find((poll) => poll.surveyId === surveyId) ?? null
  }

  async findVersion(id: PollId, version: number): Promise<PollVersion | null> {
    this.#call('findVersion')
    return this.versions.get(`${id} ${version}`) ?? null
  }

  async revisions(ids: readonly PollId[]): Promise<Map<PollId, number>> {
    this.#call('revisions')
    return new Map(ids.flatMap((id) => (this.polls.has(id) ? [[id, this.polls.get(id)?.revision as number] as const] : [])))
  }

  async list({ publicOnly, limit, after }: { publicOnly: boolean; limit: number; after: PollId | null }): Promise<PollListing> {
    this.#call('list')
    const all = [...this.polls.values()]
      .reverse()
      .filter((poll) => poll.deletedAtMs === null)
      .filter((poll) => !publicOnly || (poll.definition.listed && poll.version.opensAtMs !== null))
    const start = after === null ? 0 : all.findIndex(({ id }) => id === after) + 1
    const polls = all.slice(start, start + limit)
    return { polls, next: start + limit < all.length ? (polls.at(-1)?.id ?? null) : null }
  }

  async listManaged(request: { ownerId: number | null; search: string | null; limit: number; after: PollId | null }): Promise<PollListing> {
    this.#call('listManaged')
    const search = request.search?.toLowerCase() ?? ''
    const all = [...this.polls.values()]
      .reverse()
      .filter(({ deletedAtMs, definition }) => deletedAtMs === null && definition.title.toLowerCase().includes(search))
      .filter(({ ownerId }) => request.ownerId === null || ownerId === request.ownerId)
    const start = request.after === null ? 0 : all.findIndex(({ id }) => id === request.after) + 1
    const polls = all.slice(start, start + request.limit)
    return { polls, next: start + request.limit < all.length ? (polls.at(-1)?.id ?? null) : null }
  }

  async listSurveys(limit: number): Promise<readonly Poll[]> {
    this.#call('listSurveys')
    return [...this.polls.values()]
      .filter((poll) => poll.surveyId !== null && poll.deletedAtMs === null && poll.definition.listed)
      .sort((left, right) => (left.surveyId ?? 0) - (right.surveyId ?? 0))
      .slice(0, limit)
  }

  async updateDefinition(id: PollId, definition: PollDefinition, expectedRevision: number): Promise<boolean> {
    this.#call('updateDefinition')
    return this.#change(id, expectedRevision, { definition })
  }

  async addVersion(id: PollId, version: PollVersion, expectedRevision: number, withSurveyId: boolean): Promise<boolean> {
    this.#call('addVersion')
    const next = Math.max(0, ...[...this.polls.values()].map(({ surveyId }) => surveyId ?? 0)) + 1
    const surveyId = this.polls.get(id)?.surveyId ?? (withSurveyId ? next : null)
    this.versions.set(`${id} ${version.version}`, version)
    return this.#change(id, expectedRevision, { version, surveyId })
  }

  async markDeleted(id: PollId, deletedAtMs: number, expectedRevision: number): Promise<boolean> {
    this.#call('markDeleted')
    return this.#change(id, expectedRevision, { deletedAtMs })
  }

  /** What the database does when a user is removed. */
  removeOwner(userId: number): void {
    for (const [id, poll] of this.polls) if (poll.ownerId === userId) this.polls.set(id, { ...poll, ownerId: null })
  }

  #change(id: PollId, expectedRevision: number, fields: Partial<Poll>): boolean {
    const poll = this.polls.get(id)
    if (poll?.revision !== expectedRevision) return false
    this.polls.set(id, { ...poll, ...fields, revision: poll.revision + 1 })
    return true
  }
}
