import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { startCounting } from '@urna/consumer'
import { openMasterKey } from '@urna/core'
import { openSqliteWriter, SqlBallotRepository, SqlPollRepository, servePrimary } from '@urna/database'
import { connectToEmbeddedQueue } from '@urna/queue/embedded/embedded-queue'
import { armCrashPoint } from '@urna/runtime'
import type { CountingCommand, CountingMessage, CountingWorkerData } from './counting-messages.ts'

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

function post(message: CountingMessage): void {
  parent.postMessage(message)
}

async function start(queuePort: MessagePort, epoch: number): Promise<() => Promise<void>> {
  const queue = connectToEmbeddedQueue(queuePort, epoch)
  const counting = startCounting({
    subscriber: await queue.subscribe('embedded'),
    queue: queue.maintenance,
    ballots: new SqlBallotRepository(primary, { onStep: crashPoint }),
    polls: new SqlPollRepository(primary),
    masterKey,
    shard: 0,
    crashPoint,
    tell: (level, message, error) => post({ kind: 'log', level, message, error }),
    onReport: (report) => post({ kind: 'report', report }),
  })
  return async () => {
    await counting.stop({ lastBeat: true })
    queue.close()
  }
}

let stop: () => Promise<void> = async () => {}
parent.on('message', async (command: CountingCommand) => {
  switch (command.kind) {
    case 'start':
      stop = await start(command.queuePort, command.epoch)
      post({ kind: 'started' })
      break
    case 'stop':
      await stop()
      await primary.close()
      post({ kind: 'stopped' })
  }
})
