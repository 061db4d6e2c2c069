import type { Generated } from 'kysely'

/**
 * The tables as rows. Rows never leave this package: the repositories map them. docs/adr/0001 says why each column is there.
 *
 * Poll ids and tally keys are ASCII text with a binary order (`TEXT` on SQLite, `VARCHAR` in utf8mb4_bin on MySQL): readable in a
 * dump, and sorted by every database as JavaScript sorts them. Times are epoch milliseconds.
 */
export interface Database {
  polls: PollsTable
  poll_versions: PollVersionsTable
  surveys: SurveysTable
  ballots: BallotsTable
  tallies: TalliesTable
  turnout: TurnoutTable
  dead_letters: DeadLettersTable
  low_water: LowWaterTable
  queue_epochs: QueueEpochsTable
  settings: SettingsTable
}

export interface PollsTable {
  poll_id: string
  /** JSON. */
  definition: string
  /** 0 or 1: what the definition says, where an index can see it. */
  listed: number
  revision: number
  secret_sealed: Uint8Array
  created_at_ms: number
  deleted_at_ms: number | null
}

export interface PollVersionsTable {
  poll_id: string
  version: number
  opens_at_ms: number | null
  closes_at_ms: number | null
  created_at_ms: number
}

export interface SurveysTable {
  survey_id: Generated<number>
  poll_id: string
}

export interface BallotsTable {
  poll_id: string
  /** 16 bytes. */
  voter_key: Uint8Array
  poll_version: number
  /** 16 bytes. */
  seq: Uint8Array
  /** 16 bytes. */
  rank: Uint8Array
  /** JSON. */
  answers: string
  /** JSON; null: the voter's first ballot. */
  prev_answers: string | null
  /** 8 bytes: the attempt that wrote the row last. */
  batch_id: Uint8Array
}

export interface TalliesTable {
  poll_id: string
  question: number
  tally_key: string
  shard: number
  /** Signed: a shard may be below zero. */
  n: number
}

export interface TurnoutTable {
  poll_id: string
  shard: number
  n: number
}

export interface DeadLettersTable {
  /** 16 bytes. */
  seq: Uint8Array
  reason: string
  detail: string
  at_ms: number
  payload_sealed: Uint8Array
}

export interface LowWaterTable {
  epoch: number
  stream: number
  /** 16 bytes. */
  below: Uint8Array
  at_ms: number
  beat: number
}

export interface QueueEpochsTable {
  epoch: Generated<number>
  /** At most 64 bytes. */
  identity: Uint8Array
}

export interface SettingsTable {
  name: string
  value: string
}
