import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const fileName = 'first-run.txt'

/** What a first run makes up, and shows once. */
export type FirstRunSecret = 'token' | 'password'

const headings: Readonly<Record<FirstRunSecret, string>> = {
  token: "Administrator's token (shown here only; delete this file once you have kept it):",
  password: 'Password of the user admin, who signs in at /admin (shown here only; change it there, and delete this file):',
}
const secrets = Object.keys(headings) as FirstRunSecret[]

const words: Readonly<Record<FirstRunSecret, { secret: string; own: string }>> = {
  token: { secret: "The administrator's token", own: 'choose a token yourself: ADMIN_TOKEN' },
  password: { secret: 'The password of the first administrator', own: 'choose a password yourself: ADMIN_PASSWORD' },
}

export class TokenFileError extends Error {
  override name = 'TokenFileError'
}

/** Writes the file, with the other secret if it still holds that. A new file, never an old one with the rights that somebody gave it. Returns its path. */
export function writeFirstRunFile(dataDirectory: string, what: FirstRunSecret, secret: string): string {
  const path = join(dataDirectory, fileName)
  try {
    mkdirSync(dataDirectory, { recursive: true, mode: 0o700 })
    const told = { ...readFirstRunFile(path), [what]: secret }
    rmSync(path, { force: true })
    const lines = secrets.flatMap((name) => (told[name] === undefined ? [] : [headings[name], told[name]]))
    writeFileSync(path, `${lines.join('\n')}\n`, { mode: 0o600, flag: 'wx' })
    return path
  } catch (cause) {
    throw new TokenFileError(
      `${words[what].secret} cannot be written to ${path} (${(cause as { code?: string }).code ?? cause}), and there is no terminal to ` +
        `show it on. Set DATA_DIR to a folder that can be written, or ${words[what].own}.`,
      { cause },
    )
  }
}

function readFirstRunFile(path: string): Partial<Record<FirstRunSecret, string>> {
  let lines: string[]
  try {
    lines = readFileSync(path, 'utf8').split('\n')
  } catch {
    return {}
  }
  const secretBelow = (heading: string) => (lines.includes(heading) ? lines[lines.indexOf(heading) + 1] : undefined)
  return Object.fromEntries(secrets.map((name) => [name, secretBelow(headings[name])]))
}
