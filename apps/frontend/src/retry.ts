const firstCeiling = 1_000
const lastCeiling = 20_000
/** A page must not sleep for an hour because of one wrong header. */
const longestRetryAfterSeconds = 60

/**
 * Milliseconds to wait after failed try number `failures` (from 1). The wait doubles up to 20 s, and is random in its upper half, so
 * that a crowd that failed together does not come back together. `retryAfter` (seconds, from the server) is never undercut.
 */
export function retryDelay(failures: number, retryAfter: number | null, random: () => number = Math.random): number {
  const ceiling = Math.min(lastCeiling, firstCeiling * 2 ** (failures - 1))
  if (retryAfter === null) return ceiling / 2 + (random() * ceiling) / 2
  return Math.min(retryAfter, longestRetryAfterSeconds) * 1_000 + random() * ceiling
}

/** The same wait, up to 15 % shorter or longer. */
export function withJitter(milliseconds: number, random: () => number = Math.random): number {
  return milliseconds * (0.85 + random() * 0.3)
}
