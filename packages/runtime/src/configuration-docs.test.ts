import { readFileSync } from 'node:fs'
import { parseEnv } from 'node:util'
import { describe, expect, it } from 'vitest'
import { loadConfig } from './config.ts'
import { settings } from './config-table.ts'
import { configurationPage, envExample } from './configuration-docs.ts'

const repository = new URL('../../../', import.meta.url)
const committed = (path: string) => readFileSync(new URL(path, repository), 'utf8')
const noFiles = () => {
  throw Object.assign(new Error('no file'), { code: 'ENOENT' })
}

describe('what is written about settings', () => {
  it('docs/configuration.md is what the table says (make docs)', () => {
    expect(committed('docs/configuration.md')).toBe(configurationPage())
  })

  it('.env.example is what the table says (make docs)', () => {
    expect(committed('.env.example')).toBe(envExample())
  })

  it('names every setting', () => {
    for (const { name } of Object.values(settings)) expect(configurationPage()).toContain(`| \`${name}\``)
  })

  it('.env.example changes nothing when it is copied, nor when every line is uncommented', () => {
    expect(parseEnv(envExample())).toEqual({})
    const uncommented = parseEnv(envExample().replace(/^#(?=[A-Z])/gm, ''))
    // All but the one for tests, and two secrets have a second form: 17 - 1 + 2.
    expect(Object.keys(uncommented)).toHaveLength(Object.keys(settings).length - 1 + 2)
    expect(loadConfig(uncommented as Record<string, string>, { readFile: noFiles })).toEqual(loadConfig({}, { readFile: noFiles }))
  })
})
