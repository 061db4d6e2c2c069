import {
  allowedOrigins,
  crashAt,
  cronOrOff,
  directory,
  integer,
  type Kind,
  key32,
  listenAddress,
  oneOf,
  proxies,
  publicUrl,
  secondsAsMs,
  token,
  trueOrFalse,
} from './setting-kinds.ts'

export type ProcessName = 'api' | 'consumer' | 'jobs' | 'standalone'

export interface Setting<Value, Default extends string | null> {
  readonly name: string
  readonly kind: Kind<Value>
  /** As somebody would write it; null: there is none, and the value is null when nothing is set. */
  readonly default: Default
  /** Never shown, and may be given as `<name>_FILE`, the path of a file that holds it. */
  readonly secret?: true
  /** Only for tests: not in .env.example. */
  readonly test?: true
  readonly description: string
  readonly usedBy: readonly ProcessName[]
}

function setting<Value, const Default extends string | null>(row: Setting<Value, Default>): Setting<Value, Default> {
  return row
}

/**
 * Every setting there is. What reads settings, what documents them (docs/configuration.md, .env.example) and what checks them is made
 * from this table.
 */
export const settings = {
  dataDir: setting({
    name: 'DATA_DIR',
    kind: directory,
    default: './data',
    description:
      'Where everything is kept: the databases, master.key and exports. On a local disk, not on a network file system. One process at a time.',
    usedBy: ['jobs', 'standalone'],
  }),
  port: setting({
    name: 'PORT',
    kind: integer(0, 65_535),
    default: '8080',
    description: 'The port that pages and api are served on. 0 takes any free one.',
    usedBy: ['api', 'standalone'],
  }),
  host: setting({
    name: 'HOST',
    kind: listenAddress,
    default: '0.0.0.0',
    description: 'The address to listen on. 127.0.0.1 keeps other machines out, :: listens on IPv6 too.',
    usedBy: ['api', 'standalone'],
  }),
  publicUrl: setting({
    name: 'PUBLIC_URL',
    kind: publicUrl,
    default: null,
    description:
      'The address voters use, when it differs from the one this process listens on. With https, cookies are sent over https only.',
    usedBy: ['api', 'standalone'],
  }),
  allowedOrigins: setting({
    name: 'ALLOWED_ORIGINS',
    kind: allowedOrigins,
    default: null,
    description: 'Origins of other sites whose pages may use the api. Unset: only our own pages. `*`: anybody, without cookies.',
    usedBy: ['api', 'standalone'],
  }),
  trustedProxies: setting({
    name: 'TRUSTED_PROXIES',
    kind: proxies,
    default: null,
    description: 'The proxies whose X-Forwarded-For is believed. Unset: nobody; the address of a voter is then that of the connection.',
    usedBy: ['api', 'standalone'],
  }),
  defaultPoll: setting({
    name: 'DEFAULT_POLL',
    kind: integer(1, 2_147_483_647),
    default: '1',
    description: 'The survey id of the poll that /api/postVotes and /api/votes speak of.',
    usedBy: ['api', 'standalone'],
  }),
  masterKey: setting({
    name: 'MASTER_KEY',
    kind: key32,
    default: null,
    secret: true,
    description:
      'The key from which cookies, receipts and the sealing of poll secrets come. Unset: made at the first start and kept in DATA_DIR/master.key. Back it up: without it no receipt can be read. Make one: `openssl rand -base64 32`.',
    usedBy: ['api', 'consumer', 'jobs', 'standalone'],
  }),
  adminToken: setting({
    name: 'ADMIN_TOKEN',
    kind: token,
    default: null,
    secret: true,
    description: "The administrator's token. Unset: made at the first start and shown once, on the terminal or in DATA_DIR/first-run.txt.",
    usedBy: ['api', 'standalone'],
  }),
  backlogMax: setting({
    name: 'BACKLOG_MAX',
    kind: integer(1, 1_000_000_000),
    default: '2000000',
    description: 'How many accepted ballots may wait to be counted. Beyond it voters are asked to send again later (503).',
    usedBy: ['api', 'standalone'],
  }),
  replayWindowMs: setting({
    name: 'REPLAY_WINDOW_SECONDS',
    kind: secondsAsMs(1, 604_800),
    default: '900',
    description:
      'How long counted ballots stay in the ballot queue, so that they can be counted again after the database lost its last commits.',
    usedBy: ['consumer', 'standalone'],
  }),
  exportEvery: setting({
    name: 'EXPORT_EVERY',
    kind: cronOrOff,
    default: '*/5 * * * *',
    description: 'When results are written as CSV to DATA_DIR/exports.',
    usedBy: ['jobs', 'standalone'],
  }),
  exportKeep: setting({
    name: 'EXPORT_KEEP',
    kind: integer(1, 1_000_000),
    default: '288',
    description: 'How many exports are kept; older ones are removed. 288 are one day of one every five minutes.',
    usedBy: ['jobs', 'standalone'],
  }),
  exportBom: setting({
    name: 'EXPORT_BOM',
    kind: trueOrFalse,
    default: 'false',
    description: 'Begins each CSV file with a byte order mark, which Excel needs to read accents and emoji.',
    usedBy: ['jobs', 'standalone'],
  }),
  logLevel: setting({
    name: 'LOG_LEVEL',
    kind: oneOf('trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'),
    default: 'info',
    description: 'The least severe messages that are logged.',
    usedBy: ['api', 'consumer', 'jobs', 'standalone'],
  }),
  nodeEnv: setting({
    name: 'NODE_ENV',
    kind: oneOf('production', 'development', 'test'),
    default: 'production',
    description: 'Only `test` takes the settings made for tests.',
    usedBy: ['api', 'consumer', 'jobs', 'standalone'],
  }),
  crashAt: setting({
    name: 'CRASH_AT',
    kind: crashAt,
    default: null,
    test: true,
    description: 'Kills the process (SIGKILL) at the given time it comes to a named point. Refused unless NODE_ENV is `test`.',
    usedBy: ['consumer', 'standalone'],
  }),
} as const

type Settings = typeof settings

/** All settings, parsed. A setting without a default is null when it is not set. */
export type Config = {
  readonly [Key in keyof Settings]: Settings[Key] extends Setting<infer Value, infer Default>
    ? Default extends string
      ? Value
      : Value | null
    : never
}

/** Names that older installations and examples use for servers. This size has none: whoever sets them must hear that. */
export const serverSettingNames = [
  ...['DB_HOST', 'DB_PORT', 'DB_USER', 'DB_PASSWORD', 'DB_PASSWORD_FILE', 'DB_DATABASE', 'DB_NAME', 'DB_REPLICA_HOST', 'DB_REPLICA_PORT'],
  ...['MYSQL_HOST', 'MYSQL_PORT', 'MYSQL_USER', 'MYSQL_PASSWORD', 'MYSQL_PASSWORD_FILE', 'MYSQL_DB', 'MYSQL_DATABASE'],
  ...['REDIS_HOST', 'REDIS_PORT', 'REDIS_PASSWORD', 'REDIS_PASSWORD_FILE', 'REDIS_URL'],
  ...['AWS_ACCESS_KEY', 'AWS_SECRET_KEY', 'AWS_SECRET_KEY_FILE', 'AWS_REGION', 'SQS_QUEUE', 'SQS_ENDPOINT', 'QUEUE'],
] as const
