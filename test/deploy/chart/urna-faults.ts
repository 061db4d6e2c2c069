import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { containersOf, type KubernetesObject, ofKind, type Pod, podsOf } from './objects.ts'
import { quantity } from './pod-faults.ts'
import { environmentOf } from './setting-faults.ts'

/** What must be so because this is Urna. */
export function urnaFaults(objects: readonly KubernetesObject[], repository: string): string[] {
  return [
    ...csvFaults(objects),
    ...jobFaults(objects),
    ...databaseFaults(objects),
    ...redisFaults(objects),
    ...addressFaults(objects),
    ...ingressFaults(objects, repository),
    ...figureFaults(objects, repository),
  ]
}

/** The first container's environment of the pods of a component. */
function environmentIn(objects: readonly KubernetesObject[], component: string): Record<string, string> {
  const pod = podsOf(objects).find((candidate) => candidate.component === component)
  const [container] = pod === undefined ? [] : containersOf(pod)
  return pod === undefined || container === undefined ? {} : environmentOf(pod, container, objects)
}

function csvFaults(objects: readonly KubernetesObject[]): string[] {
  return podsOf(objects)
    .filter(({ component }) => component === 'csv')
    .flatMap((pod) => {
      const { schedule, concurrencyPolicy } = pod.owner.spec as { schedule?: string; concurrencyPolicy?: string }
      const [container] = containersOf(pod)
      const folder = environmentIn(objects, 'csv').EXPORT_DIR
      const mount = container?.volumeMounts?.find(({ mountPath }) => mountPath === folder)
      const volume = pod.spec.volumes?.find(({ name }) => name === mount?.name)
      const isFirst = pod.owner.kind === 'Job'
      return rules(`${pod.owner.kind} csv`, {
        'it is neither the first export nor the one by the clock': isFirst || pod.owner.kind === 'CronJob',
        'it does not run every five minutes': isFirst || schedule === '*/5 * * * *',
        'two may run at a time': isFirst || concurrencyPolicy === 'Forbid',
        'it does not export': container?.args?.join() === 'export-csv',
        'what it writes is on no volume that stays': volume?.persistentVolumeClaim !== undefined && mount?.readOnly !== true,
      })
    })
}

/** Migration and replication run as ordinary jobs beside everything else, and nobody is ready before the tables are there. */
function jobFaults(objects: readonly KubernetesObject[]): string[] {
  const hooks = objects.filter(({ metadata }) => metadata.annotations?.['helm.sh/hook'] !== undefined)
  const pods = podsOf(objects)
  const jobs = pods.filter(({ owner }) => owner.kind === 'Job')
  const hasReplica = pods.some(({ component }) => component === 'mysql-replica')
  return [
    ...hooks
      .filter(({ kind }) => kind !== 'Pod')
      .map(({ kind, metadata }) => `${kind} ${metadata.name}: is a hook, and --wait would wait for ever`),
    ...rules('jobs', {
      // Most storage classes make a volume only when a pod asks for it; `helm --wait` waits for volumes, and the clock may take five minutes.
      'nobody asks for the volume of the CSV files before the clock does':
        jobs.some(({ component }) => component === 'csv') ===
        pods.some(({ component, owner }) => component === 'csv' && owner.kind === 'CronJob'),
      'there is no migration': jobs.some((job) => commandOf(job) === 'migrate'),
      'the replica is never set up, or what is no replica is': hasReplica === jobs.some((job) => commandOf(job) === 'set-up-replication'),
    }),
    ...jobs.flatMap((job) =>
      rules(`Job ${job.owner.metadata.name}`, {
        'its name does not end in a revision or a suffix': /-(1|abc123|[0-9a-f]{12}|v\d[a-z0-9-]*)$/.test(job.owner.metadata.name),
        'it does not wait for servers': Number(environmentIn(objects, job.component).MIGRATION_WAIT_SECONDS) >= 300,
        'it starts again in the same pod, and its log is gone': job.spec.restartPolicy === 'Never',
      }),
    ),
    ...['api', 'consumer'].flatMap((component) => {
      const pod = pods.find((candidate) => candidate.component === component)
      const [container] = pod === undefined ? [] : containersOf(pod)
      return rules(component, {
        // They are not ready before every migration is there: packages/database/src/read-installation.ts.
        'it takes requests before the tables are there': container?.readinessProbe?.httpGet?.path === '/readyz',
        'it is restarted while it waits for the tables': container?.livenessProbe?.httpGet?.path === '/healthz',
        'it waits in a container of its own': (pod?.spec.initContainers ?? []).length === 0,
      })
    }),
  ]
}

