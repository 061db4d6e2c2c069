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
  users: UsersTable
  poll_owners: PollOwnersTable
  sessions: SessionsTable
  sign_in_attempts: SignInAttemptsTable
  api_tokens: ApiTokensTable
  voting_codes: VotingCodesTable
  voter_roll: VoterRollTable
  audit_trail: AuditTrailTable
  audit_head: AuditHeadTable
  poll_activity: PollActivityTable
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

export interface UsersTable {
  user_id: Generated<number>
  username: string
  /** UTF-8: what is unique. */
  username_folded: Uint8Array
  name: string
  second_name: string
  email: string
  /** UTF-8: what a search looks into. */
  search_folded: Uint8Array
  role: string
  password_hash: string | null
  /** 16 bytes. */
  voting_id: Uint8Array
  created_at_ms: number
  updated_at_ms: number
  last_sign_in_at_ms: number | null
}

/** A table of its own: polls were there before users. */
export interface PollOwnersTable {
  poll_id: string
  user_id: number
}

export interface SessionsTable {
  /** 32 bytes. */
  session_hash: Uint8Array
  session_id: string
  user_id: number
  created_at_ms: number
  last_seen_at_ms: number
  label: string
}

export interface SignInAttemptsTable {
  /** 32 bytes. */
  attempt_key: Uint8Array
  failures: number
  last_at_ms: number
}

export interface ApiTokensTable {
  /** 32 bytes. */
  token_hash: Uint8Array
  token_id: string
  user_id: number
  name: string
  /** JSON. */
  scopes: string
  created_at_ms: number
  expires_at_ms: number
  last_used_at_ms: number | null
}

export interface VotingCodesTable {
  poll_id: string
  /** 32 bytes. */
  code_hash: Uint8Array
  code_id: string
  place: number
  label: string
  created_at_ms: number
  revoked_at_ms: number | null
}

export interface VoterRollTable {
  poll_id: string
  user_id: number
}

export interface AuditTrailTable {
  number: number
  at_ms: number
  actor: string
  action: string
  subject: string
  /** JSON. */
  details: string
  /** 32 bytes. */
  hash: Uint8Array
}

/** One row: `head` is 1. */
export interface AuditHeadTable {
  head: number
  number: number
  /** 32 bytes; empty before the first record. */
  hash: Uint8Array
  broken_at: number | null
  /** 32 bytes; empty before the first record. */
  mac: Uint8Array
}

export interface PollActivityTable {
  poll_id: string
  shard: number
  last_at_ms: number
}
