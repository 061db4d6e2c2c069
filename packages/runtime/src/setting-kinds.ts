import { isIP } from 'node:net'
import { resolve } from 'node:path'
import { isCronExpression } from './cron-expression.ts'

/** Reads a whole file; throws as node:fs does. */
export type ReadFile = (path: string) => Uint8Array

/** What a value of a kind must look like, and how its text becomes a value. */
export interface Kind<Value> {
  /** Completes "expected ...", in faults and in the documentation. */
  readonly expected: string
  /** The text is taken as it is: spaces around it belong to it. */
  readonly verbatim?: true
  /** The value, or undefined when the text is not what is expected. Never throws. */
  parse(text: string, readFile: ReadFile): Value | undefined
}

export function text(expected: string, pattern: RegExp): Kind<string> {
  return { expected, parse: (value) => (pattern.test(value) ? value : undefined) }
}

export function integer(min: number, max: number): Kind<number> {
  return {
    expected: `a whole number from ${min} to ${max}`,
    parse(value) {
      // Number('') is 0, Number('0x10') is 16 and Number('1e3') is 1000: none of them is what somebody meant to write.
      if (!/^\d{1,15}$/.test(value)) return undefined
      const number = Number(value)
      return number >= min && number <= max ? number : undefined
    },
  }
}

/** Seconds in the setting, milliseconds in the program. */
export function secondsAsMs(min: number, max: number): Kind<number> {
  return asMs(min, max, 'seconds', 1_000)
}

export function minutesAsMs(min: number, max: number): Kind<number> {
  return asMs(min, max, 'minutes', 60_000)
}

export function hoursAsMs(min: number, max: number): Kind<number> {
  return asMs(min, max, 'hours', 3_600_000)
}

function asMs(min: number, max: number, unit: string, unitMs: number): Kind<number> {
  const whole = integer(min, max)
  return {
    expected: `${whole.expected} (${unit})`,
    parse(value, readFile) {
      const parsed = whole.parse(value, readFile)
      return parsed === undefined ? undefined : parsed * unitMs
    },
  }
}

export const trueOrFalse: Kind<boolean> = {
  expected: 'true or false',
  parse: (value) => (value === 'true' ? true : value === 'false' ? false : undefined),
}

export function oneOf<const Choice extends string>(...choices: readonly Choice[]): Kind<Choice> {
  return { expected: `one of ${choices.join(', ')}`, parse: (value) => choices.find((choice) => choice === value) }
}

/** A folder; relative to the working directory at start, absolute from then on. */
export const directory: Kind<string> = {
  expected: 'the path of a directory',
  parse: (value) => (value.includes('\0') ? undefined : resolve(value)),
}

const isHost = (value: string): boolean =>
  isIP(value) !== 0 || /^(?=.{1,253}$)[a-z0-9]([a-z0-9_-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9_-]*[a-z0-9])?)*$/i.test(value)

export const listenAddress: Kind<string> = {
  expected: 'an IP address or a host name to listen on',
  parse: (value) => (isHost(value) ? value : undefined),
}

/** Compose gives services names with underscores, too. */
export const hostName: Kind<string> = {
  expected: 'the host name or IP address of a server, without port',
  parse: (value) => (isHost(value) ? value : undefined),
}

function httpUrl(value: string): URL | undefined {
  const url = URL.parse(value)
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:') || url.username !== '' || url.password !== '')
    return undefined
  return url
}

/** Without a slash at the end, so that a path can be put behind it. */
export const publicUrl: Kind<string> = {
  expected: 'an address such as https://vote.example.org, without user name, query or fragment',
  parse(value) {
    const url = httpUrl(value)
    // `search` and `hash` are empty for a bare `?` or `#` too: the text itself tells.
    return url === undefined || /[?#]/.test(value) ? undefined : `${url.origin}${url.pathname.replace(/\/+$/, '')}`
  },
}

export const endpointUrl: Kind<string> = {
  expected: 'an address such as http://localhost:9324, without user name, query or fragment',
  parse: publicUrl.parse,
}

/** Which pages of other origins may use the api: these, or anybody without credentials. It governs CORS, CSP connect-src and the Origin check alike. */
export type AllowedOrigins = readonly string[] | '*'

export const allowedOrigins: Kind<AllowedOrigins> = {
  expected: 'origins such as https://vote.example.org, comma separated, or * alone',
  parse(value) {
    if (value === '*') return '*'
    const origins = listItems(value).map(originOf)
    return origins.length > 0 && origins.every((origin) => origin !== undefined) ? origins : undefined
  },
}

/** The origin as browsers send it: lower case, without the default port. A path is a mistake, one slash at the end is forgiven. */
function originOf(item: string): string | undefined {
  const url = httpUrl(item)
  return url === undefined || url.pathname !== '/' || /[?#]/.test(item) ? undefined : url.origin
}

export const proxies: Kind<readonly string[]> = {
  expected: 'addresses or networks such as 10.0.0.0/8, loopback, linklocal or uniquelocal, comma separated',
  parse(value) {
    const items = listItems(value)
    return items.length > 0 && items.every(isProxy) ? items : undefined
  },
}

function isProxy(item: string): boolean {
  if (['loopback', 'linklocal', 'uniquelocal'].includes(item)) return true
  const [address = '', prefix, ...more] = item.split('/')
  const family = isIP(address)
  if (family === 0 || more.length > 0) return false
  // A prefix of 0 would trust everybody to say who they are.
  return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) >= 1 && Number(prefix) <= (family === 4 ? 32 : 128))
}

