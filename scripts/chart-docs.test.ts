import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { knownSettings, rowsWithoutSetting } from './chart-docs/known-settings.ts'
import { readmeWithValues, valuesTables } from './chart-docs/values-table.ts'

const chart = resolve(import.meta.dirname, '../deploy/helm/urna')
const read = (name: string) => readFileSync(join(chart, name), 'utf8')

interface Schema {
  readonly $ref?: string
  readonly type?: string
  readonly properties?: Readonly<Record<string, Schema>>
  readonly allOf?: readonly Schema[]
  readonly definitions?: Readonly<Record<string, Schema>>
}

describe("the chart's documents", () => {
  it('README.md is what `make chart-docs` makes', () => {
    expect(readmeWithValues(read('README.md'), read('values.yaml'))).toBe(read('README.md'))
  })

  it('files/settings.yaml is what `make chart-docs` makes, and speaks of settings that there are', () => {
    expect(read('files/settings.yaml')).toBe(knownSettings())
    expect(rowsWithoutSetting()).toEqual([])
  })

  it('the schema knows every value, and no other', () => {
    const schema = JSON.parse(read('values.schema.json')) as Schema
    const inValues = pathsOf(parse(read('values.yaml')), schema, schema)
    expect(inValues.unknown).toEqual([])
    expect(inValues.unused).toEqual([])
  })
})

describe('the table of values', () => {
  it('takes the comment above a value, and not that of the file', () => {
    const text = '# Of the file.\n\n# How many.\nreplicas: 3\npart:\n  # One,\n  # or | none.\n  name: ""\n  more: {}\n'
    expect(
      valuesTables(text)
        .split('\n')
        .filter((line) => line.startsWith('| `')),
    ).toEqual(['| `replicas` | `3` | How many. |', '| `part.name` | `""` | One, or \\| none. |', '| `part.more` | `{}` |  |'])
  })

  it('refuses a README without its place', () => {
    expect(() => readmeWithValues('# Chart\n', 'a: 1\n')).toThrow(/the lines/)
  })
})

/** Values that the schema does not name, and names of the schema that are no value (a parent chart's `global` is none of ours). */
function pathsOf(value: unknown, schema: Schema, root: Schema, path = ''): { unknown: string[]; unused: string[] } {
  const properties = propertiesOf(schema, root)
  if (properties === null) return { unknown: [], unused: [] }
  const values = value as Record<string, unknown>
  const unknown = Object.keys(values).flatMap((key) => {
    const inner = properties[key]
    return inner === undefined ? [`${path}${key}`] : pathsOf(values[key], inner, root, `${path}${key}.`).unknown
  })
  const unused = Object.keys(properties).flatMap((key) => {
    if (!(key in values)) return path === '' && key === 'global' ? [] : [`${path}${key}`]
    return pathsOf(values[key], properties[key] ?? {}, root, `${path}${key}.`).unused
  })
  return { unknown, unused }
}

function propertiesOf(schema: Schema, root: Schema): Readonly<Record<string, Schema>> | null {
  if (schema.$ref !== undefined) return propertiesOf(root.definitions?.[schema.$ref.replace('#/definitions/', '')] ?? {}, root)
  if (schema.allOf !== undefined) return propertiesOf(schema.allOf[0] ?? {}, root)
  return schema.properties ?? null
}
