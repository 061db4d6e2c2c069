import { compose } from '@urna/api/compose'
import { runProcess } from '@urna/runtime'

/** The api as it is shipped, but that it keeps no copy of results: what the caches are measured against. No setting does this. */
await runProcess(process.env, {
  name: 'api',
  compose: (config, logger) => compose(config, logger, { resultsKeepMs: 0 }),
  mendable: [],
  startCommand: 'node test/load/uncached-api.ts',
  stopMsMax: 6_000,
})
