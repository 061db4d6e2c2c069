import { chmodSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type RedisAddress, redisConnection, redisStreamsQueue } from '@urna/queue'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freePort } from '../support/free-port.ts'
import { EpochsInMemory, sampleBallot } from './redis-subjects.ts'
import { makeCertificates } from './support/certificates.ts'
import { RedisServer, redisKinds } from './support/redis-servers.ts'

for (const kind of redisKinds) {
  const what = `encrypted connections: ${kind.name}`
  describe.skipIf(kind.missing !== null)(kind.missing === null ? what : `${what} (skipped: ${kind.missing})`, () => {
    let server: RedisServer
    let tlsPort: number
    let folder: string
    const queues: { close(): Promise<void> }[] = []

    beforeAll(async () => {
      const place = kind.root === '' ? tmpdir() : join(kind.root, 'tmp')
      mkdirSync(place, { recursive: true })
      folder = makeCertificates('localhost', place)
      chmodSync(folder, 0o755)
      const at = (file: string) => join(folder.slice(kind.root.length), file)
      tlsPort = await freePort()
      server = await RedisServer.start(kind, {
        settings: {
          'tls-port': String(tlsPort),
          'tls-cert-file': at('server.pem'),
          'tls-key-file': at('server.key'),
          'tls-ca-cert-file': at('ca.pem'),
          'tls-auth-clients': 'no',
        },
      })
    })
    afterAll(async () => {
      for (const queue of queues) await queue.close()
      await server?.remove()
      rmSync(folder, { recursive: true })
    })

    /** Whether a ballot gets into the queue over such a connection; why not, else. */
    async function publishOver(host: string, tls: RedisAddress['tls']): Promise<string> {
      const refusals: string[] = []
      const queue = redisStreamsQueue({
        connection: redisConnection({ host, port: tlsPort, user: null, password: null, tls }),
        prefix: 'tls',
        replayWindowMs: 0,
        registerEpoch: new EpochsInMemory().register,
        onEvent: (event) => {
          if (event.kind === 'disconnected') refusals.push(event.error.message)
        },
      })
      queues.push(queue)
      const publisher = await queue.publisher()
      try {
        await publisher.publish(sampleBallot())
        return 'published'
      } catch {
        return refusals.join()
      } finally {
        await publisher.close()
      }
    }

    it('take ballots where the certificate is right, and none where it is not', async () => {
      const ca = readFileSync(join(folder, 'ca.pem'), 'utf8')
      expect(await publishOver('localhost', { ca })).toBe('published')
      expect(await publishOver('localhost', { ca: null })).toMatch(/certificate/)
      // Made out to a name, not to this address.
      expect(await publishOver('127.0.0.1', { ca })).toMatch(/altnames|does not match/)
    })
  })
}
