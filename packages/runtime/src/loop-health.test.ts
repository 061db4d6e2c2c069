import { expect, it } from 'vitest'
import { createLoopHealth } from './loop-health.ts'

it('a loop is healthy while it turned within 60 s, from its making on', () => {
  let nowMs = 1_000
  const health = createLoopHealth({ clock: () => nowMs })
  expect(health.healthy(61_000)).toBe(true) // made at 1 s, 60 s ago
  expect(health.healthy(61_001)).toBe(false)
  nowMs = 50_000
  health.beat()
  nowMs = 110_000
  expect(health.healthy()).toBe(true)
  nowMs = 110_001
  expect(health.healthy()).toBe(false)
})
