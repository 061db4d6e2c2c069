import { type MessagePort, Worker } from 'node:worker_threads'
import type { CountingReport } from '@urna/consumer'
import type { CountingCommand, CountingMessage, CountingWorkerData } from './counting-messages.ts'

interface ThreadLogger {
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

export interface CountingThread {
  /** Begins to count. */
  start(queuePort: MessagePort, epoch: number): Promise<void>
  /** Ends after the transaction that is under way. */
  stop(): Promise<void>
  /** The newest report; null before the first. */
  report(): CountingReport | null
  /** Called with every report. */
  onReport(listener: (report: CountingReport) => void): void
}

export function startCountingThread(
  data: CountingWorkerData,
  options: { logger: ThreadLogger; onFailure: (error: Error) => void },
): CountingThread {
  const worker = new Worker(new URL(import.meta.resolve('@urna/standalone/counting-worker')), {
    workerData: data,
    transferList: [data.primaryPort],
  })
  const listeners: ((report: CountingReport) => void)[] = []
  let newest: CountingReport | null = null
  let stopping = false

  const waiting = new Map<CountingMessage['kind'], () => void>()
  worker.on('message', (message: CountingMessage) => {
    switch (message.kind) {
      case 'report':
        newest = message.report
        for (const listener of listeners) listener(message.report)
        break
      case 'log':
        options.logger[message.level]({ error: message.error }, message.message)
        break
      case 'started':
      case 'stopped':
        waiting.get(message.kind)?.()
    }
  })
  const failure = new Promise<never>((_resolve, reject) => {
    worker.on('error', reject)
    worker.on('exit', (code) => {
      if (!stopping) reject(new Error(`the counting thread ended with ${code}`))
    })
  })
  failure.catch((error: Error) => {
    if (!stopping) options.onFailure(error)
  })

  function command(message: CountingCommand, answer: 'started' | 'stopped', transfer: MessagePort[] = []): Promise<void> {
    const answered = new Promise<void>((resolve) => waiting.set(answer, resolve))
    worker.postMessage(message, transfer)
    return Promise.race([answered, failure])
  }

  return {
    start: (queuePort, epoch) => command({ kind: 'start', queuePort, epoch }, 'started', [queuePort]),
    async stop() {
      stopping = true
      await command({ kind: 'stop' }, 'stopped')
      await worker.terminate()
    },
    report: () => newest,
    onReport: (listener) => listeners.push(listener),
  }
}
