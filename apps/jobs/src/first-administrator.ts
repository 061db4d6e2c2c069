import { type Clock, commandLine, generatedPassword, hashPassword, type IdGenerator, type UserRepository, votingIdBytes } from '@urna/core'
import { writeFirstRunFile } from './first-run-file.ts'

export const firstAdministratorName = 'admin'

/** Where a password that was made up is told. */
export interface PasswordTelling {
  readonly dataDirectory: string
  /** Shows it on the terminal; null where there is none, and it goes into a file of the data directory. */
  readonly show: ((password: string) => void) | null
}

export interface FirstAdministratorInput extends PasswordTelling {
  readonly users: Pick<UserRepository, 'countAdministrators' | 'findByUsername' | 'create'>
  /** ADMIN_PASSWORD; null: one is made up. */
  readonly configured: string | null
  readonly clock: Clock
  readonly ids: IdGenerator
  /** What the operator should know. */
  readonly say: (line: string) => void
}

/**
 * Makes the user `admin` where nobody can sign in as an administrator. `passwordFile`: where a password that was made up now stands, if not on the
 * terminal. Call it under the lock of the migration.
 */
export async function makeFirstAdministrator(input: FirstAdministratorInput): Promise<{ passwordFile: string | null }> {
  const { users, configured, clock, ids, say } = input
  if ((await users.countAdministrators()) > 0) {
    if (configured !== null) say('ADMIN_PASSWORD is ignored: there is an administrator already. reset-password makes a new password')
    return { passwordFile: null }
  }
  const other = await users.findByUsername(firstAdministratorName)
  if (other !== null) {
    const mend = other.role === 'administrator' ? `: reset-password ${other.username} gives that user one` : ', who is none'
    say(`nobody can sign in as an administrator, and there is a user ${other.username}${mend}`)
    return { passwordFile: null }
  }
  const password = configured ?? generatedPassword(ids)
  // Told before it is stored: after a crash in between the next run makes another one, and nobody is locked out.
  const passwordFile = configured === null ? tellPassword(input, password) : null
  await users.create(
    {
      username: firstAdministratorName,
      name: '',
      secondName: '',
      email: '',
      role: 'administrator',
      passwordHash: await hashPassword(password),
      votingId: Buffer.from(ids.randomBytes(votingIdBytes)),
      atMs: clock.nowMs(),
    },
    { atMs: clock.nowMs(), actor: commandLine, action: 'user.created', details: { role: 'administrator' } },
  )
  return { passwordFile }
}

function tellPassword({ dataDirectory, show }: PasswordTelling, password: string): string | null {
  if (show === null) return writeFirstRunFile(dataDirectory, 'password', password)
  show(password)
  return null
}
