import type { Kysely } from 'kysely'
import { createPolls, createPollVersions, createSurveys } from './001-polls.ts'
import { createBallots, createDeadLetters, createTallies, createTurnout } from './002-ballots.ts'
import { createLowWater, createQueueEpochs } from './003-queue.ts'
import { createSettings } from './004-settings.ts'
import { createApiTokens, createPollOwners, createSessions, createSignInAttempts, createUsers } from './005-people.ts'
import { createPollActivity, createVoterRoll, createVotingCodes } from './006-voters.ts'
import { createAuditHead, createAuditTrail } from './007-audit.ts'
import type { ColumnTypes } from './column-types.ts'

/**
 * In the order of their names. One statement group a migration, because MySQL commits at every DDL statement. A migration that was
 * merged is never edited: installations have run it.
 */
export const migrations: Readonly<Record<string, (db: Kysely<unknown>, types: ColumnTypes) => Promise<void>>> = {
  '0001-polls': createPolls,
  '0002-poll-versions': createPollVersions,
  '0003-surveys': createSurveys,
  '0004-ballots': createBallots,
  '0005-tallies': createTallies,
  '0006-turnout': createTurnout,
  '0007-dead-letters': createDeadLetters,
  '0008-low-water': createLowWater,
  '0009-queue-epochs': createQueueEpochs,
  '0010-settings': createSettings,
  '0011-users': createUsers,
  '0012-poll-owners': createPollOwners,
  '0013-sessions': createSessions,
  '0014-sign-in-attempts': createSignInAttempts,
  '0015-api-tokens': createApiTokens,
  '0016-voting-codes': createVotingCodes,
  '0017-voter-roll': createVoterRoll,
  '0018-audit-trail': createAuditTrail,
  '0019-audit-head': createAuditHead,
  '0020-poll-activity': createPollActivity,
}
