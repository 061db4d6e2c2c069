import { describe, expect, it } from 'vitest'
import { loadConfig } from './config.ts'
import { settings } from './config-table.ts'
import type { Environment } from './read-settings.ts'
import { serverSettings } from './server-settings.ts'
import { type AnySetting, namesOf, type ProcessName, processes, processNames } from './setting.ts'
import { faultsOf, hexKey, leastOf, load, namesOfFaults, reader } from './testing/load-settings.ts'

const serverProcesses = ['api', 'consumer'] as const
const database = { DB_HOST: 'db', DB_USER: 'urna', DB_PASSWORD: 'p4ssword' }
const key = { MASTER_KEY: hexKey }
const servers = { ...database, ...key, REDIS_HOST: 'redis' }
const sqs = { ...database, ...key, AWS_REGION: 'sa-east-1' }

describe('what a process needs', () => {
  it.each(processNames)('%s starts with that, and says each that is missing', (process) => {
    expect(() => load(process, leastOf[process])).not.toThrow()
    const needs = processes[process].needs
    if (needs.length === 0) expect(leastOf[process]).toEqual({})
    else expect(namesOfFaults(process, {})).toEqual(['DB_HOST', 'DB_USER', 'DB_PASSWORD', 'QUEUE', 'MASTER_KEY'])
    expect(needs.length === 0 ? [] : namesOfFaults(process, {}).sort()).toEqual([...needs].sort())
  })

  it.each(serverProcesses)('tells %s what to set, and what the alternative is', (process) => {
    const expected = (name: string) => faultsOf(process, {}).find((fault) => fault.name === name)?.expected
    expect(expected('DB_HOST')).toMatch(/MySQL or MariaDB primary.*standalone/)
    expect(expected('QUEUE')).toMatch(/set REDIS_HOST, or AWS_REGION, or QUEUE=sqs/)
    expect(expected('MASTER_KEY')).toContain('openssl rand -base64 32')
  })

  it('asks jobs for the whole database server once one of its settings is there', () => {
    expect(namesOfFaults('jobs', { DB_HOST: 'db' })).toEqual(['DB_USER', 'DB_PASSWORD', 'MASTER_KEY'])
    expect(namesOfFaults('jobs', { MYSQL_PASSWORD: 'x' })).toEqual(['DB_HOST', 'DB_USER', 'MASTER_KEY'])
    expect(namesOfFaults('jobs', { DB_REPLICA_HOST: 'db-replica', ...key })).toEqual(['DB_HOST', 'DB_USER', 'DB_PASSWORD'])
  })

  it('asks no key of a job that needs none', () => {
    const options = { readFile: reader({}), needsNoMasterKey: true }
    expect(loadConfig(database, 'jobs', options)).toMatchObject({ masterKey: null, database: { kind: 'mysql' } })
    expect(() => loadConfig({ ...database, MASTER_KEY: 'short' }, 'jobs', options)).toThrow(/MASTER_KEY/)
  })

  it('says nothing twice: what is faulty is not missing', () => {
    expect(namesOfFaults('api', { ...servers, DB_HOST: 'a b', MASTER_KEY: 'x', REDIS_HOST: 'c d' })).toEqual([
      'MASTER_KEY',
      'DB_HOST',
      'REDIS_HOST',
    ])
    expect(namesOfFaults('api', { ...database, ...key, QUEUE: 'kafka' })).toEqual(['QUEUE'])
  })

  it('reports single faults and those of several settings together', () => {
    expect(namesOfFaults('consumer', { PORT: 'x', DB_HOST: 'db', REDIS_HOST: 'redis', AWS_REGION: 'sa-east-1' })).toEqual([
      ...['PORT', 'DB_USER', 'DB_PASSWORD', 'QUEUE', 'MASTER_KEY'],
    ])
  })
})