function listItems(value: string): string[] {
  return value
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '')
}

/** Null: never. */
export const cronOrOff: Kind<string | null> = {
  expected: "a cron expression such as */5 * * * * (minute hour day month weekday, perhaps seconds before them; UTC), or 'off'",
  parse: (value) => (value === 'off' ? null : isCronExpression(value) ? value : undefined),
}

/** A key of 32 bytes. */
export const key32: Kind<Buffer> = {
  expected: '32 bytes as base64 (44 characters) or hexadecimal (64 characters)',
  parse(value) {
    if (/^[0-9a-f]{64}$/i.test(value)) return Buffer.from(value, 'hex')
    // Node reads both alphabets of base64.
    return /^[A-Za-z0-9+/_-]{43}=?$/.test(value) ? Buffer.from(value, 'base64') : undefined
  },
}

/** It travels in an Authorization header: no spaces, nothing outside ASCII. */
export const token: Kind<string> = text('16 to 512 characters of ASCII without spaces', /^[\x21-\x7e]{16,512}$/)

/** As in the pages: what is long needs no signs and digits. */
export const newPassword: Kind<string> = {
  expected: '12 to 200 characters, without line breaks',
  parse: (value) =>
    value.length >= 12 && value.length <= 200 && value.isWellFormed() && !/[\p{Cc}\u2028\u2029]/u.test(value) ? value : undefined,
}

export const crashPointNames = ['after-read', 'after-upsert', 'before-tally', 'before-commit', 'after-commit', 'before-trim'] as const
export type CrashPointName = (typeof crashPointNames)[number]

/** Kill this process at the `hit`th time it comes to `point`. */
export interface CrashAt {
  readonly point: CrashPointName
  readonly hit: number
}

export const crashAt: Kind<CrashAt> = {
  expected: `point:count, such as after-upsert:3; points are ${crashPointNames.join(', ')}`,
  parse(value) {
    const [, name, count] = /^([a-z-]+):([1-9]\d{0,8})$/.exec(value) ?? []
    const point = crashPointNames.find((known) => known === name)
    return point === undefined ? undefined : { point, hit: Number(count) }
  },
}

export const userName: Kind<string> = text('1 to 80 characters without spaces', /^[^\s\p{Cc}]{1,80}$/u)

/** Whatever the server takes. Only a line break or a NUL is certainly a mistake. */
export const password: Kind<string> = {
  expected: '1 to 512 characters on one line',
  verbatim: true,
  parse: (value) => (/^[^\0\r\n]{1,512}$/.test(value) ? value : undefined),
}

/** A server that replicates keeps no longer one. */
export const replicationPassword: Kind<string> = {
  expected: '1 to 32 characters on one line',
  verbatim: true,
  parse: (value) => (/^[^\0\r\n]{1,32}$/.test(value) ? value : undefined),
}

export const databaseName: Kind<string> = text('1 to 64 letters, digits, _, $ or -', /^[\w$-]{1,64}$/)

/** What a server's certificate is checked against. */
export interface Tls {
  /** In PEM form; null: the authorities that Node knows. */
  readonly ca: string | null
}

/** Null: not encrypted. The certificate is always checked. */
export const tls: Kind<Tls | null> = {
  expected: 'off, on (signed by a public authority), or the path of a readable file with the certificate of the authority (PEM)',
  parse(value, readFile) {
    if (value === 'off') return null
    if (value === 'on') return { ca: null }
    try {
      const ca = Buffer.from(readFile(value)).toString('utf8')
      return ca.includes('-----BEGIN CERTIFICATE-----') ? { ca } : undefined
    } catch {
      return undefined
    }
  },
}

export const awsAccessKey: Kind<string> = text('an access key of AWS', /^\w{1,128}$/)
export const awsSecretKey: Kind<string> = text('a secret key of AWS', /^[\x21-\x7e]{1,128}$/)
export const awsRegion: Kind<string> = text('a region such as sa-east-1', /^[a-z0-9-]{1,64}$/)

/** `.fifo` counts among the 80 characters that SQS allows. */
export const sqsQueueName: Kind<string> = text('1 to 75 letters, digits, _ or -, perhaps with .fifo behind them', /^[\w-]{1,75}(\.fifo)?$/)

export const consumerName: Kind<string> = text('1 to 64 letters, digits, ., _ or -', /^[\w.-]{1,64}$/)