function commandOf({ spec }: Pod): string | undefined {
  return spec.containers[0]?.args?.[0]
}

function databaseFaults(objects: readonly KubernetesObject[]): string[] {
  const servers = podsOf(objects).filter(({ component }) => component.startsWith('mysql-'))
  const argumentsOf = (pod: Pod) => pod.spec.containers[0]?.args ?? []
  const ids = servers.map((pod) => argumentsOf(pod).find((word) => word.startsWith('--server-id=')))
  return [
    ...(new Set(ids).size === servers.length ? [] : ['two database servers have the same id']),
    ...servers.flatMap((pod) => {
      const words = argumentsOf(pod)
      const container = pod.spec.containers[0]
      const buffer = /^--innodb-buffer-pool-size=(.*)$/.exec(words.find((word) => word.startsWith('--innodb-buffer')) ?? '')?.[1] ?? ''
      return rules(pod.component, {
        'a commit is answered before it is on the disk':
          words.includes('--innodb-flush-log-at-trx-commit=1') &&
          words.includes('--sync-binlog=1') &&
          words.some((word) => word.startsWith('--log-bin=')),
        'it is not utf8mb4': words.includes('--character-set-server=utf8mb4') && words.includes('--collation-server=utf8mb4_bin'),
        'the replica takes writes': pod.component !== 'mysql-replica' || words.includes('--read-only=1'),
        'it cannot replicate by GTID':
          container?.name !== 'mysql' || (words.includes('--gtid-mode=ON') && words.includes('--enforce-gtid-consistency=ON')),
        'its data are on no volume of their own':
          container?.volumeMounts?.some(({ name, mountPath }) => name === 'data' && mountPath === '/var/lib/mysql') === true,
        'its buffer pool leaves it no memory': quantity(`${buffer}i`) <= 0.76 * quantity(container?.resources?.limits?.memory),
      })
    }),
  ]
}

function redisFaults(objects: readonly KubernetesObject[]): string[] {
  const pod = podsOf(objects).find(({ component }) => component === 'redis')
  if (pod === undefined) return []
  const config = objects.find(({ kind, metadata }) => kind === 'ConfigMap' && metadata.name.endsWith('-redis'))?.data?.['redis.conf'] ?? ''
  const max = /^maxmemory (\d+)(mb|gb)$/m.exec(config)
  const bytes = Number(max?.[1]) * (max?.[2] === 'gb' ? 2 ** 30 : 2 ** 20)
  return rules('redis', {
    'it answers before a ballot is on the disk': /^appendonly yes$/m.test(config) && /^appendfsync always$/m.test(config),
    'it throws ballots away when it is full': /^maxmemory-policy noeviction$/m.test(config),
    'it asks for no password': /^include \/secrets\/redis\.conf$/m.test(config),
    'a rewrite of its log has no memory': bytes <= 0.55 * quantity(pod.spec.containers[0]?.resources?.limits?.memory),
    'its data are on no volume':
      pod.spec.containers[0]?.volumeMounts?.some(({ name, mountPath }) => name === 'data' && mountPath === '/data') === true,
  })
}

/** Pages, api and browsers agree where everything is. */
function addressFaults(objects: readonly KubernetesObject[]): string[] {
  const [api, pages, balancer] = ['api', 'frontend', 'load-balancer'].map((component) => environmentIn(objects, component))
  const apiUrl = pages?.API_URL ?? ''
  const hasIngress = objects.some(({ kind }) => kind === 'Ingress')
  const headless = objects.find(({ kind, metadata }) => kind === 'Service' && metadata.name === balancer?.API_SERVERS_NAME)
  return [
    ...(pages?.LISTEN === undefined
      ? []
      : rules('frontend', {
          'the pages may not speak to their api': apiUrl === '' ? pages.API_ORIGINS === '' : pages.API_ORIGINS === new URL(apiUrl).origin,
          'nothing leads from the pages to the api': apiUrl !== '' || hasIngress,
          'the api does not know the pages': apiUrl === '' || (api?.ALLOWED_ORIGINS ?? '') !== '',
        })),
    ...(balancer?.ROLE === undefined
      ? []
      : rules('load-balancer', {
          'it does not see the single apis': (headless?.spec as { clusterIP?: string } | undefined)?.clusterIP === 'None',
        })),
    ...(hasIngress ? rules('api', { 'it does not know the address of its voters': api?.PUBLIC_URL !== undefined }) : []),
  ]
}

