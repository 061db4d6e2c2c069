import { readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { knownSettings } from './chart-docs/known-settings.ts'
import { readmeWithValues } from './chart-docs/values-table.ts'

/** `make chart-docs`: what of the chart is made of its values and of the table of settings. */

const chart = resolve(import.meta.dirname, '../deploy/helm/urna')
const read = (name: string) => readFileSync(join(chart, name), 'utf8')

for (const [name, content] of [
  ['README.md', readmeWithValues(read('README.md'), read('values.yaml'))],
  ['files/settings.yaml', knownSettings()],
] as const) {
  writeFileSync(join(chart, name), content)
  console.log(`wrote ${join(chart, name)}`)
}
