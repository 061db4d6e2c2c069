/** Values that the chart is rendered with, and who can then speak to whom. */
export interface Scenario {
  readonly name: string
  /** Of the chart, or of the repository where it begins with /. */
  readonly files: readonly string[]
  readonly set: readonly string[]
  /** Whom anybody may call. */
  readonly open: readonly string[]
  /** All other arrows; null: there are no policies. Names are looked up by whoever calls somebody. */
  readonly arrows: readonly string[] | null
}

const others = ['anybody', 'ingress controller', 'Prometheus', 'names', 'another pod of the namespace', 'outside', 'roles of AWS']
const pagesAndApi = ['load-balancer 8080', 'frontend 8000']

const inside = ['load-balancer > api 8080', 'test > frontend 8000', 'test > load-balancer 8080']
const toPrimary = ['api', 'consumer', 'migration', 'csv'].map((name) => `${name} > mysql-primary 3306`)
const toPair = [
  ...toPrimary,
  'replication > mysql-primary 3306',
  ...['api', 'replication', 'csv'].map((name) => `${name} > mysql-replica 3306`),
  'mysql-replica > mysql-primary 3306',
]
const toRedis = ['api > redis 6379', 'consumer > redis 6379']
const outside = (port: number, ...names: string[]) => names.map((name) => `${name} > outside ${port}`)

export const scenarios: readonly Scenario[] = [
  { name: 'values.yaml', files: [], set: [], open: pagesAndApi, arrows: [...inside, ...toPair, ...toRedis] },
  { name: 'values-kind.yaml', files: ['values-kind.yaml'], set: [], open: pagesAndApi, arrows: [...inside, ...toPair, ...toRedis] },
  {
    name: 'values-three-hosts.yaml',
    files: ['values-three-hosts.yaml'],
    set: [],
    open: [...pagesAndApi, 'consumer 8082'],
    arrows: [...inside, ...toPrimary, ...outside(443, 'api', 'consumer')],
  },
  {
    name: 'values-cloud.yaml',
    files: ['values-cloud.yaml'],
    set: [],
    open: [],
    arrows: [
      ...pagesAndApi.map((server) => `ingress controller > ${server}`),
      ...inside,
      ...outside(443, 'api', 'consumer'),
      ...['api', 'consumer'].map((name) => `${name} > roles of AWS 80`),
      ...outside(3306, 'api', 'consumer', 'migration', 'csv'),
    ],
  },
  {
    name: 'values-million.yaml',
    files: ['values-million.yaml'],
    set: [],
    open: pagesAndApi,
    arrows: [...inside, ...toPair, ...toRedis, ...['api 8080', 'consumer 8082', 'frontend 8001'].map((server) => `Prometheus > ${server}`)],
  },
  {
    name: 'plain manifests',
    files: ['/deploy/kubernetes/values.yaml'],
    set: [],
    open: pagesAndApi,
    arrows: ['load-balancer > api 8080', ...toPair, ...toRedis],
  },
  {
    name: 'MariaDB without a load balancer, figures by Services',
    files: [],
    set: [
      ...['mysql.product=mariadb', 'mysql.image.repository=mariadb', 'mysql.image.tag=10.11', 'loadBalancer.enabled=false'],
      ...[
        'monitoring.serviceMonitor.enabled=true',
        'networkPolicy.metricsFrom[0].namespaceSelector.matchLabels.kubernetes\\.io/metadata\\.name=monitoring',
      ],
    ],
    open: ['api 8080', 'frontend 8000'],
    arrows: ['test > frontend 8000', 'test > api 8080', ...toPair, ...toRedis, 'Prometheus > consumer 8082', 'Prometheus > frontend 8001'],
  },
  {
    name: 'Redis and MySQL elsewhere with certificates of their own, no pages, one network',
    files: [],
    set: [
      ...['redis.enabled=false', 'redis.external.host=redis.example.org', 'redis.external.port=6380', 'redis.external.tls=secret'],
      ...['redis.external.caSecret=authority', 'redis.external.user=urna', 'mysql.enabled=false', 'mysql.external.host=db.example.org'],
      ...['mysql.external.tls=secret', 'mysql.external.caSecret=authority', 'secrets.existing=mine', 'frontend.enabled=false'],
      ...[
        'networkPolicy.externalTo[0].ipBlock.cidr=198.51.100.0/24',
        'csv.persistence.existingClaim=',
        'api.settings.BACKLOG_MAX=20000000',
      ],
      ...['fullnameOverride=votes', 'jobs.suffix=abc123'],
    ],
    open: ['load-balancer 8080'],
    arrows: [
      'load-balancer > api 8080',
      'test > load-balancer 8080',
      ...outside(6380, 'api', 'consumer'),
      ...outside(3306, 'api', 'consumer', 'migration', 'csv'),
    ],
  },
  {
    name: 'no load balancer, one way in, figures, more of them by themselves',
    files: [],
    set: [
      ...[
        'loadBalancer.enabled=false',
        'api.autoscaling.enabled=true',
        'jobs.suffix=3849bac0ffee3849bac0ffee3849bac0ffee3849',
        'image.tag=1234567',
      ],
      ...[
        'networkPolicy.publicFrom[0].namespaceSelector.matchLabels.kubernetes\\.io/metadata\\.name=traefik',
        'monitoring.podMonitor.enabled=true',
      ],
      'networkPolicy.metricsFrom[0].namespaceSelector.matchLabels.kubernetes\\.io/metadata\\.name=monitoring',
    ],
    open: [],
    arrows: [
      ...['api 8080', 'frontend 8000'].map((server) => `ingress controller > ${server}`),
      ...['test > frontend 8000', 'test > api 8080', ...toPair, ...toRedis],
      ...['api 8080', 'consumer 8082', 'frontend 8001'].map((server) => `Prometheus > ${server}`),
    ],
  },
  {
    name: 'SQS at another address, no policies',
    files: [],
    set: [
      ...['queue.kind=sqs', 'sqs.region=us-east-1', 'sqs.endpoint=http://sqs.example.org:9324', 'networkPolicy.enabled=false'],
      ...[
        'image.tag=',
        'image.digest=sha256:0000000000000000000000000000000000000000000000000000000000000000',
        'csv.enabled=false',
        'tests.enabled=false',
      ],
    ],
    open: [],
    arrows: null,
  },
]

/** All arrows that there may be, sorted. */
export function expectedArrows({ open, arrows }: Scenario, lookingUp: readonly string[]): string[] {
  return [
    ...others.flatMap((from) => open.map((to) => `${from} > ${to}`)),
    ...(arrows ?? []),
    ...lookingUp.flatMap((from) => [`${from} > names 53`, `${from} > names 53/UDP`]),
  ].sort()
}
