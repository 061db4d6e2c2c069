import type { plainSettings } from './config-table.ts'
import type { ValueOf } from './read-settings.ts'
import type { ProcessName, Setting } from './setting.ts'
import type { Tls } from './setting-kinds.ts'

type PlainSettings = typeof plainSettings
type UsedBy<Row> = Row extends Setting<infer _Value, infer _Default, infer Name> ? Name : never

/** The settings that a process uses as they are. One without a default is null when it is not set. */
export type PlainConfig<Process extends ProcessName> = {
  readonly [Key in keyof PlainSettings as Process extends UsedBy<PlainSettings[Key]> ? Key : never]: ValueOf<PlainSettings[Key]>
}

export interface SqliteConfig {
  readonly kind: 'sqlite'
  readonly dataDir: string
}

export interface MysqlServer {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string
  readonly database: string
}

export interface MysqlConfig {
  readonly kind: 'mysql'
  /** For the api and for exports it may be one that is only read. */
  readonly primary: MysqlServer
  /** Null: there is none, reads go to the primary. */
  readonly replica: MysqlServer | null
  /** Null: not encrypted. */
  readonly tls: Tls | null
  /** To each server. */
  readonly connectionsMax: number
  readonly connectTimeoutMs: number
  readonly queryTimeoutMs: number
}

/** How a replica is made of a server. */
export interface ReplicationConfig {
  /** Of both servers. */
  readonly administrator: { readonly user: string; readonly password: string }
  /** By which the replica reads from the primary. */
  readonly replicator: { readonly user: string; readonly password: string }
  /** The primary as the replica reaches it. */
  readonly source: { readonly host: string; readonly port: number }
}

export interface RedisServer {
  readonly host: string
  readonly port: number
  readonly user: string | null
  readonly password: string | null
  /** Null: not encrypted. */
  readonly tls: Tls | null
}

export interface EmbeddedQueueConfig {
  readonly kind: 'embedded'
  readonly dataDir: string
}

export interface RedisQueueConfig {
  readonly kind: 'redis'
  readonly server: RedisServer
  readonly streams: number
}

export interface SqsQueueConfig {
  readonly kind: 'sqs'
  /** A fifo queue's ends in `.fifo`. */
  readonly queueName: string
  /** Null: as the SDK finds it. */
  readonly region: string | null
  /** Null: AWS. */
  readonly endpoint: string | null
  /** Null: the SDK's own chain of keys and roles. */
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string } | null
}

export type ServerQueueConfig = RedisQueueConfig | SqsQueueConfig

export type ResultsCacheConfig =
  | { readonly kind: 'none' }
  | { readonly kind: 'redis'; readonly server: RedisServer; readonly keepMs: number }

export interface StandaloneConfig extends PlainConfig<'standalone'> {
  readonly database: SqliteConfig
  readonly queue: EmbeddedQueueConfig
  readonly exportDir: string
}

export interface ApiConfig extends PlainConfig<'api'> {
  readonly database: MysqlConfig
  readonly queue: ServerQueueConfig
  readonly resultsCache: ResultsCacheConfig
  /** Where all api processes count the requests of an address together; null: each for itself. */
  readonly requestCounts: RedisServer | null
  readonly masterKey: Buffer
}

export interface ConsumerConfig extends PlainConfig<'consumer'> {
  /** Without a replica: a consumer asks the primary only. */
  readonly database: MysqlConfig
  readonly queue: ServerQueueConfig
  readonly masterKey: Buffer
  readonly consumerName: string
  readonly consumerShard: number
}

export interface JobsConfig extends PlainConfig<'jobs'> {
  readonly database: SqliteConfig | MysqlConfig
  /** Null: its passwords are not given. */
  readonly replication: ReplicationConfig | null
  readonly exportDir: string
}

export interface ConfigOf {
  readonly standalone: StandaloneConfig
  readonly api: ApiConfig
  readonly consumer: ConsumerConfig
  readonly jobs: JobsConfig
}
