import {
  type BallotRepository,
  type HmacSha256,
  type People,
  type PollRepository,
  PrimaryUnavailableError,
  type ResultsReader,
} from '@urna/core'
import { type ServerEvent, saysAway, saysReadOnly, WatchedServer } from './fallback-server.ts'
import type { Primary, Replica } from './primary.ts'
import { readInstallation } from './read-installation.ts'
import { readCountedUntilMs, readEpoch, readNewestCountedEpoch } from './read-queue-epochs.ts'
import { SqlBallotRepository } from './repositories/sql-ballot-repository.ts'
import { SqlPollRepository } from './repositories/sql-poll-repository.ts'
import { SqlQueueEpochs } from './repositories/sql-queue-epochs.ts'
import { SqlResultsReader } from './repositories/sql-results-reader.ts'
import { SqlSettings } from './repositories/sql-settings.ts'
import { sqlPeople } from './sql-people.ts'

export type FallbackEvent =
  | ServerEvent
  /** One read went to the other server, because the one it belongs to was away. */
  | { readonly kind: 'read-elsewhere'; readonly reads: 'definitions' | 'listings' | 'results'; readonly server: 'primary' | 'replica' }

export interface FallbackDatabaseOptions {
  /** May be a server that is only read: then what needs a primary fails, and the rest works. */
  readonly primary: Primary
  /** Null: there is none. */
  readonly replica: Replica | null
  /** Of the master key. */
  readonly fingerprint: string
  /** Of the master key: what is changed is recorded in the audit trail. */
  readonly auditHmac: HmacSha256
  readonly onEvent: (event: FallbackEvent) => void
  /** Whether a server can be worked with; throws why not. Default: {@link readInstallation}, of MySQL and MariaDB. */
  readonly inspect?: (database: Primary | Replica) => Promise<{ isReadOnly: boolean }>
  readonly probeEveryMs?: number
  readonly checkEveryMs?: number
}

type PollReads = Pick<PollRepository, 'find' | 'findBySurveyId' | 'findVersion' | 'revisions' | 'list'>

/**
 * A primary and its replica, and who reads what of them:
 *
 *     definitions           the primary; the replica while the primary is away
 *     listings, results     the replica; the primary while the replica is away
 *     everything else       the primary alone: it throws PrimaryUnavailableError while that is away, or is only read
 *
 * Nothing is read from a server before it was seen to have our tables and to be of our master key.
 */
export class FallbackDatabase {
  /** What ballots are taken by. */
  readonly definitions: PollReads
  readonly listings: Pick<PollRepository, 'list' | 'listSurveys'>
  readonly results: Pick<ResultsReader, 'snapshot' | 'activityOf'>
  /** On the primary alone, as everything below. */
  readonly polls: PollRepository
  readonly ballots: BallotRepository
  readonly people: People
  readonly settings: Pick<SqlSettings, 'get'>
  readonly #options: FallbackDatabaseOptions
  readonly #primary: WatchedServer
  readonly #replica: WatchedServer | null

