import { describe, expect, it } from 'vitest'
import { commitsBeyond, includesEachServer, includesPosition } from './mariadb-gtids.ts'

describe('positions of MariaDB', () => {
  it.each([
    ['', '', true],
    ['0-1-5', '', true],
    ['', '0-1-1', false],
    ['0-1-5', '0-1-5', true],
    ['0-1-5', '0-1-6', false],
    // Another server wrote it after a failover: the domain is what orders them.
    ['0-2-7', '0-1-6', true],
    ['0-1-10', '0-1-9', true],
    ['0-1-18446744073709551615', '0-1-18446744073709551614', true],
    ['0-1-5, 1-1-3', '1-1-3,0-1-4', true],
    ['0-1-5', '0-1-5,1-1-1', false],
    // A state names each server of a domain.
    ['0-1-5,0-2-9', '0-1-8', true],
  ])('%j includes %j: %s', (applied, position, included) => {
    expect(includesPosition(applied, position)).toBe(included)
  })
})

describe("a replica's own commits", () => {
  it.each([
    ['none', '0-1-5', '', []],
    ['only what it applied', '0-1-5', '0-1-5', []],
    ['it logs what it applies, and is just at it', '0-1-5', '0-1-6', []],
    // The primary was at 0-1-9 when the replica, at 0-1-5, was promoted: only the server tells its 7 from the primary\'s.
    ['it was promoted', '0-1-5', '0-2-7', ['0-2-7']],
    ['it was promoted before anything was applied', '', '0-2-1', ['0-2-1']],
    ['in a domain of its own', '0-1-5', '0-1-5, 7-2-1', ['7-2-1']],
    // Somebody made a user on it; later commits of the primary have been applied since.
    ['long ago', '0-1-90', '0-2-7', []],
  ])('%s', (_what, applied, logged, own) => {
    expect(commitsBeyond(applied, logged, 1)).toEqual(own)
  })
})

describe('what stands in a binary log', () => {
  it.each([
    ['never a replica', '0-1-5', '', true],
    ['it was promoted, and did not log what it applied', '0-2-9', '0-1-5', false],
    ['it was promoted, and logged that too', '0-1-5,0-2-9', '0-1-5', true],
    ['its log was reset', '', '0-1-5', false],
    ['a part is missing', '0-1-4,0-2-9', '0-1-5', false],
  ])('%s', (_what, state, position, included) => {
    expect(includesEachServer(state, position)).toBe(included)
  })
})
