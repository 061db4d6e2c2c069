import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { Consumer, Janitor, JudgedPolls } from '@urna/consumer'
import { openMasterKey, type Poll, type Published, receiptStatus, tallyKeys } from '@urna/core'
import { sampleDefinition, sampleDraft, voterKeyOf } from '@urna/core/testing/counting-samples'
import { InMemoryBallots } from '@urna/core/testing/in-memory-ballots'
import { InMemoryPolls } from '@urna/core/testing/in-memory-polls'
import { expect, it } from 'vitest'
import { describeRedis, EpochsInMemory, openQueue, until } from './redis-subjects.ts'
import { RedisServer } from './support/redis-servers.ts'

const voters = 600

/** What a voter sent that was accepted, oldest first. */
interface Voter {
  readonly key: Buffer
  readonly accepted: { readonly published: Published; readonly answer: string }[]
}

describeRedis('counting out of the queue', ({ kind }) => {
  for (const changesAllowed of [true, false]) {
    const which = changesAllowed ? 'last accepted ballot of each voter' : 'first one, where the poll allows no changes,'
    it(`counts the ${which} exactly once, while Redis is killed, hangs and drops connections, and consumers end half-way`, async () => {
      const server = await RedisServer.start(kind)
      const database = new InMemoryBallots()
      const polls = new InMemoryPolls()
      const definition = sampleDefinition({ changesAllowed })
      const poll: Poll = sampleDraft({ definition, version: { version: 2, opensAtMs: 0, closesAtMs: null } })
      await polls.create(poll)
      const epochs = new EpochsInMemory()
      // Two processes, each api and consumer and janitor.
      const options = { epochs, prefix: 'counting', streams: 2, abandonedAfterMs: 300, publishTimeoutMs: 500, replayWindowMs: 0 }
      const queues = [openQueue(server, options), openQueue(server, options)]
      const publishers = await Promise.all(queues.map((queue) => queue.publisher()))
      const subscribers = await Promise.all(queues.map((queue, index) => queue.subscribe(`consumer-${index}`)))
      const dies = () => {
        if (Math.random() < 0.05) throw new Error('ended half-way')
      }
      const consumers = subscribers.map((subscriber, shard) => {
        const judgedPolls = new JudgedPolls(polls)
        const masterKey = openMasterKey(randomBytes(32))
        const onEvent = () => {}
        return new Consumer({
          subscriber,
          ballots: database.repository,
          judgedPolls,
          masterKey,
          shard,
          batchBallotsMax: 40,
          retryDelayMsMax: 20,
          crashPoint: dies,
          onEvent,
        })
      })
      const janitors = queues.map(
        (queue) => new Janitor({ ballots: database.repository, queue: queue.maintenance, everyMs: 40, onEvent: () => {} }),
      )
      const running = [...consumers, ...janitors].map((loop) => loop.run())

      let refused = 0
      const vote = async (index: number): Promise<Voter> => {
        const voter: Voter = { key: voterKeyOf(index), accepted: [] }
        const publisher = publishers[index % 2]
        for (let ballot = 0; ballot < 1 + (index % 3); ballot++) {
          await delay(Math.random() * 1_500)
          const answer = String(1 + Math.floor(Math.random() * 3))
          for (;;) {
            const published = await publisher
              ?.publish({ pollId: poll.id, pollVersion: 2, voterKey: voter.key, answers: [answer] })
              .catch(() => undefined)
            if (published !== undefined) {
              voter.accepted.push({ published, answer })
              break
            }
            refused++
            await delay(20)
          }
        }
        return voter
      }
      const voting = Promise.all(Array.from({ length: voters }, (_, index) => vote(index)))
      for (let trouble = 0; trouble < 6; trouble++) {
        await delay(300)
        if (trouble % 3 === 0) {
          await server.kill()
          await server.startAgain()
        } else if (trouble % 3 === 1) {
          server.pause()
          await delay(700)
          server.resume()
        } else {
          await server.ask(['CLIENT', 'KILL', 'TYPE', 'normal'])
        }
      }
      const all = await voting
      await until(async () => (await queues[0]?.depth().catch(() => null))?.ballots === 0, 'all is counted', 30_000)
      await delay(200) // some beats more
      for (const loop of [...consumers, ...janitors]) await loop.stop()
      await Promise.all(running)

      expect(refused).toBeGreaterThan(0)
      const { stored, counted } = await database.results.recount(poll.id, (answers) => tallyKeys(definition, answers))
      expect(stored.turnout).toBe(voters)
      expect(counted).toEqual(stored)
      const statusOf = receiptStatus({ ballots: database.repository })
      for (const { key, accepted } of all) {
        const row = await database.repository.find(poll.id, key)
        // A ballot that was refused may have got in all the same: then it is older than the one accepted after it.
        if (changesAllowed) expect(row?.seq.toString('hex')).toBe(accepted.at(-1)?.published.seq.toString('hex'))
        const states: string[] = []
        for (const { published } of accepted) {
          const { seq } = published
          const stream = queues[0]?.streamOf(seq)
          states.push(await statusOf({ pollId: poll.id, voterKey: key, seq }, { changesAllowed, version: poll.version }, stream))
        }
        const [first, ...others] = states
        if (changesAllowed) expect(states).toEqual([...states.slice(1).map(() => 'replaced'), 'counted'])
        else expect([first === 'rejected' ? 'counted' : first, ...others]).toEqual(['counted', ...others.map(() => 'rejected')])
      }
      expect(database.deadLetters).toEqual([])
      const kept = await server.ask(['XLEN', '{counting:0}:ballots'])
      expect(kept).toBeLessThan(200) // trimmed behind the low water all the while
      for (const publisher of publishers) await publisher.close()
      for (const queue of queues) await queue.close()
      await server.remove()
    }, 60_000)
  }
})
