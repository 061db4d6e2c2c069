import type { CrashAt, CrashPointName } from './setting-kinds.ts'

export type CrashPoint = (point: CrashPointName) => void

/**
 * For tests that kill the process at a named point: returns what the code calls at its points. Not armed, it does nothing. Armed, it
 * kills at the `hit`th time. Each thread that arms counts its own hits; the signal ends the whole process.
 *
 * SIGKILL to oneself is delivered before the system call returns: nothing after the point runs, no handler, no flush.
 */
export function armCrashPoint(setting: CrashAt | null | undefined, kill: () => void = killThisProcess): CrashPoint {
  if (setting === null || setting === undefined) return () => {}
  let hits = 0
  return (point) => {
    if (point === setting.point && ++hits === setting.hit) kill()
  }
}

const pauseMs = 250

/**
 * This thread stands still for a moment first, while the others go on: what they write meanwhile (an ack that came too early, say) is
 * then on the disk when the process dies. Without it a consumer that acked before its commit passed every one of these tests.
 */
function killThisProcess(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, pauseMs)
  process.kill(process.pid, 'SIGKILL')
}
