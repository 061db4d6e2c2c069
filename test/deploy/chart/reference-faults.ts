import {
  type Container,
  containersOf,
  type KubernetesObject,
  matches,
  ofKind,
  type Pod,
  placeOf,
  podsOf,
  type Texts,
  type Volume,
} from './objects.ts'

export interface OutsideObjects {
  /** Secrets that a person makes, and their keys. */
  readonly secrets: Readonly<Record<string, readonly string[]>>
}

interface ServiceSpec {
  readonly selector: Texts
  readonly clusterIP?: string
  readonly ports: readonly { readonly name: string; readonly port: number; readonly targetPort: string | number }[]
}

interface Selecting {
  readonly selector: { readonly matchLabels: Texts }
  readonly serviceName?: string
  readonly volumeClaimTemplates?: readonly { readonly metadata: { readonly name: string } }[]
}

/** Whatever one object says of another must be so: labels, names, keys, ports. */
export function referenceFaults(objects: readonly KubernetesObject[], outside: OutsideObjects): string[] {
  return [
    ...names(objects),
    ...selectors(objects),
    ...services(objects),
    ...ingresses(objects),
    ...targets(objects),
    ...monitors(objects),
    ...podsOf(objects).flatMap((pod) => mounted(pod, objects, outside)),
  ]
}

/** A Service's name is a label of DNS; of a CronJob eleven letters are left for the names of its jobs. */
function names(objects: readonly KubernetesObject[]): string[] {
  const seen = new Set<string>()
  return objects.flatMap(({ apiVersion, kind, metadata: { name, namespace } }) => {
    const max = kind === 'CronJob' ? 52 : 63
    const key = `${apiVersion} ${kind} ${name}`
    const found = [
      ...(/^[a-z]([a-z0-9-]*[a-z0-9])?$/.test(name) && name.length <= max ? [] : [`${kind} ${name}: no name for it`]),
      ...(namespace === 'urna' ? [] : [`${kind} ${name}: is not in the release's namespace`]),
      ...(seen.has(key) ? [`${kind} ${name}: is there twice`] : []),
    ]
    seen.add(key)
    return found
  })
}

function selectors(objects: readonly KubernetesObject[]): string[] {
  const workloads = objects.filter(({ kind }) => kind === 'Deployment' || kind === 'StatefulSet')
  const pods = podsOf(objects)
  return workloads.flatMap((owner) => {
    const { selector, serviceName } = owner.spec as unknown as Selecting
    const own = pods.find((pod) => pod.owner === owner)
    const where = `${owner.kind} ${owner.metadata.name}`
    const others = pods.filter((pod) => pod.owner !== owner && matches(selector.matchLabels, pod.labels))
    const governing = ofKind<ServiceSpec>(objects, 'Service').find(({ metadata }) => metadata.name === serviceName)
    return [
      ...(own !== undefined && matches(selector.matchLabels, own.labels) ? [] : [`${where}: its selector does not match its pods`]),
      ...others.map((pod) => `${where}: its selector matches pods of ${pod.owner.kind} ${pod.owner.metadata.name}`),
      ...(own !== undefined && Object.keys(own.labels).some((label) => /version|chart/.test(label))
        ? [`${where}: a label of its pods changes with the version, so every upgrade restarts them`]
        : []),
      ...(owner.kind === 'StatefulSet' && governing?.spec.clusterIP !== 'None' ? [`${where}: has no headless Service ${serviceName}`] : []),
    ]
  })
}

function services(objects: readonly KubernetesObject[]): string[] {
  const pods = podsOf(objects)
  return ofKind<ServiceSpec>(objects, 'Service').flatMap(({ metadata, spec }) => {
    const chosen = pods.filter((pod) => matches(spec.selector, pod.labels))
    const owners = new Set(chosen.map((pod) => pod.owner))
    const missing = spec.ports.filter(({ targetPort }) => !chosen.some((pod) => hasPort(pod, targetPort)))
    return [
      ...(owners.size === 1 ? [] : [`Service ${metadata.name}: leads to ${owners.size} workloads`]),
      ...missing.map(({ targetPort }) => `Service ${metadata.name}: its pods have no port ${targetPort}`),
    ]
  })
}

