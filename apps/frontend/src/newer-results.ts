import type { Results } from '@urna/contracts'

/** The one to show: two copies of the database may answer in turn, and numbers must not jump back in time. */
export function newerResults(shown: Results, fresh: Results): Results {
  return timeOf(fresh) < timeOf(shown) ? shown : fresh
}

function timeOf({ asOf }: Results): number {
  return asOf === null ? Number.NEGATIVE_INFINITY : Date.parse(asOf)
}
