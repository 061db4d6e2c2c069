import { serverSettings } from './server-settings.ts'
import { setting } from './setting.ts'
import {
  allowedOrigins,
  consumerName,
  crashAt,
  cronOrOff,
  directory,
  hoursAsMs,
  integer,
  key32,
  listenAddress,
  minutesAsMs,
  newPassword,
  oneOf,
  proxies,
  publicUrl,
  secondsAsMs,
  token,
  trueOrFalse,
} from './setting-kinds.ts'

/** Settings that a process gets as they are. */
export const plainSettings = {
  dataDir: setting({
    name: 'DATA_DIR',
    group: 'data',
    kind: directory,
    default: './data',
    description:
      'Where everything is kept when there is no database server: the databases, master.key and exports. On a local disk, not on a network file system. One process at a time.',
    usedBy: ['jobs', 'standalone'],
  }),
  port: setting({
    name: 'PORT',
    group: 'web',
    kind: integer(0, 65_535),
    default: '8080',
    defaultFor: { consumer: '8082', jobs: '8083' },
    description: 'The port that pages, api, health and metrics are served on. 0 takes any free one.',
    usedBy: ['api', 'consumer', 'jobs', 'standalone'],
  }),
  host: setting({
    name: 'HOST',
    group: 'web',
    kind: listenAddress,
    default: '0.0.0.0',
    description: 'The address to listen on. 127.0.0.1 keeps other machines out, :: listens on IPv6 too.',
    usedBy: ['api', 'consumer', 'jobs', 'standalone'],
  }),
  publicUrl: setting({
    name: 'PUBLIC_URL',
    group: 'web',
    kind: publicUrl,
    default: null,
    description:
      'The address voters use, when it differs from the one this process listens on. With https, cookies are sent over https only.',
    usedBy: ['api', 'standalone'],
  }),
  allowedOrigins: setting({
    name: 'ALLOWED_ORIGINS',
    group: 'web',
    kind: allowedOrigins,
    default: null,
    description: 'Origins of other sites whose pages may use the api. Unset: only our own pages. `*`: anybody, without cookies.',
    usedBy: ['api', 'standalone'],
  }),
  trustedProxies: setting({
    name: 'TRUSTED_PROXIES',
    group: 'web',
    kind: proxies,
    default: null,
    description: 'The proxies whose X-Forwarded-For is believed. Unset: nobody; the address of a voter is then that of the connection.',
    usedBy: ['api', 'standalone'],
  }),
  sessionIdleMs: setting({
    name: 'SESSION_IDLE_MINUTES',
    group: 'web',
    kind: minutesAsMs(1, 10_080),
    default: '120',
    description: 'Who does nothing for so long has to sign in again.',
    usedBy: ['api', 'standalone'],
  }),
  sessionMs: setting({
    name: 'SESSION_HOURS',
    group: 'web',
    kind: hoursAsMs(1, 720),
    default: '12',
    description: 'So long after signing in everybody has to sign in again, whatever they do.',
    usedBy: ['api', 'standalone'],
  }),
  defaultPoll: setting({
    name: 'DEFAULT_POLL',
    group: 'web',
    kind: integer(1, 2_147_483_647),
    default: '1',
    description: 'The survey id of the poll that /api/postVotes and /api/votes speak of.',
    usedBy: ['api', 'standalone'],
  }),
  masterKey: setting({
    name: 'MASTER_KEY',
    group: 'secrets',
    kind: key32,
    default: null,
    secret: true,
    description:
      'The key from which cookies, receipts and the sealing of poll secrets come. With a database server: the same for every process. With SQLite, unset: made at the first start and kept in DATA_DIR/master.key. Back it up: without it no receipt can be read. Make one: `openssl rand -base64 32`.',
    usedBy: ['api', 'consumer', 'jobs', 'standalone'],
  }),
  adminToken: setting({
    name: 'ADMIN_TOKEN',
    group: 'secrets',
    kind: token,
    default: null,
    secret: true,
    description:
      "The administrator's token, the same for every api. Unset: made once, by the first start or by the migration, and shown only then, on the terminal or in DATA_DIR/first-run.txt. Make one: `openssl rand -hex 24`.",
    usedBy: ['api', 'jobs', 'standalone'],
  }),
  adminPassword: setting({
    name: 'ADMIN_PASSWORD',
    group: 'secrets',
    kind: newPassword,
    default: null,
    secret: true,
    description:
      'The password of the first administrator, the user `admin`, who is made by the first start or by the migration where nobody can sign in as an administrator; afterwards it is ignored. Unset: made up, and shown only then, on the terminal or in DATA_DIR/first-run.txt.',
    usedBy: ['jobs', 'standalone'],
  }),
  backlogMax: setting({
    name: 'BACKLOG_MAX',
    group: 'queue',
    kind: integer(1, 1_000_000_000),
    default: '2000000',
    description: 'How many accepted ballots may wait to be counted. Beyond it voters are asked to send again later (503).',
    usedBy: ['api', 'standalone'],
  }),
  replayWindowMs: setting({
    name: 'REPLAY_WINDOW_SECONDS',
    group: 'queue',
    kind: secondsAsMs(1, 604_800),
    default: '900',
    description:
      'How long counted ballots stay in the ballot queue, so that they can be counted again after the database lost its last commits. Not with SQS.',
    usedBy: ['consumer', 'standalone'],
  }),
  claimIdleMs: setting({
    name: 'CLAIM_IDLE_SECONDS',
    group: 'counting',
    kind: secondsAsMs(5, 3_600),
    default: '30',
    description: 'How long a consumer may hold ballots that it neither counts nor gives back, until another one takes them.',
    usedBy: ['consumer'],
  }),
  batchBallotsMax: setting({
    name: 'BATCH_BALLOTS_MAX',
    group: 'counting',
    kind: integer(1, 2_000),
    default: '2000',
    description: 'How many ballots are counted in one transaction at most.',
    usedBy: ['consumer'],
  }),
  liveReadersMax: setting({
    name: 'LIVE_READERS_MAX',
    group: 'results',
    kind: integer(1, 1_000_000),
    default: '20000',
    description: 'How many readers of live results one process serves at a time. Each is an open connection.',
    usedBy: ['api', 'standalone'],
  }),
  exportEvery: setting({
    name: 'EXPORT_EVERY',
    group: 'exports',
    kind: cronOrOff,
    default: '*/5 * * * *',
    description: 'When results are written as CSV.',
    usedBy: ['jobs', 'standalone'],
  }),
  exportKeep: setting({
    name: 'EXPORT_KEEP',
    group: 'exports',
    kind: integer(1, 1_000_000),
    default: '288',
    description: 'How many exports are kept; older ones are removed. 288 are one day of one every five minutes.',
    usedBy: ['jobs', 'standalone'],
  }),
  exportBom: setting({
    name: 'EXPORT_BOM',
    group: 'exports',
    kind: trueOrFalse,
    default: 'false',
    description: 'Begins each CSV file with a byte order mark, which Excel needs to read accents and emoji.',
    usedBy: ['jobs', 'standalone'],
  }),
  migrationWaitMs: setting({
    name: 'MIGRATION_WAIT_SECONDS',
    group: 'running',
    kind: secondsAsMs(0, 3_600),
    default: '60',
    description:
      'How long a starting process waits for the database server to answer and for its tables to be there. Then a job gives up; api and consumer log an error, and wait on.',
    usedBy: ['api', 'consumer', 'jobs'],
  }),
  logLevel: setting({
    name: 'LOG_LEVEL',
    group: 'running',
    kind: oneOf('trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'),
    default: 'info',
    description: 'The least severe messages that are logged.',
    usedBy: ['api', 'consumer', 'jobs', 'standalone'],
  }),
  nodeEnv: setting({
    name: 'NODE_ENV',
    group: 'running',
    kind: oneOf('production', 'development', 'test'),
    default: 'production',
    description: 'Only `test` takes the settings made for tests.',
    usedBy: ['api', 'consumer', 'jobs', 'standalone'],
  }),
  crashAt: setting({
    name: 'CRASH_AT',
    group: 'running',
    kind: crashAt,
    default: null,
    test: true,
    description: 'Kills the process (SIGKILL) at the given time it comes to a named point. Refused unless NODE_ENV is `test`.',
    usedBy: ['consumer', 'standalone'],
  }),
} as const

