import { settings } from '@urna/runtime/config-table'
import { type AnySetting, namesOf } from '@urna/runtime/setting'

const processes = ['api', 'consumer', 'jobs'] as const

/** What the chart sets by itself, and what is said to whoever sets it. */
const setByChart: Readonly<Record<string, string>> = {
  DATA_DIR: 'with a database server no process keeps data there',
  PORT: 'set loadBalancer.service.port instead',
  HOST: 'in a pod a process listens on all addresses',
  PUBLIC_URL: 'set api.publicUrl instead',
  ALLOWED_ORIGINS: 'set api.allowedOrigins instead',
  TRUSTED_PROXIES: 'set api.trustedProxies instead',
  DB_HOST: 'set mysql.external.host instead',
  DB_PORT: 'set mysql.external.port instead',
  DB_USER: 'set mysql.user instead',
  DB_DATABASE: 'set mysql.database instead',
  DB_REPLICA_HOST: 'set mysql.external.replicaHost instead',
  DB_REPLICA_PORT: 'set mysql.external.replicaPort instead',
  DB_TLS: 'set mysql.external.tls instead',
  REPLICATION_ADMIN_USER: 'it is root, of servers that the chart itself starts',
  REPLICATION_SOURCE_HOST: 'the replica reaches the primary by the name that everybody uses',
  REPLICATION_SOURCE_PORT: 'the replica reaches the primary by the name that everybody uses',
  REPLICATION_USER: 'the user is made by the job, and belongs to it',
  QUEUE: 'set queue.kind instead',
  REDIS_HOST: 'set redis.external.host instead',
  REDIS_PORT: 'set redis.external.port instead',
  REDIS_USER: 'set redis.external.user instead',
  REDIS_TLS: 'set redis.external.tls instead',
  REDIS_STREAMS: 'set redis.streams instead',
  AWS_REGION: 'set sqs.region instead',
  SQS_QUEUE: 'set sqs.queue instead',
  SQS_KIND: 'set sqs.queueKind instead',
  SQS_ENDPOINT: 'set sqs.endpoint instead',
  CONSUMER_NAME: 'a consumer has the name of its pod',
  CONSUMER_SHARD: 'it follows from the name of the pod',
  EXPORT_DIR: 'set csv.persistence instead',
  EXPORT_EVERY: 'set csv.schedule instead',
  EXPORT_KEEP: 'set csv.keep instead',
  MIGRATION_WAIT_SECONDS: 'set jobs.waitSeconds instead',
  NODE_ENV: 'it is production',
}

/** The content of files/settings.yaml in the chart: what may stand under `settings`, and what is said of the rest. */
export function knownSettings(): string {
  const rows = Object.values<AnySetting>(settings)
    .filter((row) => row.test !== true)
    .flatMap((row) => {
      const users = processes.filter((name) => row.usedBy.includes(name))
      if (users.length === 0) return []
      const more = [...(row.secret === true ? ['secret: true'] : []), ...chartValue(row.name)]
      const line = `{${[`processes: [${users.join(', ')}]`, ...more].join(', ')}}`
      return namesOf(row).map((name) => `${name}: ${line}`)
    })
  return `# Written by \`make chart-docs\` from packages/runtime/src/config-table.ts: the settings that processes of the chart read.\n${rows.join('\n')}\n`
}

function chartValue(name: string): string[] {
  const value = setByChart[name]
  return value === undefined ? [] : [`chart: ${JSON.stringify(value)}`]
}

/** Rows of `setByChart` for which there is no setting. */
export function rowsWithoutSetting(): string[] {
  const names = new Set(Object.values<AnySetting>(settings).map(({ name }) => name))
  return Object.keys(setByChart).filter((name) => !names.has(name))
}
