import { readFileSync } from 'node:fs'
import { parseEnv } from 'node:util'
import { describe, expect, it } from 'vitest'
import { settings } from './config-table.ts'
import { configurationPage, envExample } from './configuration-docs.ts'
import { type AnySetting, namesOf, processNames, settingGroups } from './setting.ts'
import { leastOf, load } from './testing/load-settings.ts'

const repository = new URL('../../../', import.meta.url)
const committed = (path: string) => readFileSync(new URL(path, repository), 'utf8')
const rows = Object.values<AnySetting>(settings)

describe('what is written about settings', () => {
  it('docs/configuration.md is what the table says (make docs)', () => {
    expect(committed('docs/configuration.md')).toBe(configurationPage())
  })

  it('.env.example is what the table says (make docs)', () => {
    expect(committed('.env.example')).toBe(envExample())
  })

  it('names every setting, in its group, and every other name it has', () => {
    const sections = configurationPage().split('\n## ')
    for (const row of rows) {
      const section = sections.find((text) => text.startsWith(`${settingGroups[row.group]}\n`))
      expect(section).toContain(`| \`${row.name}\``)
      for (const name of namesOf(row)) expect(section).toContain(`\`${name}\``)
    }
  })

  it('names every process', () => {
    for (const name of processNames) expect(configurationPage()).toContain(`\n| ${name} | `)
  })

  it('.env.example changes nothing when it is copied, nor when every line is uncommented', () => {
    expect(parseEnv(envExample())).toEqual({})
    const uncommented = parseEnv(envExample().replace(/^#(?=[A-Z])/gm, ''))
    const documented = rows.filter(({ test }) => test !== true)
    const secrets = documented.filter(({ secret }) => secret === true)
    // Secrets have a second form.
    expect(Object.keys(uncommented)).toHaveLength(documented.length + secrets.length)
    for (const process of processNames) {
      const env = { ...uncommented, ...leastOf[process] }
      expect(load(process, env)).toEqual(load(process, leastOf[process]))
    }
  })
})