describe('one process without servers', () => {
  const serverNames = Object.values<AnySetting>(serverSettings).flatMap((setting) =>
    namesOf(setting).flatMap((name) => (setting.secret === true ? [name, `${name}_FILE`] : [name])),
  )
  it.each(serverNames)('standalone refuses %s, and says what to start in its place', (name) => {
    const [fault, ...more] = faultsOf('standalone', { [name]: 'anything' })
    expect(more).toEqual([])
    expect(fault?.name).toBe(name)
    expect(fault?.expected).toMatch(/standalone.*SQLite.*DATA_DIR.*start api, consumer and jobs/)
  })

  it.each(['redis', 'sqs'])('standalone refuses QUEUE=%s', (queue) => {
    expect(faultsOf('standalone', { QUEUE: queue })).toMatchObject([{ name: 'QUEUE', got: `"${queue}"` }])
  })

  it('names together what was set together', () => {
    expect(faultsOf('standalone', { ...servers, REDIS_PASSWORD: 'hunter2' }).map(({ name, got }) => [name, got])).toEqual([
      ['DB_HOST', '"db"; set are also DB_USER, DB_PASSWORD'],
      ['REDIS_HOST', '"redis"; set are also REDIS_PASSWORD'],
    ])
  })

  it('believes QUEUE=embedded: then Redis and SQS are there for something else', () => {
    const env = { QUEUE: 'embedded', REDIS_HOST: 'redis', AWS_REGION: 'sa-east-1', REDIS_PORT: 'tcp://10.0.0.1:6379' }
    expect(load('standalone', env)).toEqual(load('standalone', {}))
    expect(load('jobs', env)).toEqual(load('jobs', {}))
    expect(namesOfFaults('standalone', { ...env, DB_HOST: 'db' })).toEqual(['DB_HOST'])
  })

  it.each([{ REDIS_HOST: 'redis' }, { QUEUE: 'sqs' }, { SQS_QUEUE: 'voting' }])(
    'jobs do not make a file where a server is meant: %j',
    (env) => {
      const [name] = Object.keys(env)
      expect(faultsOf('jobs', env)).toEqual([
        { name: 'DB_HOST', expected: expect.stringContaining(`since ${name} is set`), got: 'nothing' },
      ])
      expect(load('jobs', { ...env, ...database, ...key }).database.kind).toBe('mysql')
    },
  )
})

