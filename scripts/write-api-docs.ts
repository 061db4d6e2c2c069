import { writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { apiDocs } from './api-docs/index.ts'

const repository = resolve(import.meta.dirname, '..')
for (const [path, content] of Object.entries(await apiDocs())) {
  writeFileSync(join(repository, path), content)
  console.log(`wrote ${join(repository, path)}`)
}
