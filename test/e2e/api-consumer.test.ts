import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { describeServers } from '../servers/support/mysql-suites.ts'
import { RedisServer, redisKinds, removeRedisServers } from '../servers/support/redis-servers.ts'
import { getJson, openPoll, send, settledResults, until } from '../support/client.ts'
import { ServerProcesses } from '../support/server-processes.ts'

const redisKind = redisKinds.find(({ missing }) => missing === null)
const singleChoice = { title: 'Tea?', questions: [{ text: 'Tea?', options: [{ text: 'tea' }, { text: 'coffee' }] }] }

describe.skipIf(redisKind === undefined)('api and consumer', () => {
  describeServers('on Redis', (suite) => {
    let redis: RedisServer
    let urna: ServerProcesses
    beforeAll(async () => {
      redis = await RedisServer.start(redisKind as NonNullable<typeof redisKind>)
      const database = await suite.server.createDatabase()
      urna = new ServerProcesses({
        database,
        primary: suite.server.connection,
        queue: { REDIS_HOST: '127.0.0.1', REDIS_PORT: String(redis.port) },
      })
      await urna.prepare()
    })
    afterEach(() => urna.stopAll())
    afterAll(removeRedisServers)

    it('a vote travels from HTTP to results', async () => {
      const [api, consumer] = [await urna.api(), await urna.consumer()]
      await Promise.all([api.ready(), consumer.ready()])
      const poll = await openPoll(api.url, singleChoice)
      const answer = await send('POST', `${api.url}/v1/polls/${poll.id}/ballots`, { body: { answers: [{ question: 1, options: [1] }] } })
      expect(answer.status).toBe(202)
      const { receipt } = JSON.parse(answer.text) as { receipt: string }
      const results = await settledResults(api.url, poll.id)
      expect(results.turnout).toBe(1)
      expect(
        await until(async () => {
          const { status } = await getJson<{ status: string }>(`${api.url}/v1/receipts/${receipt}`)
          return status === 'counted' ? status : null
        }),
      ).toBe('counted')
      expect(await consumer.stop()).toEqual({ code: 0, signal: null })
      expect(await api.stop()).toEqual({ code: 0, signal: null })
    })
  })
})
