import { describe, expect, it } from 'vitest'
import { includesPosition } from './mariadb-gtids.ts'

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
