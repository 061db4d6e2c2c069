import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { parse } from 'yaml'
import { isProtobuf, secretOf } from './protobuf-secret.ts'

type Json = Record<string, unknown>

interface Resource {
  readonly group: string
  readonly version: string
  readonly name: string
  readonly kind: string
}

/** The kinds that the chart makes without an operator. */
const resources: readonly Resource[] = [
  ...['ConfigMap', 'Secret', 'Service', 'ServiceAccount', 'PersistentVolumeClaim', 'Pod', 'Namespace'].map((kind) => core(kind)),
  ...['Deployment', 'StatefulSet'].map((kind) => resource('apps', 'v1', kind)),
  ...['Job', 'CronJob'].map((kind) => resource('batch', 'v1', kind)),
  resource('networking.k8s.io', 'v1', 'Ingress'),
  resource('networking.k8s.io', 'v1', 'NetworkPolicy'),
  resource('policy', 'v1', 'PodDisruptionBudget'),
  resource('autoscaling', 'v2', 'HorizontalPodAutoscaler'),
]

function core(kind: string): Resource {
  return resource('', 'v1', kind)
}

function resource(group: string, version: string, kind: string): Resource {
  const name = kind.toLowerCase()
  return { group, version, kind, name: /[^aeiou]y$/.test(name) ? `${name.slice(0, -1)}ies` : name.endsWith('s') ? `${name}es` : `${name}s` }
}

/**
 * Stands in for the api of Kubernetes as Helm sees it: tells which kinds there are, and keeps what it is given. It runs nothing, checks nothing and
 * knows no controller; so it shows which objects an installation and an upgrade leave, and not that they work.
 */
export class ObjectServer {
  readonly #objects = new Map<string, Json>()
  readonly #server: Server
  #revision = 0

