import { type Clock, commandLine, generatedPassword, hashPassword, type IdGenerator, type User, type UserRepository } from '@urna/core'

/** The message is for the person at the terminal. */
export class UnknownUserError extends Error {
  override name = 'UnknownUserError'
}

/** Gives a user a password that is made up here; every session and API token of the user ends. */
export async function resetPassword(
  { users, clock, ids }: { users: Pick<UserRepository, 'findByUsername' | 'setPassword'>; clock: Clock; ids: IdGenerator },
  username: string,
): Promise<{ user: User; password: string }> {
  const user = await users.findByUsername(username)
  if (user === null) throw unknown(username)
  const password = generatedPassword(ids)
  const atMs = clock.nowMs()
  const outcome = await users.setPassword(
    user.id,
    { passwordHash: await hashPassword(password), atMs },
    { atMs, actor: commandLine, action: 'password.reset', subject: `user ${user.id}`, details: {} },
  )
  if (outcome === 'not_found') throw unknown(username)
  return { user, password }
}

function unknown(username: string): UnknownUserError {
  return new UnknownUserError(`there is no user ${JSON.stringify(username)}`)
}
