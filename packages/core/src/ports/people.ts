import type { ApiTokenRepository } from './api-token-repository.ts'
import type { AuditTrail } from './audit-trail.ts'
import type { SessionRepository } from './session-repository.ts'
import type { SignInAttempts } from './sign-in-attempts.ts'
import type { UserRepository } from './user-repository.ts'
import type { VoterRoll } from './voter-roll.ts'
import type { VotingCodeRepository } from './voting-code-repository.ts'

/** Everything about people, on one primary. */
export interface People {
  readonly users: UserRepository
  readonly sessions: SessionRepository
  readonly signInAttempts: SignInAttempts
  readonly tokens: ApiTokenRepository
  readonly codes: VotingCodeRepository
  readonly roll: VoterRoll
  readonly audit: AuditTrail
}
