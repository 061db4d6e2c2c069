import type { HmacSha256, People } from '@urna/core'
import type { Primary } from './primary.ts'
import { SqlApiTokenRepository } from './repositories/sql-api-token-repository.ts'
import { SqlAuditTrail } from './repositories/sql-audit-trail.ts'
import { SqlSessionRepository } from './repositories/sql-session-repository.ts'
import { SqlSignInAttempts } from './repositories/sql-sign-in-attempts.ts'
import { SqlUserRepository } from './repositories/sql-user-repository.ts'
import { SqlVoterRoll } from './repositories/sql-voter-roll.ts'
import { SqlVotingCodeRepository } from './repositories/sql-voting-code-repository.ts'

/** `auditHmac`: the master key's. */
export function sqlPeople(primary: Primary, options: { auditHmac: HmacSha256 }): People {
  return {
    users: new SqlUserRepository(primary, options),
    sessions: new SqlSessionRepository(primary, options),
    signInAttempts: new SqlSignInAttempts(primary),
    tokens: new SqlApiTokenRepository(primary, options),
    codes: new SqlVotingCodeRepository(primary, options),
    roll: new SqlVoterRoll(primary, options),
    audit: new SqlAuditTrail(primary, options),
  }
}