function hasPort(pod: Pod, port: string | number): boolean {
  return containersOf(pod).some(({ ports = [] }) => ports.some(({ name, containerPort }) => name === port || containerPort === port))
}

interface IngressSpec {
  readonly tls?: readonly { readonly hosts: readonly string[]; readonly secretName: string }[]
  readonly rules: readonly {
    readonly host: string
    readonly http: {
      readonly paths: readonly { readonly path: string; readonly backend: { service: { name: string; port: { number: number } } } }[]
    }
  }[]
}

function ingresses(objects: readonly KubernetesObject[]): string[] {
  const there = ofKind<ServiceSpec>(objects, 'Service')
  return ofKind<IngressSpec>(objects, 'Ingress').flatMap(({ metadata, spec }) =>
    spec.rules.flatMap(({ host, http }) => [
      ...http.paths.flatMap(({ path, backend: { service } }) => {
        const found = there.find((candidate) => candidate.metadata.name === service.name)
        const isThere = found?.spec.ports.some(({ port }) => port === service.port.number) === true
        return isThere
          ? []
          : [`Ingress ${metadata.name}: ${host}${path} leads to ${service.name}:${service.port.number}, which is not there`]
      }),
      ...(spec.tls === undefined || spec.tls.some(({ hosts }) => hosts.includes(host))
        ? []
        : [`Ingress ${metadata.name}: no certificate for ${host}`]),
    ]),
  )
}

/** Of what scales, and of what is kept from being emptied. */
function targets(objects: readonly KubernetesObject[]): string[] {
  const scalers = objects.filter(({ kind }) => kind === 'HorizontalPodAutoscaler' || kind === 'ScaledObject')
  const scaled = scalers.flatMap(({ kind, metadata, spec }) => {
    const {
      scaleTargetRef: target,
      minReplicas,
      minReplicaCount,
    } = spec as {
      scaleTargetRef: { kind: string; name: string }
      minReplicas?: number
      minReplicaCount?: number
    }
    const found = objects.find((object) => object.kind === target.kind && object.metadata.name === target.name)
    if (found === undefined) return [`${kind} ${metadata.name}: there is no ${target.kind} ${target.name}`]
    // Rendered without a cluster. That an upgrade leaves the number as it is: installation.ts.
    return found.spec?.replicas === (minReplicas ?? minReplicaCount)
      ? []
      : [`${kind} ${metadata.name}: ${target.name} does not begin with the fewest`]
  })
  const budgets = ofKind<Selecting>(objects, 'PodDisruptionBudget').flatMap(({ metadata, spec }) =>
    podsOf(objects).some((pod) => matches(spec.selector.matchLabels, pod.labels))
      ? []
      : [`PodDisruptionBudget ${metadata.name}: is of no pod`],
  )
  return [...scaled, ...budgets]
}

interface MonitorSpec extends Selecting {
  readonly endpoints?: readonly { readonly port: string }[]
  readonly podMetricsEndpoints?: readonly { readonly port: string }[]
}

function monitors(objects: readonly KubernetesObject[]): string[] {
  const ofServices = ofKind<MonitorSpec>(objects, 'ServiceMonitor').flatMap(({ metadata, spec }) => {
    const found = ofKind<ServiceSpec>(objects, 'Service').filter((service) =>
      matches(spec.selector.matchLabels, service.metadata.labels ?? {}),
    )
    const isRight = found.length === 1 && spec.endpoints?.every(({ port }) => found[0]?.spec.ports.some(({ name }) => name === port))
    return isRight === true ? [] : [`ServiceMonitor ${metadata.name}: finds ${found.length} Services, or not their ports`]
  })
  const ofPods = ofKind<MonitorSpec>(objects, 'PodMonitor').flatMap(({ metadata, spec }) => {
    const found = podsOf(objects).filter((pod) => matches(spec.selector.matchLabels, pod.labels))
    const isRight = found.length === 1 && spec.podMetricsEndpoints?.every(({ port }) => found[0] !== undefined && hasPort(found[0], port))
    return isRight === true ? [] : [`PodMonitor ${metadata.name}: finds ${found.length} workloads, or not their ports`]
  })
  return [...ofServices, ...ofPods]
}

