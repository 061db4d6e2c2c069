import type { PollDefinition, PollId, PollVersion } from '../poll/poll.ts'
import { pollStateAt } from '../poll/poll.ts'
import type { CountableBallot, DeadLetterReason } from '../ports/ballot-repository.ts'
import type { QueuedBallot } from '../ports/ballot-subscriber.ts'
import { answersFit } from './answers.ts'
import { rankOf } from './sequence.ts'

export interface Judged {
  readonly pollVersion: PollVersion
  readonly definition: PollDefinition
}

/** What a ballot is judged by: the version it carries. Null: there is no such poll or version. */
export type FindJudged = (pollId: string, pollVersion: number) => Judged | null

export type Verdict =
  | { readonly ok: true; readonly ballot: CountableBallot }
  | { readonly ok: false; readonly reason: DeadLetterReason; readonly detail: string }

/**
 * The one place that decides whether a ballot is in time: by the version it was validated by, and its queue time. The api asks it too,
 * so that the answer to the voter and the count cannot differ.
 */
export function timeliness(version: PollVersion, atMs: number): 'in_time' | 'early' | 'late' {
  switch (pollStateAt(version, atMs)) {
    case 'open':
      return 'in_time'
    case 'closed':
      return 'late'
    case 'draft':
    case 'scheduled':
      return 'early'
  }
}

export function judge(queued: QueuedBallot, find: FindJudged): Verdict {
  const { ballot } = queued
  if (ballot === null) return { ok: false, reason: 'rejected', detail: 'malformed ballot' }
  const judged = find(ballot.pollId, ballot.pollVersion)
  if (judged === null) return { ok: false, reason: 'rejected', detail: 'unknown poll or version' }
  switch (timeliness(judged.pollVersion, queued.atMs)) {
    case 'late':
      return { ok: false, reason: 'late', detail: 'accepted after the poll closed' }
    case 'early':
      return { ok: false, reason: 'rejected', detail: 'accepted before the poll opened' }
    case 'in_time':
  }
  if (!answersFit(judged.definition, ballot.answers)) return { ok: false, reason: 'rejected', detail: 'answers do not fit the poll' }
  return {
    ok: true,
    ballot: {
      pollId: ballot.pollId as PollId,
      pollVersion: ballot.pollVersion,
      voterKey: ballot.voterKey,
      seq: queued.seq,
      rank: rankOf(queued.seq, judged.definition.changesAllowed),
      answers: ballot.answers,
      atMs: queued.atMs,
    },
  }
}
