import { afterEach, expect, it } from 'vitest'
import { type HealthServer, type HealthServerOptions, startHealthServer } from './health-server.ts'

let server: HealthServer
afterEach(() => server.close())

async function start(changes: Partial<HealthServerOptions> = {}) {
  server = await startHealthServer({
    port: 0,
    host: '127.0.0.1',
    isAlive: () => true,
    readiness: async () => ({ database: { ok: true } }),
    metrics: { contentType: 'text/plain; version=0.0.4', text: async () => 'up 1\n' },
    ...changes,
  })
  return async (path: string, method = 'GET') => {
    const response = await fetch(`http://127.0.0.1:${server.port}${path}`, { method })
    return [response.status, await response.text()]
  }
}

it('answers health, readiness with each dependency, and metrics', async () => {
  const get = await start()
  expect(await get('/healthz')).toEqual([200, '{"message":"OK"}'])
  expect(await get('/readyz')).toEqual([200, '{"ready":true,"dependencies":{"database":{"ok":true}}}'])
  expect(await get('/metrics?x=1')).toEqual([200, 'up 1\n'])
  expect(await get('/healthz', 'HEAD')).toEqual([200, ''])
})

it('says no, and never falls over', async () => {
  const get = await start({
    isAlive: () => false,
    readiness: async () => ({ database: { ok: true }, exports: { ok: false } }),
    metrics: { contentType: 'text/plain', text: () => Promise.reject(new Error('no')) },
  })
  expect(await get('/healthz')).toEqual([503, '{"message":"the loop does not turn"}'])
  expect(await get('/readyz')).toEqual([503, '{"ready":false,"dependencies":{"database":{"ok":true},"exports":{"ok":false}}}'])
  expect((await get('/metrics'))[0]).toBe(500)
  expect((await get('/healthz', 'POST'))[0]).toBe(405)
  expect((await get('/elsewhere'))[0]).toBe(404)
})