describe('the database', () => {
  it.each([
    [{}, null],
    [{ DB_REPLICA_HOST: 'replica' }, ['replica', 3306]],
    [{ DB_REPLICA_HOST: 'replica', DB_PORT: '3308' }, ['replica', 3308]],
    [{ DB_REPLICA_HOST: 'replica', DB_PORT: '3308', DB_REPLICA_PORT: '3307' }, ['replica', 3307]],
    [{ DB_PORT: '3308', DB_REPLICA_PORT: '3307' }, ['db', 3307]],
    [{ DB_REPLICA_HOST: 'db' }, null],
  ])('%j: the replica is %j', (env, replica) => {
    const config = load('api', { ...servers, ...env }).database
    expect(config.replica === null ? null : [config.replica.host, config.replica.port]).toEqual(replica)
    if (config.replica !== null) expect(config.replica).toEqual({ ...config.primary, host: replica?.[0], port: replica?.[1] })
  })

  it('a consumer asks the primary only', () => {
    expect(load('consumer', { ...servers, DB_REPLICA_HOST: 'replica', DB_REPLICA_PORT: 'x' }).database.replica).toBeNull()
  })

  it('takes limits and encryption', () => {
    const certificate = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n'
    const env = {
      DB_CONNECTIONS_MAX: '50',
      DB_CONNECT_TIMEOUT_SECONDS: '2',
      DB_QUERY_TIMEOUT_SECONDS: '9',
      DB_TLS: '/ca.pem',
      REDIS_TLS: 'on',
    }
    const config = load('api', { ...servers, ...env }, { '/ca.pem': certificate })
    expect(config.database).toMatchObject({ connectionsMax: 50, connectTimeoutMs: 2_000, queryTimeoutMs: 9_000, tls: { ca: certificate } })
    expect(config.queue).toMatchObject({ server: { tls: { ca: null } } })
  })

  it('checks certificates by name, so an encrypted connection needs the names of its servers', () => {
    const encrypted = { ...servers, DB_TLS: 'on' }
    expect(load('api', { ...encrypted, DB_REPLICA_HOST: 'replica' }).database.tls).toEqual({ ca: null })
    const expected = 'the name that stands in its certificate, since DB_TLS is set, not an address'
    const faults = faultsOf('api', { ...encrypted, DB_HOST: '10.0.0.1', DB_REPLICA_HOST: '::1' })
    expect(faults).toEqual([
      { name: 'DB_HOST', expected, got: '"10.0.0.1"' },
      { name: 'DB_REPLICA_HOST', expected, got: '"::1"' },
    ])
  })

  it('is read under the names of older systems', () => {
    const env = { MYSQL_HOST: 'mysql', MYSQL_PORT: '3307', MYSQL_USER: 'u', MYSQL_PASSWORD_FILE: '/p', MYSQL_DB: 'votes' }
    const config = load('api', { ...env, ...key, REDIS_HOST: 'redis' }, { '/p': 'p\n' })
    expect(config.database.primary).toEqual({ host: 'mysql', port: 3307, user: 'u', password: 'p', database: 'votes' })
  })

  it.each([
    [{ DB_HOST: 'db', MYSQL_HOST: 'db' }, []],
    [{ DB_HOST: 'db', MYSQL_HOST: 'other' }, [['DB_HOST', 'the same as MYSQL_HOST, or only one of the two', '"db" and "other"']]],
    [{ DB_PORT: '3306', MYSQL_PORT: '03306' }, []],
    [
      { DB_PASSWORD: 'p4ssword', MYSQL_PASSWORD: 'hunter2' },
      [['DB_PASSWORD', 'the same as MYSQL_PASSWORD, or only one of the two', 'two different values (not shown)']],
    ],
    [
      { DB_PASSWORD: 'p4ssword', MYSQL_PASSWORD_FILE: '/other' },
      [['DB_PASSWORD', 'the same as MYSQL_PASSWORD_FILE, or only one of the two', 'two different values (not shown)']],
    ],
    [{ DB_PASSWORD: 'p4ssword', MYSQL_PASSWORD_FILE: '/same' }, []],
    [{ MYSQL_DB: 'a', MYSQL_DATABASE: 'b' }, [['MYSQL_DB', 'the same as MYSQL_DATABASE, or only one of the two', '"a" and "b"']]],
  ])('two names: %j', (env, faults) => {
    const files = { '/other': 'hunter2', '/same': 'p4ssword\n' }
    if (faults.length === 0) expect(() => load('api', { ...servers, ...env }, files)).not.toThrow()
    else expect(faultsOf('api', { ...servers, ...env }, files).map(({ name, expected, got }) => [name, expected, got])).toEqual(faults)
  })
})

describe('replication', () => {
  const env = { ...database, DB_REPLICA_HOST: 'replica', REPLICATION_ADMIN_PASSWORD: 'a', REPLICATION_PASSWORD: 'r' }
  const loadReplication = (given: Environment, files: Record<string, string> = {}) =>
    loadConfig(given, 'jobs', { readFile: reader(files), needsNoMasterKey: true, needsReplication: true }).replication

  it('is asked for by its job only, all at once', () => {
    expect(loadConfig(database, 'jobs', { readFile: reader({}), needsNoMasterKey: true }).replication).toBeNull()
    expect(() => loadReplication(database)).toThrow(/DB_REPLICA_HOST.*\n.*REPLICATION_ADMIN_PASSWORD.*\n.*REPLICATION_PASSWORD/)
    expect(() => loadReplication({})).toThrow(/^A setting is wrong:\n {2}DB_HOST: .*a file has no replica/)
  })

  it('has users of its own, and the address of the primary as the replica sees it', () => {
    expect(loadReplication(env)).toEqual({
      administrator: { user: 'root', password: 'a' },
      replicator: { user: 'replication', password: 'r' },
      source: { host: 'db', port: 3306 },
    })
    const more = { DB_PORT: '3308', REPLICATION_SOURCE_HOST: 'mysql', REPLICATION_SOURCE_PORT: '3306', REPLICATION_USER: 'reader' }
    expect(loadReplication({ ...env, ...more })).toMatchObject({
      replicator: { user: 'reader' },
      source: { host: 'mysql', port: 3306 },
    })
    const { REPLICATION_PASSWORD: _, ...others } = env
    expect(loadReplication({ ...others, REPLICATION_PASSWORD_FILE: '/p' }, { '/p': 'from a file\n' })?.replicator.password).toBe(
      'from a file',
    )
  })

  it.each<[Environment, RegExp]>([
    [{ DB_REPLICA_HOST: 'db' }, /DB_REPLICA_HOST: expected another server than the primary/],
    [{ DB_REPLICA_HOST: '', DB_REPLICA_PORT: '3306' }, /DB_REPLICA_PORT: expected another server than the primary/],
    [{ REPLICATION_PASSWORD: 'x'.repeat(33) }, /REPLICATION_PASSWORD: expected 1 to 32 characters.*not shown/],
  ])('refuses %j', (changes, words) => {
    expect(() => loadReplication({ ...env, ...changes })).toThrow(words)
  })

  it('may have both servers on one host', () => {
    expect(loadReplication({ ...env, DB_REPLICA_HOST: 'db', DB_REPLICA_PORT: '3307' })).not.toBeNull()
  })
})

