import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import type { LowWater, ReceiveLimits } from '@urna/core'
import { answerCalls } from './calls.ts'
import { type DeliveredEntry, QueueFile } from './queue-file.ts'

/** The thread that owns the queue's file: appends for the api, deliveries for the consumers, upkeep for the janitor. */

export interface QueueWorkerData {
  readonly path: string
  readonly replayWindowMs: number
  readonly abandonedAfterMs: number
}

const ackDelayMs = 100

const { path, replayWindowMs, abandonedAfterMs } = workerData as QueueWorkerData
const file = new QueueFile(path, { replayWindowMs, abandonedAfterMs })
/** Consumers that wait for an entry. */
const sleepers = new Set<() => void>()
let ackTimer: NodeJS.Timeout | null = null

function writeAcksSoon(): void {
  ackTimer ??= setTimeout(() => {
    ackTimer = null
    try {
      file.writeAcks()
    } catch {
      // A full disk, say. The acks are kept and tried again; lost, they would only be redeliveries.
      writeAcksSoon()
    }
  }, ackDelayMs)
}

function wakeAll(): void {
  for (const wake of sleepers) wake()
}

function sleep(waitMs: number): Promise<void> {
  return new Promise((resolve) => {
    const wake = () => {
      clearTimeout(timer)
      sleepers.delete(wake)
      resolve()
    }
    const timer = setTimeout(wake, waitMs)
    sleepers.add(wake)
  })
}

async function receive(request: { consumer: string; limits: ReceiveLimits }): Promise<DeliveredEntry[]> {
  const { consumer, limits } = request
  const until = performance.now() + limits.waitMs
  for (;;) {
    const entries = file.receive(consumer, limits)
    const leftMs = until - performance.now()
    if (entries.length > 0 || leftMs <= 0) return entries
    await sleep(leftMs)
  }
}

function serve(port: MessagePort): void {
  answerCalls(port, {
    identity: () => file.identity,
    append: ({ ballots, body }: { ballots: number; body: string }) => {
      const appended = file.append(ballots, body)
      if (sleepers.size > 0) wakeAll()
      return appended
    },
    hello: (consumer: string) => file.hello(consumer),
    receive,
    ack: (ids: string[]) => {
      if (file.ack(ids)) writeAcksSoon()
    },
    depth: () => file.depth(),
    position: (epoch: number) => file.position(epoch),
    storedLowWater: () => file.storedLowWater(),
    storeLowWater: (row: LowWater) => file.storeLowWater(row),
    rewind: (row: LowWater | null) => {
      const rewound = file.rewind(row)
      wakeAll()
      return rewound
    },
    trim: (row: LowWater) => file.trim(row),
    renameIfBehind: (row: LowWater) => (file.renameIfBehind(row) ? file.identity : null),
    connect: (other: MessagePort) => serve(other),
    close: () => {
      if (ackTimer !== null) clearTimeout(ackTimer)
      ackTimer = null
      file.close()
      // Whatever is asked after this gets no answer; the caller ends this thread.
    },
  })
}

if (parentPort !== null) serve(parentPort)
