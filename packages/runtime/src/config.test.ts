import { resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ConfigError, type ConfigFault, type Environment, loadConfig } from './config.ts'
import { serverSettingNames, settings } from './config-table.ts'

type Files = Record<string, string | Uint8Array>

function reader(files: Files) {
  return (path: string): Uint8Array => {
    const content = files[path]
    if (content === undefined) throw Object.assign(new Error('no such file'), { code: 'ENOENT' })
    return Buffer.from(content)
  }
}

function load(env: Environment, files: Files = {}) {
  return loadConfig(env, { readFile: reader(files) })
}

function faultsOf(env: Environment, files: Files = {}): readonly ConfigFault[] {
  return errorOf(env, files).faults
}

function errorOf(env: Environment, files: Files = {}): ConfigError {
  try {
    load(env, files)
  } catch (error) {
    if (error instanceof ConfigError) return error
    throw error
  }
  throw new Error('expected a fault')
}

const hexKey = '0123456789abcdef'.repeat(4)

describe('defaults', () => {
  it('needs nothing set', () => {
    expect(load({})).toEqual({
      dataDir: resolve('./data'),
      port: 8080,
      host: '0.0.0.0',
      publicUrl: null,
      allowedOrigins: null,
      trustedProxies: null,
      defaultPoll: 1,
      masterKey: null,
      adminToken: null,
      backlogMax: 2_000_000,
      replayWindowMs: 900_000, // 15 minutes
      exportEvery: '*/5 * * * *',
      exportKeep: 288,
      exportBom: false,
      logLevel: 'info',
      nodeEnv: 'production',
      crashAt: null,
    })
  })

  it('takes an empty text as none, in every setting', () => {
    const empty = Object.fromEntries([...Object.values(settings).map(({ name }) => name), ...serverSettingNames].map((name) => [name, '']))
    expect(load({ ...empty, MASTER_KEY_FILE: '', ADMIN_TOKEN_FILE: '' })).toEqual(load({}))
  })
})

describe('good values', () => {
  const good: [string, string, keyof ReturnType<typeof load>, unknown][] = [
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
    ['DEFAULT_POLL', '12', 'defaultPoll', 12],
    ['MASTER_KEY', hexKey, 'masterKey', Buffer.from(hexKey, 'hex')],
    ['MASTER_KEY', Buffer.from(hexKey, 'hex').toString('base64'), 'masterKey', Buffer.from(hexKey, 'hex')],
    ['MASTER_KEY', Buffer.alloc(32, 0xff).toString('base64url'), 'masterKey', Buffer.alloc(32, 0xff)],
    ['ADMIN_TOKEN', 'sixteen.letters!', 'adminToken', 'sixteen.letters!'],
    ['EXPORT_EVERY', 'off', 'exportEvery', null],
    ['EXPORT_EVERY', '0 8-18 * * MON-FRI', 'exportEvery', '0 8-18 * * MON-FRI'],
    ['EXPORT_BOM', 'true', 'exportBom', true],
    ['REPLAY_WINDOW_SECONDS', '60', 'replayWindowMs', 60_000],
    ['LOG_LEVEL', 'silent', 'logLevel', 'silent'],
  ]
  it.each(good)('%s=%s', (name, text, key, value) => {
    expect(load({ [name]: text })[key]).toEqual(value)
  })
})

