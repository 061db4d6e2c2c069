/** Guarantee: epoch milliseconds of this machine's clock; it may jump, so nothing orders ballots by it. */
export interface Clock {
  nowMs(): number
}

export const systemClock: Clock = { nowMs: () => Date.now() }
