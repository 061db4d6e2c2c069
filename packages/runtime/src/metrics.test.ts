import { Counter } from 'prom-client'
import { expect, it } from 'vitest'
import { createMetrics } from './metrics.ts'

it('metrics have the defaults and the build, and two of them in one process stay apart', async () => {
  const first = createMetrics({ service: 'standalone', version: '1.2.3' })
  const second = createMetrics({ service: 'api', version: '1.2.3' })
  new Counter({ name: 'ballots_total', help: 'Ballots.', registers: [first.registry] }).inc(3)
  const text = await first.text()
  expect(first.contentType).toContain('text/plain')
  expect(text).toContain('urna_build_info{service="standalone",version="1.2.3"} 1')
  expect(text).toContain('process_cpu_seconds_total')
  expect(text).toContain('ballots_total 3')
  expect(await second.text()).not.toContain('ballots_total')
})
