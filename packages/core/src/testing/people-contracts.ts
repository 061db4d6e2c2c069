import { apiTokenRepositoryContract } from './api-token-repository-contract.ts'
import { auditTrailContract } from './audit-trail-contract.ts'
import type { PeopleSubject } from './people-samples.ts'
import { sessionRepositoryContract } from './session-repository-contract.ts'
import { signInAttemptsContract } from './sign-in-attempts-contract.ts'
import { userRepositoryContract } from './user-repository-contract.ts'
import { voterRollContract } from './voter-roll-contract.ts'
import { votingCodeRepositoryContract } from './voting-code-repository-contract.ts'

/** All that is promised of people, for every database. */
export function peopleContracts(name: string, makeSubject: () => Promise<PeopleSubject>): void {
  userRepositoryContract(name, makeSubject)
  sessionRepositoryContract(name, makeSubject)
  signInAttemptsContract(name, makeSubject)
  apiTokenRepositoryContract(name, makeSubject)
  votingCodeRepositoryContract(name, makeSubject)
  voterRollContract(name, makeSubject)
  auditTrailContract(name, makeSubject)
}
