import type { Role } from './user.ts'

/** `own`: of polls that the user made, or was given. */
export type Reach = 'all' | 'own'

type Grants = Partial<Record<Role, Reach>>

/**
 * Who may do what: the only place that says it. Routes name a permission, the api's one hook looks it up here, and pages show by it what can be
 * done. A role that is not named may not.
 */
export const permissions = {
  /** Polls as their organizers see them: drafts, unlisted ones, turnout, results that are hidden from others. */
  'polls.read': { administrator: 'all', organizer: 'own', auditor: 'all' },
  /** Make, edit, open, close, duplicate, delete. */
  'polls.change': { administrator: 'all', organizer: 'own' },
  /** Voting codes (never their secrets) and voter rolls. */
  'voters.read': { administrator: 'all', organizer: 'own', auditor: 'all' },
  'voters.change': { administrator: 'all', organizer: 'own' },
  'users.read': { administrator: 'all', auditor: 'all' },
  'users.change': { administrator: 'all' },
  'audit.read': { administrator: 'all', auditor: 'all' },
  /** Backlog, consumers, replica lag. */
  'system.read': { administrator: 'all', auditor: 'all' },
} as const satisfies Record<string, Grants>

export type Permission = keyof typeof permissions

export const permissionNames = Object.keys(permissions) as readonly Permission[]

export function isPermission(text: string): text is Permission {
  return Object.hasOwn(permissions, text)
}

/** Null: the role may not. */
export function reachOf(role: Role, permission: Permission): Reach | null {
  const grants: Grants = permissions[permission]
  return grants[role] ?? null
}

/** All that a role may do. */
export function permissionsOf(role: Role): Permission[] {
  return permissionNames.filter((permission) => reachOf(role, permission) !== null)
}
