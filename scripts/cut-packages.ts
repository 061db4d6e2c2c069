import { readdirSync, rmdirSync, rmSync } from 'node:fs'
import { arch, argv } from 'node:process'

/**
 * Takes away what no process loads: types, maps, sources, tests and documents of installed packages and of our own build, and what is for
 * other machines. Licences stay. Used while the image is built: `node cut-packages.ts FOLDER...`
 */

const unused = [
  // Types, maps and sources; what the compiler noted.
  /\.(map|ts|mts|cts|tsx|flow|tsbuildinfo|md|markdown|gyp|gypi|c|cc|cpp|h|hpp|sh|yml|yaml)$/i,
  /(^|\/)(test|tests|__tests__|examples|example|benchmark|benchmarks|benches|\.github|\.vscode)\//,
  /(^|\/)\.[^/]*(rc|ignore|config)(\.[a-z]+)?$/,
  /^node_modules\/[^@/]+\/docs\/|^node_modules\/@[^/]+\/[^/]+\/docs\//,
  // Bundlers read these; Node takes dist-cjs.
  /(^|\/)node_modules\/@(aws-sdk|smithy|aws)\/.*\/dist-(es|types)\//,
  /(^|\/)node_modules\/@types\//,
  /(^|\/)node_modules\/undici-types\//,
  // SQLite's own source.
  /(^|\/)node_modules\/better-sqlite3\/(deps|src)\//,
]
const licence = /(^|\/)(licen[cs]e|copying|notice)[^/]*$/i
const prebuilt = /(^|\/)node_modules\/better-sqlite3\/prebuilds\/([^/]+)\.node$/

/** `path` begins with `node_modules/`, `apps/` or `packages/`; `machine` is the name of a prebuilt file, such as `linux-x64`. */
export function isLoaded(path: string, machine: string): boolean {
  if (licence.test(path)) return true
  const [, , builtFor] = prebuilt.exec(path) ?? []
  if (builtFor !== undefined) return builtFor === machine
  return !unused.some((pattern) => pattern.test(path))
}

function cut(folder: string, machine: string): number {
  let left = 0
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = `${folder}/${entry.name}`
    if (entry.isDirectory()) left += cut(path, machine)
    else if (entry.isSymbolicLink() || isLoaded(path, machine)) left += 1
    else rmSync(path)
  }
  if (left === 0) rmdirSync(folder)
  return left
}

if (import.meta.main) for (const folder of argv.slice(2)) cut(folder, `linux-${arch}`)
