import { defineConfig } from 'vitest/config'

/** Tests that start database and queue servers of their own: minutes. */
const onServers = ['test/servers/**/*.test.ts', 'test/e2e/{api-consumer*,cluster,load-balancer,logs,planted-secrets,routing}.test.ts']
/** The suites that the adapters for servers pass too, on what needs no server: rows of the same table. */
const sameSuites = [
  'packages/core/src/testing/in-memory-database.test.ts',
  'packages/database/src/sqlite/sqlite-contracts.test.ts',
  'packages/queue/src/embedded/embedded-queue.test.ts',
  'apps/jobs/src/directory-export-store.test.ts',
]
const all = ['{packages,apps}/*/src/**/*.test.{ts,tsx}', 'test/**/*.test.ts', 'scripts/*.test.ts']

const sets = {
  all: { include: all, exclude: [] },
  quick: { include: all, exclude: onServers },
  servers: { include: [...sameSuites, ...onServers], exclude: [] },
}
const wanted = process.env.TESTS ?? 'quick'
if (!(wanted in sets)) throw new Error(`TESTS: expected one of ${Object.keys(sets).join(', ')}; got ${wanted}`)

export default defineConfig({
  test: {
    ...sets[wanted as keyof typeof sets],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    maxWorkers: 2,
  },
})
