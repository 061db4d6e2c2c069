import type { AuditEntry } from '../ports/audit-trail.ts'
import type { BallotRepository } from '../ports/ballot-repository.ts'
import type { Clock } from '../ports/clock.ts'
import type { IdGenerator } from '../ports/id-generator.ts'
import type { PollRepository } from '../ports/poll-repository.ts'
import type { VoterRoll } from '../ports/voter-roll.ts'
import type { VotingCodeRepository } from '../ports/voting-code-repository.ts'
import { failure, type Result, success } from '../result.ts'
import { type MasterKey, sealPollSecret } from '../secrets/master-key.ts'
import type { Actor } from '../users/actor.ts'
import { isFinal, type Poll, type PollDefinition, type PollId, type PollVersion, pollStateAt } from './poll.ts'
import { newPollId } from './poll-id.ts'

/** Closing early leaves this long for ballots that are on their way, and for every api to learn of it. */
export const closingNoticeMs = 10_000

export type PollFault =
  | { readonly kind: 'not_found' }
  /** Questions, options and limits cannot change any more. */
  | { readonly kind: 'frozen' }
  | { readonly kind: 'final' }
  | { readonly kind: 'state'; readonly detail: string }
  | { readonly kind: 'invalid'; readonly field: 'opensAt' | 'closesAt'; readonly detail: string }

type PollResult = Result<Poll, PollFault>

interface Dependencies {
  polls: PollRepository
  ballots: Pick<BallotRepository, 'erase'>
  masterKey: MasterKey
  clock: Clock
  ids: IdGenerator
  /** Voting codes and the voter roll of a deleted poll go with it. */
  codes?: Pick<VotingCodeRepository, 'removeAll'>
  roll?: Pick<VoterRoll, 'removeAll'>
  /** Until when everything is counted (epoch milliseconds), null before the first beat: decides whether a result is final. */
  countedUntilMs: () => Promise<number | null>
}