/** Secrets and ConfigMaps with the keys that are asked of them, claims, accounts, and a volume for every mount. */
function mounted(pod: Pod, objects: readonly KubernetesObject[], outside: OutsideObjects): string[] {
  const where = `${pod.owner.kind} ${pod.owner.metadata.name}`
  const claims = ((pod.owner.spec as unknown as Selecting).volumeClaimTemplates ?? []).map(({ metadata }) => metadata.name)
  const volumes = [...(pod.spec.volumes ?? []).map(({ name }) => name), ...claims]
  const used = new Set(containersOf(pod).flatMap(({ volumeMounts = [] }) => volumeMounts.map(({ name }) => name)))
  const account = pod.spec.serviceAccountName
  return [
    ...(pod.spec.volumes ?? []).flatMap((volume) => faultsOfVolume(where, volume, objects, outside)),
    ...volumes.filter((name) => !used.has(name)).map((name) => `${where}: nobody mounts its volume ${name}`),
    ...containersOf(pod).flatMap((container) => faultsOfMounts(pod, container, volumes, objects)),
    ...(objects.some(({ kind, metadata }) => kind === 'ServiceAccount' && metadata.name === account)
      ? []
      : [`${where}: there is no account ${account}`]),
  ]
}

function faultsOfVolume(where: string, volume: Volume, objects: readonly KubernetesObject[], outside: OutsideObjects): string[] {
  const { secret, configMap, persistentVolumeClaim } = volume
  if (secret !== undefined) {
    const keys = keysOfSecret(secret.secretName, objects, outside)
    if (keys === null) return [`${where}: there is no Secret ${secret.secretName}`]
    const items = secret.items ?? []
    return [
      ...(items.length > 0 ? [] : [`${where}: sees all of the Secret ${secret.secretName}`]),
      ...items.filter(({ key }) => !keys.includes(key)).map(({ key }) => `${where}: the Secret ${secret.secretName} has no ${key}`),
    ]
  }
  if (configMap !== undefined) return isThere(where, 'ConfigMap', configMap.name, objects)
  return persistentVolumeClaim === undefined ? [] : isThere(where, 'PersistentVolumeClaim', persistentVolumeClaim.claimName, objects)
}

export function keysOfSecret(name: string, objects: readonly KubernetesObject[], { secrets }: OutsideObjects): readonly string[] | null {
  const found = objects.find(({ kind, metadata }) => kind === 'Secret' && metadata.name === name)
  return found === undefined ? (secrets[name] ?? null) : Object.keys(found.data ?? {})
}

function isThere(where: string, wanted: string, name: string, objects: readonly KubernetesObject[]): string[] {
  return objects.some(({ kind, metadata }) => kind === wanted && metadata.name === name) ? [] : [`${where}: there is no ${wanted} ${name}`]
}

function faultsOfMounts(pod: Pod, container: Container, volumes: readonly string[], objects: readonly KubernetesObject[]): string[] {
  const where = placeOf(pod, container)
  const [mounts, sources, variables] = [container.volumeMounts ?? [], container.envFrom ?? [], container.env ?? []]
  return [
    ...mounts.filter(({ name }) => !volumes.includes(name)).map(({ name }) => `${where}: mounts ${name}, which is no volume of its pod`),
    ...sources.flatMap(({ configMapRef }) =>
      configMapRef === undefined
        ? [`${where}: takes variables from a Secret: they belong into files`]
        : isThere(where, 'ConfigMap', configMapRef.name, objects),
    ),
    ...variables
      .filter(({ valueFrom }) => valueFrom?.secretKeyRef !== undefined)
      .map(({ name }) => `${where}: ${name} is a secret in the environment`),
  ]
}
