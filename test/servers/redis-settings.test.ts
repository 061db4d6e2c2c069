import { QueueUnavailableError } from '@urna/core'
import { readServerInfo, UnusableRedisError } from '@urna/queue/redis-streams/settings-check'
import { describe, expect, it } from 'vitest'
import { describeRedis, openQueue, sampleBallot, until } from './redis-subjects.ts'
import { RedisServer } from './support/redis-servers.ts'

describeRedis('settings of the server', ({ kind }) => {
  /** What is said about a Redis with these settings, and whether it takes ballots. */
  async function saidAbout(settings: Record<string, string>): Promise<{ setting: string; value: string | null; message: string }[]> {
    const server = await RedisServer.start(kind, { settings })
    const queue = openQueue(server)
    const publisher = await queue.publisher()
    await publisher.publish(sampleBallot())
    await queue.maintenance.depth()
    await queue.close()
    await server.remove()
    return queue.events.flatMap((event) => (event.kind === 'settings' ? [event] : []))
  }

  it('says nothing about the settings that the promise needs', async () => {
    expect(await saidAbout({})).toEqual([])
    expect(await saidAbout({ maxmemory: '100mb', 'maxmemory-policy': 'noeviction' })).toEqual([])
  })

  it('warns, once for all connections, where confirmed ballots can be lost, and says which', async () => {
    expect(await saidAbout({ appendfsync: 'everysec' })).toMatchObject([
      { setting: 'appendfsync', value: 'everysec', message: expect.stringContaining('last second') },
    ])
    expect(await saidAbout({ appendfsync: 'no' })).toMatchObject([
      { setting: 'appendfsync', value: 'no', message: expect.stringContaining('half minute') },
    ])
    expect(await saidAbout({ appendonly: 'no' })).toMatchObject([
      { setting: 'appendonly', value: 'no', message: expect.stringContaining('snapshot') },
    ])
    expect(await saidAbout({ maxmemory: '100mb', 'maxmemory-policy': 'allkeys-lru' })).toMatchObject([
      { setting: 'maxmemory-policy', value: 'allkeys-lru', message: expect.stringContaining('throw away') },
    ])
  })

  it('warns that it cannot know where CONFIG is forbidden', async () => {
    const server = await RedisServer.start(kind)
    await server.ask(['ACL', 'SETUSER', 'default', '-config'])
    const queue = openQueue(server)
    await (await queue.publisher()).publish(sampleBallot())
    expect(queue.events).toMatchObject([{ kind: 'settings', setting: 'unknown', value: null }, { kind: 'epoch' }, { kind: 'connected' }])
    await queue.close()
    await server.remove()
  })

  it('looks again when Redis was started again', async () => {
    const server = await RedisServer.start(kind)
    const queue = openQueue(server)
    const publisher = await queue.publisher()
    await server.ask(['CONFIG', 'SET', 'appendfsync', 'everysec'])
    expect(queue.events.filter((event) => event.kind === 'settings')).toEqual([])
    server.settings.appendfsync = 'everysec'
    await server.restart()
    await until(() => publisher.check(), 'it is back')
    expect(queue.events.filter((event) => event.kind === 'settings')).toMatchObject([{ setting: 'appendfsync' }])
    await queue.close()
    await server.remove()
  })

  it('says how far the clocks differ', async () => {
    const server = await RedisServer.start(kind)
    const now = Date.now
    Date.now = () => now() - 60_000
    try {
      const queue = openQueue(server)
      await queue.publisher()
      const [clock] = queue.events.flatMap((event) => (event.kind === 'clock' ? [event] : []))
      expect(clock?.differenceMs).toBeGreaterThan(59_000)
      expect(clock?.differenceMs).toBeLessThan(61_000)
      await queue.close()
    } finally {
      Date.now = now
    }
    await server.remove()
  })

  it('says why it is not let in', async () => {
    const server = await RedisServer.start(kind, { settings: { requirepass: 'secret' } })
    const queue = openQueue(server)
    await expect((await queue.publisher()).publish(sampleBallot())).rejects.toBeInstanceOf(QueueUnavailableError)
    const [said] = queue.events
    expect(said).toMatchObject({ kind: 'disconnected', error: { message: expect.stringContaining('NOAUTH') } })
    await queue.close()
    await server.remove()
  })
})

describe('the version of Redis', () => {
  it('must be 7.0 at least', () => {
    expect(() => readServerInfo('redis_version:6.2.14\r\nrun_id:abc\r\n')).toThrow(UnusableRedisError)
    expect(() => readServerInfo('nothing')).toThrow(UnusableRedisError)
    expect(readServerInfo('redis_version:7.0.0\r\nrun_id:abc\r\n')).toEqual({ runId: 'abc' })
    expect(readServerInfo('redis_version:10.1.0\r\nos:x\r\nrun_id:abc\r\n')).toEqual({ runId: 'abc' })
  })

  it('may hide its run id: then the queue is told from another by its own id alone', () => {
    expect(readServerInfo('redis_version:7.2.4\r\n')).toEqual({ runId: '' })
  })
})
