import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { firstGiven } from './config-rules.ts'
import { plainSettings } from './config-table.ts'
import type {
  ConfigOf,
  MysqlConfig,
  PlainConfig,
  RedisServer,
  ReplicationConfig,
  ResultsCacheConfig,
  ServerQueueConfig,
  SqliteConfig,
  SqsQueueConfig,
} from './config-types.ts'
import type { ReadSettings, SettingKey, SettingValues } from './read-settings.ts'
import type { AnySetting, ProcessName } from './setting.ts'

/** Makes of faultless settings what a process is given: its own settings, and of those that belong together a union. */
export function composeConfig<Process extends ProcessName>(
  read: ReadSettings,
  process: Process,
  { nameOfConsumer }: { readonly nameOfConsumer: () => string },
): ConfigOf[Process] {
  const plain = Object.fromEntries(
    Object.entries<AnySetting>(plainSettings)
      .filter(([, setting]) => setting.usedBy.includes(process))
      .map(([key]) => [key, read.values[key as SettingKey]]),
  )
  const { values } = read
  const parts: { readonly [Name in ProcessName]: () => Omit<ConfigOf[Name], keyof PlainConfig<Name>> } = {
    standalone: () => {
      const dataDir = needed(values, 'dataDir')
      return { database: sqliteOf(values), queue: { kind: 'embedded', dataDir }, exportDir: exportDirOf(values) }
    },
    api: () => ({
      database: mysqlOf(values),
      queue: queueOf(read),
      resultsCache: resultsCacheOf(read),
      requestCounts: values.redisHost === null ? null : redisOf(values),
    }),
    consumer: () => ({ database: mysqlOf(values), queue: queueOf(read), ...consumerOf(values, nameOfConsumer) }),
    jobs: () => ({
      database: values.dbHost === null ? sqliteOf(values) : mysqlOf(values),
      replication: replicationOf(values),
      exportDir: exportDirOf(values),
    }),
  }
  return { ...plain, ...parts[process]() } as unknown as ConfigOf[Process]
}

/** The rules have seen to it that it is there. */
function needed<Key extends SettingKey>(values: SettingValues, key: Key): NonNullable<SettingValues[Key]> {
  const value = values[key]
  if (value === null) throw new Error(`the setting ${key} was read as null`)
  return value as NonNullable<SettingValues[Key]>
}

function sqliteOf(values: SettingValues): SqliteConfig {
  return { kind: 'sqlite', dataDir: needed(values, 'dataDir') }
}

function exportDirOf(values: SettingValues): string {
  return values.exportDir ?? join(needed(values, 'dataDir'), 'exports')
}

function mysqlOf(values: SettingValues): MysqlConfig {
  const primary = {
    host: needed(values, 'dbHost'),
    port: needed(values, 'dbPort'),
    user: needed(values, 'dbUser'),
    password: needed(values, 'dbPassword'),
    database: needed(values, 'dbDatabase'),
  }
  const replica = { ...primary, host: values.dbReplicaHost ?? primary.host, port: values.dbReplicaPort ?? primary.port }
  return {
    kind: 'mysql',
    primary,
    replica: replica.host === primary.host && replica.port === primary.port ? null : replica,
    tls: values.dbTls,
    connectionsMax: needed(values, 'dbConnectionsMax'),
    connectTimeoutMs: needed(values, 'dbConnectTimeoutMs'),
    queryTimeoutMs: needed(values, 'dbQueryTimeoutMs'),
  }
}

function replicationOf(values: SettingValues): ReplicationConfig | null {
  const { replicationAdminPassword, replicationPassword, dbHost } = values
  if (dbHost === null || replicationAdminPassword === null || replicationPassword === null) return null
  return {
    administrator: { user: needed(values, 'replicationAdminUser'), password: replicationAdminPassword },
    replicator: { user: needed(values, 'replicationUser'), password: replicationPassword },
    source: { host: values.replicationSourceHost ?? dbHost, port: values.replicationSourcePort ?? needed(values, 'dbPort') },
  }
}

function redisOf(values: SettingValues): RedisServer {
  return {
    host: needed(values, 'redisHost'),
    port: needed(values, 'redisPort'),
    user: values.redisUser,
    password: values.redisPassword,
    tls: values.redisTls,
  }
}

function queueOf(read: ReadSettings): ServerQueueConfig {
  const { values } = read
  const kind = values.queue ?? (firstGiven(read, 'sqs') === null ? 'redis' : 'sqs')
  return kind === 'sqs' ? sqsOf(values) : { kind: 'redis', server: redisOf(values), streams: needed(values, 'redisStreams') }
}

function sqsOf(values: SettingValues): SqsQueueConfig {
  const name = needed(values, 'sqsQueue')
  return {
    kind: 'sqs',
    queueName: values.sqsKind === 'fifo' && !name.endsWith('.fifo') ? `${name}.fifo` : name,
    region: values.awsRegion,
    endpoint: values.sqsEndpoint,
    credentials:
      values.awsAccessKey === null ? null : { accessKeyId: values.awsAccessKey, secretAccessKey: needed(values, 'awsSecretKey') },
  }
}

function resultsCacheOf({ values }: ReadSettings): ResultsCacheConfig {
  const kind = values.resultsCache ?? (values.redisHost === null ? 'none' : 'redis')
  return kind === 'none' ? { kind } : { kind, server: redisOf(values), keepMs: needed(values, 'resultsCacheMs') }
}

function consumerOf(values: SettingValues, nameOfConsumer: () => string): { consumerName: string; consumerShard: number } {
  const consumerName = values.consumerName ?? nameOfConsumer()
  return { consumerName, consumerShard: values.consumerShard ?? shardOf(consumerName) }
}

/**
 * One of 256, not of all 65,536: names change at a restart, each shard that was ever used has a row for each tally, and results add them
 * all up. Now and then two consumers meet on one and wait for each other.
 */
function shardOf(consumerName: string): number {
  return createHash('sha256').update(consumerName).digest().readUInt8(0)
}
