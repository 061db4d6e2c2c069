import {
  addressHashes,
  type PasswordWork,
  type People,
  passwordWork,
  type SignIn,
  type SignInRefusal,
  signIn,
  type UserAdministration,
  type UserFault,
  userAdministration,
} from '@urna/core'
import type { ApiDependencies } from './dependencies.ts'
import { ProblemError } from './problems.ts'

/** What the routes of people share. */
export interface PeopleContext {
  readonly people: People
  readonly passwords: PasswordWork
  readonly signIn: SignIn
  readonly userAdministration: UserAdministration
}

export function peopleContextOf({ clock, ids, masterKey, people }: ApiDependencies): PeopleContext {
  const passwords = passwordWork()
  const { signInHmac } = masterKey
  const hashAddress = addressHashes(masterKey, clock)
  return {
    people,
    passwords,
    signIn: signIn({ ...people, passwords, signInHmac, hashAddress, clock, ids }),
    userAdministration: userAdministration({ users: people.users, passwords, clock, ids }),
  }
}

export function userProblem({ kind }: UserFault): ProblemError {
  switch (kind) {
    case 'not_found':
      return new ProblemError('user-not-found')
    case 'username_taken':
      return new ProblemError('username-taken', { errors: [{ field: 'username', detail: 'expected a username that nobody else has' }] })
    case 'last_administrator':
      return new ProblemError('last-administrator')
  }
}

export function delayedProblem({ waitMs }: Extract<SignInRefusal, { kind: 'delayed' }>): ProblemError {
  const retryAfter = Math.max(1, Math.ceil(waitMs / 1_000))
  return new ProblemError('sign-in-delayed', { retryAfter, detail: `nothing was checked: wait ${retryAfter} s, then try again` })
}