describe('the ballot queue', () => {
  const awsKeys = { AWS_ACCESS_KEY: 'BAR', AWS_SECRET_KEY: 'FOO', AWS_REGION: 'sa-east-1' }

  it.each([
    [{ REDIS_HOST: 'redis' }, 'redis'],
    [{ AWS_REGION: 'sa-east-1' }, 'sqs'],
    [awsKeys, 'sqs'],
    [{ SQS_ENDPOINT: 'http://localhost:9324' }, 'sqs'],
    [{ QUEUE: 'sqs' }, 'sqs'],
    [{ QUEUE: 'redis', REDIS_HOST: 'redis', ...awsKeys }, 'redis'],
    [{ QUEUE: 'sqs', REDIS_HOST: 'redis', AWS_REGION: 'sa-east-1' }, 'sqs'],
  ])('%j: %s', (env, kind) => {
    for (const process of serverProcesses) expect(load(process, { ...database, ...key, ...env }).queue.kind).toBe(kind)
  })

  it.each<[Environment, string, RegExp]>([
    [{}, 'QUEUE', /queue on a server.*an embedded one belongs to standalone/],
    [{ QUEUE: 'embedded' }, 'QUEUE', /redis or sqs.*an embedded one belongs to standalone/],
    [{ QUEUE: 'embedded', REDIS_HOST: 'redis' }, 'QUEUE', /redis or sqs/],
    [{ REDIS_HOST: 'redis', AWS_REGION: 'sa-east-1' }, 'QUEUE', /redis or sqs, since both REDIS_HOST and AWS_REGION are set/],
    [{ REDIS_HOST: 'redis', SQS_QUEUE: 'voting' }, 'QUEUE', /since both REDIS_HOST and SQS_QUEUE are set/],
    [{ QUEUE: 'redis' }, 'REDIS_HOST', /since QUEUE is set/],
    [{ REDIS_PASSWORD: 'hunter2' }, 'REDIS_HOST', /since REDIS_PASSWORD is set/],
    [{ AWS_ACCESS_KEY: 'BAR', AWS_REGION: 'sa-east-1' }, 'AWS_SECRET_KEY', /since AWS_ACCESS_KEY is set/],
    [{ AWS_SECRET_KEY: 'FOO', AWS_REGION: 'sa-east-1' }, 'AWS_ACCESS_KEY', /since AWS_SECRET_KEY is set/],
    [{ AWS_ACCESS_KEY: 'BAR', AWS_SECRET_KEY: 'FOO' }, 'AWS_REGION', /since AWS_ACCESS_KEY is set/],
    [{ AWS_REGION: 'sa-east-1', SQS_KIND: 'standard', SQS_QUEUE: 'voting.fifo' }, 'SQS_QUEUE', /without \.fifo/],
  ])('%j is a fault of %s', (env, name, expected) => {
    for (const process of serverProcesses) {
      expect(faultsOf(process, { ...database, ...key, ...env })).toEqual([
        { name, expected: expect.stringMatching(expected), got: expect.any(String) },
      ])
    }
  })

  it('Redis is told by server and streams', () => {
    const env = { REDIS_PORT: '6380', REDIS_USER: 'urna', REDIS_PASSWORD: 'p w', REDIS_STREAMS: '64' }
    const server = { host: 'redis', port: 6380, user: 'urna', password: 'p w', tls: null }
    expect(load('api', { ...servers, ...env }).queue).toEqual({ kind: 'redis', server, streams: 64 })
  })

  it.each<[Environment, string]>([
    [{}, 'voting.fifo'],
    [{ SQS_QUEUE: 'votos' }, 'votos.fifo'],
    [{ SQS_QUEUE: 'votos.fifo' }, 'votos.fifo'],
    [{ SQS_QUEUE: 'votos', SQS_KIND: 'standard' }, 'votos'],
  ])('SQS with %j is called %s', (env, queueName) => {
    const expected = { kind: 'sqs', queueName, region: 'sa-east-1', endpoint: null, credentials: null }
    expect(load('api', { ...sqs, ...env }).queue).toEqual(expected)
  })

  it('SQS takes keys and an address', () => {
    const config = load('consumer', { ...sqs, ...awsKeys, SQS_ENDPOINT: 'http://localhost:9324/' })
    expect(config.queue).toMatchObject({ endpoint: 'http://localhost:9324', credentials: { accessKeyId: 'BAR', secretAccessKey: 'FOO' } })
  })

  it('is no matter of jobs that have a database server', () => {
    expect(load('jobs', { ...servers, ...awsKeys, REDIS_PASSWORD_FILE: '/not/mounted/here' })).not.toHaveProperty('queue')
  })
})

