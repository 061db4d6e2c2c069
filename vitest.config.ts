import { defineConfig } from 'vitest/config'

/** Tests that start database and queue servers of their own: minutes, so `make test-servers` runs them. */
const onServers = ['test/servers/**/*.test.ts', 'test/e2e/{api-consumer*,cluster,load-balancer,routing}.test.ts']
const wanted = process.env.TEST_SERVERS === '1'

export default defineConfig({
  test: {
    include: wanted ? onServers : ['{packages,apps}/*/src/**/*.test.{ts,tsx}', 'test/**/*.test.ts', 'scripts/*.test.ts'],
    exclude: wanted ? [] : onServers,
    testTimeout: 30_000,
    hookTimeout: 30_000,
    maxWorkers: 2,
  },
})