  constructor(options: FallbackDatabaseOptions) {
    const { primary, replica } = options
    this.#options = options
    this.#primary = this.#watch('primary', primary)
    this.#replica = replica === null ? null : this.#watch('replica', replica)
    this.definitions = this.#definitions()
    this.listings = this.#listings()
    this.results = this.#results()
    this.polls = this.#polls()
    this.ballots = this.#ballots()
    this.people = this.#people()
    const settings = new SqlSettings(primary)
    this.settings = { get: (name) => this.#onPrimary(() => settings.get(name)) }
  }

  /** The primary answers; it may be one that is only read. */
  get primaryIsUp(): boolean {
    return this.#primary.isUp
  }

  get primaryTakesWrites(): boolean {
    return this.#primary.isUp && !this.#primary.isReadOnly
  }

  /** Null: there is none. */
  get replicaIsUp(): boolean | null {
    return this.#replica?.isUp ?? null
  }

  start(): void {
    for (const server of this.#servers()) server.start()
  }

  /** Resolves with true when anything can be read, with false after `waitMs`. */
  async whenReadable(waitMs: number): Promise<boolean> {
    const never = new Promise<boolean>(() => {})
    const up = this.#servers().map(async (server) => (await server.whenUp(waitMs)) || never)
    const late = new Promise<boolean>((resolve) => setTimeout(resolve, waitMs, false).unref())
    return Promise.race([...up, late])
  }

  /** Ends the watching, not the connections. */
  async close(): Promise<void> {
    await Promise.all(this.#servers().map((server) => server.close()))
  }

  /**
   * The epoch of a queue of this identity. Who cannot register it (the primary is away, or only read) finds the row of somebody who could.
   * Throws while there is none.
   */
  async registerEpoch(identity: Uint8Array): Promise<number> {
    const { primary, replica } = this.#options
    try {
      const epochs = new SqlQueueEpochs(primary)
      return await this.#onPrimary(() => epochs.register(identity))
    } catch (error) {
      if (!(error instanceof PrimaryUnavailableError)) throw error
      const places: [WatchedServer, Primary | Replica][] = [[this.#primary, primary]]
      if (this.#replica !== null && replica !== null) places.push([this.#replica, replica])
      for (const [server, database] of places) {
        const epoch = await server.run(() => readEpoch(database, identity)).catch(() => null)
        if (epoch !== null) return epoch
      }
      throw error
    }
  }

  /** Until when everything is counted, epoch milliseconds; null before the first beat. */
  countedUntilMs(): Promise<number | null> {
    return this.#onPrimary(() => readCountedUntilMs(this.#options.primary))
  }

  /**
   * How far the replica is behind the primary, milliseconds: by the low water, which the primary writes every second. Null: there is no replica, or no
   * low water yet. Throws while one of both is away.
   */
  async replicaLagMs(): Promise<number | null> {
    const { primary, replica } = this.#options
    if (replica === null || this.#replica === null) return null
    // The replica first: what the primary writes meanwhile counts as lag, never the other way round.
    const onReplica = await this.#replica.run(() => readCountedUntilMs(replica))
    const onPrimary = await this.#primary.run(() => readCountedUntilMs(primary))
    return onReplica === null || onPrimary === null ? null : Math.max(0, onPrimary - onReplica)
  }

  /** Whether nothing of this epoch can be counted any more: a later one is being counted. */
  async epochEnded(epoch: number): Promise<boolean> {
    const newest = await this.#onPrimary(() => readNewestCountedEpoch(this.#options.primary))
    return newest !== null && newest > epoch
  }

  #servers(): WatchedServer[] {
    return this.#replica === null ? [this.#primary] : [this.#primary, this.#replica]
  }

  #watch(name: 'primary' | 'replica', database: Primary | Replica): WatchedServer {
    const { fingerprint, onEvent, probeEveryMs, checkEveryMs } = this.#options
    const { inspect = (one) => readInstallation(one, { fingerprint }) } = this.#options
    return new WatchedServer({
      name,
      probe: () => inspect(database),
      onEvent,
      ...(probeEveryMs !== undefined && { probeEveryMs }),
      ...(checkEveryMs !== undefined && { checkEveryMs }),
    })
  }

  #definitions(): PollReads {
    const { primary, replica } = this.#options
    const onPrimary = new SqlPollRepository(primary)
    const onReplica = replica === null ? null : pollsOnReplica(replica)
    const read = <Value>(work: (polls: PollReads) => Promise<Value>) =>
      this.#read('definitions', [this.#primary, () => work(onPrimary)], onReplica && [this.#replica, () => work(onReplica)])
    return {
      find: (id) => read((polls) => polls.find(id)),
      findBySurveyId: (surveyId) => read((polls) => polls.findBySurveyId(surveyId)),
      findVersion: (id, version) => read((polls) => polls.findVersion(id, version)),
      revisions: (ids) => read((polls) => polls.revisions(ids)),
      list: (request) => read((polls) => polls.list(request)),
    }
  }

  #listings(): Pick<PollRepository, 'list' | 'listSurveys'> {
    const { primary, replica } = this.#options
    const onPrimary = new SqlPollRepository(primary)
    const onReplica = replica === null ? null : pollsOnReplica(replica)
    const read = <Value>(work: (polls: Pick<PollRepository, 'list' | 'listSurveys'>) => Promise<Value>) =>
      this.#read('listings', onReplica && [this.#replica, () => work(onReplica)], [this.#primary, () => work(onPrimary)])
    return {
      list: (request) => read((polls) => polls.list(request)),
      listSurveys: (limit) => read((polls) => polls.listSurveys(limit)),
    }
  }

  #results(): Pick<ResultsReader, 'snapshot' | 'activityOf'> {
    const { primary, replica } = this.#options
    const onPrimary = new SqlResultsReader({ ...primary, role: 'replica' })
    const onReplica = replica === null ? null : new SqlResultsReader(replica)
    const read = <Value>(work: (results: ResultsReader) => Promise<Value>) =>
      this.#read('results', onReplica && [this.#replica, () => work(onReplica)], [this.#primary, () => work(onPrimary)])
    return {
      snapshot: (pollId) => read((results) => results.snapshot(pollId)),
      activityOf: (pollIds) => read((results) => results.activityOf(pollIds)),
    }
  }

  #polls(): PollRepository {
    const { primary, auditHmac } = this.#options
    const polls = new SqlPollRepository(primary, { auditHmac })
    const on = <Value>(work: () => Promise<Value>) => this.#onPrimary(work)
    return {
      create: (poll, entry) => on(() => polls.create(poll, entry)),
      find: (id) => on(() => polls.find(id)),
      findBySurveyId: (surveyId) => on(() => polls.findBySurveyId(surveyId)),
      findVersion: (id, version) => on(() => polls.findVersion(id, version)),
      revisions: (ids) => on(() => polls.revisions(ids)),
      list: (request) => on(() => polls.list(request)),
      listManaged: (request) => on(() => polls.listManaged(request)),
      listSurveys: (limit) => on(() => polls.listSurveys(limit)),
      updateDefinition: (id, definition, revision, entry) => on(() => polls.updateDefinition(id, definition, revision, entry)),
      addVersion: (id, version, revision, withSurveyId, entry) => on(() => polls.addVersion(id, version, revision, withSurveyId, entry)),
      markDeleted: (id, deletedAtMs, revision, entry) => on(() => polls.markDeleted(id, deletedAtMs, revision, entry)),
    }
  }

  #ballots(): BallotRepository {
    const ballots = new SqlBallotRepository(this.#options.primary)
    const on = <Value>(work: () => Promise<Value>) => this.#onPrimary(work)
    return {
      countBatch: (batch) => on(() => ballots.countBatch(batch)),
      find: (pollId, voterKey) => on(() => ballots.find(pollId, voterKey)),
      findDeadLetter: (seq) => on(() => ballots.findDeadLetter(seq)),
      readLowWater: (epoch, stream) => on(() => ballots.readLowWater(epoch, stream)),
      writingServer: () => on(() => ballots.writingServer()),
      writeLowWater: (row, expectedBeat) => on(() => ballots.writeLowWater(row, expectedBeat)),
      erase: (pollId) => on(() => ballots.erase(pollId)),
    }
  }

  #people(): People {
    const { primary, auditHmac } = this.#options
    const people = sqlPeople(primary, { auditHmac })
    return {
      users: this.#eachOnPrimary(people.users),
      sessions: this.#eachOnPrimary(people.sessions),
      signInAttempts: this.#eachOnPrimary(people.signInAttempts),
      tokens: this.#eachOnPrimary(people.tokens),
      codes: this.#eachOnPrimary(people.codes),
      roll: this.#eachOnPrimary(people.roll),
      audit: this.#eachOnPrimary(people.audit),
    }
  }

