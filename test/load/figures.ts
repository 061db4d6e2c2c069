import { readFileSync } from 'node:fs'

/** Figures of processes and of samples, for the programs that measure. */

/** Milliseconds of a clock that all processes of this machine share, and that nobody sets. */
export function nowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

/** The value below which this share of the values lies; 0 if there are none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((left, right) => left - right)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5)
}

/** CPU time of a process in microseconds (user and system, all threads), from the kernel. */
export function cpuMicroseconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  const ticksASecond = 100
  return ((Number(fields[11]) + Number(fields[12])) * 1e6) / ticksASecond
}

/** Memory of a process that is not swapped out, from the kernel. */
export function residentKilobytes(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? Number.NaN)
}

/** What a process has had written to the disk since it started, from the kernel; it must be ours, or we root. */
export function writtenBytes(pid: number): number {
  return Number(/^write_bytes: (\d+)$/m.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))?.[1] ?? Number.NaN)
}

/** A process and those that it has started itself. */
export function withChildren(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()
  return [pid, ...(children === '' ? [] : children.split(' ').map(Number))]
}
