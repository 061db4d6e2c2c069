import { type Container, containersOf, type KubernetesObject, type Pod, type Probe, placeOf, podsOf } from './objects.ts'

/** What every pod must have: no rights, no more than it needs of the machine, an end that it is given time for. */
export function podFaults(objects: readonly KubernetesObject[]): string[] {
  return podsOf(objects).flatMap((pod) => [
    ...faultsOfPod(pod),
    ...containersOf(pod).flatMap((container) => faultsOfContainer(pod, container)),
  ])
}

function faultsOfPod(pod: Pod): string[] {
  const { owner, spec } = pod
  const context = spec.securityContext ?? {}
  return faults(`${owner.kind} ${owner.metadata.name}`, {
    'enableServiceLinks is not false': spec.enableServiceLinks === false,
    'the token of its account is mounted': spec.automountServiceAccountToken === false,
    'it has no service account of its own': spec.serviceAccountName !== undefined && spec.serviceAccountName !== 'default',
    'it may run as root': context.runAsNonRoot === true && Number(context.runAsUser) > 0 && Number(context.runAsGroup) > 0,
    'its volumes do not belong to its group': context.fsGroup === context.runAsGroup,
    'its seccomp profile is not RuntimeDefault': (context.seccompProfile as { type?: string } | undefined)?.type === 'RuntimeDefault',
    'an emptyDir has no limit': (spec.volumes ?? []).every(({ emptyDir }) => emptyDir === undefined || emptyDir.sizeLimit !== undefined),
    'a secret volume can be read by everybody': (spec.volumes ?? []).every(
      ({ secret }) =>
        secret === undefined || secret.items?.every(({ path }) => path === 'ca.crt') || ((secret.defaultMode ?? 0o644) & 0o007) === 0,
    ),
  })
}

function faultsOfContainer(pod: Pod, container: Container): string[] {
  const { image, resources, securityContext: context = {} } = container
  const tag = /:([^/:@]+)$/.exec(image)?.[1]
  const capabilities = context.capabilities as { drop?: string[]; add?: string[] } | undefined
  const isService = pod.owner.kind === 'Deployment' || pod.owner.kind === 'StatefulSet'
  const isOurs = pod.owner.kind === 'Deployment'
  const isSidecar = container.name !== pod.spec.containers[0]?.name
  return [
    ...faults(placeOf(pod, container), {
      'privileges may be escalated': context.allowPrivilegeEscalation === false,
      'its root file system is writable': context.readOnlyRootFilesystem === true,
      'it may run as root': context.runAsNonRoot === true,
      'it keeps capabilities': capabilities?.drop?.join() === 'ALL' && capabilities.add === undefined,
      'it is privileged': context.privileged !== true,
      [`its image ${image} has neither a version nor a digest`]:
        (tag !== undefined && tag !== 'latest') || /@sha256:[0-9a-f]{64}$/.test(image),
      'it requests no cpu': resources?.requests?.cpu !== undefined,
      'it requests no memory': resources?.requests?.memory !== undefined,
      'its cpu has no limit': resources?.limits?.cpu !== undefined,
      'its memory has no limit': resources?.limits?.memory !== undefined,
      'it requests more than its limits': ['cpu', 'memory'].every(
        (name) => quantity(resources?.requests?.[name]) <= quantity(resources?.limits?.[name]),
      ),
      'it has no readiness probe': !isService || isSidecar || container.readinessProbe !== undefined,
      'it has no startup probe': !isService || isSidecar || container.startupProbe !== undefined,
      'it has no liveness probe': !isOurs || container.livenessProbe !== undefined,
      'a sidecar decides whether its pod is ready': !isSidecar || container.readinessProbe === undefined,
    }),
    ...probesOf(container).flatMap((probe) => faultsOfProbe(placeOf(pod, container), container, probe)),
    ...faultsOfDrain(pod, container),
  ]
}

/** What others send requests to goes on for a while after it was told to end, and is given the time for it. */
function faultsOfDrain(pod: Pod, container: Container): string[] {
  if (!['api', 'load-balancer', 'frontend'].includes(container.name)) return []
  const { command = [] } = (container.lifecycle?.preStop as { exec?: { command?: string[] } } | undefined)?.exec ?? {}
  const [program, seconds] = command
  return faults(placeOf(pod, container), {
    'it does not drain before it ends': program === 'sleep' && Number(seconds) >= 5,
    'it is killed before it has drained and stopped': Number(seconds) + 10 <= (pod.spec.terminationGracePeriodSeconds ?? 30),
  })
}

function faultsOfProbe(place: string, { ports = [] }: Container, probe: Probe): string[] {
  const port = probe.httpGet?.port ?? probe.tcpSocket?.port
  if (port === undefined) return probe.exec === undefined ? [`${place}: a probe of a kind that is not known here`] : []
  const isThere = ports.some(({ name, containerPort }) => name === port || containerPort === port)
  return isThere ? [] : [`${place}: a probe asks port ${port}, which the container does not have`]
}

function probesOf({ startupProbe, livenessProbe, readinessProbe }: Container): Probe[] {
  return [startupProbe, livenessProbe, readinessProbe].filter((probe) => probe !== undefined)
}

/** The names of those that are false. */
function faults(place: string, rules: Readonly<Record<string, boolean>>): string[] {
  return Object.entries(rules).flatMap(([fault, holds]) => (holds ? [] : [`${place}: ${fault}`]))
}

const units: Readonly<Record<string, number>> = {
  '': 1,
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
}

/** A quantity of Kubernetes as a number. */
export function quantity(value: unknown): number {
  const [, number, unit = ''] = /^([\d.]+)([A-Za-z]*)$/.exec(String(value)) ?? []
  const factor = units[unit]
  return number === undefined || factor === undefined ? Number.NaN : Number(number) * factor
}