const bad: [keyof typeof settings, string][] = [
  ['dataDir', 'data\0dir'],
  ...['-1', '65536', '80.5', '0x50', '1e3', 'abc', 'tcp://10.0.0.1:80', '９０'].map(
    (text) => ['port', text] as [keyof typeof settings, string],
  ),
  ...['http://0.0.0.0', 'a b', '-x', '300.1.1.1:80'].map((text) => ['host', text] as [keyof typeof settings, string]),
  ...['vote.example.org', 'ftp://example.org', 'https://u:p@example.org', 'https://example.org/?a=1', 'https://example.org/#'].map(
    (text) => ['publicUrl', text] as [keyof typeof settings, string],
  ),
  ...['localhost', 'https://a.example,*', 'https://a.example/path', 'null', ',', 'https://*.example.org/x', 'javascript:alert(1)'].map(
    (text) => ['allowedOrigins', text] as [keyof typeof settings, string],
  ),
  ...['true', '1', '10.0.0.0/33', '0.0.0.0/0', '::/0', '10.0.0.0/8/8', 'proxy.internal', 'fd00::/129'].map(
    (text) => ['trustedProxies', text] as [keyof typeof settings, string],
  ),
  ['defaultPoll', '0'],
  ...['short', 'g'.repeat(64), 'a'.repeat(42), 'a'.repeat(65), 'a'.repeat(32)].map(
    (text) => ['masterKey', text] as [keyof typeof settings, string],
  ),
  ...['fifteen-letters', 'with spaces in it which is long', 'não é ASCII mas longo', 'a'.repeat(513)].map(
    (text) => ['adminToken', text] as [keyof typeof settings, string],
  ),
  ['backlogMax', '0'],
  ['backlogMax', '2_000_000'],
  ...['0', '15m', '604801'].map((text) => ['replayWindowMs', text] as [keyof typeof settings, string]),
  ...['every 5 minutes', '* * * *', '60 * * * *', '*/0 * * * *', '5-1 * * * *', '* * 0 * *', '* * * 13 *', '* * * FOO *', 'OFF'].map(
    (text) => ['exportEvery', text] as [keyof typeof settings, string],
  ),
  ['exportKeep', '0'],
  ...['yes', '1', 'TRUE'].map((text) => ['exportBom', text] as [keyof typeof settings, string]),
  ['logLevel', 'verbose'],
  ['nodeEnv', 'staging'],
  ...['after-upsert', 'after-upsert:0', 'somewhere:1', 'after-upsert:1:2'].map(
    (text) => ['crashAt', text] as [keyof typeof settings, string],
  ),
]

describe('bad values', () => {
  it('has a row for every setting', () => {
    expect(new Set(bad.map(([key]) => key))).toEqual(new Set(Object.keys(settings)))
  })

  it.each(bad)('%s: %j', (key, text) => {
    const setting = settings[key]
    const faults = faultsOf({ NODE_ENV: 'test', [setting.name]: text })
    expect(faults).toEqual([{ name: setting.name, expected: setting.kind.expected, got: expect.any(String) }])
  })

  it('lists all of them at once, each with its name, what was expected and what came', () => {
    const error = errorOf({ PORT: 'abc', LOG_LEVEL: 'loud', EXPORT_KEEP: '-3', DB_HOST: 'db' })
    expect(error.faults.map(({ name }) => name)).toEqual(['PORT', 'EXPORT_KEEP', 'LOG_LEVEL', 'DB_HOST'])
    expect(error.message).toContain('4 settings are wrong')
    expect(error.message).toContain('PORT: expected a whole number from 0 to 65535; got "abc"')
  })

  it('never shows a secret, nor a password inside an address', () => {
    const secret = 'hunter2 hunter2 hunter2'
    const settingsWithSecrets = {
      MASTER_KEY: secret,
      ADMIN_TOKEN: secret,
      PUBLIC_URL: 'https://me:hunter2@example.org',
      ALLOWED_ORIGINS: 'https://a.example,https://me:hunter2@b.example',
      REDIS_PASSWORD: secret,
      DB_PASSWORD: secret,
    }
    const error = errorOf(settingsWithSecrets)
    expect(error.faults).toHaveLength(6)
    expect(error.message).not.toContain('hunter2')
    expect(error.message).toContain('23 characters (not shown)')
    expect(error.message).toContain('b.example')
  })

  it('cuts what is too long to read', () => {
    expect(faultsOf({ LOG_LEVEL: 'x'.repeat(10_000) })[0]?.got.length).toBeLessThan(100)
  })
})