describe('shared results', () => {
  it.each([
    [servers, 'redis'],
    [sqs, 'none'],
    [{ ...servers, RESULTS_CACHE: 'none' }, 'none'],
    [{ ...sqs, QUEUE: 'sqs', REDIS_HOST: 'redis' }, 'redis'],
    [{ ...sqs, QUEUE: 'sqs', REDIS_HOST: 'redis', RESULTS_CACHE: 'redis', RESULTS_CACHE_SECONDS: '3' }, 'redis'],
  ])('%j: %s', (env: Environment, kind) => {
    const { resultsCache } = load('api', env)
    expect(resultsCache.kind).toBe(kind)
    if (resultsCache.kind !== 'redis') return
    expect(resultsCache).toMatchObject({ server: { host: 'redis' }, keepMs: env.RESULTS_CACHE_SECONDS === '3' ? 3_000 : 1_000 })
  })

  it('need a server', () => {
    expect(faultsOf('api', { ...sqs, RESULTS_CACHE: 'redis' })).toMatchObject([{ name: 'RESULTS_CACHE', got: 'redis' }])
  })
})

describe('consumers', () => {
  it('have one of 256 shards from their name, or the one that is set', () => {
    const shardOf = (env: Environment) => load('consumer', { ...servers, ...env }).consumerShard
    const shards = Array.from({ length: 100 }, (_, index) => shardOf({ CONSUMER_NAME: `consumer-${index}` }))
    expect(Math.min(...shards)).toBeGreaterThanOrEqual(0)
    expect(Math.max(...shards)).toBeLessThan(256)
    // 256 * (1 - (255/256)^100) = 83 different ones are to be expected.
    expect(new Set(shards).size).toBeGreaterThan(60)
    expect(shardOf({ CONSUMER_NAME: 'consumer-1' })).toBe(shards[1])
    expect(shardOf({ CONSUMER_NAME: 'consumer-1', CONSUMER_SHARD: '65535' })).toBe(65_535)
  })
})

describe('ports', () => {
  it.each<[ProcessName, number]>([
    ['standalone', 8080],
    ['api', 8080],
    ['consumer', 8082],
    ['jobs', 8083],
  ])('%s has %i, or the one that is set', (process, port) => {
    expect(load(process, leastOf[process]).port).toBe(port)
    expect(load(process, { ...leastOf[process], PORT: '9000' }).port).toBe(9_000)
  })
})

