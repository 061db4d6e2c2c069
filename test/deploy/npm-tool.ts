import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { repository } from '../support/standalone-process.ts'

/**
 * A tool that only these tests need, in one version, from the npm registry into .cache: the lockfile, and with it everybody's installation, stays
 * without it. Returns the package's folder.
 */
export function npmTool(name: string, version: string): string | { readonly missing: string } {
  const folder = join(repository, '.cache/tools', `${name}-${version}`)
  const installed = join(folder, 'node_modules', name)
  if (existsSync(join(installed, 'package.json'))) return installed
  mkdirSync(join(repository, '.cache/tools'), { recursive: true })
  // Whole or not at all: a fetch that was cut off leaves nothing under the name.
  const temporary = mkdtempSync(join(repository, '.cache/tools/new-'))
  try {
    const options = ['--prefix', temporary, '--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error']
    const fetched = spawnSync('npm', ['install', ...options, `${name}@${version}`], { encoding: 'utf8', timeout: 120_000 })
    if (fetched.status !== 0) return { missing: `npm could not fetch ${name}@${version}: ${lastLine(fetched.stderr)}` }
    const manifest = JSON.parse(readFileSync(join(temporary, 'node_modules', name, 'package.json'), 'utf8')) as { version: string }
    if (manifest.version !== version) return { missing: `npm fetched ${name}@${manifest.version}, wanted ${version}` }
    rmSync(folder, { recursive: true, force: true })
    renameSync(temporary, folder)
    return installed
  } finally {
    rmSync(temporary, { recursive: true, force: true })
  }
}

function lastLine(text: string | null): string {
  return (text ?? '').trim().split('\n').at(-1) ?? ''
}
