import { type AccessLevel, isFinal, type Poll } from '../poll/poll.ts'
import type { AuditEntry } from '../ports/audit-trail.ts'
import type { Clock } from '../ports/clock.ts'
import type { IdGenerator } from '../ports/id-generator.ts'
import type { PollRepository } from '../ports/poll-repository.ts'
import type { UserRepository } from '../ports/user-repository.ts'
import type { VoterRoll } from '../ports/voter-roll.ts'
import type { VotingCode, VotingCodeRepository } from '../ports/voting-code-repository.ts'
import { failure, type Result, success } from '../result.ts'
import type { Actor } from '../users/actor.ts'
import { foldedUsername, secretHash } from '../users/user.ts'
import { newVotingCode, votingCodeText } from './voting-code.ts'

export type VotersFault =
  | { readonly kind: 'other_level'; readonly level: AccessLevel }
  /** Nobody votes any more. */
  | { readonly kind: 'final' }
  | { readonly kind: 'too_many_codes' }
  | { readonly kind: 'deleted' }

export interface NewVotingCode extends Pick<VotingCode, 'id' | 'label'> {
  /** The code itself. It is nowhere else: shown once. */
  readonly code: string
}

interface Dependencies {
  codes: Pick<VotingCodeRepository, 'add' | 'revoke' | 'removeAll'>
  roll: Pick<VoterRoll, 'add' | 'remove' | 'removeAll'>
  polls: Pick<PollRepository, 'find'>
  users: Pick<UserRepository, 'findByUsernames'>
  clock: Clock
  ids: IdGenerator
  /** Until when everything is counted, epoch milliseconds; null before the first beat. */
  countedUntilMs: () => Promise<number | null>
}

/** What organizers do about who may vote, each change with its entry in the audit trail: counts and ids, never a label or a name. */
export function voterAdministration({ codes, roll, polls, users, clock, ids, countedUntilMs }: Dependencies) {
  function entryOf(actor: Actor, action: string, poll: Poll, details: AuditEntry['details']): AuditEntry {
    return { atMs: clock.nowMs(), actor, action, subject: `poll ${poll.id}`, details }
  }

  /** Null: voters of this kind can be added now. */
  async function faultOf(poll: Poll, level: AccessLevel): Promise<VotersFault | null> {
    if (poll.definition.access !== level) return { kind: 'other_level', level: poll.definition.access }
    return poll.version.closesAtMs !== null && isFinal(poll.version, await countedUntilMs()) ? { kind: 'final' } : null
  }

  /**
   * Whether the poll was deleted while voters were added to it. Its voters went with it before: who came after is removed here, or labels would stay
   * that nobody sees any more.
   */
  async function isGone({ id }: Poll, added: Pick<VotingCodeRepository | VoterRoll, 'removeAll'>): Promise<boolean> {
    const now = await polls.find(id)
    if (now !== null && now.deletedAtMs === null) return false
    await added.removeAll(id)
    return true
  }

  /** One code for each label. */
  async function makeCodes(
    poll: Poll,
    labels: readonly string[],
    codesMax: number,
    actor: Actor,
  ): Promise<Result<NewVotingCode[], VotersFault>> {
    const fault = await faultOf(poll, 'code')
    if (fault !== null) return failure(fault)
    const createdAtMs = clock.nowMs()
    const made = labels.map((label) => {
      const secret = newVotingCode(ids)
      const stored = { id: ids.randomBytes(8).toString('hex'), label, createdAtMs, revokedAtMs: null, hash: secretHash(secret) }
      return { stored, shown: { id: stored.id, label, code: votingCodeText(secret) } }
    })
    const stored = made.map((code) => code.stored)
    const isAdded = await codes.add(poll.id, stored, codesMax, entryOf(actor, 'codes.made', poll, { count: made.length }))
    if (!isAdded) return failure({ kind: 'too_many_codes' })
    return (await isGone(poll, codes)) ? failure({ kind: 'deleted' }) : success(made.map(({ shown }) => shown))
  }

  /** False: the poll has no such code. Whatever state or level the poll has: taking a key away must always work. */
  function revokeCode(poll: Poll, id: string, actor: Actor): Promise<boolean> {
    return codes.revoke(poll.id, id, clock.nowMs(), entryOf(actor, 'code.revoked', poll, { code: id }))
  }

  /** Those of the usernames that nobody has are named, the others are on the roll then. */
  async function addVoters(
    poll: Poll,
    usernames: readonly string[],
    actor: Actor,
  ): Promise<Result<{ added: number; already: number; unknown: string[] }, VotersFault>> {
    const fault = await faultOf(poll, 'account')
    if (fault !== null) return failure(fault)
    const found = await users.findByUsernames(usernames)
    const known = new Set(found.map(({ username }) => foldedUsername(username)))
    const unknown = usernames.filter((username) => !known.has(foldedUsername(username)))
    if (found.length === 0) return success({ added: 0, already: 0, unknown })
    const userIds = found.map(({ id }) => id)
    const added = await roll.add(poll.id, userIds, entryOf(actor, 'voters.added', poll, { count: userIds.length }))
    if (await isGone(poll, roll)) return failure({ kind: 'deleted' })
    return success({ added, already: found.length - added, unknown })
  }

  /** False: the user was not on the roll. */
  function removeVoter(poll: Poll, userId: number, actor: Actor): Promise<boolean> {
    return roll.remove(poll.id, userId, entryOf(actor, 'voter.removed', poll, { user: userId }))
  }

  return { makeCodes, revokeCode, addVoters, removeVoter }
}

export type VoterAdministration = ReturnType<typeof voterAdministration>
