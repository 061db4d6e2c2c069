import { randomInt } from 'node:crypto'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { createServer } from 'node:net'
import { ClusterError } from './errors.ts'

/** By the name of the process; apis and consumers count from here. */
const fixedPorts: Readonly<Record<string, number>> = {
  pages: 8000,
  'load-balancer': 8080,
  csv: 8083,
  primary: 3308,
  replica: 3307,
  // Not its usual one: Debian's own Redis has that.
  redis: 6380,
  api: 8100,
  consumer: 8200,
}

export interface Ports {
  /** The port of a process, the same for the same name. */
  of(name: string): Promise<number>
}

/** `known`: ports of an earlier run, by name; new ones are added to it. */
export function choosePorts(kind: 'fixed' | 'free', known: Record<string, number>, remember: () => void): Ports {
  return {
    async of(name) {
      if (kind === 'fixed') return fixedPortOf(name)
      const before = known[name]
      if (before !== undefined && (await isFree(before))) return before
      const port = await freePort()
      known[name] = port
      remember()
      return port
    },
  }
}

function fixedPortOf(name: string): number {
  const [, group = name, number = '0'] = /^(api|consumer)-(\d+)$/.exec(name) ?? []
  const port = fixedPorts[group]
  if (port === undefined) throw new Error(`no port for ${name}`)
  return port + Number(number)
}

/** Below those that the system gives to outgoing connections: it stays free until the server takes it, and while that is stopped. */
const freePorts = { from: 20_000, to: 32_000 }

async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const port = randomInt(freePorts.from, freePorts.to)
    if (await isFree(port)) return port
  }
  throw new ClusterError(`There is hardly a free port from ${freePorts.from} to ${freePorts.to} on this machine.`)
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => (error.code === 'EADDRINUSE' ? resolve(false) : reject(error)))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}

/** Throws and names every port that is taken, by whom, and what to do. */
export async function assertFree(wanted: readonly { readonly name: string; readonly port: number }[]): Promise<void> {
  const lines: string[] = []
  for (const { name, port } of wanted) {
    if (!(await isFree(port))) lines.push(`  ${String(port).padEnd(6)} for ${name}: taken by ${holderOf(port) ?? 'another program'}`)
  }
  if (lines.length === 0) return
  throw new ClusterError(
    [
      lines.length === 1 ? 'A port that the cluster needs is taken:' : 'Ports that the cluster needs are taken:',
      ...lines,
      'End what holds them, or let the cluster take any free ones: CLUSTER_PORTS=free make cluster',
    ].join('\n'),
  )
}

/** Which process listens there; null where the system does not tell. */
function holderOf(port: number): string | null {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  try {
    const rows = ['tcp', 'tcp6'].flatMap((table) => readFileSync(`/proc/net/${table}`, 'utf8').split('\n').slice(1))
    const inodes = rows
      .map((row) => row.trim().split(/\s+/))
      // 0A: listening.
      .filter((columns) => columns[1]?.endsWith(wanted) && columns[3] === '0A')
      .map((columns) => `socket:[${columns[9]}]`)
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
      if (openFilesOf(pid).some((file) => inodes.includes(file))) return `process ${pid} (${commandOf(pid)})`
    }
  } catch {
    // Not Linux.
  }
  return null
}

function openFilesOf(pid: string): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).map((name) => readlinkSync(`/proc/${pid}/fd/${name}`))
  } catch {
    return []
  }
}

function commandOf(pid: string): string {
  const text = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').join(' ').trim()
  return text.length > 80 ? `${text.slice(0, 80)}...` : text
}
