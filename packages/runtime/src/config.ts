import { readFileSync } from 'node:fs'
import { parseEnv } from 'node:util'
import { type Config, type Setting, serverSettingNames, settings } from './config-table.ts'
import { key32 } from './setting-kinds.ts'

export type { Config } from './config-table.ts'

export type Environment = Readonly<Record<string, string | undefined>>

export interface ConfigFault {
  readonly name: string
  readonly expected: string
  /** Never a secret: of those only how long it is. */
  readonly got: string
}

/** Everything that is wrong with the settings, all at once. The message is for the person who starts the process. */
export class ConfigError extends Error {
  override name = 'ConfigError'
  readonly faults: readonly ConfigFault[]

  constructor(faults: readonly ConfigFault[]) {
    const lines = faults.map((fault) => `  ${fault.name}: expected ${fault.expected}; got ${fault.got}`)
    super(`${faults.length === 1 ? 'A setting is' : `${faults.length} settings are`} wrong:\n${lines.join('\n')}`)
    this.faults = faults
  }
}

export interface LoadConfigOptions {
  /** Reads a whole file; throws as node:fs does. */
  readonly readFile?: (path: string) => Uint8Array
}

type AnySetting = Setting<unknown, string | null>

/** One setting as somebody wrote it. */
type Written =
  | { readonly kind: 'unset' }
  | { readonly kind: 'value'; readonly text: string }
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'both' }

/**
 * Reads all settings from `env` and from `.env` in the working directory (a setting in `env` wins), once, at the start of a process.
 * An empty text is the same as none. Throws {@link ConfigError} with every fault.
 */
export function loadConfig(env: Environment, options: LoadConfigOptions = {}): Config {
  const readFile = options.readFile ?? ((path) => readFileSync(path))
  const faults: ConfigFault[] = []
  const layers = [env, readDotEnv(readFile, faults)]
  const values: Record<string, unknown> = {}
  for (const [key, setting] of Object.entries<AnySetting>(settings)) {
    values[key] = readSetting(setting, layers, readFile, faults)
  }
  faults.push(...faultsOfServerSettings(layers), ...faultsOfTestSettings(values as Config))
  if (faults.length > 0) throw new ConfigError(faults)
  return values as Config
}

function readDotEnv(readFile: (path: string) => Uint8Array, faults: ConfigFault[]): Environment {
  try {
    return parseEnv(textOf(readFile('.env')))
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') faults.push({ name: '.env', expected: 'a file that can be read', got: codeOf(error) })
    return {}
  }
}

/** The value, or null when there is none or it is faulty. */
function readSetting(
  setting: AnySetting,
  layers: readonly Environment[],
  readFile: (path: string) => Uint8Array,
  faults: ConfigFault[],
): unknown {
  const written = layers.map((layer) => writtenIn(layer, setting)).find(({ kind }) => kind !== 'unset') ?? { kind: 'unset' }
  switch (written.kind) {
    case 'unset':
      return setting.default === null ? null : parsed(setting, setting.name, setting.default, faults)
    case 'value':
      return parsed(setting, setting.name, written.text, faults)
    case 'file':
      return readFromFile(setting, written.path, readFile, faults)
    case 'both':
      faults.push({ name: setting.name, expected: `either ${setting.name} or ${setting.name}_FILE`, got: 'both' })
      return null
  }
}

function writtenIn(layer: Environment, setting: AnySetting): Written {
  const text = layer[setting.name] ?? ''
  const path = setting.secret === true ? (layer[`${setting.name}_FILE`] ?? '') : ''
  if (text !== '' && path !== '') return { kind: 'both' }
  if (path !== '') return { kind: 'file', path }
  return text === '' ? { kind: 'unset' } : { kind: 'value', text }
}

function parsed(setting: AnySetting, name: string, text: string, faults: ConfigFault[]): unknown {
  const value = setting.kind.parse(text.trim())
  if (value !== undefined) return value
  faults.push({ name, expected: setting.kind.expected, got: setting.secret === true ? unshown(text.length, 'character') : shown(text) })
  return null
}

function readFromFile(setting: AnySetting, path: string, readFile: (path: string) => Uint8Array, faults: ConfigFault[]): unknown {
  const name = `${setting.name}_FILE`
  let bytes: Uint8Array
  try {
    bytes = readFile(path)
  } catch (error) {
    faults.push({ name, expected: 'the path of a file that can be read', got: `${shown(path)} (${codeOf(error)})` })
    return null
  }
  // DATA_DIR/master.key holds the 32 bytes themselves, and somebody will point here to it. 32 printable characters are a password, not a key.
  if (setting.kind === key32 && bytes.length === 32 && bytes.some((byte) => byte < 0x20 || byte > 0x7e)) return Buffer.from(bytes)
  const text = textOf(bytes).trim()
  if (text !== '') return parsed(setting, name, text, faults)
  faults.push({ name, expected: setting.kind.expected, got: `an empty file, ${shown(path)}` })
  return null
}

function faultsOfServerSettings(layers: readonly Environment[]): ConfigFault[] {
  return serverSettingNames.flatMap((name) => {
    const value = layers.map((layer) => layer[name] ?? '').find((text) => text !== '')
    if (value === undefined) return []
    if (/^(tcp|udp):\/\//.test(value)) {
      const expected =
        'none; Kubernetes sets it for a service of that name: put `enableServiceLinks: false` into the pod, or name the service otherwise'
      return [{ name, expected, got: shown(value) }]
    }
    const expected =
      'none: this size (standalone, embedded) uses no server, ballots are queued and counted in SQLite files under DATA_DIR. Unset it, so that nobody believes that ballots go there'
    return [{ name, expected, got: unshown(value.length, 'character') }]
  })
}

function faultsOfTestSettings(config: Config): ConfigFault[] {
  if (config.crashAt === null || config.nodeEnv === 'test') return []
  const got = `${config.crashAt.point}:${config.crashAt.hit} with NODE_ENV=${config.nodeEnv}`
  return [{ name: settings.crashAt.name, expected: 'none: it kills the process, for tests, and only NODE_ENV=test takes it', got }]
}

const shownLengthMax = 80

function shown(text: string): string {
  // An address may carry a password: nothing between // and @ is shown.
  const safe = text.replace(/\/\/[^/@]*@/g, '//...@')
  return JSON.stringify(safe.length > shownLengthMax ? `${safe.slice(0, shownLengthMax)}...` : safe)
}

function unshown(length: number, unit: string): string {
  return `${length} ${unit}${length === 1 ? '' : 's'} (not shown)`
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes)
    .toString('utf8')
    .replace(/^\uFEFF/, '')
}

function codeOf(error: unknown): string {
  return (error as { code?: string }).code ?? String(error)
}