  private constructor() {
    this.#server = createServer((request, response) => {
      this.#answer(request).then(
        ({ status, body }) => {
          response.writeHead(status, { 'content-type': 'application/json' })
          response.end(JSON.stringify(body))
        },
        (error: unknown) => {
          response.writeHead(500)
          response.end(JSON.stringify(statusOf(500, String(error))))
        },
      )
    })
  }

  static async start(): Promise<ObjectServer> {
    const server = new ObjectServer()
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve))
    return server
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  stop(): void {
    this.#server.close()
    this.#server.closeAllConnections()
  }

  /** What is there, but Helm's own records, as `Kind name`. */
  names(): string[] {
    return [...this.#objects.values()]
      .filter((object) => !String(object.type).startsWith('helm.sh/'))
      .map((object) => `${object.kind} ${(object.metadata as Json).name}`)
      .sort()
  }

  find(kind: string, name: string): Json | null {
    return [...this.#objects.values()].find((object) => object.kind === kind && (object.metadata as Json).name === name) ?? null
  }

  async #answer(request: IncomingMessage): Promise<{ status: number; body: unknown }> {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://server')
    const found = discovery(pathname)
    if (found !== null) return { status: 200, body: found }
    const [, group, version, namespace, name, object] =
      /^\/(?:api|apis\/([^/]+))\/([^/]+)(?:\/namespaces\/([^/]+))?\/([a-z]+)(?:\/([^/]+))?$/.exec(pathname) ?? []
    const kind = resources.find((known) => known.group === (group ?? '') && known.version === version && known.name === name)?.kind
    if (kind === undefined) return { status: 404, body: statusOf(404, `there is no ${pathname}`) }
    const folder = `${group ?? ''}/${version}/${namespace ?? ''}/${name}/`
    const body = await bodyOf(request)
    if (object === undefined) return this.#collection(request.method, { folder, kind, body, selector: searchParams.get('labelSelector') })
    return this.#single(request, `${folder}${object}`, body)
  }

  #collection(
    method: string | undefined,
    { folder, kind, body, selector }: { folder: string; kind: string; body: Json; selector: string | null },
  ): { status: number; body: unknown } {
    if (method === 'POST') {
      const key = `${folder}${(body.metadata as Json).name}`
      if (this.#objects.has(key)) return { status: 409, body: statusOf(409, 'AlreadyExists') }
      return { status: 201, body: this.#keep(key, body) }
    }
    const items = [...this.#objects]
      .filter(([key, object]) => key.startsWith(folder) && hasLabels(object, selector))
      .map(([, object]) => object)
    return { status: 200, body: { kind: `${kind}List`, apiVersion: items[0]?.apiVersion ?? 'v1', metadata: {}, items } }
  }

  #single({ method, headers }: IncomingMessage, key: string, body: Json): { status: number; body: unknown } {
    const there = this.#objects.get(key)
    const isApply = headers['content-type']?.includes('apply-patch') === true
    if (there === undefined && !isApply) return { status: 404, body: statusOf(404, 'NotFound') }
    switch (method) {
      case 'GET':
        return { status: 200, body: there }
      case 'PUT':
        return { status: 200, body: this.#keep(key, body) }
      case 'PATCH':
        // A field that is applied no longer is taken away there; here the whole object is what was applied.
        return { status: there === undefined ? 201 : 200, body: this.#keep(key, isApply ? body : merged(there ?? {}, body)) }
      case 'DELETE':
        this.#objects.delete(key)
        return { status: 200, body: there }
      default:
        return { status: 405, body: statusOf(405, `no ${method}`) }
    }
  }

  #keep(key: string, object: Json): Json {
    const metadata = { uid: key, ...(object.metadata as Json), resourceVersion: String(++this.#revision) }
    const { stringData, ...rest } = object as { stringData?: Record<string, string> }
    const data = Object.fromEntries(Object.entries(stringData ?? {}).map(([name, text]) => [name, Buffer.from(text).toString('base64')]))
    const kept = { ...rest, ...(stringData !== undefined && { data }), metadata }
    this.#objects.set(key, kept)
    return kept
  }
}

function hasLabels(object: Json, selector: string | null): boolean {
  const labels = ((object.metadata as Json).labels ?? {}) as Json
  return (selector ?? '')
    .split(',')
    .filter((term) => term !== '')
    .every((term) => {
      const [key = '', value] = term.split('=')
      return labels[key] === value
    })
}

/** As a merge patch: null takes away. Good enough for what Helm sends of our objects, whose lists it replaces whole. */
function merged(old: Json, patch: Json): Json {
  const result: Json = { ...old }
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key]
    else if (isMap(value) && isMap(result[key])) result[key] = merged(result[key], value)
    else result[key] = value
  }
  return result
}

function isMap(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

async function bodyOf(request: IncomingMessage): Promise<Json> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const bytes = Buffer.concat(chunks)
  if (isProtobuf(bytes)) return secretOf(bytes)
  const text = bytes.toString()
  return text === '' ? {} : (parse(text) as Json)
}

function statusOf(code: number, message: string): Json {
  const reason = { 404: 'NotFound', 409: 'AlreadyExists' }[code] ?? 'Unknown'
  return { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason, message }
}

function discovery(path: string): Json | null {
  const groups = [...new Set(resources.filter(({ group }) => group !== '').map(({ group, version }) => `${group}/${version}`))]
  if (path === '/version') return { major: '1', minor: '35', gitVersion: 'v1.35.0' }
  if (path === '/api') return { kind: 'APIVersions', versions: ['v1'] }
  if (path === '/apis') {
    return {
      kind: 'APIGroupList',
      apiVersion: 'v1',
      groups: groups.map((groupVersion) => {
        const [name = '', version = ''] = groupVersion.split('/')
        const preferred = { groupVersion, version }
        return { name, versions: [preferred], preferredVersion: preferred }
      }),
    }
  }
  const groupVersion = path === '/api/v1' ? 'v1' : groups.find((known) => path === `/apis/${known}`)
  if (groupVersion === undefined) return null
  return {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion,
    resources: resources
      .filter(({ group, version }) => (group === '' ? version : `${group}/${version}`) === groupVersion)
      .map(({ name, kind }) => ({
        name,
        kind,
        singularName: kind.toLowerCase(),
        namespaced: kind !== 'Namespace',
        verbs: ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'],
      })),
  }
}
