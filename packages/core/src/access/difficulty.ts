/** How much work a new voter of a guarded poll does, by how many came from the same address in the same hour before. */
export interface DifficultyScale {
  /** So many of an address and hour do none. */
  readonly free: number
  /** What the next ones do: `maxNumber` of their challenge; half of it are the hashes that solving takes on average. */
  readonly unit: number
}

/** A telephone that hashes 50,000 times a second needs 0.2 s on average for one unit, and 3 s (at most 6) for the hardest. */
export const difficultyUnit = 20_000
/** After so many more voters it grows by one unit. */
export const votersAUnit = 200
export const unitsMax = 15

/** The `maxNumber` of the challenge of the voter who is number `place` (from 0) of an address and hour. 0: no work. */
export function difficultyAt(place: number, { free, unit }: DifficultyScale): number {
  if (place < free) return 0
  return unit * Math.min(unitsMax, 1 + Math.floor((place - free) / votersAUnit))
}

/** From this place on it grows no more: nobody needs to be told apart there. */
export function hardestPlace({ free }: Pick<DifficultyScale, 'free'>): number {
  return free + (unitsMax - 1) * votersAUnit
}
