import { ForeignMasterKeyError, RetryableDatabaseError } from '@urna/core'
import { afterEach, describe, expect, it } from 'vitest'
import { ServerAwayError, type ServerEvent, WatchedServer } from './fallback-server.ts'
import { NotPreparedError } from './read-installation.ts'

const lost = () => new RetryableDatabaseError('lost', { cause: Object.assign(new Error('lost'), { code: 'URNA_CONNECTION_LOST' }) })
const deadlock = () => new RetryableDatabaseError('deadlock', { cause: Object.assign(new Error('deadlock'), { code: 'MYSQL_1213' }) })

const opened: WatchedServer[] = []
afterEach(async () => {
  for (const server of opened.splice(0)) await server.close()
})

/** A server whose probe says what the test says; it is probed as fast as can be. */
function watched(probe: () => Promise<{ isReadOnly: boolean }>) {
  const events: ServerEvent[] = []
  const server = new WatchedServer({ name: 'primary', probe, onEvent: (event) => events.push(event), probeEveryMs: 5, checkEveryMs: 10 })
  opened.push(server)
  return { server, events, kinds: () => events.map(({ kind }) => kind) }
}

async function until(condition: () => boolean): Promise<void> {
  for (let round = 0; round < 1_000 && !condition(); round++) await new Promise((resolve) => setTimeout(resolve, 2))
  expect(condition()).toBe(true)
}

describe('a watched server', () => {
  it('is used only after a probe found it', async () => {
    let answers = false
    const { server, kinds } = watched(async () => {
      if (!answers) throw lost()
      return { isReadOnly: false }
    })
    await expect(server.run(async () => 'asked')).rejects.toThrow(ServerAwayError)
    server.start()
    expect(await server.whenUp(20)).toBe(false)
    answers = true
    expect(await server.whenUp(5_000)).toBe(true)
    expect(await server.run(async () => 'asked')).toBe('asked')
    expect(kinds()).toEqual(['down', 'up'])
  })

  it('is left alone as soon as a call finds it away, and probed at once', async () => {
    let probes = 0
    let answers = true
    const { server, kinds } = watched(async () => {
      probes++
      if (!answers) throw lost()
      return { isReadOnly: false }
    })
    server.start()
    await server.whenUp(5_000)
    answers = false
    await expect(server.run(() => Promise.reject(lost()))).rejects.toThrow('lost')
    let asked = 0
    const probesBefore = probes
    for (let round = 0; round < 100; round++) {
      await expect(server.run(async () => asked++)).rejects.toThrow(ServerAwayError)
    }
    expect(asked).toBe(0)
    await until(() => probes > probesBefore + 3)
    answers = true
    await until(() => server.isUp)
    expect(kinds()).toEqual(['up', 'down', 'up'])
  })

  it('is not away because of an error that says nothing of the server', async () => {
    const { server, kinds } = watched(async () => ({ isReadOnly: false }))
    server.start()
    await server.whenUp(5_000)
    await expect(server.run(() => Promise.reject(deadlock()))).rejects.toThrow('deadlock')
    await expect(server.run(() => Promise.reject(new TypeError('a mistake')))).rejects.toThrow('a mistake')
    expect([server.isUp, kinds()]).toEqual([true, ['up']])
  })

  it('is not away because all connections to it are busy', async () => {
    const message = 'no connection to the database was free within 3000 ms'
    const busy = new RetryableDatabaseError(message, { cause: Object.assign(new Error(message), { code: 'URNA_DATABASE_BUSY' }) })
    let probes = 0
    const { server, kinds } = watched(async () => {
      if (++probes > 1) throw busy
      return { isReadOnly: false }
    })
    server.start()
    await server.whenUp(5_000)
    await expect(server.run(() => Promise.reject(busy))).rejects.toThrow('was free within')
    await until(() => probes > 3)
    expect([server.isUp, kinds()]).toEqual([true, ['up']])
  })

  it('is not away because of a call that began before it came back', async () => {
    let answers = true
    const { server, kinds } = watched(async () => {
      if (!answers) throw lost()
      return { isReadOnly: false }
    })
    server.start()
    await server.whenUp(5_000)
    let giveUp: () => void = () => {}
    const slow = server.run(() => new Promise((_resolve, reject) => (giveUp = () => reject(lost()))))
    answers = false
    await until(() => !server.isUp)
    answers = true
    await until(() => server.isUp)
    giveUp()
    await expect(slow).rejects.toThrow('lost')
    expect([server.isUp, kinds()]).toEqual([true, ['up', 'down', 'up']])
  })

  it('tells each reason once, and a change of its role', async () => {
    let probe: () => { isReadOnly: boolean } = () => {
      throw lost()
    }
    let probes = 0
    const { server, events } = watched(async () => {
      probes++
      return probe()
    })
    const several = async () => {
      const from = probes
      await until(() => probes > from + 3)
    }
    server.start()
    await several()
    probe = () => {
      throw new NotPreparedError('no tables')
    }
    await several()
    probe = () => ({ isReadOnly: true })
    await several()
    probe = () => ({ isReadOnly: false })
    await several()
    expect(events).toEqual([
      { kind: 'down', server: 'primary', code: 'URNA_CONNECTION_LOST', message: 'lost', notPrepared: false },
      { kind: 'down', server: 'primary', code: 'NotPreparedError', message: 'no tables', notPrepared: true },
      { kind: 'up', server: 'primary', isReadOnly: true },
      { kind: 'up', server: 'primary', isReadOnly: false },
    ])
  })

  it('with another master key is nobody’s to use', async () => {
    const { server, kinds } = watched(() => Promise.reject(new ForeignMasterKeyError({ stored: 'theirs', given: 'ours' })))
    server.start()
    expect(await server.whenUp(30)).toBe(false)
    expect(kinds()).toContain('foreign-master-key')
    expect(kinds()).not.toContain('up')
  })

  it('stops to be probed when it is closed, and keeps nobody waiting', async () => {
    let probes = 0
    const { server } = watched(() => {
      probes++
      return Promise.reject(lost())
    })
    server.start()
    const waiting = server.whenUp(60_000)
    await until(() => probes > 2)
    await server.close()
    expect(await waiting).toBe(false)
    const after = probes
    await new Promise((resolve) => setTimeout(resolve, 30))
    expect(probes).toBe(after)
  })
})
