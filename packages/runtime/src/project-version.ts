import { readFileSync } from 'node:fs'

/** The project's version: of the package.json at the root, from `src` and `dist` alike. */
export const projectVersion = (JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as { version: string })
  .version
