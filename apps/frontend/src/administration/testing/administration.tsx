import { render } from '@testing-library/react'
import { type UserEvent, userEvent } from '@testing-library/user-event'
import type { ManagedPoll, Me, Permission, Role, User } from '@urna/contracts'
import { vi } from 'vitest'
import { LanguageProvider } from '../../language.tsx'
import { type FakeApi, json } from '../../testing/fake-api.ts'
import { pass } from '../../testing/pages.tsx'
import { newPoll } from '../../testing/samples.ts'
import type { Language } from '../../texts/index.ts'
import Administration from '../administration.tsx'
import { administrationCatalogues } from '../texts/index.ts'

export const words = administrationCatalogues.en

const permissionsOf: Record<Role, Permission[]> = {
  administrator: ['polls.read', 'polls.change', 'voters.read', 'voters.change', 'users.read', 'users.change', 'audit.read', 'system.read'],
  organizer: ['polls.read', 'polls.change', 'voters.read', 'voters.change'],
  auditor: ['polls.read', 'voters.read', 'users.read', 'audit.read', 'system.read'],
  voter: [],
}

let users = 0

export function newUser(more: Partial<User> = {}): User {
  users += 1
  return {
    id: String(users),
    username: `user-${users}`,
    name: '',
    secondName: '',
    email: '',
    role: 'voter',
    hasPassword: true,
    createdAt: '2026-11-01T10:00:00.000Z',
    updatedAt: '2026-11-01T10:00:00.000Z',
    lastSignInAt: null,
    ...more,
  }
}

export function meOf(role: Role): Me {
  return {
    user: newUser({ username: 'ana', role }),
    permissions: permissionsOf[role],
    sessionEndsAt: '2026-11-22T20:00:00.000Z',
  }
}

export function managed(more: Partial<ManagedPoll> = {}): ManagedPoll {
  const { owner = null, turnout = 0, lastActivityAt = '2026-11-21T19:00:00.000Z', ...poll } = more
  return { ...newPoll(poll), owner, turnout, lastActivityAt }
}

export const paths = {
  me: 'GET /v1/me',
  polls: 'GET /v1/managed-polls?limit=20',
  users: 'GET /v1/users?limit=50',
}

/** Opens an address of the administration for somebody of this role; null: nobody is signed in. */
export async function visitAdministration(
  api: FakeApi,
  path: string,
  role: Role | null = 'administrator',
  language: Language = 'en',
): Promise<UserEvent> {
  if (role !== null) api.on(paths.me, json(meOf(role)))
  history.replaceState(null, '', path)
  // Mantine names fields by chance: the same number again and again would give all of them one name.
  let thrown = 0
  vi.mocked(Math.random).mockImplementation(() => {
    thrown = (thrown + 0.618_033_988_75) % 1
    return thrown
  })
  // jsdom lays nothing out.
  vi.stubGlobal('matchMedia', () => ({
    matches: false,
    addEventListener: () => {},
    removeEventListener: () => {},
    addListener: () => {},
    removeListener: () => {},
  }))
  vi.stubGlobal(
    'ResizeObserver',
    class {
      observe() {}
      unobserve() {}
      disconnect() {}
    },
  )
  const user = userEvent.setup({ delay: null })
  render(
    <LanguageProvider first={language}>
      <Administration />
    </LanguageProvider>,
  )
  await settle()
  return user
}

/** Everything that is under way arrives: a change of page is several steps. */
export async function settle(): Promise<void> {
  for (let times = 0; times < 5; times++) await pass(1)
}