interface Paths {
  readonly rules: readonly { host: string; http: { paths: readonly { path: string; backend: { service: { name: string } } }[] } }[]
}

/** Addresses of the api that are for operators, and come to the pages' own server under the pages' name. */
const notThroughIngress = ['healthz', 'readyz', 'metrics']
const pageAddresses = ['/', '/p/abc', '/receipts', '/admin', '/settings.js', '/assets/index.js']

function ingressFaults(objects: readonly KubernetesObject[], repository: string): string[] {
  const routes = new Set(firstPartsOf(JSON.parse(readFileSync(join(repository, 'docs/urna.postman_collection.json'), 'utf8'))))
  if (routes.size < 5) return ["the list of the api's routes could not be read"]
  const hosts = ofKind<Paths>(objects, 'Ingress').flatMap(({ spec }) => spec.rules)
  const front = hosts.find(({ http }) => http.paths.some(({ backend }) => backend.service.name.endsWith('-frontend')))
  if (front === undefined) return []
  const serviceOf = (address: string) =>
    front.http.paths
      .filter(({ path }) => path === '/' || address === path || address.startsWith(`${path}/`))
      .sort((a, b) => b.path.length - a.path.length)[0]?.backend.service.name
  return [
    ...[...routes]
      .filter((part) => !notThroughIngress.includes(part) && serviceOf(`/${part}`)?.endsWith('-frontend') !== false)
      .map((part) => `Ingress: ${front.host}/${part} does not lead to the api`),
    ...pageAddresses
      .filter((address) => serviceOf(address)?.endsWith('-frontend') !== true)
      .map((address) => `Ingress: ${front.host}${address} does not lead to the pages`),
  ]
}

function firstPartsOf(node: unknown): string[] {
  if (typeof node !== 'object' || node === null) return []
  const { url } = node as { url?: { path?: readonly string[] } | string }
  const own = typeof url === 'object' && Array.isArray(url.path) ? [String(url.path[0])] : []
  return [...own, ...Object.values(node).flatMap(firstPartsOf)]
}

/** Alarms and scaling ask for figures that processes really give. */
function figureFaults(objects: readonly KubernetesObject[], repository: string): string[] {
  const asking = objects.filter(({ kind }) => kind === 'PrometheusRule' || kind === 'ScaledObject')
  const asked = new Set(JSON.stringify(asking).match(/\burna_[a-z_]+/g) ?? [])
  if (asked.size === 0) return []
  const given = new Set(
    execFileSync('grep', ['-rhoE', "'urna_[a-z_]+'", 'apps', 'packages', '--include=*.ts'], { cwd: repository, encoding: 'utf8' }).match(
      /urna_[a-z_]+/g,
    ),
  )
  return [...asked].filter((name) => !given.has(name)).map((name) => `nobody gives the figure ${name}`)
}

/** The servers' images are those that everything else is tried with. Null: the list is not there. */
export function imageFaults(objects: readonly KubernetesObject[], repository: string): string[] | null {
  const list = join(repository, 'deploy/docker/base-images')
  if (!existsSync(list)) return null
  const bases = readFileSync(list, 'utf8')
    .split('\n')
    .map((line) => /^\w+=(.+)$/.exec(line)?.[1])
  return podsOf(objects)
    .filter(({ owner }) => owner.kind === 'StatefulSet')
    .flatMap((pod) => containersOf(pod))
    .filter(({ image }) => !bases.includes(image))
    .map(({ image }) => `${image} is not in deploy/docker/base-images`)
}

/** Two installations share no secret, and no secret is written anywhere but in the Secret. */
export function secretFaults(one: readonly KubernetesObject[], other: readonly KubernetesObject[]): string[] {
  const [mine, theirs] = [one, other].map((objects) => objects.find(({ kind }) => kind === 'Secret')?.data ?? {})
  const everything = JSON.stringify(one.filter(({ kind }) => kind !== 'Secret'))
  return Object.entries(mine ?? {}).flatMap(([key, value]) => {
    const text = Buffer.from(value, 'base64').toString().trim()
    return rules(`Secret ${key}`, {
      'it is the same in two installations': value !== theirs?.[key],
      'it is short': text.length >= 24,
      'it stands in another object, too': !everything.includes(text) && !everything.includes(value),
    })
  })
}

function rules(place: string, holds: Readonly<Record<string, boolean>>): string[] {
  return Object.entries(holds).flatMap(([fault, isRight]) => (isRight ? [] : [`${place}: ${fault}`]))
}
