import type {
  BallotPublisher,
  BallotRepository,
  Clock,
  IdGenerator,
  MasterKey,
  People,
  PollId,
  PollRepository,
  QueueDepth,
  Results,
  ResultsReader,
  Sequence,
  TallySnapshot,
  VoterPlaces,
} from '@urna/core'
import type { FastifyBaseLogger } from 'fastify'
import type { Registry } from 'prom-client'
import type { SharedRequestCounts } from './request-limit.ts'
import type { ServerLimits } from './server.ts'

/** `database` is the primary; `replica` only where there is one. */
export type DependencyName = 'queue' | 'database' | 'replica'

/** What the results of a poll are made of, as read at one time: what waited in the queue, and after it the snapshot. */
export interface PollCounts {
  readonly waiting: number
  readonly snapshot: TallySnapshot
}

/** Counts that several api processes share. Never rejects but with what `read` rejects with. */
export interface SharedCounts {
  get(pollId: PollId, read: () => Promise<PollCounts>): Promise<PollCounts>
}

export type DependencyChecks = Readonly<Record<'queue' | 'database', () => Promise<boolean>>> & {
  readonly replica?: () => Promise<boolean>
}

/** What an api process is made of. The app that composes it picks the adapters; nothing here connects to anything by itself. */
export interface ApiDependencies {
  readonly publisher: BallotPublisher
  /** On the primary: what administrators see and change. */
  readonly polls: PollRepository
  /** What ballots are taken by: on the primary, or on a replica while that does not answer. Default: `polls`. */
  readonly definitions?: Pick<PollRepository, 'find' | 'findBySurveyId' | 'revisions' | 'list'>
  /** The public lists, on the replica where there is one. Default: `polls`. */
  readonly listings?: Pick<PollRepository, 'list' | 'listSurveys'>
  /** On the primary. */
  readonly ballots: BallotRepository
  /** On the replica, where there is one. */
  readonly results: Pick<ResultsReader, 'snapshot' | 'activityOf'>
  readonly sharedCounts?: SharedCounts
  /** How long this process shows a copy of results. Default 500; 0 for a measurement of what copies save. */
  readonly resultsKeepMs?: number
  /** How much waits in the ballot queue, asked now: "0 ballots wait" in results is exact only if this is. */
  readonly queueDepth: () => Promise<QueueDepth>
  /** Consumers that did something lately; null: the queue does not say. */
  readonly queueConsumers?: () => Promise<number | null>
  /** How far the replica is behind the primary; null: not known. Only where there is a replica. */
  readonly replicaLagMs?: () => Promise<number | null>
  readonly masterKey: MasterKey
  /** SHA-256 of the administrator's token; null: not known yet. */
  readonly adminTokenHash: Buffer | (() => Buffer | null)
  /** Who there is, who is signed in, and who may vote. On the primary. */
  readonly people: People
  /** A session ends when nothing was asked with it for so long. Default two hours. */
  readonly sessionIdleMs?: number
  /** A session ends so long after it began, whatever is asked with it. Default twelve hours. */
  readonly sessionMs?: number
  readonly clock: Clock
  readonly ids: IdGenerator
  /** Survey id of the poll that `/api/postVotes` and `/api/votes` speak of. */
  readonly defaultPoll: number
  /** Origins whose pages may use the API with the voter's cookie; `*`: any page, without the cookie; empty: only our own pages. */
  readonly allowedOrigins: readonly string[] | '*'
  /** Addresses and CIDRs of proxies whose X-Forwarded-* headers are believed. */
  readonly trustProxy: false | string[]
  /**
   * The address that voters use, where it is known. With https, cookies are never sent without it; default: as a believed proxy says of
   * each request.
   */
  readonly publicUrl?: string | null
  /** Generations of the key of voter cookies: the one that signs, and the oldest that is believed. Default: 1 and 1. */
  readonly cookieKeys?: { readonly key: number; readonly oldestKey: number }
  /** More requests than this a second of one address: 429. Default or null: no limit. */
  readonly requestsPerSecondMax?: number | null
  /** Where several processes count the requests of an address together. */
  readonly requestCounts?: SharedRequestCounts
  /** Limits of the HTTP server that are to be others than {@link serverLimits}. */
  readonly serverLimits?: Partial<ServerLimits>
  readonly version: string
  readonly logger: FastifyBaseLogger
  /** Of @urna/runtime: where this process registers its figures. */
  readonly metrics: { readonly registry: Registry }
  /** Whether a dependency answers now. May reject or take long: either counts as no. */
  readonly dependencyChecks: DependencyChecks
  /** Those without which this process can do none of its jobs: only they make it unready. */
  readonly essential: readonly DependencyName[]
  /** Whether nothing of an epoch of the queue can be counted any more; see core's receiptStatus. */
  readonly epochEnded?: (epoch: number) => boolean | Promise<boolean>
  /** In which of the queue's streams a ballot was, by its sequence. Default: there is only one. */
  readonly streamOf?: (seq: Sequence) => number
  /** Whether the other loops of this process (a consumer's, say) still turn; a process whose loop stands still is not healthy. */
  readonly loopsTurn?: () => boolean
  /** Folder of the built pages; without it this process serves no pages. */
  readonly pagesRoot?: string
  /** Until when everything is counted, epoch milliseconds; null before the first beat. */
  readonly countedUntilMs: () => Promise<number | null>
  /** Text of the results as CSV, in pieces. */
  readonly csv: (results: readonly Results[], options: { bom: boolean }) => Iterable<string>
  /** Who came from which address in this hour, where several processes share it. Default: in this process. */
  readonly voterPlaces?: VoterPlaces
  /** So many voters of an address and hour do no work in guarded polls. Default 50. */
  readonly guardedFreeVotes?: number
  /** What a unit of work is, see core's difficultyAt. Default 20,000; tests have less time than voters. */
  readonly workUnit?: number
  /** More ballots than this waiting in the queue: 503 for new ones. Default 2,000,000. */
  readonly backlogMax?: number
  /** More streams of live results than this at once: 503 for new ones. Default 20,000. */
  readonly liveReadersMax?: number
}
