import { isIP } from 'node:net'
import { type ConfigFault, faultOf } from './config-fault.ts'
import { misnamedSettings, settings } from './config-table.ts'
import { type GivenSetting, noServiceLink, type ReadSettings, type SettingKey } from './read-settings.ts'
import type { AnySetting, ProcessName, SettingGroup } from './setting.ts'

const nothing = 'nothing'
const primaryHost = 'the host of the MySQL or MariaDB primary'

interface FaultOptions {
  readonly needsNoMasterKey: boolean
  readonly needsReplication: boolean
}

/** Every fault that only several settings together are, or a setting and the process that is started. */
export function faultsOfSeveral(read: ReadSettings, process: ProcessName, options: FaultOptions): ConfigFault[] {
  const size = sizeOf(read, process)
  return [
    ...faultsOfNames(read),
    ...faultsOfTestSettings(read),
    ...(size === 'sqlite' ? faultsOfServers(read, process) : faultsOfDatabase(read, process)),
    ...(options.needsReplication ? faultsOfReplication(read, size) : []),
    ...(process === 'api' || process === 'consumer' ? faultsOfQueue(read, process) : []),
    ...(process === 'api' ? faultsOfResultsCache(read) : []),
    ...faultsOfCookieKeys(read),
    ...(size === 'servers' && !options.needsNoMasterKey ? faultsOfMasterKey(read) : []),
  ]
}

/** Jobs work for both sizes; a single DB_ setting is enough to show which one is meant. */
function sizeOf(read: ReadSettings, process: ProcessName): 'sqlite' | 'servers' {
  if (process === 'standalone') return 'sqlite'
  return process === 'jobs' && firstGiven(read, 'database') === null ? 'sqlite' : 'servers'
}

function faultsOfNames(read: ReadSettings): ConfigFault[] {
  return Object.entries(misnamedSettings).flatMap(([name, right]) => {
    const given = read.givenName(name)
    return given === null ? [] : [faultOf(name, `none: it is called ${right} here`, given.shown)]
  })
}

function faultsOfTestSettings({ values: { crashAt, nodeEnv } }: ReadSettings): ConfigFault[] {
  if (crashAt === null || nodeEnv === 'test') return []
  const got = `${crashAt.point}:${crashAt.hit} with NODE_ENV=${nodeEnv}`
  return [faultOf(settings.crashAt.name, 'none: it kills the process, for tests, and only NODE_ENV=test takes it', got)]
}

/** Nobody shall believe that ballots go to a server that is never asked. */
function faultsOfServers(read: ReadSettings, process: ProcessName): ConfigFault[] {
  const queueSettings = givenIn(read, 'redis', 'sqs')
  const isEmbedded = read.values.queue === 'embedded'
  const servers = isEmbedded ? [] : [...serverQueueOf(read), ...queueSettings]
  if (process === 'jobs') {
    const [queue] = servers
    if (queue === undefined) return []
    const hint = '. If the data is in SQLite files under DATA_DIR, unset that, or set QUEUE=embedded'
    return missing(read, 'dbHost', `${primaryHost}, since ${queue.name} is set`, hint)
  }
  const keep = 'none: standalone keeps and counts ballots in SQLite files under DATA_DIR and asks no server.'
  const instead = 'To use servers start api, consumer and jobs in its place; else unset it'
  return [
    ...linksIn(read, ...(isEmbedded ? (['database'] as const) : (['database', 'redis', 'sqs'] as const))),
    ...refused(givenIn(read, 'database'), `${keep} ${instead}`),
    ...refused(servers, `${keep} ${instead}, or set QUEUE=embedded if it is there for something else`),
  ]
}

function serverQueueOf(read: ReadSettings): GivenSetting[] {
  const given = read.given('queue')
  return given !== null && (read.values.queue === 'redis' || read.values.queue === 'sqs') ? [given] : []
}

/** One fault for all of them: they were set for one reason. */
function refused([first, ...more]: readonly GivenSetting[], expected: string): ConfigFault[] {
  if (first === undefined) return []
  const others = more.length === 0 ? '' : `; set are also ${more.map(({ name }) => name).join(', ')}`
  return [faultOf(first.name, expected, `${first.shown}${others}`)]
}

function linksIn(read: ReadSettings, ...groups: readonly SettingGroup[]): ConfigFault[] {
  return keysOf(...groups)
    .map((key) => read.serviceLink(key))
    .filter((link) => link !== null)
    .map(({ name, shown }) => faultOf(name, noServiceLink, shown))
}

function faultsOfDatabase(read: ReadSettings, process: ProcessName): ConfigFault[] {
  const one = firstGiven(read, 'database')
  const shared = `: ${process} shares its database with other processes. Everything in one process, without servers, is standalone`
  return [
    ...(process === 'jobs'
      ? missing(read, 'dbHost', `${primaryHost}, since ${one?.name} is set`)
      : missing(read, 'dbHost', primaryHost, shared)),
    ...missing(read, 'dbUser', 'the user of the database server'),
    ...missing(read, 'dbPassword', 'the password of that user'),
    ...faultsOfTls(read),
  ]
}

/** The certificate of a server is checked against the name it is called by; what calls the servers (mysql2) can check no address. */
function faultsOfTls(read: ReadSettings): ConfigFault[] {
  if (read.values.dbTls === null) return []
  return (['dbHost', 'dbReplicaHost'] as const)
    .map((key) => ({ given: read.given(key), host: read.values[key] }))
    .flatMap(({ given, host }) =>
      given === null || host === null || isIP(host) === 0
        ? []
        : [faultOf(given.name, 'the name that stands in its certificate, since DB_TLS is set, not an address', given.shown)],
    )
}

