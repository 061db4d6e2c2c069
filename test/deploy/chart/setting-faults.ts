import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type AnySetting, namesOf } from '@urna/runtime/setting'
import { type Container, containersOf, type KubernetesObject, type Pod, placeOf, podsOf } from './objects.ts'
import { keysOfSecret, type OutsideObjects } from './reference-faults.ts'

interface Runtime {
  readonly settings: Readonly<Record<string, AnySetting>>
  loadConfig(
    environment: Readonly<Record<string, string>>,
    process: string,
    options: { readFile: (path: string) => Uint8Array; needsNoMasterKey?: boolean; needsReplication?: boolean },
  ): Readonly<Record<string, unknown>>
}

/** By the command of its container: which process reads the settings, and what it asks of them, as in apps/jobs/src/run.ts. */
const commands: Readonly<Record<string, { process: string; needs?: { needsNoMasterKey?: boolean; needsReplication?: boolean } }>> = {
  api: { process: 'api' },
  consumer: { process: 'consumer' },
  migrate: { process: 'jobs' },
  'export-csv': { process: 'jobs', needs: { needsNoMasterKey: true } },
  'set-up-replication': { process: 'jobs', needs: { needsNoMasterKey: true, needsReplication: true } },
}

/** What containers of other images are told: by their documentation, which Urna does not read. */
const otherVariables: readonly [container: RegExp, names: readonly string[]][] = [
  [/^load-balancer$/, ['ROLE', 'LISTEN', 'API_SERVERS_NAME', 'API_PORT', 'BEHIND_PROXY']],
  [/^frontend$/, ['LISTEN', 'API_URL', 'API_ORIGINS']],
  [/^(mysql|mariadb)$/, ['MYSQL_ROOT_PASSWORD_FILE', 'MYSQL_INITDB_SKIP_TZINFO', 'MYSQL_DATABASE', 'MYSQL_USER', 'MYSQL_PASSWORD_FILE']],
  [/^(redis|exporter|test)$/, []],
]

/** What a secret's file holds in a test where the real one is made by a person. */
const standIns: Readonly<Record<string, string>> = {
  'master-key': Buffer.alloc(32, 7).toString('base64'),
  'ca.crt': '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n',
  'aws-access-key': 'EXAMPLEACCESSKEY',
}
const standIn = 'a-secret-of-32-letters-and-signs'

/**
 * Gives the environment of each container, with the files that are mounted in it, to the code that will read it there: the built one. Returns what that
 * found wrong, and every variable that nobody reads.
 */
export async function settingFaults(objects: readonly KubernetesObject[], outside: OutsideObjects, repository: string): Promise<string[]> {
  const runtime = await builtRuntime(repository)
  return podsOf(objects).flatMap((pod) =>
    containersOf(pod).flatMap((container) => faultsOfContainer(pod, container, { objects, outside, runtime })),
  )
}

interface Around {
  readonly objects: readonly KubernetesObject[]
  readonly outside: OutsideObjects
  readonly runtime: Runtime
}

function faultsOfContainer(pod: Pod, container: Container, around: Around): string[] {
  const where = placeOf(pod, container)
  const environment = environmentOf(pod, container, around.objects)
  const [command = '', ...words] = container.args ?? []
  const known = commands[command]
  if (known === undefined) {
    const names = otherVariables.find(([pattern]) => pattern.test(container.name))?.[1]
    if (names === undefined) return [`${where}: nobody knows its command ${[command, ...words].join(' ')}`]
    return Object.keys(environment)
      .filter((name) => !names.includes(name))
      .map((name) => `${where}: its image knows no variable ${name}`)
  }
  const readFile = (path: string) => mountedFile(path, pod, container, around)
  try {
    around.runtime.loadConfig(environment, known.process, { readFile, ...known.needs })
  } catch (error) {
    return [`${where}: ${(error as Error).message}`]
  }
  return Object.keys(environment)
    .filter((name) => !isSetting(name, around.runtime))
    .map((name) => `${where}: there is no setting ${name}`)
}

export function environmentOf(pod: Pod, container: Container, objects: readonly KubernetesObject[]): Record<string, string> {
  const fromMaps = (container.envFrom ?? []).map(
    ({ configMapRef }) => objects.find(({ kind, metadata }) => kind === 'ConfigMap' && metadata.name === configMapRef?.name)?.data ?? {},
  )
  const own = (container.env ?? []).map(({ name, value, valueFrom }) => {
    // As Kubernetes makes the name of a pod.
    const podName = `${pod.owner.metadata.name}-7b6fcf96c4-hgsn5`
    return [name, value ?? (valueFrom?.fieldRef?.fieldPath === 'metadata.name' ? podName : '')] as const
  })
  return Object.assign({}, ...fromMaps, Object.fromEntries(own)) as Record<string, string>
}

function isSetting(name: string, { settings }: Runtime): boolean {
  return Object.values(settings).some((row) => namesOf(row).some((own) => name === own || (row.secret === true && name === `${own}_FILE`)))
}

function mountedFile(path: string, pod: Pod, container: Container, { objects, outside }: Around): Buffer {
  const mount = container.volumeMounts?.find(({ mountPath }) => path.startsWith(`${mountPath}/`))
  const secret = pod.spec.volumes?.find(({ name }) => name === mount?.name)?.secret
  const item = secret?.items?.find((candidate) => `${mount?.mountPath}/${candidate.path}` === path)
  const isKey = item !== undefined && keysOfSecret(secret?.secretName ?? '', objects, outside)?.includes(item.key) === true
  if (!isKey) throw Object.assign(new Error(`there is no file ${path}`), { code: 'ENOENT' })
  const made = objects.find(({ kind, metadata }) => kind === 'Secret' && metadata.name === secret?.secretName)?.data?.[item.key]
  return made === undefined ? Buffer.from(standIns[item.key] ?? standIn) : Buffer.from(made, 'base64')
}

async function builtRuntime(repository: string): Promise<Runtime> {
  const built = (name: string) => import(pathToFileURL(join(repository, 'packages/runtime/dist', name)).href)
  const [{ loadConfig }, { settings }] = await Promise.all([built('config.js'), built('config-table.js')])
  return { loadConfig, settings } as Runtime
}
