import { expect, it } from 'vitest'
import { addressHashes } from './address-hash.ts'
import { openMasterKey } from './master-key.ts'

const noonMs = Date.UTC(2026, 10, 21, 12)
const hourMs = 3_600_000

it('an address is the same all day, another one tomorrow, and another one with another key', () => {
  let nowMs = noonMs
  const clock = { nowMs: () => nowMs }
  const hashOf = addressHashes(openMasterKey(Buffer.alloc(32, 7)), clock)
  const hash = hashOf('192.0.2.1')
  expect(hash).toMatch(/^[\w-]{22}$/) // 16 bytes
  expect(hashOf('192.0.2.2')).not.toBe(hash)
  expect(addressHashes(openMasterKey(Buffer.alloc(32, 8)), clock)('192.0.2.1')).not.toBe(hash)
  nowMs = noonMs + 12 * hourMs - 1
  expect(hashOf('192.0.2.1')).toBe(hash)
  nowMs++
  expect(hashOf('192.0.2.1')).not.toBe(hash)
  nowMs--
  expect(hashOf('192.0.2.1')).toBe(hash)
})

it('addresses that count as one have one hash', () => {
  const hashOf = addressHashes(openMasterKey(Buffer.alloc(32, 7)), { nowMs: () => noonMs })
  expect(hashOf('2001:db8:1:2::1')).toBe(hashOf('2001:0DB8:1:2:f:f:f:f'))
  expect(hashOf('2001:db8:1:3::1')).not.toBe(hashOf('2001:db8:1:2::1'))
  expect(hashOf('::ffff:192.0.2.1')).toBe(hashOf('192.0.2.1'))
})