function faultsOfReplication(read: ReadSettings, size: 'sqlite' | 'servers'): ConfigFault[] {
  if (size === 'sqlite') return missing(read, 'dbHost', `${primaryHost}: a file has no replica`)
  const { dbHost, dbPort, dbReplicaHost, dbReplicaPort } = read.values
  const replica = read.given('dbReplicaHost') ?? read.given('dbReplicaPort')
  const isPrimary = (dbReplicaHost ?? dbHost) === dbHost && (dbReplicaPort ?? dbPort) === dbPort
  return [
    ...(replica === null ? missing(read, 'dbReplicaHost', 'the host of the replica') : []),
    ...(replica !== null && dbHost !== null && isPrimary
      ? [faultOf(replica.name, 'another server than the primary, DB_HOST and DB_PORT', replica.shown)]
      : []),
    ...missing(read, 'replicationAdminPassword', 'the password of REPLICATION_ADMIN_USER, on both servers'),
    ...missing(read, 'replicationPassword', 'the password that REPLICATION_USER has or is given'),
  ]
}

function faultsOfQueue(read: ReadSettings, process: ProcessName): ConfigFault[] {
  const { queue } = read.values
  const given = read.given('queue')
  const [redis, sqs] = [read.given('redisHost'), firstGiven(read, 'sqs')]
  const shared = `${process} shares its ballot queue with other processes, and an embedded one belongs to standalone`
  if (given !== null && queue === null) return []
  if (queue === 'embedded') return [faultOf(settings.queue.name, `redis or sqs: ${shared}`, 'embedded')]
  if (queue === null && redis !== null && sqs !== null) {
    return [faultOf(settings.queue.name, `redis or sqs, since both ${redis.name} and ${sqs.name} are set`, nothing)]
  }
  if (queue === 'redis' || (queue === null && sqs === null && firstGiven(read, 'redis') !== null)) {
    return missing(read, 'redisHost', `the host of the Redis server, since ${(given ?? firstGiven(read, 'redis'))?.name} is set`)
  }
  if (queue === 'sqs' || sqs !== null) return faultsOfSqs(read)
  const expected = `a queue on a server: set REDIS_HOST, or AWS_REGION, or QUEUE=sqs (${shared})`
  return [faultOf(settings.queue.name, expected, nothing)]
}

function faultsOfSqs(read: ReadSettings): ConfigFault[] {
  const { sqsKind, sqsQueue } = read.values
  const [accessKey, secretKey] = [read.given('awsAccessKey'), read.given('awsSecretKey')]
  const oneKey = accessKey ?? secretKey
  const since = `since ${oneKey?.name} is set`
  const hint = '. With none of them the AWS SDK finds keys by itself'
  return [
    ...(oneKey === null
      ? []
      : [
          ...missing(read, 'awsAccessKey', `the access key, ${since}`, hint),
          ...missing(read, 'awsSecretKey', `the secret key, ${since}`, hint),
          ...missing(read, 'awsRegion', `the region, ${since}`),
        ]),
    ...(sqsKind === 'standard' && sqsQueue?.endsWith('.fifo') === true
      ? [faultOf(settings.sqsQueue.name, 'a name without .fifo, since SQS_KIND is standard', JSON.stringify(sqsQueue))]
      : []),
  ]
}

function faultsOfResultsCache(read: ReadSettings): ConfigFault[] {
  if (read.values.resultsCache !== 'redis' || read.given('redisHost') !== null) return []
  return [faultOf(settings.resultsCache.name, 'none, or REDIS_HOST beside it', 'redis')]
}

/** A key that no cookie is believed of would make a new voter of everybody, at every vote. */
function faultsOfCookieKeys({ values: { cookieKey, cookieKeyOldest } }: ReadSettings): ConfigFault[] {
  if (cookieKey === null || cookieKeyOldest === null || cookieKeyOldest <= cookieKey) return []
  return [faultOf(settings.cookieKeyOldest.name, `at most COOKIE_KEY, which is ${cookieKey}`, String(cookieKeyOldest))]
}

function faultsOfMasterKey(read: ReadSettings): ConfigFault[] {
  const hint = '. Make it once, and keep it: openssl rand -base64 32'
  return missing(read, 'masterKey', 'the key that all processes on this database share', hint)
}

/** A setting that is given and faulty is not missing: that was said already. */
function missing(read: ReadSettings, key: SettingKey, what: string, hint = ''): ConfigFault[] {
  const { name, kind } = settings[key]
  return read.given(key) === null ? [faultOf(name, `${what} (${kind.expected})${hint}`, nothing)] : []
}

export function keysOf(...groups: readonly SettingGroup[]): SettingKey[] {
  const keys = Object.keys(settings) as SettingKey[]
  return groups.flatMap((group) => keys.filter((key) => (settings[key] as AnySetting).group === group))
}

function givenIn(read: ReadSettings, ...groups: readonly SettingGroup[]): GivenSetting[] {
  return keysOf(...groups)
    .map((key) => read.given(key))
    .filter((given) => given !== null)
}

export function firstGiven(read: ReadSettings, ...groups: readonly SettingGroup[]): GivenSetting | null {
  return givenIn(read, ...groups)[0] ?? null
}
