import { afterEach, describe, expect, it } from 'vitest'
import { type HealthServer, type HealthServerOptions, startHealthServer } from './health-server.ts'

const servers: HealthServer[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close()
})

async function start(changes: Partial<HealthServerOptions> = {}): Promise<string> {
  const server = await startHealthServer({
    port: 0,
    host: '127.0.0.1',
    isAlive: () => true,
    readiness: async () => ({ queue: { ok: true }, database: { ok: true } }),
    metrics: { contentType: 'text/plain; version=0.0.4', text: async () => 'up 1\n' },
    compatible: { queue: 'queue', database: 'database' },
    ...changes,
  })
  servers.push(server)
  return `http://127.0.0.1:${server.port}`
}

async function ask(url: string, init: RequestInit = {}): Promise<[number, string]> {
  const answer = await fetch(url, init)
  return [answer.status, await answer.text()]
}

describe('the health of a process', () => {
  it('when all is well', async () => {
    const url = await start()
    expect(await ask(`${url}/healthz`)).toEqual([200, '{"message":"OK"}'])
    expect(await ask(`${url}/readyz?x=1`)).toEqual([200, '{"ready":true,"dependencies":{"queue":{"ok":true},"database":{"ok":true}}}'])
    expect(await ask(`${url}/metrics`)).toEqual([200, 'up 1\n'])
    expect(await ask(`${url}/api/healthcheck`)).toEqual([200, '{"sqsStatus":"OK"}'])
    expect(await ask(`${url}/api/healthchecksqs`)).toEqual([200, '{"sqsStatus":"OK"}'])
    expect(await ask(`${url}/api/healthcheckmysql`)).toEqual([200, '{"mysqlStatus":"OK"}'])
    expect(await ask(`${url}/healthz`, { method: 'HEAD' })).toEqual([200, ''])
  })

  it('alive is another thing than ready', async () => {
    const url = await start({ readiness: async () => ({ queue: { ok: true }, database: { ok: false } }) })
    expect((await ask(`${url}/healthz`))[0]).toBe(200)
    expect((await ask(`${url}/readyz`))[0]).toBe(503)
    expect(await ask(`${url}/api/healthchecksqs`)).toEqual([200, '{"sqsStatus":"OK"}'])
    expect(await ask(`${url}/api/healthcheckmysql`)).toEqual([503, '{"mysqlStatus":"NOK"}'])
    const other = await start({ isAlive: () => false })
    expect(await ask(`${other}/healthz`)).toEqual([503, '{"message":"the loop does not turn"}'])
    expect((await ask(`${other}/readyz`))[0]).toBe(200)
  })

  it('has nothing else, takes nothing, and survives what fails', async () => {
    const url = await start({ readiness: () => Promise.reject(new Error('a secret')) })
    expect((await ask(`${url}/`))[0]).toBe(404)
    const withoutOlderClients = await start({ compatible: undefined as never })
    expect((await ask(`${withoutOlderClients}/api/healthchecksqs`))[0]).toBe(404)
    expect((await ask(`${url}/healthz`, { method: 'POST', body: 'x' }))[0]).toBe(405)
    expect(await ask(`${url}/readyz`)).toEqual([500, '{"message":"failed"}'])
    const unmeasured = await start({ metrics: { contentType: 'text/plain', text: () => Promise.reject(new Error('a secret')) } })
    expect(await ask(`${unmeasured}/metrics`)).toEqual([500, '{"message":"failed"}'])
    expect((await ask(`${unmeasured}/healthz`))[0]).toBe(200)
  })

  it('says that its port is taken', async () => {
    const url = await start()
    await expect(start({ port: Number(new URL(url).port) })).rejects.toMatchObject({ code: 'EADDRINUSE' })
  })
})
