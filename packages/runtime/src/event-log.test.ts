import { Registry } from 'prom-client'
import { expect, it, vi } from 'vitest'
import { createEventLog } from './event-log.ts'

it('every event is counted; one that comes often is logged now and then', async () => {
  const registry = new Registry()
  const lines: string[] = []
  const write = (level: string) => (fields: object, message: string) => lines.push(`${level} ${message} ${JSON.stringify(fields)}`)
  const tell = createEventLog({
    logger: { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') },
    registry,
  })
  vi.useFakeTimers()
  try {
    for (let round = 0; round < 3; round++) {
      tell('redis', { kind: 'wiped', level: 'error', message: 'the queue is gone', fields: { stream: 0 } })
      tell('sqs', { kind: 'failed', level: 'warn', message: 'SQS failed to send', often: true })
    }
    vi.advanceTimersByTime(10_000)
    tell('sqs', { kind: 'failed', level: 'warn', message: 'SQS failed to send', often: true })
  } finally {
    vi.useRealTimers()
  }
  const wiped = 'error the queue is gone {"source":"redis","stream":0}'
  const failed = 'warn SQS failed to send {"source":"sqs"}'
  expect(lines).toEqual([wiped, failed, wiped, wiped, failed])
  const text = await registry.metrics()
  expect(text).toContain('urna_events_total{source="redis",event="wiped"} 3')
  expect(text).toContain('urna_events_total{source="sqs",event="failed"} 4')
})
