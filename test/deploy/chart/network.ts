import { isIPv4 } from 'node:net'
import { containersOf, type KubernetesObject, matches, ofKind, podsOf, type Texts } from './objects.ts'

interface LabelSelector {
  readonly matchLabels?: Texts
}

interface Peer {
  readonly podSelector?: LabelSelector
  readonly namespaceSelector?: LabelSelector
  readonly ipBlock?: { readonly cidr: string }
}

interface Rule {
  readonly from?: readonly Peer[]
  readonly to?: readonly Peer[]
  readonly ports?: readonly { readonly protocol?: string; readonly port?: number }[]
}

interface PolicySpec {
  readonly podSelector: LabelSelector
  readonly policyTypes: readonly ('Ingress' | 'Egress')[]
  readonly ingress?: readonly Rule[]
  readonly egress?: readonly Rule[]
}

/** Somebody who may call or be called: a pod of the release, a pod elsewhere, or an address outside. */
interface Place {
  readonly name: string
  readonly namespace: string | null
  readonly labels: Texts
  readonly address: string
  readonly ports: readonly (readonly [protocol: string, port: number])[]
  /** Its traffic is ruled by the policies of this release. */
  readonly isOurs: boolean
}

const namespaceName = 'kubernetes.io/metadata.name'

/** Those around the release that have, or must not have, anything to do with it. */
const others: readonly Place[] = [
  elsewhere('anybody', null, '203.0.113.9', []),
  elsewhere('ingress controller', 'traefik', '10.1.1.1', []),
  elsewhere('Prometheus', 'monitoring', '10.1.1.2', []),
  elsewhere('names', 'kube-system', '10.1.1.3', [
    ['UDP', 53],
    ['TCP', 53],
  ]),
  elsewhere('another pod of the namespace', 'urna', '10.1.1.4', [['TCP', 9999]]),
  elsewhere('roles of AWS', null, '169.254.170.23', [['TCP', 80]]),
  // The ports of whatever a release could be told to use.
  elsewhere('outside', null, '198.51.100.7', [
    ['TCP', 443],
    ['TCP', 3306],
    ['TCP', 6379],
    ['TCP', 6380],
    ['TCP', 9324],
    ['TCP', 25],
  ]),
]

function elsewhere(name: string, namespace: string | null, address: string, ports: Place['ports']): Place {
  return { name, namespace, labels: { app: name }, address, ports, isOurs: false }
}

/** Every arrow that the policies let through, as `from > to port`, of all pairs of places and all ports that somebody listens on. */
export function reachable(objects: readonly KubernetesObject[]): string[] {
  const policies = ofKind<PolicySpec>(objects, 'NetworkPolicy').map(({ spec }) => spec)
  const ours = podsOf(objects).map((pod, index): Place => {
    const ports = containersOf(pod).flatMap(({ ports = [] }) => ports.map(({ containerPort }) => ['TCP', containerPort] as const))
    return { name: pod.component, namespace: 'urna', labels: pod.labels, address: `10.2.0.${index + 1}`, ports, isOurs: true }
  })
  const places = [...ours, ...others]
  const arrows = places.flatMap((from) =>
    places
      .filter((to) => to !== from && (from.isOurs || to.isOurs))
      .flatMap((to) =>
        to.ports
          .filter((port) => lets(policies, 'Egress', from, to, port) && lets(policies, 'Ingress', to, from, port))
          .map(([protocol, port]) => `${from.name} > ${to.name} ${port}${protocol === 'TCP' ? '' : `/${protocol}`}`),
      ),
  )
  return [...new Set(arrows)].sort()
}

/** No policy that selects a pod: everything is let through. One or more: what any of them lists. */
function lets(
  policies: readonly PolicySpec[],
  way: 'Ingress' | 'Egress',
  ruled: Place,
  other: Place,
  [protocol, port]: readonly [string, number],
): boolean {
  if (ruled.namespace !== 'urna') return true
  const mine = policies.filter(
    ({ podSelector, policyTypes }) => policyTypes.includes(way) && matches(podSelector.matchLabels, ruled.labels),
  )
  if (mine.length === 0) return true
  return mine
    .flatMap((policy) => (way === 'Ingress' ? policy.ingress : policy.egress) ?? [])
    .some((rule) => {
      const peers = way === 'Ingress' ? rule.from : rule.to
      const isPort = rule.ports?.some((listed) => listed.port === port && (listed.protocol ?? 'TCP') === protocol) ?? true
      return isPort && (peers === undefined || peers.length === 0 || peers.some((peer) => isPeer(peer, other)))
    })
}

function isPeer({ podSelector, namespaceSelector, ipBlock }: Peer, place: Place): boolean {
  if (ipBlock !== undefined) return place.namespace === null && isIn(place.address, ipBlock.cidr)
  if (place.namespace === null) return false
  const isNamespace =
    namespaceSelector === undefined
      ? place.namespace === 'urna'
      : matches(namespaceSelector.matchLabels, { [namespaceName]: place.namespace })
  return isNamespace && matches(podSelector?.matchLabels, place.labels)
}

function isIn(address: string, cidr: string): boolean {
  const [network = '', prefix = '32'] = cidr.split('/')
  if (!isIPv4(address) || !isIPv4(network)) return false
  const shift = 32 - Number(prefix)
  return shift === 32 || numberOf(address) >>> shift === numberOf(network) >>> shift
}

function numberOf(address: string): number {
  return address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
}
