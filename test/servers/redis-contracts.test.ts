import { randomBytes } from 'node:crypto'
import { ballotQueueContract, type QueueSubject, type QueueSubjectOptions } from '@urna/core/testing/ballot-queue-contract'
import { type RedisStreamsOptions, redisStreamsQueue } from '@urna/queue'
import { afterAll, beforeAll, describe } from 'vitest'
import { RedisServer, redisKinds } from './support/redis-servers.ts'

/** What the primary does: the same identity is the same epoch, a new one a greater one. */
function epochsInMemory(): (identity: Uint8Array) => Promise<number> {
  const known: string[] = []
  return async (identity) => {
    const text = Buffer.from(identity).toString('hex')
    if (!known.includes(text)) known.push(text)
    return known.indexOf(text) + 1
  }
}

async function subjectOn(server: RedisServer, options: Omit<RedisStreamsOptions, 'connection' | 'onEvent'>): Promise<QueueSubject> {
  const queue = redisStreamsQueue({ ...options, connection: { host: '127.0.0.1', port: server.port }, onEvent: () => {} })
  const publisher = await queue.publisher()
  const stop = async () => {
    await publisher.close()
    await queue.close()
  }
  return {
    publisher,
    maintenance: queue.maintenance,
    subscribe: (consumer) => queue.subscribe(consumer),
    async restart() {
      await stop()
      await server.restart()
      return subjectOn(server, options)
    },
    close: stop,
  }
}

for (const kind of redisKinds) {
  const what = `contracts: ${kind.name}`
  describe.skipIf(kind.missing !== null)(kind.missing === null ? what : `${what} (skipped: ${kind.missing})`, () => {
    let server: RedisServer
    beforeAll(async () => {
      server = await RedisServer.start(kind)
    })
    afterAll(() => server.remove())

    for (const streams of [1, 3]) {
      ballotQueueContract(`${kind.name}, ${streams} ${streams === 1 ? 'stream' : 'streams'}`, (options: QueueSubjectOptions) =>
        subjectOn(server, { ...options, streams, prefix: `t-${randomBytes(6).toString('hex')}`, registerEpoch: epochsInMemory() }),
      )
    }
  })
}
