import { parseEnv } from 'node:util'
import { type ConfigFault, codeOf, faultOf, shown, textOf, unshown } from './config-fault.ts'
import { settings } from './config-table.ts'
import { type AnySetting, namesOf, type ProcessName, type Setting } from './setting.ts'
import { key32, type ReadFile } from './setting-kinds.ts'

export type Environment = Readonly<Record<string, string | undefined>>

type Settings = typeof settings
export type SettingKey = keyof Settings

/** The value of a row of the table. */
export type ValueOf<Row> =
  Row extends Setting<infer Value, infer Default, ProcessName> ? (Default extends string ? Value : Value | null) : never

/** Null: not set, faulty, or not read by this process. */
export type SettingValues = { readonly [Key in SettingKey]: ValueOf<Settings[Key]> | null }

/** How a setting was written. */
export interface GivenSetting {
  /** The name that was used. */
  readonly name: string
  /** Its value as it may be shown: of a secret only the length. */
  readonly shown: string
}

export interface ReadSettings {
  readonly values: SettingValues
  /** Null: not set. Also tells of settings that this process does not read. What Kubernetes set by itself does not count. */
  given(key: SettingKey): GivenSetting | null
  /** Null, or what Kubernetes set by itself, because a service has such a name. */
  serviceLink(key: SettingKey): GivenSetting | null
  /** The same for a name that is no setting. Its value may be anything, so it is never shown. */
  givenName(name: string): GivenSetting | null
  /** Of single settings. */
  readonly faults: readonly ConfigFault[]
}

/** One form of one setting, as somebody wrote it: `DB_HOST=...`, `MYSQL_PASSWORD_FILE=...`. */
interface Form {
  readonly name: string
  /** The name without `_FILE`. */
  readonly base: string
  readonly text: string
}

/** Reads what `process` uses from `env` and from the file `.env`. Throws nothing: see `faults`. */
export function readSettings(env: Environment, process: ProcessName, readFile: ReadFile): ReadSettings {
  const faults: ConfigFault[] = []
  const layers = [env, readDotEnv(readFile, faults)]
  const values: Record<string, unknown> = {}
  for (const [key, setting] of Object.entries<AnySetting>(settings)) {
    values[key] = setting.usedBy.includes(process) ? readSetting(setting, process, formsIn(layers, setting), { readFile, faults }) : null
  }
  const find = (key: SettingKey, isWanted: (form: Form) => boolean): GivenSetting | null => {
    const form = formsIn(layers, settings[key]).find(isWanted)
    return form === undefined ? null : { name: form.name, shown: shownForm(settings[key], form) }
  }
  return {
    values: values as SettingValues,
    given: (key) => find(key, ({ text }) => !isServiceLink(text)),
    serviceLink: (key) => find(key, ({ text }) => isServiceLink(text)),
    givenName(name) {
      const text = layers.map((layer) => layer[name] ?? '').find((value) => value !== '')
      return text === undefined ? null : { name, shown: unshown(text) }
    },
    faults,
  }
}

function readDotEnv(readFile: ReadFile, faults: ConfigFault[]): Environment {
  try {
    return parseEnv(textOf(readFile('.env')))
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') faults.push(faultOf('.env', 'a file that can be read', codeOf(error)))
    return {}
  }
}

/** The forms in the first layer that has any: a variable wins over `.env`, whatever its form or name. */
function formsIn(layers: readonly Environment[], setting: AnySetting): Form[] {
  for (const layer of layers) {
    const forms = namesOf(setting)
      .flatMap((base) => (setting.secret === true ? [[base, base] as const, [base, `${base}_FILE`] as const] : [[base, base] as const]))
      .map(([base, name]) => ({ base, name, text: layer[name] ?? '' }))
      .filter(({ text }) => text !== '')
    if (forms.length > 0) return forms
  }
  return []
}

interface Reading {
  readonly readFile: ReadFile
  readonly faults: ConfigFault[]
}

/** The value, or null when there is none or it is faulty. */
function readSetting(setting: AnySetting, process: ProcessName, forms: readonly Form[], reading: Reading): unknown {
  const [first] = forms
  if (first === undefined) {
    const standard = setting.defaultFor?.[process] ?? setting.default
    return standard === null ? null : setting.kind.parse(standard, reading.readFile)
  }
  const twice = forms.find((form, index) => index > 0 && form.base === forms[index - 1]?.base)
  if (twice !== undefined) {
    reading.faults.push(faultOf(twice.base, `either ${twice.base} or ${twice.name}`, 'both'))
    return null
  }
  const values = forms.map((form) => parseForm(setting, form, reading))
  if (values.includes(undefined)) return null
  const other = forms[values.findIndex((value) => value !== values[0])]
  if (other === undefined) return values[0]
  const got = setting.secret === true ? 'two different values (not shown)' : `${shown(first.text)} and ${shown(other.text)}`
  reading.faults.push(faultOf(first.name, `the same as ${other.name}, or only one of the two`, got))
  return null
}

/** Undefined: it is faulty. */
function parseForm(setting: AnySetting, form: Form, { readFile, faults }: Reading): unknown {
  const faulty = (expected: string, got: string) => {
    faults.push(faultOf(form.name, expected, got))
    return undefined
  }
  const parsed = (text: string) => {
    const value = setting.kind.parse(setting.kind.verbatim === true ? text : text.trim(), readFile)
    return value === undefined ? faulty(setting.kind.expected, shownText(setting, text)) : value
  }
  if (isServiceLink(form.text)) return faulty(noServiceLink, shown(form.text))
  if (form.name === form.base) return parsed(form.text)
  let bytes: Uint8Array
  try {
    bytes = readFile(form.text)
  } catch (error) {
    return faulty('the path of a file that can be read', `${shown(form.text)} (${codeOf(error)})`)
  }
  // DATA_DIR/master.key holds the 32 bytes themselves, and somebody will point here to it. 32 printable characters are a password, not a key.
  if (setting.kind === key32 && bytes.length === 32 && bytes.some((byte) => byte < 0x20 || byte > 0x7e)) return Buffer.from(bytes)
  const text = textOf(bytes).replace(/\r?\n$/, '')
  return text.trim() === '' ? faulty(setting.kind.expected, `an empty file, ${shown(form.text)}`) : parsed(text)
}

export const noServiceLink =
  'none like that; Kubernetes sets it for a service of that name: put `enableServiceLinks: false` into the pod, or name the service otherwise'

function isServiceLink(text: string): boolean {
  return /^(tcp|udp|sctp):\/\//.test(text)
}

function shownForm(setting: AnySetting, { name, base, text }: Form): string {
  return name === base ? shownText(setting, text) : shown(text)
}

function shownText(setting: AnySetting, text: string): string {
  return setting.secret === true ? unshown(text) : shown(text)
}