describe('what Kubernetes sets by itself', () => {
  it.each<[ProcessName, string]>([
    ...['DB_PORT', 'MYSQL_PORT', 'REDIS_PORT', 'DB_REPLICA_PORT'].map((name): [ProcessName, string] => ['api', name]),
    ...['DB_PORT', 'MYSQL_PORT', 'REDIS_PORT'].map((name): [ProcessName, string] => ['consumer', name]),
    ...['DB_PORT', 'MYSQL_PORT', 'DB_REPLICA_PORT'].map((name): [ProcessName, string] => ['jobs', name]),
    ...['DB_PORT', 'MYSQL_PORT', 'REDIS_PORT', 'DB_REPLICA_PORT'].map((name): [ProcessName, string] => ['standalone', name]),
  ])('%s explains %s=tcp://...', (process, name) => {
    const faults = faultsOf(process, { ...leastOf[process], [name]: 'tcp://10.43.0.17:6379' })
    expect(faults).toEqual([{ name, expected: expect.stringContaining('enableServiceLinks: false'), got: '"tcp://10.43.0.17:6379"' }])
  })

  it('is left alone where nobody reads it', () => {
    expect(() => load('jobs', { REDIS_PORT: 'tcp://10.43.0.17:6379', REDIS_SERVICE_HOST: '10.43.0.17' })).not.toThrow()
    expect(() => load('api', { ...servers, URNA_PORT: 'tcp://10.43.0.18:8080' })).not.toThrow()
  })
})

describe('names that are none', () => {
  it.each(processNames)('%s says the right one', (process) => {
    const faults = faultsOf(process, { ...leastOf[process], DB_NAME: 'votes', REDIS_URL: 'redis://:hunter2@redis' })
    expect(faults.map(({ name, expected, got }) => [name, expected, got])).toEqual([
      ['DB_NAME', 'none: it is called DB_DATABASE here', '5 characters (not shown)'],
      ['REDIS_URL', 'none: it is called REDIS_HOST and REDIS_PORT here', '22 characters (not shown)'],
    ])
  })

  it('leaves alone what belongs to other tools', () => {
    const others = { MYSQL_HISTFILE: '/dev/null', AWS_PROFILE: 'me', AWS_ACCESS_KEY_ID: 'x', REDIS_SERVICE_HOST: '10.0.0.1', DB: 'x' }
    for (const process of processNames) expect(() => load(process, { ...leastOf[process], ...others })).not.toThrow()
  })
})

describe('the table', () => {
  it('has no name twice', () => {
    const names = Object.values<AnySetting>(settings).flatMap((setting) => namesOf(setting))
    expect(new Set(names).size).toBe(names.length)
  })

  it('has defaults that are good values', () => {
    for (const setting of Object.values<AnySetting>(settings)) {
      for (const text of [setting.default, ...Object.values(setting.defaultFor ?? {})]) {
        if (text !== null) expect([setting.name, setting.kind.parse(text, reader({}))]).not.toEqual([setting.name, undefined])
      }
    }
  })
})

describe('keys of voter cookies', () => {
  it.each(['standalone', 'api'] as const)('of %s: the oldest that is believed is not newer than the one that signs', (process) => {
    const least = { ...leastOf[process] }
    expect(load(process, { ...least, COOKIE_KEY: '3', COOKIE_KEY_OLDEST: '3' })).toMatchObject({ cookieKey: 3, cookieKeyOldest: 3 })
    expect(faultsOf(process, { ...least, COOKIE_KEY_OLDEST: '2' })).toMatchObject([
      { name: 'COOKIE_KEY_OLDEST', expected: 'at most COOKIE_KEY, which is 1' },
    ])
    expect(namesOfFaults(process, { ...least, COOKIE_KEY: '0', COOKIE_KEY_OLDEST: '2' })).toEqual(['COOKIE_KEY'])
  })
})

it('counts requests together where there is a Redis, whatever else it is used for', () => {
  expect(load('api', servers).requestCounts).toMatchObject({ host: 'redis' })
  expect(load('api', { ...sqs, REDIS_HOST: 'redis', QUEUE: 'sqs', RESULTS_CACHE: 'none' }).requestCounts).toMatchObject({ host: 'redis' })
  expect(load('api', sqs).requestCounts).toBeNull()
})
