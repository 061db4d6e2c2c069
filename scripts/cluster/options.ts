import { resolve } from 'node:path'
import type { Environment } from './environment.ts'
import { ClusterError } from './errors.ts'

/** `normal`: api and CSV loop know primary and replica. `replica`: they know only the replica, as in the system that Urna replaces. */
export type Wiring = 'normal' | 'replica'

export interface ClusterOptions {
  /** Absolute. Everything is in it: data, secrets, logs. */
  readonly folder: string
  readonly apis: number
  readonly consumers: number
  readonly wiring: Wiring
  /** `fixed`: those of the documentation. `free`: any that are free, the same again at the next start. */
  readonly ports: 'fixed' | 'free'
}

const processesMax = 16
/** A socket's path has 108 bytes at most, and the longest of ours begins with the folder. */
const folderBytesMax = 80

/** Reads CLUSTER_*; throws with every fault at once. */
export function readOptions(environment: Environment): ClusterOptions {
  const faults: string[] = []
  const textOf = (name: string) => (environment[name] ?? '').trim()

  function countOf(name: string, fallback: number): number {
    const text = textOf(name)
    if (text === '') return fallback
    const count = Number(text)
    if (/^\d+$/.test(text) && count >= 1 && count <= processesMax) return count
    faults.push(`${name}: expected a whole number from 1 to ${processesMax}; got ${JSON.stringify(text)}`)
    return fallback
  }

  function choiceOf<Choice extends string>(name: string, choices: readonly [Choice, ...Choice[]]): Choice {
    const text = textOf(name)
    if (text === '') return choices[0]
    const choice = choices.find((candidate) => candidate === text)
    if (choice !== undefined) return choice
    faults.push(`${name}: expected one of ${choices.join(', ')}; got ${JSON.stringify(text)}`)
    return choices[0]
  }

  const options: ClusterOptions = {
    folder: folderOf(environment),
    apis: countOf('CLUSTER_APIS', 2),
    consumers: countOf('CLUSTER_CONSUMERS', 2),
    wiring: choiceOf('CLUSTER_WIRING', ['normal', 'replica']),
    ports: choiceOf('CLUSTER_PORTS', ['fixed', 'free']),
  }
  if (Buffer.byteLength(options.folder) > folderBytesMax) {
    faults.push(`CLUSTER_DIR: expected a path of at most ${folderBytesMax} bytes, for sockets are in it; got ${options.folder}`)
  }
  if (faults.length > 0) throw new ClusterError(faults.join('\n'))
  return options
}

/** Where a cluster is, or will be: all that a command to a running one needs. */
export function folderOf(environment: Environment): string {
  const text = (environment.CLUSTER_DIR ?? '').trim()
  return resolve(text === '' ? './data/cluster' : text)
}
