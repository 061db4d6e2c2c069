import type * as contracts from '@urna/contracts'
import { type ApiToken, type AuditRecord, fullName, type Session, type User } from '@urna/core'
import { surveyTimestamp } from './wire.ts'

function iso(ms: number): string {
  return new Date(ms).toISOString()
}

export function userOnWire(user: User): contracts.User {
  const { id, username, name, secondName, email, role, hasPassword, createdAtMs, updatedAtMs, lastSignInAtMs } = user
  return {
    id: String(id),
    username,
    name,
    secondName,
    email,
    role,
    hasPassword,
    createdAt: iso(createdAtMs),
    updatedAt: iso(updatedAtMs),
    lastSignInAt: lastSignInAtMs === null ? null : iso(lastSignInAtMs),
  }
}

/** A user as the compatible routes show one. */
export function compatibleUserOnWire(user: User): contracts.CompatibleUser {
  return {
    id: String(user.id),
    username: user.username,
    full_name: fullName(user),
    email: user.email,
    created_at: surveyTimestamp(user.createdAtMs),
    updated_at: surveyTimestamp(user.updatedAtMs),
  }
}

export function sessionOnWire(session: Session, currentId: string | null): contracts.Session {
  const { id, createdAtMs, lastSeenAtMs, label } = session
  return { id, createdAt: iso(createdAtMs), lastSeenAt: iso(lastSeenAtMs), label, current: id === currentId }
}

export function tokenOnWire(token: ApiToken): contracts.Token {
  const { id, name, scopes, createdAtMs, expiresAtMs, lastUsedAtMs } = token
  return {
    id,
    name,
    scopes: [...scopes],
    createdAt: iso(createdAtMs),
    expiresAt: iso(expiresAtMs),
    lastUsedAt: lastUsedAtMs === null ? null : iso(lastUsedAtMs),
  }
}

export function auditRecordOnWire(record: AuditRecord): contracts.AuditRecord {
  const { number, atMs, actor, action, subject, details, hash } = record
  return { number, at: iso(atMs), actor, action, subject, details: { ...details }, hash: Buffer.from(hash).toString('hex') }
}
