import { resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { loadConfig } from './config.ts'
import { settings } from './config-table.ts'
import type { SettingKey } from './read-settings.ts'
import { type AnySetting, namesOf, processNames } from './setting.ts'
import { errorOf, faultsOf, hexKey, leastOf, load, namesOfFaults, reader } from './testing/load-settings.ts'

describe('defaults', () => {
  it('needs nothing set for one process', () => {
    expect(load('standalone', {})).toEqual({
      dataDir: resolve('./data'),
      port: 8080,
      host: '0.0.0.0',
      publicUrl: null,
      allowedOrigins: null,
      trustedProxies: null,
      sessionIdleMs: 7_200_000, // 2 hours
      sessionMs: 43_200_000, // 12 hours
      defaultPoll: 1,
      masterKey: null,
      adminToken: null,
      adminPassword: null,
      backlogMax: 2_000_000,
      replayWindowMs: 900_000, // 15 minutes
      liveReadersMax: 20_000,
      exportEvery: '*/5 * * * *',
      exportKeep: 288,
      exportBom: false,
      logLevel: 'info',
      nodeEnv: 'production',
      crashAt: null,
      database: { kind: 'sqlite', dataDir: resolve('./data') },
      queue: { kind: 'embedded', dataDir: resolve('./data') },
      exportDir: resolve('./data/exports'),
    })
  })

  it('gives a consumer what it uses, and nothing else', () => {
    expect(load('consumer', leastOf.consumer)).toEqual({
      port: 8082,
      host: '0.0.0.0',
      masterKey: Buffer.from(hexKey, 'hex'),
      replayWindowMs: 900_000,
      claimIdleMs: 30_000,
      batchBallotsMax: 2_000,
      migrationWaitMs: 60_000,
      logLevel: 'info',
      nodeEnv: 'production',
      crashAt: null,
      database: {
        kind: 'mysql',
        primary: { host: 'db', port: 3306, user: 'urna', password: 'p4ssword', database: 'voteapp' },
        replica: null,
        tls: null,
        connectionsMax: 10,
        connectTimeoutMs: 3_000,
        queryTimeoutMs: 5_000,
      },
      queue: { kind: 'redis', server: { host: 'redis', port: 6379, user: null, password: null, tls: null }, streams: 1 },
      consumerName: 'host-1',
      consumerShard: expect.any(Number),
    })
  })

  it.each(processNames)('takes an empty text as none, in every setting of %s', (process) => {
    const names = Object.values<AnySetting>(settings).flatMap((setting) => namesOf(setting).flatMap((name) => [name, `${name}_FILE`]))
    const empty = Object.fromEntries([...names, 'DB_NAME', 'REDIS_URL'].map((name) => [name, '']))
    expect(load(process, { ...empty, ...leastOf[process] })).toEqual(load(process, leastOf[process]))
  })
})

describe('good values', () => {
  const good: [string, string, keyof ReturnType<typeof load<'standalone'>>, unknown][] = [
    ['DATA_DIR', '/var/lib/urna', 'dataDir', '/var/lib/urna'],
    ['PORT', '0', 'port', 0],
    ['PORT', ' 9090 ', 'port', 9090],
    ['HOST', '::', 'host', '::'],
    ['HOST', 'localhost', 'host', 'localhost'],
    ['PUBLIC_URL', 'https://vote.example.org/', 'publicUrl', 'https://vote.example.org'],
    ['PUBLIC_URL', 'https://example.org/vote/', 'publicUrl', 'https://example.org/vote'],
    ['ALLOWED_ORIGINS', '*', 'allowedOrigins', '*'],
    [
      'ALLOWED_ORIGINS',
      'http://localhost:8000, https://Vote.example.org:443/',
      'allowedOrigins',
      ['http://localhost:8000', 'https://vote.example.org'],
    ],
    ['TRUSTED_PROXIES', 'loopback, 10.0.0.0/8,fd00::/8, 192.0.2.7', 'trustedProxies', ['loopback', '10.0.0.0/8', 'fd00::/8', '192.0.2.7']],
    ['SESSION_IDLE_MINUTES', '15', 'sessionIdleMs', 900_000],
    ['SESSION_HOURS', '24', 'sessionMs', 86_400_000],
    ['DEFAULT_POLL', '12', 'defaultPoll', 12],
    ['MASTER_KEY', hexKey, 'masterKey', Buffer.from(hexKey, 'hex')],
    ['MASTER_KEY', Buffer.from(hexKey, 'hex').toString('base64'), 'masterKey', Buffer.from(hexKey, 'hex')],
    ['MASTER_KEY', Buffer.alloc(32, 0xff).toString('base64url'), 'masterKey', Buffer.alloc(32, 0xff)],
    ['ADMIN_TOKEN', 'sixteen.letters!', 'adminToken', 'sixteen.letters!'],
    ['ADMIN_PASSWORD', 'doze letras é', 'adminPassword', 'doze letras é'],
    ['EXPORT_EVERY', 'off', 'exportEvery', null],
    ['EXPORT_EVERY', '0 8-18 * * MON-FRI', 'exportEvery', '0 8-18 * * MON-FRI'],
    ['EXPORT_BOM', 'true', 'exportBom', true],
    ['EXPORT_DIR', '/exports', 'exportDir', '/exports'],
    ['REPLAY_WINDOW_SECONDS', '60', 'replayWindowMs', 60_000],
    ['LIVE_READERS_MAX', '5', 'liveReadersMax', 5],
    ['LOG_LEVEL', 'silent', 'logLevel', 'silent'],
  ]
  it.each(good)('%s=%s', (name, text, key, value) => {
    expect(load('standalone', { [name]: text })[key]).toEqual(value)
  })
})

const port = ['-1', '65536', '80.5', '0x50', '1e3', 'abc', '９０']
const host = ['http://0.0.0.0', 'a b', '-x', '300.1.1.1:80', 'db:3306', 'me@db', 'db/']
const tooLong = 'a'.repeat(513)
const badTexts: { readonly [Key in SettingKey]: readonly string[] } = {
  dataDir: ['data\0dir'],
  port: [...port, 'http://10.0.0.1:80'],
  host,
  publicUrl: ['vote.example.org', 'ftp://example.org', 'https://u:p@example.org', 'https://example.org/?a=1', 'https://example.org/#'],
  allowedOrigins: [
    ...['localhost', 'https://a.example,*', 'https://a.example/path', 'null', ',', 'https://*.example.org/x', 'javascript:alert(1)'],
  ],
  trustedProxies: ['true', '1', '10.0.0.0/33', '0.0.0.0/0', '::/0', '10.0.0.0/8/8', 'proxy.internal', 'fd00::/129'],
  sessionIdleMs: ['0', '10081', '2h'],
  sessionMs: ['0', '721', '1.5'],
  defaultPoll: ['0'],
  masterKey: ['short', 'g'.repeat(64), 'a'.repeat(42), 'a'.repeat(65), 'a'.repeat(32)],
  adminToken: ['fifteen-letters', 'with spaces in it which is long', 'não é ASCII mas longo', tooLong],
  adminPassword: ['eleven lett', `${'a'.repeat(201)}`, 'with a tab\tin between'],
  backlogMax: ['0', '2_000_000'],
  replayWindowMs: ['0', '15m', '604801'],
  claimIdleMs: ['4', '3601', '30s'],
  batchBallotsMax: ['0', '2001'],
  liveReadersMax: ['0', 'many'],
  exportEvery: ['every 5 minutes', '* * * *', '60 * * * *', '*/0 * * * *', '5-1 * * * *', '* * 0 * *', '* * * 13 *', '* * * FOO *', 'OFF'],
  exportKeep: ['0'],
  exportBom: ['yes', '1', 'TRUE'],
  exportDir: ['exports\0'],
  migrationWaitMs: ['-1', '3601'],
  logLevel: ['verbose'],
  nodeEnv: ['staging'],
  crashAt: ['after-upsert', 'after-upsert:0', 'somewhere:1', 'after-upsert:1:2'],
  dbHost: host,
  dbPort: [...port, '0'],
  dbUser: ['a b', 'a'.repeat(81), 'tab\tbed'],
  dbPassword: ['two\nlines', tooLong],
  dbDatabase: ['a/b', 'a.b', 'a b', '`a`', 'a'.repeat(65)],
  dbReplicaHost: host,
  dbReplicaPort: [...port, '0'],
  dbTls: ['true', 'ON', '/gone.pem', '/not-a-certificate'],
  dbConnectionsMax: ['1', '1001'],
  dbConnectTimeoutMs: ['0', '61', '3000ms'],
  dbQueryTimeoutMs: ['0', '3601'],
  replicationAdminUser: ['a b'],
  replicationAdminPassword: ['two\nlines', tooLong],
  replicationUser: ['a b'],
  replicationPassword: ['two\nlines', 'a'.repeat(33)],
  replicationSourceHost: host,
  replicationSourcePort: [...port, '0'],
  queue: ['kafka', 'Redis', 'sqs.fifo'],
  redisHost: [...host, 'redis://redis'],
  redisPort: [...port, '0'],
  redisUser: ['a b'],
  redisPassword: ['two\nlines', tooLong],
  redisTls: ['yes', '/gone.pem', '/not-a-certificate'],
  redisStreams: ['0', '65', '1.5'],
  awsAccessKey: ['with space', 'a'.repeat(129)],
  awsSecretKey: ['with space', 'a'.repeat(129)],
  awsRegion: ['Sao Paulo', 'https://sqs.sa-east-1.amazonaws.com'],
  sqsQueue: ['with space', 'a.b', '.fifo', 'a'.repeat(76), 'https://sqs.sa-east-1.amazonaws.com/1/voting'],
  sqsKind: ['FIFO', 'lifo'],
  sqsEndpoint: ['localhost:9324', 'http://u:p@localhost:9324', 'http://localhost/?a'],
  consumerName: ['a b', 'a'.repeat(65), 'a/b'],
  consumerShard: ['-1', '65536'],
  resultsCache: ['memory', 'true'],
  resultsCacheMs: ['0', '61', '0.5'],
}

describe('bad values', () => {
  const rows = (Object.keys(settings) as SettingKey[]).flatMap((key) =>
    settings[key].usedBy.flatMap((process) => badTexts[key].map((text) => [settings[key].name, process, text, key] as const)),
  )
  it.each(rows)('%s of %s: %j', (name, process, text, key) => {
    const files = { '/not-a-certificate': 'hello' }
    // Jobs are told of the whole database, so that only the bad one is left to say.
    const least = process === 'jobs' && settings[key].group === 'database' ? leastOf.api : leastOf[process]
    // Nor is it a question which queue is meant.
    const queue = settings[key].group === 'sqs' ? { QUEUE: 'redis' } : {}
    const faults = faultsOf(process, { ...least, ...queue, NODE_ENV: 'test', [name]: text }, files)
    expect(faults).toEqual([{ name, expected: settings[key].kind.expected, got: expect.any(String) }])
  })

  it('lists all of them at once, each with its name, what was expected and what came', () => {
    const error = errorOf('standalone', { PORT: 'abc', LOG_LEVEL: 'loud', EXPORT_KEEP: '-3', DB_HOST: 'db' })
    expect(error.faults.map(({ name }) => name)).toEqual(['PORT', 'EXPORT_KEEP', 'LOG_LEVEL', 'DB_HOST'])
    expect(error.message).toContain('4 settings are wrong')
    expect(error.message).toContain('PORT: expected a whole number from 0 to 65535; got "abc"')
  })

  it('does not look at what the process does not use', () => {
    expect(load('jobs', { TRUSTED_PROXIES: 'everybody', BACKLOG_MAX: 'x', CRASH_AT: 'now' })).toEqual(load('jobs', {}))
    const withoutFiles = { ...leastOf.consumer, ADMIN_TOKEN_FILE: '/not/mounted/here' }
    expect(load('consumer', withoutFiles)).toEqual(load('consumer', leastOf.consumer))
  })

  it('cuts what is too long to read', () => {
    expect(faultsOf('standalone', { LOG_LEVEL: 'x'.repeat(10_000) })[0]?.got.length).toBeLessThan(100)
  })
})

describe('secrets in files', () => {
  it('reads them, with or without a line break at the end', () => {
    const config = load(
      'standalone',
      { ADMIN_TOKEN_FILE: '/run/token', MASTER_KEY_FILE: '/run/key' },
      { '/run/token': 'a-token-in-a-file\n', '/run/key': hexKey },
    )
    expect(config.adminToken).toBe('a-token-in-a-file')
    expect(config.masterKey?.toString('hex')).toBe(hexKey)
  })

  it.each([
    ['p4ss\n', 'p4ss'],
    ['p4ss\r\n', 'p4ss'],
    [' p4ss word ', ' p4ss word '],
  ])('a password is what the file holds but for one line break: %j', (content, password) => {
    const { DB_PASSWORD: _, ...env } = leastOf.api
    const config = load('api', { ...env, DB_PASSWORD_FILE: '/p' }, { '/p': content })
    expect(config.database.primary.password).toBe(password)
    expect(load('api', { ...env, DB_PASSWORD: ' p ' }).database.primary.password).toBe(' p ')
  })

  it('reads a key of 32 bytes as they are, as in DATA_DIR/master.key', () => {
    expect(load('standalone', { MASTER_KEY_FILE: '/k' }, { '/k': Buffer.alloc(32, 200) }).masterKey).toEqual(Buffer.alloc(32, 200))
  })

  it('takes no password of 32 letters for a key', () => {
    const faults = faultsOf('standalone', { MASTER_KEY_FILE: '/k' }, { '/k': 'correct-horse-battery-staple-123' })
    expect(faults).toEqual([{ name: 'MASTER_KEY_FILE', expected: settings.masterKey.kind.expected, got: '32 characters (not shown)' }])
  })

  const secrets = Object.values<AnySetting>(settings).flatMap((setting) =>
    setting.secret === true ? namesOf(setting).map((name) => [name, setting.usedBy[0] ?? 'api'] as const) : [],
  )
  it.each(secrets)('refuses both forms of %s', (name, process) => {
    const good = name === 'MASTER_KEY' ? hexKey : 'sixteen.letters'
    const { DB_PASSWORD: _, MASTER_KEY: __, ...least } = leastOf[process]
    const others = { ...(name.endsWith('_PASSWORD') ? {} : leastOf[process]), ...least, [name]: good, [`${name}_FILE`]: '/t' }
    const [fault] = faultsOf(process, others, { '/t': good }).filter((found) => found.name === name)
    expect(fault).toEqual({ name, expected: `either ${name} or ${name}_FILE`, got: 'both' })
  })

  it('says which file is missing, empty or wrong', () => {
    const faults = faultsOf('standalone', { ADMIN_TOKEN_FILE: '/gone', MASTER_KEY_FILE: '/empty' }, { '/empty': '\n' })
    expect(faults.map(({ name, got }) => [name, got])).toEqual([
      ['MASTER_KEY_FILE', 'an empty file, "/empty"'],
      ['ADMIN_TOKEN_FILE', '"/gone" (ENOENT)'],
    ])
  })

  it('knows no file form of what is no secret', () => {
    expect(load('standalone', { PORT_FILE: '/gone' }).port).toBe(8080)
  })
})

describe('.env', () => {
  const files = { '.env': 'PORT=9090\nLOG_LEVEL="debug" # why\nADMIN_TOKEN=from.the.file.1234\n' }

  it('is read', () => {
    const config = load('standalone', {}, files)
    expect([config.port, config.logLevel, config.adminToken]).toEqual([9090, 'debug', 'from.the.file.1234'])
  })

  it('gives way to real variables, also from one form or name of a setting to the other', () => {
    const config = load('standalone', { PORT: '1', LOG_LEVEL: '', ADMIN_TOKEN_FILE: '/t' }, { ...files, '/t': 'from.a.secret.file' })
    expect([config.port, config.logLevel, config.adminToken]).toEqual([1, 'debug', 'from.a.secret.file'])
    const { primary } = load('api', leastOf.api, { '.env': 'MYSQL_HOST=other\nMYSQL_PASSWORD_FILE=/gone\nMYSQL_DB=polls' }).database
    expect(primary).toMatchObject({ host: 'db', password: 'p4ssword', database: 'polls' })
  })

  it('is checked as variables are', () => {
    expect(namesOfFaults('standalone', {}, { '.env': 'PORT=x\nMYSQL_HOST=db' })).toEqual(['PORT', 'MYSQL_HOST'])
  })

  it('is a fault when it is there and cannot be read', () => {
    const readFile = () => {
      throw Object.assign(new Error('no'), { code: 'EACCES' })
    }
    expect(() => loadConfig({}, 'standalone', { readFile })).toThrow(/\.env: expected a file that can be read; got EACCES/)
  })
})

describe('CRASH_AT', () => {
  it('is taken in tests', () => {
    expect(load('standalone', { NODE_ENV: 'test', CRASH_AT: 'after-upsert:3' }).crashAt).toEqual({ point: 'after-upsert', hit: 3 })
  })

  it.each(['production', 'development', '', undefined])('is refused with NODE_ENV=%s', (nodeEnv) => {
    const [fault, ...more] = faultsOf('consumer', { ...leastOf.consumer, NODE_ENV: nodeEnv, CRASH_AT: 'after-upsert:3' })
    expect(more).toEqual([])
    expect(fault?.name).toBe('CRASH_AT')
    expect(fault?.expected).toContain('only NODE_ENV=test')
  })

  it('is refused from .env too', () => {
    const files = { '.env': 'CRASH_AT=before-trim:1\nNODE_ENV=test' }
    expect(namesOfFaults('standalone', { NODE_ENV: 'production' }, files)).toEqual(['CRASH_AT'])
  })
})

describe('the name of a consumer', () => {
  it('is another one at every start', () => {
    const options = { readFile: reader({}) }
    const names = [1, 2].map(() => loadConfig(leastOf.consumer, 'consumer', options).consumerName)
    expect(new Set(names).size).toBe(2)
    for (const name of names) expect(settings.consumerName.kind.parse(name, reader({}))).toBe(name)
  })
})