  /** A repository whose every method is for the primary alone. */
  #eachOnPrimary<Port extends object>(repository: Port): Port {
    const names = Object.getOwnPropertyNames(Object.getPrototypeOf(repository)).filter((name) => name !== 'constructor')
    const methods = repository as Record<string, (...parameters: unknown[]) => Promise<unknown>>
    const guarded = names.map((name) => [name, (...parameters: unknown[]) => this.#onPrimary(async () => methods[name]?.(...parameters))])
    return Object.fromEntries(guarded) as Port
  }

  /** What lags is no primary: whoever asks for the primary is not given a server that is only read. */
  async #onPrimary<Value>(work: () => Promise<Value>): Promise<Value> {
    if (this.#primary.isUp && this.#primary.isReadOnly) throw new PrimaryUnavailableError('the primary takes no writes')
    try {
      return await this.#primary.run(work)
    } catch (error) {
      if (saysAway(error) || saysReadOnly(error)) throw new PrimaryUnavailableError('the primary does not answer', { cause: error })
      throw error
    }
  }

  /** Asks the first server; the second one only if the first is away. */
  async #read<Value>(
    reads: 'definitions' | 'listings' | 'results',
    ...places: ([WatchedServer | null, () => Promise<Value>] | null)[]
  ): Promise<Value> {
    let first: unknown = null
    for (const [server, work] of places.filter((place) => place !== null)) {
      if (server === null) continue
      try {
        const value = await server.run(work)
        if (first !== null) this.#options.onEvent({ kind: 'read-elsewhere', reads, server: server.name })
        return value
      } catch (error) {
        if (!saysAway(error)) throw error
        first ??= error
      }
    }
    throw first
  }
}

/** Of the repository only what reads: a replica's connection refuses the rest. */
function pollsOnReplica(replica: Replica): PollReads & Pick<PollRepository, 'listSurveys'> {
  return new SqlPollRepository({ ...replica, role: 'primary' })
}
