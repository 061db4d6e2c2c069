export interface LoopHealth {
  /** The loop turned, whether or not what it depends on answered. */
  beat(): void
  /** False when the loop has not turned for longer than the limit. `nowMs` is on the clock this was made with. */
  healthy(nowMs?: number): boolean
}

/**
 * The health of a loop is that it turns. Counts from the making, so that a loop that never begins is found too. The clock is a steady
 * one: a machine whose time is set back must not look dead.
 */
export function createLoopHealth({ limitMs = 60_000, clock = () => performance.now() } = {}): LoopHealth {
  let lastBeatMs = clock()
  return {
    beat() {
      lastBeatMs = clock()
    },
    healthy: (nowMs = clock()) => nowMs - lastBeatMs <= limitMs,
  }
}
