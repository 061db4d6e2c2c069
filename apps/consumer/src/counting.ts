import type {
  BallotQueueMaintenance,
  BallotRepository,
  BallotSubscriber,
  JanitorEvent,
  MasterKey,
  PollRepository,
  QueueDepth,
} from '@urna/core'
import { Consumer, type ConsumerCrashPoint } from './consume.ts'
import { Janitor } from './janitor.ts'
import { JudgedPolls } from './judged-polls.ts'

/** What counting has done. Counts since its start. */
export interface CountingReport {
  beatAtMs: number
  firstBallots: number
  changedBallots: number
  ignoredBallots: number
  parked: { late: number; rejected: number }
  retries: number
  rewinds: number
  /** Epoch milliseconds; null before the first beat of the janitor. */
  countedUntilMs: number | null
  waiting: QueueDepth
}

export interface CountingOptions {
  readonly subscriber: BallotSubscriber
  readonly queue: BallotQueueMaintenance
  readonly ballots: BallotRepository
  /** On the primary. */
  readonly polls: Pick<PollRepository, 'find' | 'findVersion'>
  readonly masterKey: Pick<MasterKey, 'seal'>
  readonly shard: number
  readonly batchBallotsMax?: number
  readonly crashPoint: (point: ConsumerCrashPoint | 'before-trim') => void
  /** False: nothing is received now; what is held is tried on. */
  readonly mayReceive?: () => boolean
  /** Called at every turn of either loop. */
  readonly beat?: (loop: 'consumer' | 'janitor') => void
  /** Counting failed and is tried again. */
  readonly onRetry?: (error: Error) => void
  /** `error`: of a database's error only its name and code, for its message can quote values, and a voter key must not be logged. */
  readonly tell: (level: 'warn' | 'error', message: string, error?: string) => void
  /** Called after every look at what waits. */
  readonly onReport?: (report: CountingReport) => void
  readonly reportEveryMs?: number
}

export interface Counting {
  readonly report: CountingReport
  /** Ballots are held that are not acked yet. */
  readonly holdsBallots: boolean
  /** Ends after the batch that is under way. `lastBeat`: moves the low water up once more, so that the next start has less to look at. */
  stop(options: { lastBeat: boolean }): Promise<void>
}

/** The consumer and the janitor, put together; the same wherever ballots are counted. */
export function startCounting(options: CountingOptions): Counting {
  const { subscriber, queue, ballots, masterKey, shard, crashPoint, tell } = options
  const report: CountingReport = {
    beatAtMs: Date.now(),
    firstBallots: 0,
    changedBallots: 0,
    ignoredBallots: 0,
    parked: { late: 0, rejected: 0 },
    retries: 0,
    rewinds: 0,
    countedUntilMs: null,
    waiting: { ballots: 0, oldestAtMs: null },
  }
  const judgedPolls = new JudgedPolls(options.polls)
  const consumer = new Consumer({
    subscriber,
    ballots,
    judgedPolls,
    masterKey,
    shard,
    crashPoint,
    ...(options.batchBallotsMax !== undefined && { batchBallotsMax: options.batchBallotsMax }),
    ...(options.mayReceive !== undefined && { mayReceive: options.mayReceive }),
    beat: () => {
      report.beatAtMs = Date.now()
      options.beat?.('consumer')
    },
    onEvent(event) {
      switch (event.kind) {
        case 'counted':
          report.firstBallots += event.outcome.firstBallots
          report.changedBallots += event.outcome.changedBallots
          report.ignoredBallots += event.outcome.ignoredBallots
          break
        case 'parked':
          report.parked[event.reason]++
          break
        case 'retry':
          report.retries++
          options.onRetry?.(event.error)
          tell('warn', 'counting failed and is tried again', wordsOf(event.error))
      }
    },
  })
  let clockAlarmed = false
  /** Rewinds since the low water last moved. */
  let rewindsInARow = 0
  const janitor = new Janitor({
    ballots,
    queue,
    crashPoint,
    beat: () => options.beat?.('janitor'),
    onEvent(event) {
      switch (event.kind) {
        case 'advanced':
          report.countedUntilMs = event.atMs
          rewindsInARow = 0
          break
        case 'rewound':
          report.rewinds++
          judgedPolls.forget()
          tell(event.why === 'older' || event.gap ? 'error' : 'warn', rewindMessage(event))
          if (++rewindsInARow === rewindsOfFailoverMax + 1) tell('error', endlessRewinds)
          break
        case 'clock':
          if (!clockAlarmed)
            tell(
              'error',
              `the clock is ${Math.round(event.behindMs / 1_000)} s behind the queue's time: it was set back, or had been wrong. Ballots are judged by the queue's time`,
            )
          clockAlarmed = true
          break
        case 'failed':
          tell('warn', 'the low water could not be moved, next try in a second', wordsOf(event.error))
      }
    },
  })
  const running = Promise.all([consumer.run(), janitor.run()])
  let looking = false
  const reporting = setInterval(async () => {
    if (looking) return
    looking = true
    report.waiting = await queue.depth().catch(() => report.waiting)
    looking = false
    options.onReport?.(report)
  }, options.reportEveryMs ?? 500)
  return {
    report,
    get holdsBallots() {
      return consumer.holdsBallots
    },
    async stop({ lastBeat }) {
      clearInterval(reporting)
      await Promise.all([consumer.stop(), janitor.stop()])
      await running
      if (lastBeat) await janitor.beatOnce()
    },
  }
}

/** A failover takes one, or two where another consumer saw the old server meanwhile. */
const rewindsOfFailoverMax = 3
const endlessRewinds =
  'the server that takes the writes is another one again and again: two servers take writes, which loses votes and must end now, or what is between them and us leads to either. Until then results stand still'

function rewindMessage({ why, entries, gap }: Extract<JanitorEvent, { kind: 'rewound' }>): string {
  const found =
    why === 'older'
      ? 'the database is older than the queue'
      : 'another database server takes the writes, and may lack what was counted last'
  const lost = gap ? '; entries in between are gone: ballots that only they held are lost, and their receipts say so' : ''
  return `${found}: ${entries} entries are counted again (what is counted already changes nothing)${lost}`
}

function wordsOf(error: Error): string {
  const code = (error.cause as { code?: string } | undefined)?.code
  return `${error.name}: ${code ?? error.message}`
}
