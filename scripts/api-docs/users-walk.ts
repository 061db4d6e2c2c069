import type { PostmanFolder, PostmanItem } from './postman-collection.ts'

interface Step {
  readonly name: string
  readonly method: string
  readonly path: string
  readonly query?: Record<string, string>
  readonly body?: object
  readonly token?: false
  readonly status: number
  /** Further lines of the test script. */
  readonly asserts?: readonly string[]
}

const ana = { username: '{{username}}', full_name: 'Ana Lima Souza', email: 'ana@school.example' }
/** `what`: where in the answer, `email` or `[0].email`. */
const equals = (what: string, value: unknown) =>
  `pm.test(${JSON.stringify(`${what} is ${JSON.stringify(value)}`)}, () => pm.expect(pm.response.json()${what.startsWith('[') ? what : `.${what}`}).to.eql(${JSON.stringify(value)}))`
const keepId = "pm.collectionVariables.set('userId', pm.response.json().id)"

const steps: readonly Step[] = [
  { name: 'nobody lists users', method: 'GET', path: 'users', token: false, status: 401 },
  { name: 'nobody makes users', method: 'POST', path: 'users', body: ana, token: false, status: 401 },
  {
    name: 'list',
    method: 'GET',
    path: 'users',
    status: 200,
    asserts: ["pm.test('is an array', () => pm.expect(pm.response.json()).to.be.an('array'))"],
  },
  { name: 'create', method: 'POST', path: 'users', body: ana, status: 201, asserts: [equals('full_name', ana.full_name), keepId] },
  { name: 'create: the username is taken', method: 'POST', path: 'users', body: ana, status: 409 },
  { name: 'create: no username', method: 'POST', path: 'users', body: { full_name: 'Ana' }, status: 400 },
  {
    name: 'by username',
    method: 'GET',
    path: 'users',
    query: { username: '{{username}}' },
    status: 200,
    asserts: [equals('length', 1), equals('[0].email', ana.email)],
  },
  {
    name: 'by a username that nobody has',
    method: 'GET',
    path: 'users',
    query: { username: 'nobody-has-this' },
    status: 200,
    asserts: [equals('length', 0)],
  },
  { name: 'read', method: 'GET', path: 'users/{{userId}}', status: 200, asserts: [equals('full_name', ana.full_name)] },
  {
    name: 'replace; an id in the body is ignored',
    method: 'PUT',
    path: 'users/{{userId}}',
    body: { ...ana, full_name: 'Ana', id: '999999' },
    status: 200,
    asserts: [equals('full_name', 'Ana')],
  },
  { name: 'read what was replaced', method: 'GET', path: 'users/{{userId}}', status: 200, asserts: [equals('full_name', 'Ana')] },
  { name: 'nobody deletes', method: 'DELETE', path: 'users/{{userId}}', token: false, status: 401 },
  { name: 'delete', method: 'DELETE', path: 'users/{{userId}}', status: 204 },
  { name: 'read what was deleted', method: 'GET', path: 'users/{{userId}}', status: 404 },
  {
    name: 'create (/v1)',
    method: 'POST',
    path: 'v1/users',
    body: { username: '{{username}}', name: 'Ana', role: 'auditor' },
    status: 201,
    asserts: [equals('role', 'auditor'), keepId],
  },
  { name: 'search (/v1)', method: 'GET', path: 'v1/users', query: { search: '{{username}}' }, status: 200, asserts: [equals('total', 1)] },
  {
    name: 'replace (/v1)',
    method: 'PUT',
    path: 'v1/users/{{userId}}',
    body: { username: '{{username}}', name: 'Ana', role: 'voter' },
    status: 200,
    asserts: [equals('role', 'voter')],
  },
  { name: 'delete (/v1)', method: 'DELETE', path: 'v1/users/{{userId}}', status: 204 },
  { name: 'read what was deleted (/v1)', method: 'GET', path: 'v1/users/{{userId}}', status: 404 },
]

/** Can be run again and again: it deletes what it makes. */
export const usersWalk: PostmanFolder = {
  name: 'Users, step by step',
  description:
    'List, by username, create, read, replace, delete; and 401 without a token. Run it from the top: later steps use the id of earlier ones.',
  item: steps.map(itemOf),
}

function itemOf({ name, method, path, query = {}, body, token, status, asserts = [] }: Step): PostmanItem {
  const pairs = Object.entries(query)
  const search = pairs.map(([key, value]) => `${key}=${value}`).join('&')
  return {
    name,
    request: {
      method,
      header: body === undefined ? [] : [{ key: 'content-type', value: 'application/json' }],
      url: {
        raw: `{{baseUrl}}/${path}${search === '' ? '' : `?${search}`}`,
        host: ['{{baseUrl}}'],
        path: path.split('/'),
        ...(pairs.length > 0 && { query: pairs.map(([key, value]) => ({ key, value })) }),
      },
      ...(token === false && { auth: { type: 'noauth' as const } }),
      ...(body !== undefined && {
        body: { mode: 'raw' as const, raw: JSON.stringify(body, null, 2), options: { raw: { language: 'json' as const } } },
      }),
    },
    event: [
      {
        listen: 'test',
        script: {
          type: 'text/javascript',
          exec: [`pm.test('answers ${status}', () => pm.response.to.have.status(${status}))`, ...asserts],
        },
      },
    ],
  }
}
