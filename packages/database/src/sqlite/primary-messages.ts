import { asBuffer } from '@urna/core'
import type { QueryResult } from 'kysely'

/**
 * What the main thread says to the thread that owns the file. `transaction` is a number that the asker chose; without one a statement
 * stands alone. Everything is a structured clone: numbers, texts, bigints, null and bytes.
 */
export type PrimaryRequest = { readonly id: number } & PrimaryOrder

export type PrimaryOrder =
  | { readonly kind: 'begin'; readonly transaction: number; readonly readOnly: boolean }
  | { readonly kind: 'run'; readonly transaction: number | null; readonly sql: string; readonly parameters: readonly unknown[] }
  | { readonly kind: 'commit' | 'rollback'; readonly transaction: number }

export type PrimaryAnswer =
  | { readonly id: number; readonly result: QueryResult<Record<string, unknown>> | null }
  | { readonly id: number; readonly failure: { readonly name: string; readonly message: string; readonly code: string | undefined } }

/**
 * Bytes for a message. A Buffer is often a window on a larger memory, and a structured clone would copy all of that: other people's
 * bytes too.
 */
export function cloneable(value: unknown): unknown {
  return value instanceof Uint8Array && value.byteLength !== value.buffer.byteLength ? Uint8Array.from(value) : value
}

/** Bytes out of a message: a Buffer arrives as a Uint8Array, and becomes what the driver would have given. */
export function received(value: unknown): unknown {
  return value instanceof Uint8Array ? asBuffer(value) : value
}

export function mapRow(row: Record<string, unknown>, map: (value: unknown) => unknown): Record<string, unknown> {
  for (const column in row) row[column] = map(row[column])
  return row
}