/** What administrators and organizers do to polls, each change with its entry in the audit trail. Reads and writes the primary. */
export function pollAdministration(dependencies: Dependencies) {
  const { polls, ballots, masterKey, clock, ids } = dependencies

  function entryOf(actor: Actor, action: string, id: PollId, details: AuditEntry['details'] = {}): AuditEntry {
    return { atMs: clock.nowMs(), actor, action, subject: `poll ${id}`, details }
  }

  /** The poll is its maker's. */
  async function create(definition: PollDefinition, actor: Actor): Promise<Poll> {
    const id = newPollId(ids)
    const poll: Poll = {
      id,
      surveyId: null,
      ownerId: actor.userId,
      definition,
      version: { version: 1, opensAtMs: null, closesAtMs: null },
      revision: 1,
      createdAtMs: clock.nowMs(),
      deletedAtMs: null,
      secretSealed: sealPollSecret(masterKey, id, ids.randomBytes(32)),
    }
    await polls.create(poll, entryOf(actor, 'poll.created', id, { access: definition.access }))
    return poll
  }

  /** Decides on the poll as it is, writes only if it still is; a change in between means deciding again. */
  async function change(
    id: PollId,
    decide: (poll: Poll) => Promise<Result<(poll: Poll) => Promise<boolean>, PollFault>>,
  ): Promise<PollResult> {
    for (let attempt = 0; attempt < 5; attempt++) {
      const poll = await polls.find(id)
      if (poll === null || poll.deletedAtMs !== null) return failure({ kind: 'not_found' })
      const decision = await decide(poll)
      if (!decision.ok) return decision
      if (await decision.value(poll)) return success((await polls.find(id)) ?? poll)
    }
    return failure({ kind: 'state', detail: 'the poll is being changed by somebody else: read it again' })
  }

  function edit(id: PollId, definition: PollDefinition, actor: Actor): Promise<PollResult> {
    return change(id, async (poll) =>
      poll.version.opensAtMs === null
        ? success(() =>
            polls.updateDefinition(id, definition, poll.revision, entryOf(actor, 'poll.edited', id, { access: definition.access })),
          )
        : failure({ kind: 'frozen' }),
    )
  }

  function addVersion(
    poll: Poll,
    times: Pick<PollVersion, 'opensAtMs' | 'closesAtMs'>,
    actor: Actor,
    action: 'poll.opened' | 'poll.closed',
  ) {
    const version = poll.version.version + 1
    const entry = entryOf(actor, action, poll.id, { version, ...times })
    const withSurveyId = poll.definition.listed && poll.definition.questions.length === 1
    return () => polls.addVersion(poll.id, { version, ...times }, poll.revision, withSurveyId, entry)
  }

  /** Opens a draft now or at `opensAtMs`; gives a scheduled, open or closed poll (not a final one) another closing time. */
  function open(id: PollId, times: { opensAtMs: number | null; closesAtMs: number | null }, actor: Actor): Promise<PollResult> {
    return change(id, async (poll) => {
      const now = clock.nowMs()
      if (await final(poll)) return failure({ kind: 'final' })
      const begun = poll.version.opensAtMs !== null && poll.version.opensAtMs <= now
      if (begun && times.opensAtMs !== null && times.opensAtMs !== poll.version.opensAtMs) {
        return failure({ kind: 'invalid', field: 'opensAt', detail: 'expected none: the poll has been opened already' })
      }
      // Said again: nothing changes, so there is no new version.
      if (begun && pollStateAt(poll.version, now) === 'open' && times.closesAtMs === poll.version.closesAtMs)
        return success(async () => true)
      const opensAtMs = begun ? poll.version.opensAtMs : Math.max(times.opensAtMs ?? now, now)
      if (times.closesAtMs !== null && times.closesAtMs <= Math.max(opensAtMs ?? now, now)) {
        return failure({ kind: 'invalid', field: 'closesAt', detail: 'expected an instant after the opening, in the future' })
      }
      return success(addVersion(poll, { opensAtMs, closesAtMs: times.closesAtMs }, actor, 'poll.opened'))
    })
  }

  /** Closes an open poll in ten seconds, or at `closesAtMs`. */
  function close(id: PollId, closesAtMs: number | null, actor: Actor): Promise<PollResult> {
    return change(id, async (poll) => {
      const now = clock.nowMs()
      const state = pollStateAt(poll.version, now)
      if (state !== 'open') return failure({ kind: 'state', detail: `only an open poll can be closed, this one is ${state}` })
      const soonest = now + closingNoticeMs
      if (closesAtMs !== null && closesAtMs < soonest) {
        return failure({
          kind: 'invalid',
          field: 'closesAt',
          detail: 'expected at least ten seconds from now, for the ballots on their way',
        })
      }
      const closing = closesAtMs ?? Math.min(soonest, poll.version.closesAtMs ?? soonest)
      return success(addVersion(poll, { opensAtMs: poll.version.opensAtMs, closesAtMs: closing }, actor, 'poll.closed'))
    })
  }

  /** A new draft with the same definition: its own id, its own secret, no ballots. */
  async function duplicate(id: PollId, actor: Actor): Promise<PollResult> {
    const poll = await polls.find(id)
    if (poll === null || poll.deletedAtMs !== null) return failure({ kind: 'not_found' })
    return success(await create(poll.definition, actor))
  }

  /** Deletes a draft or a poll with a final result, ballots and all. Its id is never used again. */
  async function remove(id: PollId, actor: Actor): Promise<PollResult> {
    const poll = await polls.find(id)
    if (poll !== null && poll.deletedAtMs !== null) {
      // Said again: an earlier time may have been cut short between the mark and the last ballot.
      await eraseAll(id)
      return success(poll)
    }
    const removed = await change(id, async (poll) => {
      if (poll.version.opensAtMs !== null && !(await final(poll))) {
        return failure({ kind: 'state', detail: 'only a draft, or a closed poll whose result is final, can be deleted: close it first' })
      }
      return success(() => polls.markDeleted(id, clock.nowMs(), poll.revision, entryOf(actor, 'poll.deleted', id)))
    })
    if (removed.ok) await eraseAll(id)
    return removed
  }

  async function eraseAll(id: PollId): Promise<void> {
    await ballots.erase(id)
    await dependencies.codes?.removeAll(id)
    await dependencies.roll?.removeAll(id)
  }

  async function final(poll: Poll): Promise<boolean> {
    return poll.version.closesAtMs !== null && isFinal(poll.version, await dependencies.countedUntilMs())
  }

  return { create, edit, open, close, duplicate, remove }
}

export type PollAdministration = ReturnType<typeof pollAdministration>
