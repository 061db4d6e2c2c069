import { writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { plainManifests } from './chart/plain-manifests.ts'
import { fetchTools } from './chart/tools.ts'

/** `make manifests`. */

const repository = resolve(import.meta.dirname, '../..')
const [, helm4] = fetchTools(repository).helms
const path = join(repository, 'deploy/kubernetes/urna.yaml')
writeFileSync(path, plainManifests(repository, helm4))
console.log(`wrote ${path}`)
