import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { configurationPage, envExample } from './configuration-docs.ts'

const repository = new URL('../../../', import.meta.url)
for (const [path, content] of [
  ['docs/configuration.md', configurationPage()],
  ['.env.example', envExample()],
] as const) {
  const file = fileURLToPath(new URL(path, repository))
  writeFileSync(file, content)
  console.log(`wrote ${file}`)
}