/** Settings whose meaning depends on others, or whose default is found at the start. */
export const dependentSettings = {
  queue: setting({
    name: 'QUEUE',
    group: 'queue',
    kind: oneOf('redis', 'sqs', 'embedded'),
    default: null,
    defaultNote: 'what is configured',
    description:
      'Where accepted ballots wait. Needed where both Redis and SQS are configured. `embedded` is a file under DATA_DIR, for standalone only.',
    usedBy: ['api', 'consumer', 'jobs', 'standalone'],
  }),
  consumerName: setting({
    name: 'CONSUMER_NAME',
    group: 'counting',
    kind: consumerName,
    default: null,
    defaultNote: 'host name and a random part',
    description:
      'What this consumer is called in Redis, different from all others that run. One with the same name after a restart goes on at once with what it held; of another name, after CLAIM_IDLE_SECONDS.',
    usedBy: ['consumer'],
  }),
  consumerShard: setting({
    name: 'CONSUMER_SHARD',
    group: 'counting',
    kind: integer(0, 65_535),
    default: null,
    defaultNote: '0 to 255, from CONSUMER_NAME',
    description:
      'The shard on which this consumer keeps its part of the tallies. Two consumers on one are right too, but wait for each other.',
    usedBy: ['consumer'],
  }),
  resultsCache: setting({
    name: 'RESULTS_CACHE',
    group: 'results',
    kind: oneOf('redis', 'none'),
    default: null,
    defaultNote: '`redis` where REDIS_HOST is set, else `none`',
    description: 'Where api processes share the results they have read, so that more of them do not ask the database more often.',
    usedBy: ['api'],
  }),
  resultsCacheMs: setting({
    name: 'RESULTS_CACHE_SECONDS',
    group: 'results',
    kind: secondsAsMs(1, 60),
    default: '1',
    description: 'How old shared results may be when they are shown.',
    usedBy: ['api'],
  }),
  exportDir: setting({
    name: 'EXPORT_DIR',
    group: 'exports',
    kind: directory,
    default: null,
    defaultNote: '`exports` in DATA_DIR',
    description: 'Where CSV files are written.',
    usedBy: ['jobs', 'standalone'],
  }),
} as const

/**
 * Every setting there is. What reads settings, what documents them (docs/configuration.md, .env.example) and what checks them is made
 * from this table.
 */
export const settings = { ...dependentSettings, ...plainSettings, ...serverSettings } as const

/** Names that are easily taken for one of ours. Whoever sets them must hear that nobody reads them. */
export const misnamedSettings = {
  DB_NAME: 'DB_DATABASE',
  REDIS_URL: 'REDIS_HOST and REDIS_PORT',
} as const
