import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { ClusterError } from './errors.ts'
import type { ClusterFolder } from './folder.ts'

interface ProcessMark {
  readonly pid: number
  /** Tells this process from a later one with the same number. */
  readonly startedAt: string
}

interface Run {
  cluster: ProcessMark | null
  readonly processes: Record<string, ProcessMark>
}

const file = 'run.json'

/** Which processes run for this folder: kept in it, so that the next start finds what an earlier one left behind. */
export class RunRecord {
  readonly #folder: ClusterFolder
  readonly #record: Run = { cluster: null, processes: {} }

  private constructor(folder: ClusterFolder) {
    this.#folder = folder
  }

  /** Throws if another cluster runs there, or processes of one that was cut off. */
  static begin(folder: ClusterFolder): RunRecord {
    const before = folder.readJson<Run>(file, { cluster: null, processes: {} })
    if (before.cluster !== null && isRunning(before.cluster)) {
      throw new ClusterError(
        [
          `A cluster runs in ${folder.path} already (process ${before.cluster.pid}). Ctrl-C in its terminal ends it.`,
          'Another one beside it: CLUSTER_DIR=./data/cluster-2 CLUSTER_PORTS=free make cluster',
        ].join('\n'),
      )
    }
    const left = Object.entries(before.processes).filter(([, mark]) => isRunning(mark))
    if (left.length > 0) {
      throw new ClusterError(
        [
          'An earlier cluster was cut off, and some of its processes still run:',
          ...left.map(([name, { pid }]) => `  ${name.padEnd(12)} process ${pid}`),
          'End them, wait a moment, and start again:',
          `  kill ${left.map(([, { pid }]) => pid).join(' ')}`,
        ].join('\n'),
      )
    }
    const record = new RunRecord(folder)
    record.#record.cluster = markOf(process.pid)
    record.#write()
    return record
  }

  add(name: string, pid: number): void {
    this.#record.processes[name] = markOf(pid)
    this.#write()
  }

  remove(name: string): void {
    delete this.#record.processes[name]
    this.#write()
  }

  end(): void {
    this.#record.cluster = null
    this.#write()
  }

  #write(): void {
    this.#folder.writeJson(file, this.#record)
  }
}

function markOf(pid: number): ProcessMark {
  return { pid, startedAt: startOf(pid) ?? '' }
}

function isRunning({ pid, startedAt }: ProcessMark): boolean {
  return startedAt !== '' && startOf(pid) === startedAt
}

/** When a process began, in whatever unit the system tells it; null: there is none, or it has ended and only its status is left. */
function startOf(pid: number): string | null {
  if (existsSync('/proc/self/stat')) {
    try {
      // Behind the name, which may hold anything.
      const columns = readFileSync(`/proc/${pid}/stat`, 'utf8')
        .replace(/^.*\) /s, '')
        .split(' ')
      return columns[0] === 'Z' ? null : (columns[19] ?? null)
    } catch {
      return null
    }
  }
  const { stdout } = spawnSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C' } })
  return stdout.trim() === '' ? null : stdout.trim()
}
