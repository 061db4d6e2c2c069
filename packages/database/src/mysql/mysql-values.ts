import type { FieldPacket } from 'mysql2'
import { codedError, numberRefusedCode, numberUnreadableCode } from '../database-errors.ts'

export type Parameter = string | number | bigint | Buffer | null

/**
 * What a statement may be given. Everything else is a programmer's error: mysql2 would turn an object into SQL. A number that is stored
 * must be a whole one that JavaScript holds exactly: MySQL rounds fractions into an integer column without a word. To one that is only
 * looked for nothing is equal.
 */
export function toParameter(value: unknown, isStored: boolean): Parameter {
  switch (typeof value) {
    case 'string':
    case 'bigint':
      return value
    case 'number':
      if (isStored && !Number.isSafeInteger(value)) {
        throw codedError(numberRefusedCode, 'a number is no whole one, or too large to be exact')
      }
      return Number.isFinite(value) ? value : null
    default:
      if (value === null) return null
      if (Buffer.isBuffer(value)) return value
      if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength)
      throw new TypeError(`a ${typeof value} cannot be a parameter of a statement`)
  }
}

// BIGINT, and DECIMAL, which sums of integers are.
const longNumberTypes = new Set([0x08, 0x00, 0xf6])

/** 64-bit integers and sums come as text, so that nothing is rounded; here they become numbers, in place, or an error. */
export function readLongNumbers(rows: readonly Record<string, unknown>[], fields: readonly FieldPacket[]): void {
  for (const { name, columnType } of fields) {
    if (columnType === undefined || !longNumberTypes.has(columnType)) continue
    for (const row of rows) {
      const text = row[name]
      if (text === null) continue
      const number = Number(text)
      if (!Number.isSafeInteger(number)) throw codedError(numberUnreadableCode, `${name} is too large to be exact`)
      row[name] = number
    }
  }
}
