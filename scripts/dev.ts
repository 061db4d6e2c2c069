import { type ChildProcess, spawn } from 'node:child_process'
import { join, resolve } from 'node:path'

/** `make dev`: the server, restarted at every change of its sources, and the pages with hot reload. Ctrl-C ends both. */

const root = resolve(import.meta.dirname, '..')
const server = spawn(process.execPath, ['--watch', '--watch-preserve-output', 'apps/standalone/src/main.ts'], {
  stdio: 'inherit',
  env: { NODE_ENV: 'development', LOG_LEVEL: 'debug', ...process.env },
})
// Not by npm: it would stay between us and the signal that ends it.
const pages = spawn(join(root, 'node_modules/.bin/vite'), { cwd: join(root, 'apps/frontend'), stdio: 'inherit' })
const children: ChildProcess[] = [server, pages]

let ending = false
function end(): void {
  if (ending) return
  ending = true
  for (const child of children) if (child.exitCode === null) child.kill('SIGTERM')
}

process.on('SIGINT', end)
process.on('SIGTERM', end)
for (const child of children) child.on('exit', end)