describe('secrets in files', () => {
  it('reads them, with or without a line break at the end', () => {
    const config = load(
      { ADMIN_TOKEN_FILE: '/run/token', MASTER_KEY_FILE: '/run/key' },
      { '/run/token': 'a-token-in-a-file\n', '/run/key': hexKey },
    )
    expect(config.adminToken).toBe('a-token-in-a-file')
    expect(config.masterKey?.toString('hex')).toBe(hexKey)
  })

  it('reads a key of 32 bytes as they are, as in DATA_DIR/master.key', () => {
    expect(load({ MASTER_KEY_FILE: '/k' }, { '/k': Buffer.alloc(32, 200) }).masterKey).toEqual(Buffer.alloc(32, 200))
  })

  it('takes no password of 32 letters for a key', () => {
    const faults = faultsOf({ MASTER_KEY_FILE: '/k' }, { '/k': 'correct-horse-battery-staple-123' })
    expect(faults).toEqual([{ name: 'MASTER_KEY_FILE', expected: settings.masterKey.kind.expected, got: '32 characters (not shown)' }])
  })

  it('refuses both forms of one secret', () => {
    const faults = faultsOf({ ADMIN_TOKEN: 'sixteen.letters!', ADMIN_TOKEN_FILE: '/t' }, { '/t': 'sixteen.letters!' })
    expect(faults).toEqual([{ name: 'ADMIN_TOKEN', expected: 'either ADMIN_TOKEN or ADMIN_TOKEN_FILE', got: 'both' }])
  })

  it('says which file is missing, empty or wrong', () => {
    const faults = faultsOf({ ADMIN_TOKEN_FILE: '/gone', MASTER_KEY_FILE: '/empty' }, { '/empty': '\n' })
    expect(faults.map(({ name, got }) => [name, got])).toEqual([
      ['MASTER_KEY_FILE', 'an empty file, "/empty"'],
      ['ADMIN_TOKEN_FILE', '"/gone" (ENOENT)'],
    ])
  })

  it('knows no file form of what is no secret', () => {
    expect(load({ PORT_FILE: '/gone' }).port).toBe(8080)
  })
})

describe('.env', () => {
  const files = { '.env': 'PORT=9090\nLOG_LEVEL="debug" # why\nADMIN_TOKEN=from.the.file.1234\n' }

  it('is read', () => {
    const config = load({}, files)
    expect([config.port, config.logLevel, config.adminToken]).toEqual([9090, 'debug', 'from.the.file.1234'])
  })

  it('gives way to real variables, also from one form of a secret to the other', () => {
    const config = load({ PORT: '1', LOG_LEVEL: '', ADMIN_TOKEN_FILE: '/t' }, { ...files, '/t': 'from.a.secret.file' })
    expect([config.port, config.logLevel, config.adminToken]).toEqual([1, 'debug', 'from.a.secret.file'])
  })

  it('is checked as variables are', () => {
    expect(faultsOf({}, { '.env': 'PORT=x\nMYSQL_HOST=db' }).map(({ name }) => name)).toEqual(['PORT', 'MYSQL_HOST'])
  })

  it('is a fault when it is there and cannot be read', () => {
    const readFile = () => {
      throw Object.assign(new Error('no'), { code: 'EACCES' })
    }
    expect(() => loadConfig({}, { readFile })).toThrow(/\.env: expected a file that can be read; got EACCES/)
  })
})

describe('settings of servers', () => {
  it.each(serverSettingNames)('%s is refused: this size uses no server', (name) => {
    const [fault, ...more] = faultsOf({ [name]: 'anything' })
    expect(more).toEqual([])
    expect(fault?.name).toBe(name)
    expect(fault?.expected).toMatch(/uses no server.*SQLite.*DATA_DIR/)
  })

  it('explains what Kubernetes sets by itself', () => {
    const [fault] = faultsOf({ REDIS_PORT: 'tcp://10.43.0.17:6379' })
    expect(fault).toMatchObject({ name: 'REDIS_PORT', got: '"tcp://10.43.0.17:6379"' })
    expect(fault?.expected).toContain('enableServiceLinks: false')
  })

  it('leaves alone what belongs to other tools', () => {
    expect(() => load({ MYSQL_HISTFILE: '/dev/null', AWS_PROFILE: 'me', REDIS_SERVICE_HOST: '10.0.0.1', DB: 'x' })).not.toThrow()
  })
})

describe('CRASH_AT', () => {
  it('is taken in tests', () => {
    expect(load({ NODE_ENV: 'test', CRASH_AT: 'after-upsert:3' }).crashAt).toEqual({ point: 'after-upsert', hit: 3 })
  })

  it.each(['production', 'development', '', undefined])('is refused with NODE_ENV=%s', (nodeEnv) => {
    const [fault, ...more] = faultsOf({ NODE_ENV: nodeEnv, CRASH_AT: 'after-upsert:3' })
    expect(more).toEqual([])
    expect(fault?.name).toBe('CRASH_AT')
    expect(fault?.expected).toContain('only NODE_ENV=test')
  })

  it('is refused from .env too', () => {
    expect(faultsOf({ NODE_ENV: 'production' }, { '.env': 'CRASH_AT=before-trim:1\nNODE_ENV=test' }).map(({ name }) => name)).toEqual([
      'CRASH_AT',
    ])
  })
})
