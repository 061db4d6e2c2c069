import { hash } from 'node:crypto'
import { foldedText } from '../folded-text.ts'

/** What somebody may do, see {@link permissions}. A voter signs in to vote, and does nothing else. */
export type Role = 'administrator' | 'organizer' | 'auditor' | 'voter'

export const roles: readonly Role[] = ['administrator', 'organizer', 'auditor', 'voter']

/** An entry of the directory of people. */
export interface User {
  /** From 1; never used again. */
  readonly id: number
  /** As it was written. No two users have names that differ only in case. */
  readonly username: string
  readonly name: string
  /** Together with `name`, one space in between: the full name. Empty where there is only one word. */
  readonly secondName: string
  /** Empty: none. */
  readonly email: string
  readonly role: Role
  /** Somebody without a password cannot sign in. */
  readonly hasPassword: boolean
  readonly createdAtMs: number
  readonly updatedAtMs: number
  readonly lastSignInAtMs: number | null
}

/**
 * 16 random bytes, made with the user: who this is on a voter roll's polls. It goes with the user, and then nobody can tell which ballots were
 * theirs.
 */
export type VotingId = Buffer

export const votingIdBytes = 16

/** What is asked for when a user is made or changed. */
export type UserInput = Pick<User, 'username' | 'name' | 'secondName' | 'email' | 'role'>

/** Names that differ only in case, or in how accents are coded, are one. */
export function foldedUsername(username: string): string {
  return foldedText(username)
}

/** First word -> name, the rest -> secondName; {@link fullName} gives it back. */
export function splitFullName(fullName: string): { name: string; secondName: string } {
  const space = fullName.indexOf(' ')
  return space < 0 ? { name: fullName, secondName: '' } : { name: fullName.slice(0, space), secondName: fullName.slice(space + 1) }
}

/** What a search of the directory looks into: username, full name and email, each on a line of its own, folded. */
export function searchedText(user: Pick<User, 'username' | 'name' | 'secondName' | 'email'>): string {
  return foldedText(`${user.username}\n${fullName(user)}\n${user.email}`)
}

export function fullName({ name, secondName }: Pick<User, 'name' | 'secondName'>): string {
  return secondName === '' ? name : `${name} ${secondName}`
}

/** What is kept of a session's, an API token's or a voting code's secret: 32 bytes. All of them are random, so a plain hash is enough. */
export function secretHash(secret: string | Uint8Array): Buffer {
  return hash('sha256', secret, 'buffer')
}
