import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { Consumer, Janitor, JudgedPolls } from '@urna/consumer'
import { openMasterKey } from '@urna/core'
import { openSqliteWriter, SqlBallotRepository, SqlPollRepository, servePrimary } from '@urna/database'
import { connectToEmbeddedQueue } from '@urna/queue'
import { armCrashPoint } from '@urna/runtime'
import type { CountingCommand, CountingReport, CountingWorkerData, LogMessage } from './counting-messages.ts'

/**
 * The thread that owns urna.db: the consumer and the janitor, and, over a port, whatever else the process writes (polls, settings).
 * The main thread only reads, so that no request waits for a disk there.
 */

const { databasePath, masterKey: masterKeyBytes, crashAt, primaryPort } = workerData as CountingWorkerData
const parent = parentPort as MessagePort
const crashPoint = armCrashPoint(crashAt)
const masterKey = openMasterKey(masterKeyBytes)
const primary = openSqliteWriter(databasePath)
servePrimary(primaryPort, primary)

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

/** Of a database's error only its name and code: its message can quote values, and a voter key must not be logged. */
function tell(level: 'warn' | 'error', message: string, error?: Error): void {
  const code = (error?.cause as { code?: string } | undefined)?.code
  const words = error === undefined ? undefined : `${error.name}: ${code ?? error.message}`
  parent.postMessage({ kind: 'log', level, message, error: words } satisfies LogMessage)
}

async function start(queuePort: MessagePort, epoch: number): Promise<() => Promise<void>> {
  const queue = connectToEmbeddedQueue(queuePort, epoch)
  const ballots = new SqlBallotRepository(primary, { onStep: crashPoint })
  const judgedPolls = new JudgedPolls(new SqlPollRepository(primary))
  const consumer = new Consumer({
    subscriber: await queue.subscribe('embedded'),
    ballots,
    judgedPolls,
    masterKey,
    shard: 0,
    crashPoint,
    beat: () => {
      report.beatAtMs = Date.now()
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
          tell('warn', 'counting failed and is tried again', event.error)
      }
    },
  })
  let clockAlarmed = false
  const janitor = new Janitor({
    ballots,
    queue: queue.maintenance,
    crashPoint,
    onEvent(event) {
      switch (event.kind) {
        case 'advanced':
          report.countedUntilMs = event.atMs
          break
        case 'rewound':
          report.rewinds++
          judgedPolls.forget()
          tell(
            'error',
            `the database is older than the queue: ${event.entries} entries are counted again${event.gap ? '; entries in between are gone' : ''}`,
          )
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
          tell('warn', 'the low water could not be moved, next try in a second', event.error)
      }
    },
  })
  const running = Promise.all([consumer.run(), janitor.run()])
  const reporting = setInterval(async () => {
    report.waiting = await queue.maintenance.depth().catch(() => report.waiting)
    parent.postMessage({ kind: 'report', report })
  }, 500)
  return async () => {
    clearInterval(reporting)
    await Promise.all([consumer.stop(), janitor.stop()])
    await running
    // One more beat, so that the next start has less to look at.
    await janitor.beatOnce()
    queue.close()
  }
}

let stop: () => Promise<void> = async () => {}
parent.on('message', async (command: CountingCommand) => {
  switch (command.kind) {
    case 'start':
      stop = await start(command.queuePort, command.epoch)
      parent.postMessage({ kind: 'started' })
      break
    case 'stop':
      await stop()
      await primary.close()
      parent.postMessage({ kind: 'stopped' })
  }
})
