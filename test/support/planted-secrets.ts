import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

/** Something that nobody may find where it does not belong. */
export interface PlantedSecret {
  readonly name: string
  /** Text, or bytes. */
  readonly value: string | Uint8Array
}

export interface Hit {
  readonly secret: string
  /** How it was written down there: as it is, in base64, ... */
  readonly form: string
  readonly place: string
}

/** Every form in which somebody could write it down, at least 8 bytes long: shorter ones are found by chance. */
export function formsOf({ value }: PlantedSecret): Map<string, Buffer> {
  const bytes = Buffer.from(value)
  const hex = bytes.toString('hex')
  const base64 = bytes.toString('base64').replace(/=+$/, '')
  const forms: [string, string | Buffer][] = [
    ['as it is', bytes],
    ['hexadecimal', hex],
    ['hexadecimal', hex.toUpperCase()],
    ['base64', base64],
    ['base64url', bytes.toString('base64url')],
    // As JSON writes a Buffer.
    ['list of numbers', [...bytes].join(',')],
  ]
  if (typeof value === 'string') {
    forms.push(
      ['in an address', encodeURIComponent(value)],
      ['in JSON', JSON.stringify(value).slice(1, -1)],
      ['reversed case', swapCase(value)],
    )
  }
  const found = new Map<string, Buffer>()
  for (const [name, form] of forms) {
    const needle = Buffer.from(form)
    if (needle.length >= 8 && ![...found.values()].some((known) => known.equals(needle))) found.set(`${name} ${found.size}`, needle)
  }
  return found
}

function swapCase(text: string): string {
  return text === text.toLowerCase() ? text.toUpperCase() : text.toLowerCase()
}

/** Where any of them stands in these bytes. */
export function findIn(secrets: readonly PlantedSecret[], place: string, bytes: Uint8Array | string): Hit[] {
  const haystack = Buffer.from(bytes)
  return secrets.flatMap((secret) =>
    [...formsOf(secret)]
      .filter(([, needle]) => haystack.includes(needle))
      .map(([form]) => ({ secret: secret.name, form: form.replace(/ \d+$/, ''), place })),
  )
}

/** All files under a folder. */
export function filesUnder(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile())
}

export function findInFiles(secrets: readonly PlantedSecret[], paths: readonly string[]): Hit[] {
  return paths.flatMap((path) => findIn(secrets, path, readFileSync(path)))
}

/** Hits as `secret: place`, each once, sorted: what a test compares. */
export function summaryOf(hits: readonly Hit[]): string[] {
  return [...new Set(hits.map(({ secret, place }) => `${secret}: ${place}`))].sort()
}
