import { createHash, randomBytes } from 'node:crypto'
import type { AuditHead, ChainedRecord } from '../audit/audit-chain.ts'
import type { PollId } from '../poll/poll.ts'
import { newPollId } from '../poll/poll-id.ts'
import type { ApiToken } from '../ports/api-token-repository.ts'
import type { AuditEntry, AuditRecord } from '../ports/audit-trail.ts'
import { systemIds } from '../ports/id-generator.ts'
import type { People } from '../ports/people.ts'
import type { PollRepository } from '../ports/poll-repository.ts'
import type { Session } from '../ports/session-repository.ts'
import type { NewUser } from '../ports/user-repository.ts'
import type { VotingCode } from '../ports/voting-code-repository.ts'
import { commandLine } from '../users/actor.ts'
import type { User } from '../users/user.ts'
import { untilDone } from './counting-samples.ts'

export interface PeopleSubject {
  readonly people: People
  /** On the same database. */
  readonly second: People
  readonly polls: PollRepository
  /** What somebody reads and writes who has the database but not the master key. */
  readonly trail: {
    read(): Promise<KeptTrail>
    write(kept: KeptTrail): Promise<void>
  }
  close(): Promise<void>
}

export interface KeptTrail {
  readonly records: readonly ChainedRecord[]
  /** Null: the row is gone. */
  readonly head: AuditHead | null
}

export const hostileLines = [
  '🗳️ 👩‍👩‍👧‍👦 ☕',
  '\u202eright to left\u202c עברית العربية',
  '__proto__',
  `'"\`; drop table users; -- \\ %_ $1 %s ?`,
  'x'.repeat(100),
  '😀'.repeat(50),
  // 100 characters, 300 in normal form C.
  '\ufb2c'.repeat(100).normalize('NFC'),
  '=1+1',
]

export function entryOf(action: string, more: Partial<AuditEntry> = {}): AuditEntry {
  return { atMs: 1_000, actor: commandLine, action, subject: 'something', details: {}, ...more }
}

export function sampleUser(username: string, more: Partial<NewUser> = {}): NewUser {
  return {
    username,
    name: '',
    secondName: '',
    email: '',
    role: 'voter',
    passwordHash: null,
    votingId: randomBytes(16),
    atMs: 1_000,
    ...more,
  }
}

export async function createdUser(people: People, username: string, more: Partial<NewUser> = {}): Promise<User> {
  const made = await untilDone(() => people.users.create(sampleUser(username, more), entryOf('user.created')))
  if (made.kind !== 'done') throw new Error(`${username} is taken`)
  return (await people.users.find(made.id)) as User
}

export function hashOf(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

function idOf(text: string): string {
  return hashOf(text).toString('hex').slice(0, 16)
}

export function sampleSession(userId: number, secret: string, more: Partial<Session> = {}): Session & { readonly hash: Uint8Array } {
  return { id: idOf(secret), userId, createdAtMs: 2_000, lastSeenAtMs: 2_000, label: 'Browser', hash: hashOf(secret), ...more }
}

export function sampleToken(userId: number, secret: string, more: Partial<ApiToken> = {}): ApiToken & { readonly hash: Uint8Array } {
  const times = { createdAtMs: 2_000, expiresAtMs: 9_000, lastUsedAtMs: null }
  return { id: idOf(secret), userId, name: 'script', scopes: ['polls.read'], ...times, hash: hashOf(secret), ...more }
}

export function sampleCode(secret: string, more: Partial<VotingCode> = {}): VotingCode & { readonly hash: Uint8Array } {
  return { id: idOf(secret), label: '', createdAtMs: 2_000, revokedAtMs: null, hash: hashOf(secret), ...more }
}

export function somePollId(): PollId {
  return newPollId(systemIds)
}

/** All of it, oldest first. */
export async function allRecords({ audit }: Pick<People, 'audit'>): Promise<AuditRecord[]> {
  const records: AuditRecord[] = []
  let before: number | null = null
  do {
    const page: Awaited<ReturnType<typeof audit.list>> = await audit.list({ limit: 100, before })
    records.push(...page.records)
    before = page.next
  } while (before !== null)
  return records.reverse()
}

/** How many records there are of each action. */
export async function actionsOf(people: Pick<People, 'audit'>): Promise<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const { action } of await allRecords(people)) counts[action] = (counts[action] ?? 0) + 1
  return counts
}

/** A function that opens a subject, and one that closes it. */
export function opening<Subject extends { close(): Promise<void> }>(makeSubject: () => Promise<Subject>) {
  let open: Subject | null = null
  return {
    async subject(): Promise<Subject> {
      open = await makeSubject()
      return open
    },
    async close(): Promise<void> {
      await open?.close()
      open = null
    },
  }
}
