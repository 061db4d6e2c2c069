import type { Role, User } from '@urna/core'

/** Of a user, wherever one is read. */
export const userColumns = [
  'users.user_id',
  'users.username',
  'users.name',
  'users.second_name',
  'users.email',
  'users.role',
  'users.password_hash',
  'users.created_at_ms',
  'users.updated_at_ms',
  'users.last_sign_in_at_ms',
] as const

export interface UserRow {
  readonly user_id: number
  readonly username: string
  readonly name: string
  readonly second_name: string
  readonly email: string
  readonly role: string
  readonly password_hash: string | null
  readonly created_at_ms: number
  readonly updated_at_ms: number
  readonly last_sign_in_at_ms: number | null
}

/** The hash of the password stays here. */
export function toUser(row: UserRow): User {
  return {
    id: row.user_id,
    username: row.username,
    name: row.name,
    secondName: row.second_name,
    email: row.email,
    role: row.role as Role,
    hasPassword: row.password_hash !== null,
    createdAtMs: row.created_at_ms,
    updatedAtMs: row.updated_at_ms,
    lastSignInAtMs: row.last_sign_in_at_ms,
  }
}
