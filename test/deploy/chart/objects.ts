/** As much of Kubernetes objects as the checks look at; kubernetes-schema.ts looks at all of it. */

export type Texts = Readonly<Record<string, string>>

export interface KubernetesObject {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly labels?: Texts; readonly annotations?: Texts }
  readonly data?: Texts
  readonly spec?: Readonly<Record<string, unknown>>
}

export interface Probe {
  readonly httpGet?: { readonly path: string; readonly port: string | number }
  readonly tcpSocket?: { readonly port: string | number }
  readonly exec?: { readonly command: readonly string[] }
}

export interface Variable {
  readonly name: string
  readonly value?: string
  readonly valueFrom?: { readonly fieldRef?: { readonly fieldPath: string }; readonly secretKeyRef?: { name: string; key: string } }
}

export interface Container {
  readonly name: string
  readonly image: string
  readonly command?: readonly string[]
  readonly args?: readonly string[]
  readonly env?: readonly Variable[]
  readonly envFrom?: readonly { readonly configMapRef?: { name: string }; readonly secretRef?: { name: string } }[]
  readonly ports?: readonly { readonly name?: string; readonly containerPort: number }[]
  readonly startupProbe?: Probe
  readonly livenessProbe?: Probe
  readonly readinessProbe?: Probe
  readonly lifecycle?: { readonly preStop?: unknown }
  readonly resources?: { readonly requests?: Record<string, unknown>; readonly limits?: Record<string, unknown> }
  readonly securityContext?: Readonly<Record<string, unknown>>
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string; readonly readOnly?: boolean }[]
}

export interface Volume {
  readonly name: string
  readonly secret?: {
    readonly secretName: string
    readonly items?: readonly { key: string; path: string }[]
    readonly defaultMode?: number
  }
  readonly configMap?: { readonly name: string }
  readonly persistentVolumeClaim?: { readonly claimName: string }
  readonly emptyDir?: { readonly sizeLimit?: string }
}

export interface PodSpec {
  readonly serviceAccountName?: string
  readonly automountServiceAccountToken?: boolean
  readonly enableServiceLinks?: boolean
  readonly restartPolicy?: string
  readonly terminationGracePeriodSeconds?: number
  readonly securityContext?: Readonly<Record<string, unknown>>
  readonly containers: readonly Container[]
  readonly initContainers?: readonly Container[]
  readonly volumes?: readonly Volume[]
}

/** A pod as some object would make it. */
export interface Pod {
  readonly owner: KubernetesObject
  readonly component: string
  readonly labels: Texts
  readonly spec: PodSpec
}

interface Template {
  readonly metadata?: { readonly labels?: Texts }
  readonly spec: PodSpec
}

export const componentLabel = 'app.kubernetes.io/component'

export function podsOf(objects: readonly KubernetesObject[]): Pod[] {
  return objects.flatMap((owner) => {
    const template = templateOf(owner)
    if (template === null) return []
    const labels = template.metadata?.labels ?? {}
    return [{ owner, component: labels[componentLabel] ?? owner.metadata.name, labels, spec: template.spec }]
  })
}

function templateOf(owner: KubernetesObject): Template | null {
  switch (owner.kind) {
    case 'Pod':
      return { metadata: owner.metadata, spec: owner.spec as unknown as PodSpec }
    case 'CronJob':
      return (owner.spec as unknown as { jobTemplate: { spec: { template: Template } } }).jobTemplate.spec.template
    case 'Deployment':
    case 'StatefulSet':
    case 'Job':
      return (owner.spec as unknown as { template: Template }).template
    default:
      return null
  }
}

export function ofKind<Spec = Record<string, unknown>>(
  objects: readonly KubernetesObject[],
  kind: string,
): (Omit<KubernetesObject, 'spec'> & { readonly spec: Spec })[] {
  return objects.filter((object) => object.kind === kind) as unknown as (Omit<KubernetesObject, 'spec'> & { readonly spec: Spec })[]
}

export function containersOf({ spec }: Pod): Container[] {
  return [...(spec.initContainers ?? []), ...spec.containers]
}

export function placeOf({ owner, component }: Pod, container: Container): string {
  return `${owner.kind} ${owner.metadata.name} (${component}), container ${container.name}`
}

export function matches(selector: Texts | undefined, labels: Texts): boolean {
  return Object.entries(selector ?? {}).every(([key, value]) => labels[key] === value)
}
