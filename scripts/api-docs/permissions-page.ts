import { type Permission, permissionNames, type Reach, type Role, reachOf } from '@urna/core'

interface DeclaredRoute {
  readonly method: string
  readonly url: string
  readonly access: 'public' | 'signed-in' | 'session' | Permission
  readonly apiTokens: boolean
}

const roles: readonly Role[] = ['voter', 'auditor', 'organizer', 'administrator']
const reachText = (reach: Reach | null) => (reach === null ? '' : reach === 'all' ? 'yes' : 'own')

/** docs/permissions.md: the table of permissions, and what each route asks for, as the server itself says. */
export function permissionsPage(routes: readonly DeclaredRoute[]): string {
  const documented = routes
    .filter(({ method, url }) => !['HEAD', 'OPTIONS'].includes(method) && !url.startsWith('/docs'))
    .sort((left, right) => (left.url < right.url ? -1 : left.url > right.url ? 1 : left.method < right.method ? -1 : 1))
  return [
    '# Who may do what',
    '',
    'Made by `make docs` from the table of permissions and from the routes of the server: edit `packages/core/src/users/permissions.ts`, not this page.',
    'A test asks every route as every role, and without any.',
    '',
    '## Permissions',
    '',
    '`own`: of polls that the user made. An API token may do what both its user and its scopes allow.',
    '',
    row(['permission', ...roles]),
    row(['---', ...roles.map(() => '---')]),
    ...permissionNames.map((permission) => row([`\`${permission}\``, ...roles.map((role) => reachText(reachOf(role, permission)))])),
    '',
    '## Routes',
    '',
    '`public`: everybody. `signed-in`: whoever is signed in, or has a token. `session`: whoever signed in with a password; tokens may not.',
    'Whoever is nobody gets 401 before anything of the request is judged; who may not gets 403, and 404 for a poll that they could not even see.',
    '',
    row(['route', 'who', ...roles, 'administrator’s token', 'API token']),
    row(['---', '---', ...roles.map(() => '---'), '---', '---']),
    ...documented.map(routeRow),
    '',
  ].join('\n')
}

function routeRow({ method, url, access, apiTokens }: DeclaredRoute): string {
  const name = `\`${method} ${url.replace(/:(\w+)/g, '{$1}')}\``
  if (access === 'public') return row([name, 'public', ...roles.map(() => 'yes'), 'yes', 'yes'])
  if (access === 'signed-in') return row([name, 'signed-in', ...roles.map(() => 'yes'), 'yes', 'yes'])
  if (access === 'session') return row([name, 'session', ...roles.map(() => 'yes'), '', ''])
  const reaches = roles.map((role) => reachText(reachOf(role, access)))
  return row([name, `\`${access}\``, ...reaches, 'yes', apiTokens ? 'with the scope' : ''])
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`
}
