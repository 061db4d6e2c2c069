import { readFileSync } from 'node:fs'

/** Of this app's package.json, beside `src` and `dist` alike. */
export const version = (JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }).version
