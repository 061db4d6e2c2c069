import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ballotQueueContract, type QueueSubject, type QueueSubjectOptions } from '@urna/core/testing/ballot-queue-contract'
import { InMemoryQueue } from '@urna/core/testing/in-memory-queue'
import Sqlite from 'better-sqlite3'
import { connectToEmbeddedQueue, startEmbeddedQueue } from './embedded-queue.ts'

async function embedded(folder: string, options: QueueSubjectOptions): Promise<QueueSubject> {
  const queue = await startEmbeddedQueue({
    path: join(folder, 'queue.db'),
    ...options,
    onFailure: (error) => {
      throw error
    },
  })
  const connection = connectToEmbeddedQueue(await queue.connect(), 1)
  const stop = async () => {
    connection.close()
    await queue.close()
  }
  return {
    publisher: queue.publisher(1),
    maintenance: connection.maintenance,
    subscribe: (consumer) => connection.subscribe(consumer),
    async restart() {
      await stop()
      return embedded(folder, options)
    },
    async close() {
      await stop()
      rmSync(folder, { recursive: true })
    },
  }
}

const { version } = new Sqlite(':memory:').prepare<[], { version: string }>('select sqlite_version() as version').get() ?? {}
ballotQueueContract(`embedded (SQLite ${version})`, (options) => embedded(mkdtempSync(join(tmpdir(), 'urna-queue-')), options))

function inMemory(queue: InMemoryQueue): QueueSubject {
  return {
    publisher: queue.publisher(),
    maintenance: queue.maintenance,
    subscribe: (consumer) => queue.subscribe(consumer),
    async restart() {
      queue.forgetHolders()
      return inMemory(queue)
    },
    async close() {},
  }
}

ballotQueueContract('in memory', async (options) => inMemory(new InMemoryQueue(options)))
